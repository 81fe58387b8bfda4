//! Service accounts: what they use, and how they end.

use crate::bootstraps::key;
use crate::world::{DAY, HOUR, MINUTE, World};
use sealgate_host::sha256;
use sealgate_model::{ClientId, Grant, GrantId};
use sealgate_store::{
    Client, ClientAuthentication, DelegationFilter, Enrolled, MachineProfile, MachineRow,
    NewDelegation, Page, RevokeReason, Revoked, StoreError, UseKind, Used,
};

const API: &str = "https://api.example";

impl World {
    fn machine_row(&self, id: &str) -> Client {
        let profile = MachineProfile {
            owner: "finance@example.com".to_owned(),
            purpose: "imports expenses".to_owned(),
            environment: "production".to_owned(),
            expires_at: self.now() + 30 * DAY,
            identities: Vec::new(),
        };
        let mut client = self.client_row(id, |details| {
            details.authentication = ClientAuthentication::PrivateKeyJwt;
            details.grants = vec![Grant::ClientCredentials, Grant::TokenExchange];
            details.resources = vec![API.to_owned()];
            details.machine = Some(profile);
        });
        client.scopes = vec!["expenses:read".to_owned()];
        client.redirect_uris = Vec::new();
        client
    }

    pub(crate) async fn machine(&self, id: &str) -> Client {
        let client = self.machine_row(id);
        let audit = self.audit("machine.create");
        self.store.machine_create(client, audit).await.unwrap();
        let id = id.parse().unwrap();
        self.store.client(&id).await.unwrap().unwrap()
    }

    pub(crate) async fn seen(&self, id: &ClientId) -> MachineRow {
        self.store.machine(id).await.unwrap().unwrap()
    }

