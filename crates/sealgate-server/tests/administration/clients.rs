//! Clients.

use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::Grant;
use sealgate_server::admin::{ClientView, Clients, CreatedClient};
use sealgate_store::{ClientAuthentication, ClientKind, Consent, RevokeReason};
use serde_json::{Value, json};

use crate::plane::{ISSUER, NOW, Plane, application};

fn with(change: Value) -> Value {
    let mut client = application();
    let Value::Object(members) = change else {
        panic!("{change} has no members");
    };
    for (name, value) in members {
        client[name] = value;
    }
    client
}

fn keys() -> Value {
    let (key, _) = SigningKey::generate(Algorithm::Es256, "2026-11").unwrap();
    json!({ "keys": [key.public_jwk()] })
}

#[tokio::test]
async fn a_clients_secret_is_told_once_and_its_hash_never() {
    let plane = Plane::new().await;
    let created = plane
        .post("/clients", application())
        .await
        .read::<CreatedClient>();
    let secret = created.secret.unwrap();
    let id = &created.client.id;
    let kept = plane.plane.store.client(id).await.unwrap().unwrap();
    let hash = sealgate_host::sha256(secret.as_bytes());
    assert_eq!(kept.secret_hash, Some(hash));
    for path in ["/clients".to_owned(), format!("/clients/{id}")] {
        let shown = plane.get(&path).await.body;
        assert!(shown.contains(id.as_str()) && !shown.contains(&secret));
    }
    let public = plane
        .post("/clients", with(json!({ "kind": "public" })))
        .await;
    assert_eq!(public.read::<CreatedClient>().secret, None);
}

#[tokio::test]
async fn an_id_is_given_once_for_ever() {
    let plane = Plane::new().await;
    let app = || with(json!({ "id": "app" }));
    assert_eq!(plane.post("/clients", app()).await.status, 201);
    plane.post("/clients", app()).await.refused(409, "conflict");
    assert_eq!(plane.delete("/clients/app").await.status, 204);
    plane
        .delete("/clients/app")
        .await
        .refused(404, "client_unknown");
    plane.post("/clients", app()).await.refused(409, "conflict");
    for id in ["01890a5d-ac96-774b-bcce-b302099a8057", ".."] {
        plane
            .post("/clients", with(json!({ "id": id })))
            .await
            .refused(422, "client_id_refused");
    }
}

#[tokio::test]
async fn what_is_not_said_is_as_for_an_application_that_signs_people_in() {
    let plane = Plane::new().await;
    let made: CreatedClient = plane.post("/clients", application()).await.read();
    let client = made.client;
    assert_eq!(client.authentication, ClientAuthentication::Secret);
    assert_eq!(
        client.grants,
        [Grant::AuthorizationCode, Grant::RefreshToken]
    );
    assert_eq!(
        (client.consent, client.algorithm.as_str()),
        (Consent::Trusted, "EdDSA")
    );
    assert_eq!(client.created_at, NOW);
    let public = with(json!({ "kind": "public" }));
    let client = plane
        .post("/clients", public)
        .await
        .read::<CreatedClient>()
        .client;
    assert_eq!(client.authentication, ClientAuthentication::None);
    assert_eq!(
        (client.kind, client.consent),
        (ClientKind::Public, Consent::Required)
    );
    let by_keys = with(json!({ "jwks": keys() }));
    let made: CreatedClient = plane.post("/clients", by_keys).await.read();
    assert_eq!(
        made.client.authentication,
        ClientAuthentication::PrivateKeyJwt
    );
    assert_eq!(made.secret, None);
}

