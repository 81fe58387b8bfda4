//! Clients: registered, changed, given another secret, and removed for good.

use sealgate_host::sha256;
use sealgate_store::{
    Client, ClientAuthentication, ClientDetails, ClientKind, Consent, ConsentRow, Redeemed,
    Resource, RevokeReason, Revoked, StoreError,
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
            "urn:ietf:params:oauth:grant-type:device_code"
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
    let update = async |client| {
        let audit = world.audit("client.update");
        world.store.client_update(client, audit).await.unwrap()
    };
    assert!(update(changed.clone()).await);
    let kept = found(&world, "expenses").await.unwrap();
    assert_eq!(kept.secret_hash, client.secret_hash);
    assert_eq!(kept.created_at, client.created_at);
    assert_eq!(kept.disabled_at, Some(world.now()));
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
    assert!(update(changed.clone()).await);
    let kept = found(&world, "expenses").await.unwrap();
    assert_eq!(kept.secret_hash, None);

    changed.id = "nobody".parse().unwrap();
    assert!(!update(changed).await);
    assert_eq!(
        world.actions().await,
        ["client.create", "client.update", "client.update"]
    );
}

#[tokio::test]
async fn another_secret_takes_the_place_of_the_first_at_once() {
    let world = World::new();
    let client = world.client("expenses").await;
    assert!(found(&world, "expenses").await.is_some());
    let set = async |id: &str| {
        let audit = world.audit("client.set_secret");
        let hash = sha256(b"another secret");
        world
            .store
            .client_set_secret(&id.parse().unwrap(), hash, audit)
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
            granted_at: world.now(),
        };
        let audit = world.audit("consent.grant");
        world.store.consent_grant(consent, audit).await.unwrap();
    }
    let resource = Resource {
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
    assert!(!world.store.client_update(client, audit).await.unwrap());
    assert_eq!(world.records().await.len(), records);
}