    async fn note(&self, client: &ClientId, what: &[(UseKind, &str)]) {
        let what = what.iter().map(|(kind, name)| (*kind, (*name).to_owned()));
        let used = Used {
            client: client.clone(),
            what: what.collect(),
        };
        self.store.note_use(used, self.now()).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_machine_may_use_is_known_from_its_registration_on() {
    let world = World::new();
    let client = world.machine("importer").await;
    assert_eq!(client.secret_hash, None, "a service account has no secret");
    let began = world.now();
    let seen = world.seen(&client.id).await;
    let known: Vec<_> = seen
        .uses
        .iter()
        .map(|one| (one.kind, one.name.as_str()))
        .collect();
    assert_eq!(
        known,
        [(UseKind::Resource, API), (UseKind::Scope, "expenses:read")]
    );
    assert!(
        seen.uses
            .iter()
            .all(|one| one.since == began && one.used_at.is_none())
    );

    world.clock.advance(DAY);
    let mut changed = client.clone();
    changed.scopes = vec!["expenses:write".to_owned()];
    let audit = world.audit("machine.update");
    assert!(
        world
            .store
            .machine_update(client.clone(), changed, audit)
            .await
            .unwrap()
    );
    let seen = world.seen(&client.id).await;
    let scopes: Vec<_> = seen
        .uses
        .iter()
        .filter(|one| one.kind == UseKind::Scope)
        .collect();
    assert_eq!(
        (scopes.len(), scopes[0].name.as_str()),
        (1, "expenses:write")
    );
    assert_eq!(scopes[0].since, world.now());
    assert_eq!(world.actions().await, ["machine.create", "machine.update"]);
}

#[tokio::test]
async fn a_use_is_written_once_an_hour_and_with_its_record() {
    let world = World::new();
    let id = world.machine("importer").await.id;
    let first = world.now();
    world
        .note(
            &id,
            &[(UseKind::Token, ""), (UseKind::Scope, "expenses:read")],
        )
        .await;
    world.clock.advance(59 * MINUTE);
    world
        .note(
            &id,
            &[(UseKind::Token, ""), (UseKind::Scope, "expenses:read")],
        )
        .await;
    let last = |row: &MachineRow, kind| {
        row.uses
            .iter()
            .find(|one| one.kind == kind)
            .and_then(|one| one.used_at)
    };
    let seen = world.seen(&id).await;
    assert_eq!(last(&seen, UseKind::Token), Some(first));
    assert_eq!(last(&seen, UseKind::Scope), Some(first));
    assert_eq!(last(&seen, UseKind::Resource), None);
    world.clock.advance(MINUTE);
    let used = Used {
        client: id.clone(),
        what: vec![(UseKind::Token, String::new())],
    };
    let audit = world.audit("token.issue");
    world.store.record_use(audit, used).await.unwrap();
    let seen = world.seen(&id).await;
    assert_eq!(last(&seen, UseKind::Token), Some(world.now()));
    assert_eq!(last(&seen, UseKind::Scope), Some(first));
    assert_eq!(world.actions().await, ["machine.create", "token.issue"]);
}

#[tokio::test]
async fn nothing_becomes_a_machine_or_stops_being_one() {
    let world = World::new();
    let (app, machine) = (world.client("app").await, world.machine("importer").await);
    let mut turned = app.clone();
    turned.details.machine.clone_from(&machine.details.machine);
    let mut plain = machine.clone();
    plain.details.machine = None;
    for (before, after) in [(app.clone(), turned), (machine.clone(), plain)] {
        let audit = world.audit("client.update");
        let refused = world.store.client_update(before, after, audit).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid(_))),
            "{refused:?}"
        );
    }
    let audit = world.audit("machine.create");
    let refused = world
        .store
        .machine_create(world.client_row("b", |_| {}), audit)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Invalid(_))),
        "{refused:?}"
    );
    assert!(world.store.machine(&app.id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_machine_is_given_no_secret_by_any_door() {
    let world = World::new();
    let mut row = world.machine_row("importer");
    row.details.authentication = ClientAuthentication::Secret;
    let audit = world.audit("machine.create");
    world
        .store
        .machine_create(row.clone(), audit)
        .await
        .unwrap();
    let kept = world.store.client(&row.id).await.unwrap().unwrap();
    assert_eq!(kept.secret_hash, None);
    let (scopes, audit) = (kept.scopes.clone(), world.audit("client.secret"));
    let set = world
        .store
        .client_set_secret(&row.id, scopes, sha256(b"a secret"), audit);
    assert!(!set.await.unwrap());
    let kept = world.store.client(&row.id).await.unwrap().unwrap();
    assert_eq!(kept.secret_hash, None);
    assert_eq!(world.actions().await, ["machine.create"]);
}

#[tokio::test]
async fn less_time_outdates_what_was_given_before() {
    let world = World::new();
    let before = world.machine("importer").await;
    let with = |span| {
        let mut changed = before.clone();
        let profile = changed.details.machine.as_mut().unwrap();
        profile.expires_at = world.now() + span;
        changed
    };
    let (more, less) = (with(40 * DAY), with(MINUTE));
    let audit = world.audit("machine.update");
    assert!(
        world
            .store
            .machine_update(before.clone(), more.clone(), audit)
            .await
            .unwrap()
    );
    assert!(world.log().await.is_empty());
    let audit = world.audit("machine.update");
    assert!(world.store.machine_update(more, less, audit).await.unwrap());
    assert_eq!(world.log().await[0].what, Revoked::ClientClaims(before.id));
}

#[tokio::test]
async fn a_machine_whose_time_is_over_is_disabled_once_with_a_revocation() {
    let world = World::new();
    let machine = world.machine("importer").await;
    assert!(
        world
            .store
            .machines_due(world.now(), 10)
            .await
            .unwrap()
            .is_empty()
    );
    let early = world.audit("machine.expire");
    assert!(
        !world
            .store
            .machine_expire(&machine.id, early)
            .await
            .unwrap()
    );
    world.clock.advance(30 * DAY);
    assert!(!machine.is_usable(world.now()));
    let due = world.store.machines_due(world.now(), 10).await.unwrap();
    assert_eq!(due, std::slice::from_ref(&machine.id));
    let audit = world.audit("machine.expire");
    assert!(
        world
            .store
            .machine_expire(&machine.id, audit)
            .await
            .unwrap()
    );
    assert_eq!(
        world.log().await[0].what,
        Revoked::Client(machine.id.clone())
    );
    let seen = world.seen(&machine.id).await;
    assert_eq!(seen.client.disabled_at, Some(world.now()));
    assert!(
        world
            .store
            .machines_due(world.now(), 10)
            .await
            .unwrap()
            .is_empty()
    );
    let again = world.audit("machine.expire");
    assert!(
        !world
            .store
            .machine_expire(&machine.id, again)
            .await
            .unwrap()
    );
    assert_eq!(world.actions().await, ["machine.create", "machine.expire"]);
}

#[tokio::test]
async fn offboarding_ends_everything_and_tells_what_still_names_it() {
    let world = World::new();
    let (_, _, _, session, _) = world.story().await;
    let machine = world.machine("importer").await;
    world.resource(API, Some(&machine.id)).await;
    let named = world
        .client_with("portal", |details| {
            details.may_act = Some("importer".parse().unwrap());
        })
        .await;
    let bootstrap = world.bootstrap(&machine.id).await;
    let delegation = NewDelegation {
        id: GrantId::generate(world.now(), &world.random),
        session: session.id,
        client: machine.id.clone(),
        parent: None,
        resources: vec![API.to_owned()],
    };
    let under = NewDelegation {
        id: GrantId::generate(world.now(), &world.random),
        client: named.id.clone(),
        parent: Some(delegation.id),
        ..delegation.clone()
    };
    for one in [delegation.clone(), under] {
        let audit = world.audit("token.exchange");
        world.store.session_delegate(one, audit).await.unwrap();
    }
    world.clock.advance(MINUTE);
    let audit = world.audit("machine.offboard");
    let done = world
        .store
        .machine_offboard(&machine.id, audit)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((done.at, done.again), (world.now(), false));
    assert_eq!(
        (done.bootstraps, done.delegations, done.sessions),
        (1, 2, 0)
    );
    assert_eq!(done.served, [API]);
    assert_eq!(done.may_act_of, std::slice::from_ref(&named.id));

    assert_eq!(world.store.client(&machine.id).await.unwrap(), None);
    assert_eq!(world.spend(bootstrap.id, &key("one")).await, Enrolled::Gone);
    let page = Page {
        after: None,
        limit: 10,
    };
    let all = world
        .store
        .delegations(DelegationFilter::default(), page)
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    for one in all {
        assert_eq!(one.revoked_for, Some(RevokeReason::ClientRemoved));
    }
    assert_eq!(
        world.fate(session.id).await,
        None,
        "the user's own session goes on"
    );
    assert!(
        world
            .log()
            .await
            .iter()
            .any(|entry| entry.what == Revoked::Client(machine.id.clone()))
    );
    assert_eq!(
        world.store.resource(API).await.unwrap().unwrap().client,
        None
    );
}

#[tokio::test]
async fn who_was_offboarded_stays_readable_and_its_id_is_never_given_again() {
    let world = World::new();
    let (app, machine) = (world.client("app").await, world.machine("importer").await);
    let audit = world.audit("machine.offboard");
    let done = world
        .store
        .machine_offboard(&machine.id, audit)
        .await
        .unwrap()
        .unwrap();
    let seen = world.seen(&machine.id).await;
    assert_eq!(seen.offboarded_at, Some(done.at));
    assert_eq!(
        seen.client.details.machine.unwrap().owner,
        "finance@example.com"
    );
    assert!(world.store.machines(false).await.unwrap().is_empty());
    assert_eq!(world.store.machines(true).await.unwrap().len(), 1);
    let audit = world.audit("machine.create");
    let taken = world
        .store
        .machine_create(world.machine_row("importer"), audit)
        .await;
    assert!(
        matches!(taken, Err(StoreError::Conflict("client id"))),
        "{taken:?}"
    );

    world.clock.advance(HOUR);
    let audit = world.audit("machine.offboard");
    let again = world
        .store
        .machine_offboard(&machine.id, audit)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (again.at, again.again, again.delegations),
        (done.at, true, 0)
    );
    let nobody = "nobody".parse().unwrap();
    let audit = world.audit("machine.offboard");
    assert!(
        world
            .store
            .machine_offboard(&nobody, audit)
            .await
            .unwrap()
            .is_none()
    );
    let audit = world.audit("machine.offboard");
    assert!(
        world
            .store
            .machine_offboard(&app.id, audit)
            .await
            .unwrap()
            .is_none(),
        "no service account"
    );
    let offboardings = world.actions().await;
    let count = offboardings
        .iter()
        .filter(|action| *action == "machine.offboard")
        .count();
    assert_eq!(count, 1, "{offboardings:?}");
}

#[tokio::test]
async fn delegations_that_an_end_has_not_reached_end_when_the_store_is_opened_again() {
    let world = World::new();
    let (_, _, _, session, _) = world.story().await;
    let machine = world.machine("importer").await;
    let delegation = NewDelegation {
        id: GrantId::generate(world.now(), &world.random),
        session: session.id,
        client: machine.id.clone(),
        parent: None,
        resources: vec![API.to_owned()],
    };
    let audit = world.audit("token.exchange");
    world
        .store
        .session_delegate(delegation, audit)
        .await
        .unwrap();
    let audit = world.audit("machine.offboard");
    let done = world.store.machine_offboard(&machine.id, audit).await;
    assert_eq!(done.unwrap().unwrap().delegations, 1);
    // As the process leaves it that ends after the first transaction.
    let world = crate::directory::reopen_after(world, |database| {
        let change = "UPDATE delegations SET revoked_at = NULL, revoked_for = NULL";
        assert_eq!(database.execute(change, ()).unwrap(), 1);
    });
    let page = Page {
        after: None,
        limit: 10,
    };
    let all = world.store.delegations(DelegationFilter::default(), page);
    let all = all.await.unwrap();
    assert_eq!(all[0].revoked_for, Some(RevokeReason::ClientRemoved));
    let last = world
        .store
        .audit_after(0, 1000)
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert_eq!(
        (last.action.as_str(), last.actor.as_str()),
        ("delegation.revoke", "system")
    );
}