#[tokio::test]
async fn everything_that_is_said_is_kept_and_can_be_changed() {
    let plane = Plane::new().await;
    let api = json!({ "uri": "https://api.example", "name": "API" });
    plane.post("/resources", api).await;
    let details = json!({
        "id": "app", "authentication": "private_key_jwt", "jwks_uri": "https://app.example/keys",
        "endpoint_audience": true,
        "grants": ["authorization_code", "refresh_token", "client_credentials", "refresh_token"],
        "resources": ["https://api.example", format!("{ISSUER}/api/v1"), "https://api.example"],
        "require_pushed": true, "require_dpop": true, "consent": "required", "algorithm": "ES256",
        "backchannel_logout_uri": "https://app.example/logout", "access_lifetime": 60, "session_lifetime": 900,
        "tenant": "acme",
    });
    let made: CreatedClient = plane.post("/clients", with(details.clone())).await.read();
    let shown: Value = plane.get("/clients/app").await.read();
    for (name, value) in details.as_object().unwrap() {
        match name.as_str() {
            "grants" => assert_eq!(shown[name].as_array().unwrap().len(), 3),
            "resources" => assert_eq!(shown[name].as_array().unwrap().len(), 2),
            _ => assert_eq!(&shown[name], value, "{name}"),
        }
    }
    let algorithms = plane.plane.keys.algorithms();
    assert!(
        algorithms.contains(&Algorithm::Es256),
        "its keys are there: {algorithms:?}"
    );

    let change = json!({
        "name": "Another", "jwks": keys(), "jwks_uri": null, "require_pushed": false,
        "access_lifetime": null, "session_lifetime": null, "tenant": null, "backchannel_logout_uri": null,
        "algorithm": "Ed25519", "scopes": ["expenses:read"], "resources": [],
    });
    let changed: ClientView = plane.patch("/clients/app", change).await.read();
    assert_eq!(
        (changed.name.as_str(), changed.algorithm.as_str()),
        ("Another", "EdDSA")
    );
    assert_eq!(
        (changed.jwks_uri, changed.access_lifetime, changed.tenant),
        (None, None, None)
    );
    assert!(changed.jwks.is_some() && changed.require_dpop && !changed.require_pushed);
    assert_eq!(changed.scopes[4], "expenses:read");
    assert_eq!(changed.redirect_uris, made.client.redirect_uris);
    assert_eq!(changed.created_at, made.client.created_at);
}

