//! Issuers whose identities are taken, the people they vouch for, and the sessions that come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use sealgate_host::sha256;
use sealgate_model::{Grant, IssuerKind, SessionId, SignInId, Timestamp};
use sealgate_store::{
    Client, Fallen, Footing, GrantDetails, IdentityIssuer, IdentityLink, IssuerDetails,
    MachineIdentity, MachineProfile, RevokeReason, Session, SessionSelector, SignIn, StoreError,
    UserRow, Vouched, VouchedFor,
};

use crate::world::{HOUR, MINUTE, World};

const IDP: &str = "https://idp.example";

fn issuer(world: &World, name: &str, kind: IssuerKind) -> IdentityIssuer {
    IdentityIssuer {
        issuer: name.to_owned(),
        name: "Directory".to_owned(),
        kind,
        details: IssuerDetails {
            audience: "https://id.example".to_owned(),
            jwks: Some(serde_json::json!({ "keys": [] })),
            jwks_uri: None,
            trust_domain: None,
            claims: BTreeMap::from([("tenant".to_owned(), "t1".to_owned())]),
            domains: vec!["example.org".to_owned()],
            tenant: Some("acme".parse().unwrap()),
        },
        created_at: world.now(),
        disabled_at: None,
    }
}

impl World {
    async fn issuer(&self, name: &str, kind: IssuerKind) -> IdentityIssuer {
        let issuer = issuer(self, name, kind);
        let audit = self.audit("issuer.create");
        let created = self.store.identity_issuer_create(issuer.clone(), audit);
        created.await.unwrap();
        issuer
    }

    /// A session that [`IDP`] vouches for, about to start.
    fn vouched(&self, user: &UserRow, client: &Client, subject: &str, jti: &str) -> Vouched {
        let now = self.now();
        let sign_in = SignIn {
            id: SignInId::generate(now, &self.random),
            secret_hash: sha256(jti.as_bytes()),
            user: user.id,
            auth_time: now,
            methods: vec!["mfa".to_owned()],
            expires_at: now + 5 * MINUTE,
            ended_at: None,
        };
        let session = Session {
            id: SessionId::generate(now, &self.random),
            user: user.id,
            client: client.id.clone(),
            sign_in: sign_in.id,
            scopes: vec!["expenses:read".to_owned()],
            details: GrantDetails::default(),
            auth_time: now,
            methods: vec!["mfa".to_owned()],
            created_at: now,
            renewed_at: now,
            network: None,
            expires_at: now + 5 * MINUTE,
            revoked_at: None,
            revoked_for: None,
        };
        Vouched {
            link: IdentityLink {
                issuer: IDP.to_owned(),
                subject: subject.to_owned(),
                user: user.id,
                linked_at: now,
            },
            assertion: (*sha256(jti.as_bytes()).as_bytes(), now + 5 * MINUTE),
            made_at: now,
            proven_at: now,
            session,
            sign_in,
        }
    }

