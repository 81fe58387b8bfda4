//! Clients that register themselves.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use sealgate_jose::Algorithm;
use sealgate_model::RegistrationTokenId;
use sealgate_oauth::RegistrationHandle;
use sealgate_store::{ClientOrigin, RegistrationToken};
use serde_json::json as value;

use super::client_documents::{NOTES, Open, code_of, redeem_as, wish_of};
use super::machines::{key, set};
use super::*;
use crate::agent_policy::Registration;

const HOUR: Duration = Duration::from_secs(3600);

async fn open_to_all() -> Open {
    Open::with_policy(|agents| agents.registration = Registration::Open).await
}

fn metadata() -> Value {
    value!({
        "client_name": "Note taker",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    })
}

async fn register(house: &House, body: &Value) -> Response {
    register_with(house, body, None, "192.0.2.1").await
}

async fn register_with(house: &House, body: &Value, token: Option<&str>, from: &str) -> Response {
    let peer: SocketAddr = format!("{from}:4711").parse().unwrap();
    let mut request = request(Method::POST, "/oauth/register")
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .extension(ConnectInfo(peer));
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = Body::from(serde_json::to_vec(body).unwrap());
    house.send(request.body(body).unwrap()).await
}

async fn registered(response: Response) -> Value {
    assert_eq!(response.status(), StatusCode::CREATED);
    no_store(response.headers());
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    json(response).await
}

fn with(member: &str, value: Value) -> Value {
    let mut body = metadata();
    body[member] = value;
    body
}