#[tokio::test]
async fn a_registration_that_is_not_sound_is_refused_new_or_changed() {
    let plane = Plane::new().await;
    plane.post("/clients", with(json!({ "id": "app" }))).await;
    for (change, reason) in [
        (
            json!({ "authentication": "none" }),
            "client_authentication_wrong",
        ),
        (
            json!({ "authentication": "private_key_jwt" }),
            "client_keys_missing",
        ),
        (
            json!({ "jwks": keys(), "jwks_uri": "https://app.example/keys" }),
            "client_keys_twice",
        ),
        (json!({ "jwks": { "keys": [] } }), "client_keys_unusable"),
        (
            json!({ "jwks": { "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] } }),
            "client_keys_unusable",
        ),
        (
            json!({ "jwks_uri": "https://eve@app.example/keys" }),
            "outbound_url_unacceptable",
        ),
        (
            json!({ "backchannel_logout_uri": "https://10.0.0.1/logout" }),
            "outbound_address_refused",
        ),
        (json!({ "redirect_uris": [] }), "redirect_uri_missing"),
        (
            json!({ "resources": ["https://nowhere.example"] }),
            "resource_unknown",
        ),
        (json!({ "access_lifetime": 59 }), "access_lifetime_wrong"),
        (json!({ "access_lifetime": 3601 }), "access_lifetime_wrong"),
        (json!({ "session_lifetime": 299 }), "session_lifetime_wrong"),
        (json!({ "may_act": "nobody" }), "client_unknown"),
        (
            json!({ "scopes": ["sealgate:everything"] }),
            "scope_reserved",
        ),
    ] {
        let refused = plane.post("/clients", with(change.clone())).await;
        refused.refused(422, reason);
        let refused = plane.patch("/clients/app", change).await;
        refused.refused(422, reason);
    }
    let machine = with(json!({ "kind": "public", "grants": ["client_credentials"] }));
    plane
        .post("/clients", machine)
        .await
        .refused(422, "grant_not_for_public");
    let unknown = with(json!({ "algorithm": "none" }));
    plane
        .post("/clients", unknown)
        .await
        .refused(400, "algorithm_unknown");
    let off = with(json!({ "algorithm": "ML-DSA-65" }));
    plane
        .post("/clients", off)
        .await
        .refused(409, "algorithm_disabled");
    let all: Clients = plane.get("/clients").await.read();
    assert_eq!(all.clients.len(), 1);
}

#[tokio::test]
async fn a_new_secret_makes_the_old_one_worth_nothing() {
    let plane = Plane::new().await;
    let machine = json!({ "id": "robot", "name": "Robot", "kind": "confidential",
        "grants": ["client_credentials"], "scopes": ["expenses:read"] });
    let old: CreatedClient = plane.post("/clients", machine).await.read();
    assert_eq!(plane.token(&old, &[]).await.status, 200);
    let new: CreatedClient = plane
        .post("/clients/robot/secret", Value::Null)
        .await
        .read();
    assert_eq!(new.client, old.client);
    assert_eq!(plane.token(&new, &[]).await.status, 200);
    assert_eq!(plane.token(&old, &[]).await.status, 401);
    let by_keys = json!({ "authentication": "private_key_jwt", "jwks": keys() });
    plane.patch("/clients/robot", by_keys).await;
    plane
        .post("/clients/robot/secret", Value::Null)
        .await
        .refused(409, "client_without_secret");
}

#[tokio::test]
async fn a_change_that_takes_its_time_does_not_enable_what_was_disabled_meanwhile() {
    let plane = Plane::new().await;
    plane.post("/clients", with(json!({ "id": "app" }))).await;
    // The first client with RS256 waits for a key to be made.
    let change = json!({ "algorithm": "RS256" });
    let (changed, disabled) = tokio::join!(
        plane.patch("/clients/app", change.clone()),
        plane.post("/clients/app/disable", Value::Null),
    );
    let disabled: ClientView = disabled.read();
    changed.refused(409, "client_changed");
    let kept: ClientView = plane.get("/clients/app").await.read();
    assert_eq!(kept, disabled);
    assert_eq!(kept.disabled_at, Some(NOW));
    let again: ClientView = plane.patch("/clients/app", change).await.read();
    assert_eq!(again.disabled_at, Some(NOW));
}

#[tokio::test]
async fn a_disabled_client_and_one_that_is_removed_lose_their_sessions() {
    let plane = Plane::new().await;
    let user = plane.add_user("ada@example.com", &[]).await;
    for id in ["one", "two"] {
        plane.post("/clients", with(json!({ "id": id }))).await;
    }
    let first = plane.start_session(user, "one").await.unwrap().id;
    let second = plane.start_session(user, "two").await.unwrap().id;
    let revoked_for = async |id| {
        let session = plane.plane.store.session(id).await.unwrap().unwrap();
        session.revoked_for
    };
    let disabled: ClientView = plane.post("/clients/one/disable", Value::Null).await.read();
    assert_eq!(disabled.disabled_at, Some(NOW));
    assert_eq!(revoked_for(first).await, Some(RevokeReason::Admin));
    assert_eq!(revoked_for(second).await, None);
    let enabled: ClientView = plane.post("/clients/one/enable", Value::Null).await.read();
    assert_eq!(enabled.disabled_at, None);
    assert_eq!(plane.delete("/clients/two").await.status, 204);
    assert_eq!(revoked_for(second).await, Some(RevokeReason::ClientRemoved));
    let left: Clients = plane.get("/clients").await.read();
    assert_eq!(left.clients, [enabled]);
}

#[tokio::test]
async fn clients_are_listed_by_id_in_pages() {
    let plane = Plane::new().await;
    for id in ["b", "c", "a"] {
        plane.post("/clients", with(json!({ "id": id }))).await;
    }
    let ids = |page: &Clients| -> Vec<String> {
        let ids = page.clients.iter().map(|client| client.id.to_string());
        ids.collect()
    };
    let first: Clients = plane.get("/clients?limit=2").await.read();
    assert_eq!(
        (ids(&first), first.next.as_ref().unwrap().as_str()),
        (vec!["a".into(), "b".into()], "b")
    );
    let rest: Clients = plane.get("/clients?limit=2&after=b").await.read();
    assert_eq!((ids(&rest), rest.next), (vec!["c".to_owned()], None));
}
