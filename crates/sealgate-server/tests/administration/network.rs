//! The API over the network: who gets in, and as whom they are on record.

use axum::body::Body;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request};
use sealgate_jose::{Algorithm, SigningKey};
use sealgate_model::{Clock as _, UserId};
use sealgate_server::admin::{CreatedClient, CreatedUser};
use sealgate_store::Session;
use serde_json::{Value, json};

use crate::plane::{ISSUER, NOW, Plane, application};

/// An access token of `session`, as the token endpoint would sign it.
pub(crate) fn token_of(
    plane: &Plane,
    session: &Session,
    scope: &str,
    roles: &[&str],
    cnf: Value,
) -> String {
    let now = plane.clock.now().as_seconds();
    let mut claims = json!({
        "iss": ISSUER, "sub": session.user, "aud": format!("{ISSUER}/api/v1"), "exp": now + 300,
        "iat": now, "jti": "01", "client_id": session.client, "scope": scope, "sid": session.id,
        "auth_time": now, "acr": "urn:sealgate:acr:password", "amr": ["pwd"], "roles": roles,
    });
    if !cnf.is_null() {
        claims["cnf"] = cnf;
    }
    plane
        .plane
        .keys
        .sign(Algorithm::Ed25519, "at+jwt", &claims)
        .unwrap()
}

/// A session of an administrator on an application that may administer accounts.
pub(crate) async fn session(plane: &Plane, user: UserId) -> Session {
    let mut console = application();
    console["id"] = "console".into();
    console["scopes"] = json!(["sealgate:users:read", "sealgate:users:write"]);
    console["resources"] = json!([format!("{ISSUER}/api/v1")]);
    plane.post("/clients", console).await;
    plane.start_session(user, "console").await.unwrap()
}

#[tokio::test]
async fn a_machine_acts_under_its_own_name() {
    let plane = Plane::open().await;
    let machine = plane.add_machine("robot", &["sealgate:users:write"]).await;
    let token = plane.bearer(&machine, "").await;
    let body = Some(json!({ "email": "ada@example.com" }));
    let added = plane
        .network(Method::POST, "/users", body, Some(&token))
        .await;
    let user = added.read::<CreatedUser>().user.id;
    let record = plane.last_record().await;
    assert_eq!(
        (record.actor.as_str(), record.action.as_str(), record.user),
        ("client:robot", "user.create", Some(user))
    );
    assert_eq!(record.trace, Some(added.trace));
}

#[tokio::test]
async fn a_user_administers_while_they_have_the_role_and_their_session() {
    let plane = Plane::open().await;
    let ada = plane.add_user("ada@example.com", &["admin"]).await;
    let session = session(&plane, ada).await;
    plane.clock.advance(std::time::Duration::from_secs(1));
    let token = token_of(
        &plane,
        &session,
        "sealgate:users:read",
        &["admin"],
        Value::Null,
    );
    let bearer = format!("Bearer {token}");
    let ask = async || {
        plane
            .network(Method::GET, "/users", None, Some(&bearer))
            .await
    };
    assert_eq!(ask().await.status, 200);

    // What the token says of roles is what they were when it was signed.
    let mut row = plane.plane.store.user(ada).await.unwrap().unwrap();
    row.roles.clear();
    let change = sealgate_store::UserChange {
        roles: Some(Vec::new()),
        ..sealgate_store::UserChange::default()
    };
    let system = sealgate_store::Audit::allowed(NOW, sealgate_store::AuditActor::System, "test");
    assert!(
        plane
            .plane
            .store
            .user_update(ada, change, system)
            .await
            .unwrap()
    );
    let refused = ask().await;
    refused.refused(403, "role_missing");
    let record = plane.last_record().await;
    assert_eq!(
        (record.actor, record.action.as_str(), record.reason.as_str()),
        (format!("user:{ada}"), "admin.request", "role_missing")
    );
    assert_eq!(record.trace, Some(refused.trace));

    plane
        .patch(&format!("/users/{ada}"), json!({ "roles": ["admin"] }))
        .await;
    ask().await.refused(401, "token_outdated");
    plane.clock.advance(std::time::Duration::from_secs(1));
    let scope = "sealgate:users:read";
    let token = token_of(&plane, &session, scope, &["admin"], Value::Null);
    let bearer = format!("Bearer {token}");
    let ask = async || {
        plane
            .network(Method::GET, "/users", None, Some(&bearer))
            .await
    };
    assert_eq!(ask().await.status, 200);
    let revoke = format!("/sessions/{}/revoke", session.id);
    plane.post(&revoke, Value::Null).await;
    ask().await.refused(401, "token_revoked");
}

