//! Clients: registered, changed, given another secret, and removed for good.

use sealgate_host::sha256;
use sealgate_store::{
    Client, ClientAuthentication, ClientDetails, ClientKind, ClientOrigin, Consent, ConsentRow,
    MachineIdentity, MachineProfile, OwnWords, Redeemed, Resource, RevokeReason, Revoked,
    StoreError,
};
use serde_json::json;

use crate::world::{DAY, HOUR, World};

async fn found(world: &World, id: &str) -> Option<Client> {
    world.store.client(&id.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_client_comes_back_as_it_was_stored_and_its_id_is_taken() {
    let world = World::new();
    let client = world.client("expenses").await;
    world.client("accounts").await;
    let found = world.store.client(&client.id).await.unwrap().unwrap();
    assert_eq!(format!("{found:?}"), format!("{client:?}"));
    assert_eq!(found.secret_hash, client.secret_hash);
    let again = world
        .store
        .client_create(client, world.audit("client.create"))
        .await;
    assert!(
        matches!(again, Err(StoreError::Conflict("client id"))),
        "{again:?}"
    );
    let all = world.store.clients().await.unwrap();
    let ids: Vec<_> = all.iter().map(|client| client.id.as_str()).collect();
    assert_eq!(ids, ["accounts", "expenses"]);
    assert!(
        world
            .store
            .client(&"nobody".parse().unwrap())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn every_detail_of_a_client_comes_back() {
    let world = World::new();
    let client = world
        .client_with("batch", |details| {
            *details = ClientDetails {
                authentication: ClientAuthentication::PrivateKeyJwt,
                jwks: Some(json!({"keys": [{"kty": "OKP"}]})),
                jwks_uri: Some("https://app.example/jwks".to_owned()),
                endpoint_audience: true,
                grants: sealgate_model::Grant::ALL.to_vec(),
                resources: vec!["https://api.example".to_owned()],
                require_pushed: true,
                require_dpop: true,
                consent: Consent::Required,
                algorithm: "ES256".to_owned(),
                backchannel_logout_uri: Some("https://app.example/logout".to_owned()),
                access_lifetime: Some(60),
                tenant: Some("acme".parse().unwrap()),
                agent: true,
                origin: ClientOrigin::Dynamic,
                own_words: OwnWords {
                    client_uri: Some("https://app.example".to_owned()),
                    tos_uri: Some("https://app.example/terms".to_owned()),
                    policy_uri: Some("https://app.example/privacy".to_owned()),
                    read_at: Some(world.now()),
                    fresh_until: Some(world.now()),
                    digest: Some("00ff".to_owned()),
                },
                machine: Some(MachineProfile {
                    owner: "finance@example.com".to_owned(),
                    purpose: "imports expenses".to_owned(),
                    environment: "production".to_owned(),
                    expires_at: world.now(),
                    identities: vec![MachineIdentity {
                        issuer: "https://token.actions.githubusercontent.com".to_owned(),
                        claims: [("sub".to_owned(), "repo:acme/*".to_owned())].into(),
                    }],
                }),
                may_act: Some("other".parse().unwrap()),
                session_lifetime: Some(3600),
            };
        })
        .await;
    let kept = found(&world, "batch").await.unwrap();
    assert_eq!(kept.details, client.details);
    // The names in stored rows are the registered ones.
    let text = serde_json::to_value(&kept.details).unwrap();
    assert_eq!(
        text["grants"],
        json!([
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ])
    );
    assert_eq!(text["authentication"], "private_key_jwt");
    assert_eq!(text["consent"], "required");
}

#[tokio::test]
async fn a_client_id_that_reads_as_a_users_is_refused() {
    let world = World::new();
    let user = world.user("ada@example.com").await;
    let client = world.client_row(&user.id.to_string(), |_details| {});
    let refused = world
        .store
        .client_create(client, world.audit("client.create"))
        .await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
    assert_eq!(world.actions().await, ["user.create"]);
}

#[tokio::test]
async fn an_update_is_seen_at_once_and_leaves_the_secret_alone() {
    let world = World::new();
    let client = world.client("expenses").await;
    // Read once, so that memory keeps it.
    assert!(found(&world, "expenses").await.is_some());
    world.clock.advance(HOUR);
    let mut changed = Client {
        name: "Travel".to_owned(),
        redirect_uris: vec!["https://app.example/again".to_owned()],
        scopes: vec!["openid".to_owned()],
        secret_hash: Some(sha256(b"not by this door")),
        created_at: world.now(),
        disabled_at: Some(world.now()),
        ..client.clone()
    };
    changed.details.require_dpop = true;
    let update = async |client: Client| {
        let audit = world.audit("client.update");
        let before = found(&world, "expenses").await.unwrap();
        world.store.client_update(before, client, audit).await
    };
    assert!(update(changed.clone()).await.unwrap());
    let kept = found(&world, "expenses").await.unwrap();
    assert_eq!(kept.secret_hash, client.secret_hash);
    assert_eq!(kept.created_at, client.created_at);
    assert_eq!(kept.disabled_at, None);
    assert_eq!(
        (kept.name, kept.redirect_uris, kept.scopes, kept.details),
        (
            changed.name.clone(),
            changed.redirect_uris.clone(),
            changed.scopes.clone(),
            changed.details.clone()
        )
    );

    // Who can keep no secret has none.
    changed.kind = ClientKind::Public;
    assert!(update(changed.clone()).await.unwrap());
    let kept = found(&world, "expenses").await.unwrap();
    assert_eq!(kept.secret_hash, None);

    changed.id = "nobody".parse().unwrap();
    let misfit = update(changed.clone()).await;
    assert!(matches!(misfit, Err(StoreError::Invalid(_))), "{misfit:?}");
    let audit = world.audit("client.update");
    let nobody = world.store.client_update(changed.clone(), changed, audit);
    assert!(!nobody.await.unwrap());
    assert_eq!(
        world.actions().await,
        ["client.create", "client.update", "client.update"]
    );
}

#[tokio::test]
async fn a_change_that_was_begun_before_another_one_undoes_nothing() {
    let world = World::new();
    let client = world.client("expenses").await;
    let update = async |before: &Client, change: fn(&mut Client)| {
        let mut after = before.clone();
        change(&mut after);
        let audit = world.audit("client.update");
        let updated = world.store.client_update(before.clone(), after, audit);
        updated.await
    };
    let read = found(&world, "expenses").await.unwrap();
    let audit = world.audit("client.disable");
    assert!(world.store.client_disable(&client.id, audit).await.unwrap());
    let records = world.records().await.len();
    let late = update(&read, |client| client.name = "Late".to_owned()).await;
    assert!(
        matches!(late, Err(StoreError::Conflict("client"))),
        "{late:?}"
    );
    assert_eq!(world.records().await.len(), records);
    let kept = found(&world, "expenses").await.unwrap();
    assert_eq!(
        (kept.name.as_str(), kept.disabled_at),
        ("Expenses", Some(world.now()))
    );
    // Nor does a change enable it, whatever it says.
    let updated = update(&kept, |client| client.disabled_at = None).await;
    assert!(updated.unwrap());
    let still = found(&world, "expenses").await.unwrap();
    assert_eq!(still.disabled_at, Some(world.now()));

    let audit = world.audit("client.set_secret");
    let set =
        world
            .store
            .client_set_secret(&client.id, client.scopes.clone(), sha256(b"other"), audit);
    assert!(set.await.unwrap());
    let late = update(&still, |client| client.name = "Late".to_owned()).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
}

#[tokio::test]
async fn a_secret_that_was_given_up_is_not_good_again() {
    let world = World::new();
    let client = world.client("expenses").await;
    let method = async |authentication| {
        let before = found(&world, "expenses").await.unwrap();
        let mut after = before.clone();
        after.details.authentication = authentication;
        let audit = world.audit("client.update");
        let updated = world.store.client_update(before, after, audit).await;
        assert!(updated.unwrap());
        found(&world, "expenses").await.unwrap().secret_hash
    };
    let set = async || {
        let audit = world.audit("client.set_secret");
        let hash = sha256(b"new secret");
        let set = world
            .store
            .client_set_secret(&client.id, client.scopes.clone(), hash, audit);
        set.await.unwrap()
    };
    assert!(method(ClientAuthentication::Secret).await.is_some());
    assert_eq!(method(ClientAuthentication::PrivateKeyJwt).await, None);
    assert!(!set().await);
    assert_eq!(method(ClientAuthentication::Secret).await, None);
    assert!(set().await);
    assert_eq!(
        found(&world, "expenses").await.unwrap().secret_hash,
        Some(sha256(b"new secret"))
    );
    let by_key = world
        .client_with("batch", |details| {
            details.authentication = ClientAuthentication::PrivateKeyJwt;
        })
        .await;
    let kept = world.store.client(&by_key.id).await.unwrap().unwrap();
    assert_eq!(kept.secret_hash, None);
}

#[tokio::test]
async fn disabling_ends_all_that_was_started_and_enabling_brings_none_of_it_back() {
    let world = World::new();
    let (_, client, sign_in, session, first) = world.story().await;
    assert!(found(&world, "expenses").await.is_some());
    let code = world.code(&sign_in, &client.id).await;
    let disable = async |id: &str| {
        let audit = world.audit("client.disable");
        let id = id.parse().unwrap();
        world.store.client_disable(&id, audit).await.unwrap()
    };
    assert!(!disable("nobody").await);
    assert!(disable("expenses").await);
    let disabled_at = world.now();
    let kept = found(&world, "expenses").await.unwrap();
    assert_eq!(kept.disabled_at, Some(disabled_at));
    assert_eq!(world.fate(session.id).await, Some(RevokeReason::Admin));
    let log = world.log().await;
    assert_eq!(log.len(), 2);
    assert_eq!(log[0].what, Revoked::Client(client.id.clone()));
    assert_eq!((&log[0].client, log[0].at), (&None, disabled_at));
    assert_eq!(log[1].what, Revoked::Session(session.id));
    // A code stored by a request that had begun before.
    world.clock.advance(HOUR / 3600);
    let late = world.code(&sign_in, &client.id).await;
    assert!(disable("expenses").await);
    let kept = found(&world, "expenses").await.unwrap();
    assert_eq!(kept.disabled_at, Some(disabled_at));
    let later = world.code(&sign_in, &client.id).await;
    let attempt = async |code| {
        let session = world.session_for(code);
        world.redeem(code, &session, None).await.unwrap()
    };
    for code in [&code, &late, &later] {
        assert_eq!(attempt(code).await, Redeemed::Ended);
    }
    world.clock.advance(HOUR / 3600);
    let meanwhile = world.code(&sign_in, &client.id).await;
    assert_eq!(attempt(&meanwhile).await, Redeemed::Ended);

    let audit = world.audit("client.enable");
    assert!(world.store.client_enable(&client.id, audit).await.unwrap());
    assert_eq!(found(&world, "expenses").await.unwrap().disabled_at, None);
    assert!(matches!(
        world.rotate(first.id, world.token(&session, 1)).await,
        sealgate_store::Rotated::Ended
    ));
    assert_eq!(attempt(&later).await, Redeemed::Ended);
    world.clock.advance(HOUR / 3600);
    world.session_from(&sign_in, &client.id).await;
    let audit = world.audit("client.enable");
    let nobody = "nobody".parse().unwrap();
    assert!(!world.store.client_enable(&nobody, audit).await.unwrap());
}

#[tokio::test]
async fn another_secret_takes_the_place_of_the_first_at_once() {
    let world = World::new();
    let client = world.client("expenses").await;
    assert!(found(&world, "expenses").await.is_some());
    let set = async |id: &str| {
        let audit = world.audit("client.set_secret");
        let hash = sha256(b"another secret");
        let scopes = found(&world, id).await.map(|client| client.scopes);
        world
            .store
            .client_set_secret(
                &id.parse().unwrap(),
                scopes.unwrap_or_default(),
                hash,
                audit,
            )
            .await
            .unwrap()
    };
    assert!(set("expenses").await);
    let kept = found(&world, "expenses").await.unwrap();
    assert_eq!(kept.secret_hash, Some(sha256(b"another secret")));
    assert_ne!(kept.secret_hash, client.secret_hash);
    assert!(!set("nobody").await);

    let public = Client {
        kind: ClientKind::Public,
        secret_hash: None,
        ..world.client_row("cli", |_details| {})
    };
    let audit = world.audit("client.create");
    world.store.client_create(public, audit).await.unwrap();
    assert!(!set("cli").await);
    assert_eq!(found(&world, "cli").await.unwrap().secret_hash, None);
}

#[tokio::test]
async fn a_secret_for_other_scopes_than_were_judged_is_not_set() {
    let world = World::new();
    let client = world.client("expenses").await;
    let mut greater = client.clone();
    greater.scopes.push("sealgate:users:write".to_owned());
    let audit = world.audit("client.update");
    let updated = world.store.client_update(client.clone(), greater, audit);
    assert!(updated.await.unwrap());
    let audit = world.audit("client.secret");
    let late =
        world
            .store
            .client_set_secret(&client.id, client.scopes.clone(), sha256(b"other"), audit);
    let late = late.await;
    assert!(
        matches!(late, Err(StoreError::Conflict("client"))),
        "{late:?}"
    );
    let kept = found(&world, "expenses").await.unwrap();
    assert_eq!(kept.secret_hash, client.secret_hash);
}

#[tokio::test]
async fn a_removed_client_takes_everything_along_and_its_id_is_never_given_again() {
    let world = World::new();
    let (user, client, sign_in, session, first) = world.story().await;
    let other = world.client("other").await;
    let (spared, _) = world.session_from(&sign_in, &other.id).await;
    let code = world.code(&sign_in, &client.id).await;
    let device = world.device(&client.id, "BCDFGHJK").await;
    let pushed = world.pushed(&client.id).await;
    for id in [&client.id, &other.id] {
        let consent = ConsentRow {
            user: user.id,
            client: id.clone(),
            scopes: vec!["openid".to_owned()],
            resources: vec![],
            grants: Vec::new(),
            granted_at: world.now(),
        };
        let audit = world.audit("consent.grant");
        world.store.consent_grant(consent, audit).await.unwrap();
    }
    let resource = Resource {
        status_list: false,
        agents: false,
        tools: Vec::new(),
        uri: "https://api.example".to_owned(),
        name: "API".to_owned(),
        client: Some(client.id.clone()),
        scopes: vec![],
        created_at: world.now(),
    };
    let audit = world.audit("resource.create");
    world.store.resource_create(resource, audit).await.unwrap();
    assert!(found(&world, "expenses").await.is_some());

    world.clock.advance(HOUR / 120);
    let remove = async || {
        let audit = world.audit("client.remove");
        world.store.client_remove(&client.id, audit).await.unwrap()
    };
    assert!(remove().await);
    assert!(found(&world, "expenses").await.is_none());
    let left = world.store.clients().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(
        world.fate(session.id).await,
        Some(RevokeReason::ClientRemoved)
    );
    assert_eq!(world.fate(spared.id).await, None);
    let session = world.session(session.id).await;
    let late = world.session_for(&code);
    assert_eq!(
        world.redeem(&code, &late, None).await.unwrap(),
        Redeemed::Ended
    );
    assert!(matches!(
        world.rotate(first.id, world.token(&session, 1)).await,
        sealgate_store::Rotated::Ended
    ));
    assert!(world.store.device(device.id).await.unwrap().is_none());
    assert!(world.store.pushed(pushed.id).await.unwrap().is_none());
    let consents = world.store.consents_of(user.id).await.unwrap();
    assert_eq!(consents.len(), 1);
    assert_eq!(consents[0].client, other.id);
    let resource = world.store.resource("https://api.example").await.unwrap();
    assert_eq!(resource.unwrap().client, None);

    // The log tells every client of the client, and the client of the session.
    let log = world.log().await;
    assert_eq!(log.len(), 2);
    assert_eq!(log[0].what, Revoked::Client(client.id.clone()));
    assert_eq!((&log[0].client, log[0].at), (&None, world.now()));
    assert_eq!(log[0].expires_at, world.now() + DAY + HOUR);
    assert_eq!(log[1].what, Revoked::Session(session.id));

    let records = world.records().await.len();
    assert!(!remove().await);
    let again = world.client_row("expenses", |_details| {});
    let taken = world
        .store
        .client_create(again, world.audit("client.create"))
        .await;
    assert!(
        matches!(taken, Err(StoreError::Conflict("client id"))),
        "{taken:?}"
    );
    let audit = world.audit("client.update");
    let updated = world.store.client_update(client.clone(), client, audit);
    assert!(!updated.await.unwrap());
    assert_eq!(world.records().await.len(), records);
}