#[tokio::test]
async fn a_client_registers_itself_and_signs_a_user_in() {
    let open = open_to_all().await;
    let told = registered(register(&open.house, &metadata()).await).await;
    let id = told["client_id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("dyn_") && id.len() == 28, "{id}");
    assert_eq!(
        told["client_id_issued_at"],
        open.house.clock.now().as_seconds()
    );
    for (member, is) in [
        ("client_name", value!("Note taker")),
        ("redirect_uris", value!([CALLBACK])),
        ("response_types", value!(["code"])),
        ("token_endpoint_auth_method", value!("none")),
    ] {
        assert_eq!(told[member], is);
    }
    assert!(told.get("client_secret").is_none());
    let record = open.house.last_record().await;
    assert_eq!(record.action, "client.register");
    assert_eq!(record.client.unwrap().as_str(), id);

    let code = code_of(&open.house, &wish_of(&id)).await;
    let given = tokens(redeem_as(&open.house, &id, &code, CALLBACK).await).await;
    assert_eq!(claims(&given.access)["aud"], NOTES);
    let mut bare = wish_of(&id);
    bare.retain(|(name, _)| *name != "resource");
    let (_, cookie) = open.house.sign_in().await;
    let response = open.house.get(&authorize(&bare), Some(&cookie)).await;
    assert!(text(response).await.contains("error=invalid_target"));
    let mut closed = bare.clone();
    closed.push(("resource", "https://closed.example".to_owned()));
    let response = open.house.get(&authorize(&closed), Some(&cookie)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(text(response).await.contains("error=invalid_target"));
}

#[tokio::test]
async fn where_it_is_off_nobody_registers_and_nothing_is_advertised() {
    let closed = Open::new().await;
    let refused = register(&closed.house, &metadata()).await;
    assert_refused(
        refused,
        StatusCode::FORBIDDEN,
        "access_denied",
        "registration_closed",
    )
    .await;
    let path = "/.well-known/openid-configuration";
    let told = json(closed.house.get(path, None).await).await;
    assert!(told.get("registration_endpoint").is_none());
    let open = open_to_all().await;
    let told = json(open.house.get(path, None).await).await;
    assert_eq!(
        told["registration_endpoint"],
        format!("{ISSUER}/oauth/register")
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_by_the_codes_of_the_specification() {
    let open = open_to_all().await;
    for (body, error, reason) in [
        (
            with("redirect_uris", value!(["http://app.example/cb"])),
            "invalid_redirect_uri",
            "registration_redirect_uri",
        ),
        (
            with("redirect_uris", value!([])),
            "invalid_redirect_uri",
            "registration_redirect_uri",
        ),
        (
            with("grant_types", value!(["client_credentials"])),
            "invalid_client_metadata",
            "registration_metadata",
        ),
        (
            with("client_name", value!("a\u{202e}b")),
            "invalid_client_metadata",
            "registration_metadata",
        ),
        (
            with("token_endpoint_auth_method", value!("tls_client_auth")),
            "invalid_client_metadata",
            "registration_metadata",
        ),
        (
            value!([]),
            "invalid_client_metadata",
            "registration_metadata",
        ),
    ] {
        open.house.clock.advance(2 * HOUR);
        let refused = register(&open.house, &body).await;
        assert_refused(refused, StatusCode::BAD_REQUEST, error, reason).await;
    }
    let bytes = Body::from(serde_json::to_vec(&metadata()).unwrap());
    let untyped = request(Method::POST, "/oauth/register")
        .body(bytes)
        .unwrap();
    let refused = open.house.send(untyped).await;
    let reason = "registration_content_type";
    assert_refused(
        refused,
        StatusCode::BAD_REQUEST,
        "invalid_client_metadata",
        reason,
    )
    .await;
    let long = with("unheard_of", value!("x".repeat(17 * 1024)));
    let refused = register(&open.house, &long).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(open.house.plane.store.clients().await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_same_again_within_an_hour_is_the_same_client() {
    let open = open_to_all().await;
    let id = async |body: &Value, from: &str| {
        let told = registered(register_with(&open.house, body, None, from).await).await;
        told["client_id"].as_str().unwrap().to_owned()
    };
    let first = id(&metadata(), "192.0.2.1").await;
    assert_eq!(id(&metadata(), "192.0.2.2").await, first);
    assert_ne!(
        id(&with("client_name", value!("Other")), "192.0.2.1").await,
        first
    );
    let mine = key(Algorithm::Ed25519);
    let mut signing = with("token_endpoint_auth_method", value!("private_key_jwt"));
    signing["jwks"] = set(&[mine.public_jwk()]);
    let one = id(&signing, "192.0.2.1").await;
    assert_ne!(
        id(&signing, "192.0.2.1").await,
        one,
        "keys make it somebody"
    );
    open.house.clock.advance(HOUR + Duration::from_secs(1));
    assert_ne!(id(&metadata(), "192.0.2.1").await, first);

    let barred: sealgate_model::ClientId = id(&metadata(), "192.0.2.1").await.parse().unwrap();
    let store = &open.house.plane.store;
    assert!(
        store
            .client_disable(&barred, open.house.audit())
            .await
            .unwrap()
    );
    // Neither at once nor by waiting until the same again would be somebody new.
    for later in [Duration::ZERO, HOUR * 2] {
        open.house.clock.advance(later);
        let refused = register(&open.house, &metadata()).await;
        assert_refused(
            refused,
            StatusCode::FORBIDDEN,
            "access_denied",
            "registration_barred",
        )
        .await;
    }
}

#[tokio::test]
async fn keys_are_public_ones_at_an_address_that_may_be_asked() {
    let open = open_to_all().await;
    let mut body = with("token_endpoint_auth_method", value!("private_key_jwt"));
    for uri in ["https://10.0.0.1/", "file:///etc/passwd"] {
        body["jwks_uri"] = value!(uri);
        let refused = register(&open.house, &body).await;
        let reason = "registration_metadata";
        assert_refused(
            refused,
            StatusCode::BAD_REQUEST,
            "invalid_client_metadata",
            reason,
        )
        .await;
    }
    body["jwks_uri"] = Value::Null;
    let mine = key(Algorithm::Ed25519);
    let mut private = serde_json::to_value(mine.public_jwk()).unwrap();
    private["d"] = value!("c2VjcmV0");
    body["jwks"] = value!({ "keys": [private] });
    let refused = register(&open.house, &body).await;
    let told = text(refused).await;
    assert!(
        told.contains("registration_metadata") && !told.contains("c2VjcmV0"),
        "{told}"
    );
    assert!(open.remote.sent().is_empty());
}

#[tokio::test]
async fn one_network_gets_no_further_than_its_share() {
    let open = open_to_all().await;
    open.house.plane.throttle.tell_networks_apart();
    for number in 0..10 {
        let body = with("client_name", value!(format!("{number}")));
        registered(register(&open.house, &body).await).await;
    }
    let refused = register(&open.house, &metadata()).await;
    assert_eq!(refused.headers()["retry-after"], "60");
    let status = StatusCode::TOO_MANY_REQUESTS;
    assert_refused(
        refused,
        status,
        "temporarily_unavailable",
        "registration_throttled",
    )
    .await;
    registered(register_with(&open.house, &metadata(), None, "192.0.2.2").await).await;
    open.house.clock.advance(Duration::from_secs(60));
    registered(register(&open.house, &metadata()).await).await;
}

async fn token(open: &Open, uses: u32) -> (RegistrationTokenId, String) {
    let (plane, now) = (&open.house.plane, open.house.clock.now());
    let id = RegistrationTokenId::generate(now, plane.random.as_ref());
    let handle = RegistrationHandle::generate(id, plane.random.as_ref());
    let row = RegistrationToken {
        id,
        secret_hash: handle.secret_hash(),
        name: "Team".to_owned(),
        created_at: now,
        expires_at: now + HOUR,
        uses_left: uses,
    };
    let created = plane
        .store
        .registration_token_create(row, open.house.audit());
    created.await.unwrap();
    (id, format!("sgr_{}", handle.to_secret().expose()))
}

#[tokio::test]
async fn where_it_takes_a_token_only_who_has_one_registers_and_as_often_as_it_is_good_for() {
    let gated = Open::with_policy(|agents| agents.registration = Registration::Token).await;
    let (id, good) = token(&gated, 1).await;
    let ask = async |name: &str, token: Option<&str>| {
        gated.house.clock.advance(Duration::from_secs(60));
        let body = with("client_name", value!(name));
        register_with(&gated.house, &body, token, "192.0.2.1").await
    };
    let other_secret = {
        let random = gated.house.plane.random.as_ref();
        let handle = RegistrationHandle::generate(id, random);
        format!("sgr_{}", handle.to_secret().expose())
    };
    let bare = good.strip_prefix("sgr_").unwrap();
    for wrong in [None, Some("sgr_x"), Some(other_secret.as_str()), Some(bare)] {
        let refused = ask("one", wrong).await;
        assert!(
            refused.headers()["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer ")
        );
        let reason = "registration_token_invalid";
        assert_refused(refused, StatusCode::UNAUTHORIZED, "invalid_token", reason).await;
    }
    let first = registered(ask("one", Some(&good)).await).await;
    let record = gated.house.last_record().await;
    assert_eq!(record.object, Some(id.to_string()));
    let again = registered(ask("one", Some(&good)).await).await;
    assert_eq!(again["client_id"], first["client_id"], "takes no use");
    let refused = ask("two", Some(&good)).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    gated.house.clock.advance(HOUR);
    let refused = ask("one", Some(&good)).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "too old");
}

#[tokio::test]
async fn clients_that_nobody_uses_are_forgotten_and_told_so_where_tokens_are() {
    let open = open_to_all().await;
    let unused = registered(register(&open.house, &metadata()).await).await;
    let used = registered(register(&open.house, &with("client_name", value!("Used"))).await).await;
    let used = used["client_id"].as_str().unwrap();
    let code = code_of(&open.house, &wish_of(used)).await;
    tokens(redeem_as(&open.house, used, &code, CALLBACK).await).await;
    let house = &open.house;
    let forget = async || crate::own_clients::keep_house(&house.plane, house.clock.now()).await;
    let origins = async || -> Vec<ClientOrigin> {
        let clients = house.plane.store.clients().await.unwrap();
        let own = clients.into_iter().map(|client| client.details.origin);
        own.filter(|origin| origin.is_its_own()).collect()
    };
    forget().await;
    assert_eq!(origins().await.len(), 2);
    house.clock.advance(HOUR + Duration::from_secs(1));
    forget().await;
    assert_eq!(origins().await.len(), 1);
    assert_eq!(house.last_record().await.action, "client.forget");
    let gone = unused["client_id"].as_str().unwrap();
    let refused = redeem_as(house, gone, &code, CALLBACK).await;
    let reason = "client_unauthenticated";
    assert_refused(refused, StatusCode::UNAUTHORIZED, "invalid_client", reason).await;
    let response = house.get(&authorize(&wish_of(gone)), None).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(response.headers().get(LOCATION).is_none());
    house.clock.advance(house.plane.policy.agents.idle);
    forget().await;
    assert!(origins().await.is_empty());
}

#[tokio::test]
async fn a_script_in_a_browser_may_ask() {
    let open = open_to_all().await;
    let preflight = request(Method::OPTIONS, "/oauth/register").body(Body::empty());
    let response = open.house.send(preflight.unwrap()).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
}
