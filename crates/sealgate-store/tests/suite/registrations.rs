//! Clients that no administrator registered: how they come, change and go.

use std::time::Duration;

use sealgate_host::sha256;
use sealgate_model::RegistrationTokenId;
use sealgate_store::{
    Client, ClientDetails, ClientKind, ClientOrigin, Consent, ConsentRow, OwnClientAdded,
    OwnClientBounds, OwnWords, RegistrationToken, Revoked, StoreError, Unused,
};

use crate::world::{DAY, HOUR, MINUTE, World};

const MANY: OwnClientBounds = OwnClientBounds {
    most: 100,
    same_since: None,
};

fn own(world: &World, id: &str, origin: ClientOrigin) -> Client {
    Client {
        id: id.parse().unwrap(),
        name: "Agent".to_owned(),
        kind: ClientKind::Public,
        secret_hash: None,
        redirect_uris: vec!["https://agent.example/cb".to_owned()],
        logout_uris: vec![],
        scopes: vec![],
        details: ClientDetails {
            origin,
            agent: true,
            consent: Consent::Required,
            own_words: OwnWords {
                digest: Some("d1".to_owned()),
                ..OwnWords::default()
            },
            ..ClientDetails::for_kind(ClientKind::Public)
        },
        created_at: world.now(),
        disabled_at: None,
    }
}

async fn add(world: &World, client: &Client, bounds: OwnClientBounds) -> OwnClientAdded {
    let audit = world.audit("client.register");
    let added = world
        .store
        .own_client_create(client.clone(), bounds, None, audit);
    added.await.unwrap()
}

async fn forget(world: &World) -> u64 {
    let unused = Unused {
        made_before: world.now() - HOUR,
        idle_since: world.now() - 7 * DAY,
    };
    let audit = world.audit("client.forget");
    world
        .store
        .own_clients_forget(unused, audit)
        .await
        .unwrap()
        .0
}

#[tokio::test]
async fn the_same_again_is_the_same_client_for_a_while() {
    let world = World::new();
    let first = own(&world, "a", ClientOrigin::Dynamic);
    assert_eq!(add(&world, &first, MANY).await, OwnClientAdded::Added);
    world.clock.advance(HOUR);
    let again = own(&world, "b", ClientOrigin::Dynamic);
    let since = |age| OwnClientBounds {
        same_since: Some(world.now() - age),
        ..MANY
    };
    let same = OwnClientAdded::Same(Box::new(first));
    assert_eq!(add(&world, &again, since(HOUR)).await, same);
    assert!(world.store.client(&again.id).await.unwrap().is_none());
    assert_eq!(
        add(&world, &again, since(MINUTE)).await,
        OwnClientAdded::Added
    );
    let mut with_key = own(&world, "c", ClientOrigin::Dynamic);
    with_key.details.own_words.digest = Some("d2".to_owned());
    with_key.kind = ClientKind::Confidential;
    assert_eq!(
        add(&world, &with_key, since(HOUR)).await,
        OwnClientAdded::Added
    );
    with_key.id = "d".parse().unwrap();
    assert_eq!(
        add(&world, &with_key, since(HOUR)).await,
        OwnClientAdded::Added,
        "whoever has a key is nobody else"
    );
}

#[tokio::test]
async fn there_are_no_more_than_there_may_be_of_each_origin() {
    let world = World::new();
    let one = OwnClientBounds { most: 1, ..MANY };
    let document = own(&world, "https://a.example/c", ClientOrigin::Document);
    assert_eq!(add(&world, &document, one).await, OwnClientAdded::Added);
    let second = own(&world, "https://b.example/c", ClientOrigin::Document);
    assert_eq!(add(&world, &second, one).await, OwnClientAdded::Full);
    let dynamic = own(&world, "a", ClientOrigin::Dynamic);
    assert_eq!(add(&world, &dynamic, one).await, OwnClientAdded::Added);
    let registered = own(&world, "b", ClientOrigin::Registered);
    let audit = world.audit("client.register");
    let refused = world.store.own_client_create(registered, MANY, None, audit);
    assert!(matches!(refused.await, Err(StoreError::Invalid(_))));
}

#[tokio::test]
async fn one_that_an_administrator_removed_does_not_come_back() {
    let world = World::new();
    let client = own(&world, "https://a.example/c", ClientOrigin::Document);
    add(&world, &client, MANY).await;
    assert!(!world.store.client_was_removed(&client.id).await.unwrap());
    let audit = world.audit("client.remove");
    assert!(world.store.client_remove(&client.id, audit).await.unwrap());
    assert!(world.store.client_was_removed(&client.id).await.unwrap());
    assert_eq!(add(&world, &client, MANY).await, OwnClientAdded::Removed);
    world.clock.advance(30 * DAY);
    assert_eq!(forget(&world).await, 0);
    assert!(world.store.client_was_removed(&client.id).await.unwrap());
}