    async fn vouch(&self, vouched: &Vouched) -> VouchedFor {
        let audit = self.audit("session.start");
        self.store
            .session_vouch(vouched.clone(), audit)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn an_issuer_is_kept_as_it_is_and_known_once() {
    let world = World::new();
    let second = world.issuer("https://b.example", IssuerKind::Github).await;
    let first = world
        .issuer("https://a.example", IssuerKind::Enterprise)
        .await;
    let audit = world.audit("issuer.create");
    let again = world
        .store
        .identity_issuer_create(first.clone(), audit)
        .await;
    assert!(matches!(again, Err(StoreError::Conflict("issuer"))));
    assert_eq!(
        world.store.identity_issuers().await.unwrap(),
        [first.clone(), second.clone()]
    );
    let enable = async |name: &str, enabled| {
        let audit = world.audit("issuer.change");
        let changed = world.store.identity_issuer_enable(name, enabled, audit);
        changed.await.unwrap()
    };
    let disabled = world.now();
    assert!(enable(&first.issuer, false).await);
    world.clock.advance(HOUR);
    assert!(enable(&first.issuer, false).await);
    let found = async || world.store.identity_issuer(&first.issuer).await.unwrap();
    assert_eq!(found().await.unwrap().disabled_at, Some(disabled));
    assert!(enable(&first.issuer, true).await);
    assert_eq!(found().await, Some(first.clone()));
    assert!(!enable("https://c.example", false).await);
    let remove = async || {
        let audit = world.audit("issuer.remove");
        world
            .store
            .identity_issuer_remove(&first.issuer, audit)
            .await
            .unwrap()
    };
    assert!(remove().await && !remove().await);
    assert_eq!(found().await, None);
    let actions: Vec<_> = world.store.audit_after(0, 100).await.unwrap();
    let actions: Vec<_> = actions.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(
        actions
            .iter()
            .filter(|action| action.starts_with("issuer."))
            .count(),
        6
    );
}

#[tokio::test]
async fn machines_are_found_by_the_issuers_that_know_them() {
    let world = World::new();
    let machine = async |id: &str, issuers: &[&str]| {
        let identities = issuers.iter().map(|issuer| MachineIdentity {
            issuer: (*issuer).to_owned(),
            claims: BTreeMap::from([("sub".to_owned(), id.to_owned())]),
        });
        let profile = MachineProfile {
            owner: "ops".to_owned(),
            purpose: "deploy".to_owned(),
            environment: "production".to_owned(),
            expires_at: world.now() + HOUR,
            identities: identities.collect(),
        };
        world
            .client_with(id, |details| details.machine = Some(profile))
            .await
    };
    world.client("app").await;
    machine("b", &["https://x.example", "https://y.example"]).await;
    machine("a", &["https://y.example", "https://y.example"]).await;
    machine("c", &["https://y.example/"]).await;
    machine("none", &[]).await;
    let known = async |issuer: &str| {
        let found = world.store.machines_known_to(issuer).await.unwrap();
        found
            .iter()
            .map(|client| client.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(known("https://y.example").await, ["a", "b"]);
    assert_eq!(known("https://x.example").await, ["b"]);
    assert!(known("https://z.example").await.is_empty());
    let b = "b".parse().unwrap();
    let removed = world
        .store
        .client_remove(&b, world.audit("client.remove"))
        .await;
    assert!(removed.unwrap());
    assert_eq!(known("https://y.example").await, ["a"]);
}

#[tokio::test]
async fn an_identity_that_is_taken_away_takes_along_what_was_had_by_it() {
    let world = World::new();
    let identity = |sub: &str| MachineIdentity {
        issuer: "https://x.example".to_owned(),
        claims: BTreeMap::from([("sub".to_owned(), sub.to_owned())]),
    };
    let profile = MachineProfile {
        owner: "ops".to_owned(),
        purpose: "deploy".to_owned(),
        environment: "production".to_owned(),
        expires_at: world.now() + HOUR,
        identities: vec![identity("a")],
    };
    let before = world
        .client_with("robot", |details| {
            details.grants = vec![Grant::JwtBearer];
            details.machine = Some(profile);
        })
        .await;
    let before = world.store.client(&before.id).await.unwrap().unwrap();
    let token = Footing {
        client: before.id.clone(),
        user: None,
        tenant: None,
        started_at: world.now(),
        session: None,
        grants: Vec::new(),
        token: None,
    };
    world.clock.advance(HOUR / 4);
    let update = async |before: &Client, identities: Vec<MachineIdentity>| {
        let mut after = before.clone();
        after.details.machine.as_mut().unwrap().identities = identities;
        let audit = world.audit("machine.update");
        let changed = world
            .store
            .client_update(before.clone(), after.clone(), audit)
            .await;
        assert!(changed.unwrap());
        after
    };
    let fallen = async || {
        world
            .store
            .fallen(token.clone(), world.now())
            .await
            .unwrap()
    };
    let more = update(&before, vec![identity("a"), identity("b")]).await;
    assert_eq!(fallen().await, None);
    update(&more, vec![identity("b")]).await;
    assert_eq!(fallen().await, Some(Fallen::Client));
}

#[tokio::test]
async fn an_assertion_starts_one_session_and_says_who_a_subject_is() {
    let world = World::new();
    world.issuer(IDP, IssuerKind::Enterprise).await;
    let (user, other) = (
        world.user("ada@example.org").await,
        world.user("eve@example.org").await,
    );
    let client = world.client("agent").await;
    let first = world.vouched(&user, &client, "s1", "j1");
    assert_eq!(world.vouch(&first).await, VouchedFor::Started);
    let kept = world
        .store
        .session(first.session.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (kept.user, kept.expires_at),
        (user.id, first.session.expires_at)
    );
    let link = world.store.identity_link(IDP, "s1").await.unwrap();
    assert_eq!(link, Some(first.link.clone()));

    let again = world.vouched(&user, &client, "s1", "j1");
    assert_eq!(world.vouch(&again).await, VouchedFor::Reused);
    assert!(
        world
            .store
            .session(again.session.id)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        world
            .store
            .sign_in(again.sign_in.id)
            .await
            .unwrap()
            .is_none()
    );
    // The subject is nobody else, and the account no other subject; the assertion is not spent by that.
    for wrong in [
        world.vouched(&other, &client, "s1", "j2"),
        world.vouched(&user, &client, "s2", "j2"),
    ] {
        assert_eq!(world.vouch(&wrong).await, VouchedFor::Other);
    }
    let second = world.vouched(&user, &client, "s1", "j2");
    assert_eq!(world.vouch(&second).await, VouchedFor::Started);
    let mixed = Vouched {
        link: IdentityLink {
            user: other.id,
            ..second.link.clone()
        },
        ..world.vouched(&user, &client, "s1", "j3")
    };
    let refused = world
        .store
        .session_vouch(mixed, world.audit("session.start"))
        .await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))));