#[tokio::test]
async fn a_token_without_the_role_is_of_no_use_whatever_its_scope() {
    let plane = Plane::open().await;
    let eve = plane.add_user("eve@example.com", &["accountant"]).await;
    let session = session(&plane, eve).await;
    let token = token_of(
        &plane,
        &session,
        "sealgate:users:read",
        &["admin"],
        Value::Null,
    );
    plane
        .network(
            Method::GET,
            "/users",
            None,
            Some(&format!("Bearer {token}")),
        )
        .await
        .refused(403, "role_missing");
}

#[tokio::test]
async fn what_is_revoked_here_counts_here_at_once() {
    let plane = Plane::open().await;
    let machine = plane.add_machine("robot", &["sealgate:users:read"]).await;
    let token = plane.bearer(&machine, "").await;
    let ask = async || {
        plane
            .network(Method::GET, "/users", None, Some(&token))
            .await
    };
    assert_eq!(ask().await.status, 200);
    plane.post("/clients/robot/disable", Value::Null).await;
    ask().await.refused(401, "token_revoked");
    plane.post("/clients/robot/enable", Value::Null).await;
    // It was issued before everything of the client was revoked.
    ask().await.refused(401, "token_revoked");
    plane.clock.advance(std::time::Duration::from_secs(1));
    let fresh = plane.bearer(&machine, "").await;
    let again = plane
        .network(Method::GET, "/users", None, Some(&fresh))
        .await;
    assert_eq!(again.status, 200);
    plane.delete("/clients/robot").await;
    plane
        .network(Method::GET, "/users", None, Some(&fresh))
        .await
        .refused(401, "token_revoked");
}

#[tokio::test]
async fn a_token_signed_by_a_revoked_key_is_none() {
    let plane = Plane::open().await;
    let machine = plane.add_machine("robot", &["sealgate:users:read"]).await;
    let token = plane.bearer(&machine, "").await;
    let keys: Value = plane.get("/keys").await.read();
    let keys = keys["keys"].as_array().unwrap();
    let active = keys.iter().find(|key| key["state"] == "active").unwrap();
    let path = format!("/keys/{}/revoke", active["kid"].as_str().unwrap());
    assert_eq!(plane.post(&path, Value::Null).await.status, 200);
    plane
        .network(Method::GET, "/users", None, Some(&token))
        .await
        .refused(401, "token_invalid");
}