#[tokio::test]
async fn a_token_is_good_for_so_many_clients_until_it_expires() {
    let world = World::new();
    let token = RegistrationToken {
        id: RegistrationTokenId::generate(world.now(), &world.random),
        secret_hash: sha256(b"secret"),
        name: "Team".to_owned(),
        created_at: world.now(),
        expires_at: world.now() + HOUR,
        uses_left: 1,
    };
    let audit = world.audit("registration_token.create");
    let created = world.store.registration_token_create(token.clone(), audit);
    created.await.unwrap();
    assert_eq!(
        world.store.registration_tokens().await.unwrap(),
        std::slice::from_ref(&token)
    );
    let with = async |id: &str, bounds| {
        let mut client = own(&world, id, ClientOrigin::Dynamic);
        client.details.own_words.digest = Some(id.chars().take(1).collect());
        let audit = world.audit("client.register");
        let added = world
            .store
            .own_client_create(client, bounds, Some(token.id), audit);
        added.await.unwrap()
    };
    let full = OwnClientBounds { most: 0, ..MANY };
    assert_eq!(with("a1", full).await, OwnClientAdded::Full);
    assert_eq!(with("a1", MANY).await, OwnClientAdded::Added);
    assert_eq!(with("b1", MANY).await, OwnClientAdded::TokenSpent);
    let same = OwnClientBounds {
        same_since: Some(world.now()),
        ..MANY
    };
    assert!(matches!(with("a2", same).await, OwnClientAdded::Same(_)));
    let left = world.store.registration_token(token.id).await.unwrap();
    assert_eq!(left.unwrap().uses_left, 0);
    world.clock.advance(HOUR);
    assert_eq!(with("a2", same).await, OwnClientAdded::TokenSpent);
    world.clock.advance(HOUR);
    let swept = world.store.sweep(world.now()).await.unwrap();
    assert!(swept.rows.contains(&("registration_tokens", 1)));
    let audit = world.audit("registration_token.remove");
    assert!(
        !world
            .store
            .registration_token_remove(token.id, audit)
            .await
            .unwrap()
    );
}

/// A client with a session of a user, who agreed to it.
async fn in_use(world: &World, client: &Client) -> sealgate_store::Session {
    add(world, client, MANY).await;
    let user = world.user("ada@example.org").await;
    let consent = ConsentRow {
        user: user.id,
        client: client.id.clone(),
        scopes: vec!["notes:read".to_owned()],
        resources: vec![],
        grants: vec![],
        granted_at: world.now(),
    };
    let audit = world.audit("consent.grant");
    world.store.consent_grant(consent, audit).await.unwrap();
    let sign_in = world.sign_in(user.id).await;
    world.session_from(&sign_in, &client.id).await.0
}

#[tokio::test]
async fn whoever_changes_where_codes_go_is_agreed_to_anew_and_loses_what_was_had_by_what_is_lost() {
    let world = World::new();
    let client = own(&world, "https://a.example/c", ClientOrigin::Document);
    let session = in_use(&world, &client).await;
    let update = async |before: &Client, after: &Client| {
        let audit = world.audit("client.document");
        let update = world
            .store
            .own_client_update(before.clone(), after.clone(), audit);
        assert!(update.await.unwrap());
    };
    let alive = async || {
        let session = world.store.session(session.id).await.unwrap().unwrap();
        session.revoked_at.is_none()
    };
    let agreed = async || {
        let consent = world.store.consent(session.user, &client.id).await.unwrap();
        consent.is_some()
    };

    let renamed = Client {
        name: "Other".to_owned(),
        ..client.clone()
    };
    update(&client, &renamed).await;
    assert!(alive().await && agreed().await);

    let mut wider = renamed.clone();
    wider.redirect_uris.push("https://b.example/cb".to_owned());
    update(&renamed, &wider).await;
    assert!(alive().await && !agreed().await);

    let mut moved = wider.clone();
    moved.redirect_uris.remove(0);
    world.clock.advance(MINUTE);
    update(&wider, &moved).await;
    assert!(!alive().await);
    let log = world.store.revocations_after(0, 100).await.unwrap();
    assert!(
        log.iter()
            .any(|one| one.what == Revoked::Client(client.id.clone()))
    );
    let found = world.store.client(&client.id).await.unwrap();
    assert_eq!(found, Some(moved.clone()));

    let stale = world.audit("client.document");
    let stale = world.store.own_client_update(wider, moved, stale).await;
    assert!(matches!(stale, Err(StoreError::Conflict("client"))));
}

#[tokio::test]
async fn clients_that_nobody_uses_are_forgotten_and_those_in_use_stay() {
    let world = World::new();
    let used = own(&world, "used", ClientOrigin::Dynamic);
    let session = in_use(&world, &used).await;
    for (id, origin) in [
        ("unused", ClientOrigin::Dynamic),
        ("https://a.example/c", ClientOrigin::Document),
        ("barred", ClientOrigin::Dynamic),
    ] {
        add(&world, &own(&world, id, origin), MANY).await;
    }
    let barred = "barred".parse().unwrap();
    let audit = world.audit("client.disable");
    assert!(world.store.client_disable(&barred, audit).await.unwrap());
    world.client("registered").await;

    assert_eq!(forget(&world).await, 0);
    world.clock.advance(HOUR + MINUTE);
    assert_eq!(forget(&world).await, 2);
    let ids = async || -> Vec<String> {
        let clients = world.store.clients().await.unwrap();
        clients.into_iter().map(|client| client.id.into()).collect()
    };
    assert_eq!(ids().await, ["barred", "registered", "used"]);

    world.clock.advance(6 * DAY + 22 * HOUR);
    assert_eq!(forget(&world).await, 0);
    world.clock.advance(2 * HOUR + Duration::from_secs(1));
    assert_eq!(forget(&world).await, 1);
    assert_eq!(ids().await, ["barred", "registered"]);
    assert!(world.store.session(session.id).await.unwrap().is_none());
    let again = own(&world, "https://a.example/c", ClientOrigin::Document);
    assert_eq!(add(&world, &again, MANY).await, OwnClientAdded::Added);
}