    let links = world.store.identity_links(IDP).await.unwrap();
    assert_eq!(links, [first.link]);
    let unlink = async || {
        let audit = world.audit("issuer.unlink");
        world
            .store
            .identity_link_remove(IDP, user.id, audit)
            .await
            .unwrap()
    };
    assert!(unlink().await && !unlink().await);
    let third = world.vouched(&user, &client, "s2", "j4");
    assert_eq!(world.vouch(&third).await, VouchedFor::Started);
}

#[tokio::test]
async fn a_link_is_made_once_for_each_subject_and_account() {
    let world = World::new();
    world.issuer(IDP, IssuerKind::Enterprise).await;
    let (user, other) = (
        world.user("ada@example.org").await,
        world.user("eve@example.org").await,
    );
    let create = async |issuer: &str, subject: &str, user: &UserRow| {
        let link = IdentityLink {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            user: user.id,
            linked_at: world.now(),
        };
        world
            .store
            .identity_link_create(link, world.audit("issuer.link"))
            .await
    };
    create(IDP, "s1", &user).await.unwrap();
    for (subject, user) in [("s1", &other), ("s2", &user)] {
        let refused = create(IDP, subject, user).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict("identity"))),
            "{refused:?}"
        );
    }
    create(IDP, "s2", &other).await.unwrap();
    let nowhere = create("https://nobody.example", "s1", &user).await;
    assert!(matches!(nowhere, Err(StoreError::Invalid(_))));
    let removed = world
        .store
        .identity_issuer_remove(IDP, world.audit("issuer.remove"))
        .await;
    assert!(removed.unwrap());
    assert_eq!(world.store.identity_links(IDP).await.unwrap(), []);
}

#[tokio::test]
async fn what_ended_first_wins_over_an_assertion() {
    let world = World::new();
    world.issuer(IDP, IssuerKind::Enterprise).await;
    let user = world.user("ada@example.org").await;
    let client = world.client("agent").await;
    let made = world.now();
    let vouched = |jti: &str, at: Timestamp, proven: Timestamp| Vouched {
        made_at: at,
        proven_at: proven,
        ..world.vouched(&user, &client, "s1", jti)
    };
    let live = vouched("j0", made, made);
    assert_eq!(world.vouch(&live).await, VouchedFor::Started);
    world.clock.advance(Duration::from_secs(10));
    let selector = SessionSelector {
        user: Some(user.id),
        client: None,
        tenant: None,
        started_at_or_before: world.now(),
    };
    let audit = world.audit("session.revoke");
    let ended = world
        .store
        .sessions_revoke(selector, RevokeReason::Admin, audit)
        .await;
    assert_eq!(ended.unwrap(), 1);
    let fallen = world
        .store
        .fallen(Footing::of(&live.session), world.now())
        .await;
    assert!(matches!(fallen, Ok(Some(Fallen::User | Fallen::Session))));
    assert_eq!(
        world.vouch(&vouched("j1", made, made)).await,
        VouchedFor::Ended
    );
    world.clock.advance(Duration::from_secs(10));
    let now = world.now();
    assert_eq!(
        world.vouch(&vouched("j1", now, made)).await,
        VouchedFor::Ended
    );
    assert_eq!(
        world.vouch(&vouched("j1", now, now)).await,
        VouchedFor::Started
    );

    let enable = async |enabled| {
        let audit = world.audit("issuer.change");
        world
            .store
            .identity_issuer_enable(IDP, enabled, audit)
            .await
            .unwrap()
    };
    assert!(enable(false).await);
    assert_eq!(
        world.vouch(&vouched("j2", now, now)).await,
        VouchedFor::Ended
    );
    assert!(enable(true).await);
    let disabled = world
        .store
        .user_disable(user.id, world.audit("user.disable"))
        .await;
    assert!(disabled.unwrap());
    world.clock.advance(Duration::from_secs(10));
    let now = world.now();
    assert_eq!(
        world.vouch(&vouched("j2", now, now)).await,
        VouchedFor::Ended
    );
    let enabled = world
        .store
        .user_enable(user.id, world.audit("user.enable"))
        .await;
    assert!(enabled.unwrap());
    let disabled = world
        .store
        .client_disable(&client.id, world.audit("client.disable"))
        .await;
    assert!(disabled.unwrap());
    assert_eq!(
        world.vouch(&vouched("j2", now, now)).await,
        VouchedFor::Ended
    );
}