#[tokio::test]
async fn a_bound_token_needs_a_proof_for_this_address_with_a_nonce() {
    let plane = Plane::open().await;
    let ada = plane.add_user("ada@example.com", &["admin"]).await;
    let session = session(&plane, ada).await;
    let (key, _) = SigningKey::generate(Algorithm::Es256, "proof").unwrap();
    let cnf = json!({ "jkt": key.public_jwk().thumbprint().unwrap() });
    let token = token_of(&plane, &session, "sealgate:users:read", &["admin"], cnf);
    let hash = {
        use base64::Engine as _;
        let hash = sealgate_host::sha256(token.as_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash.as_bytes())
    };
    let proof = |jti: &str, htu: &str, nonce: Option<&str>| {
        let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
        jwk.as_object_mut()
            .unwrap()
            .retain(|name, _| !matches!(name.as_str(), "kid" | "use" | "alg"));
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let mut claims = json!({
            "jti": jti, "htm": "GET", "htu": htu, "iat": plane.clock.now().as_seconds(), "ath": hash,
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        key.sign_with_header(&header, &claims).unwrap()
    };
    let ask = async |proof: Option<String>| {
        let request =
            Request::get("/api/v1/users?limit=5").header(AUTHORIZATION, format!("DPoP {token}"));
        let request = match proof {
            Some(proof) => request.header("dpop", proof),
            None => request,
        };
        plane.public(request.body(Body::empty()).unwrap()).await
    };
    plane
        .network(
            Method::GET,
            "/users",
            None,
            Some(&format!("Bearer {token}")),
        )
        .await
        .refused(401, "token_bound");
    ask(None).await.refused(401, "dpop_proof_missing");
    let here = format!("{ISSUER}/api/v1/users");
    let told = ask(Some(proof("1", &here, None))).await;
    told.refused(401, "dpop_nonce_required");
    let challenge = told.headers.get_all("www-authenticate").iter();
    assert!(
        challenge
            .into_iter()
            .any(|one| one.to_str().unwrap().contains("use_dpop_nonce"))
    );
    let nonce = told.headers["dpop-nonce"].to_str().unwrap().to_owned();
    let other = format!("{ISSUER}/api/v1/clients");
    ask(Some(proof("2", &other, Some(&nonce))))
        .await
        .refused(401, "dpop_proof_misdirected");
    let good = proof("3", &here, Some(&nonce));
    assert_eq!(ask(Some(good.clone())).await.status, 200);
    ask(Some(good)).await.refused(401, "dpop_proof_reused");
}

#[tokio::test]
async fn below_an_issuer_with_a_path_it_has_that_path_in_front() {
    let issuer = "https://id.example/team";
    let plane = Plane::open_at(issuer).await;
    let api = format!("{issuer}/api/v1");
    let machine = json!({
        "id": "robot", "name": "Robot", "kind": "confidential", "grants": ["client_credentials"],
        "scopes": ["sealgate:users:read"], "resources": [api],
    });
    let made: CreatedClient = plane.post("/clients", machine).await.read();
    let form = format!(
        "grant_type=client_credentials&client_id=robot&client_secret={}&scope=sealgate:users:read&resource={api}",
        made.secret.unwrap()
    );
    let asked = Request::post("/team/oauth/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let given: Value = plane.public(asked).await.read();
    let bearer = format!("Bearer {}", given["access_token"].as_str().unwrap());
    let get = async |path: &str| {
        let request = Request::get(path).header(AUTHORIZATION, &bearer);
        plane.public(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(get("/team/api/v1/users").await.status, 200);
    get("/team/api/v1/clients")
        .await
        .refused(403, "scope_missing");
    get("/api/v1/users").await.refused(404, "not_found");
}

#[tokio::test]
async fn what_strangers_are_refused_is_on_record_and_told_as_a_problem_to_browsers_too() {
    let plane = Plane::open().await;
    let request = Request::get("/api/v1/users")
        .header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
        .body(Body::empty())
        .unwrap();
    let refused = plane.public(request).await;
    refused.refused(401, "credential_missing");
    let challenges: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges.len(), 2);
    assert!(refused.headers.contains_key("dpop-nonce"));
    let record = plane.last_record().await;
    assert_eq!(
        (
            record.actor.as_str(),
            record.action.as_str(),
            record.outcome.as_str()
        ),
        ("anonymous", "admin.request", "denied")
    );
    assert_eq!(record.reason, "credential_missing");
}

#[tokio::test]
async fn elsewhere_a_person_gets_a_page_and_a_program_a_problem() {
    let plane = Plane::new().await;
    let ask = async |path: &str, accept: &str| {
        let request = Request::get(path).header(ACCEPT, accept);
        plane.public(request.body(Body::empty()).unwrap()).await
    };
    ask("/nowhere", "*/*").await.refused(404, "not_found");
    let page = ask("/nowhere", "text/html,application/xhtml+xml,*/*;q=0.8").await;
    assert_eq!(
        (page.status.as_u16(), page.kind.as_str()),
        (404, "text/html; charset=utf-8")
    );
    assert!(
        page.body.contains(&page.trace),
        "a person can tell the trace id to somebody"
    );
}
