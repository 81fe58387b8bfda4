//! Pushed authorization requests.

use std::time::Duration;

use sealgate_jose::Algorithm;
use serde_json::json as value;

use super::machines::key;
use super::*;

const PAR: &str = "/oauth/par";

async fn push(house: &House, client: Option<&str>, pairs: &[(&'static str, String)]) -> Response {
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    house.post(PAR, client, &pairs).await
}

async fn pushed(house: &House, pairs: &[(&'static str, String)]) -> String {
    let response = push(house, Some("app"), pairs).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    no_store(response.headers());
    let body = json(response).await;
    assert_eq!(body["expires_in"], 60);
    body["request_uri"].as_str().unwrap().to_owned()
}

fn refer(client: &str, uri: &str) -> String {
    format!(
        "/oauth/authorize?{}",
        form(&[("client_id", client), ("request_uri", uri)])
    )
}

async fn page_says(response: Response, reason: &str) {
    assert!(response.headers().get(LOCATION).is_none());
    let html = text(response).await;
    assert!(html.contains(reason), "{reason} in {html}");
}

#[tokio::test]
async fn a_pushed_request_is_answered_once_for_its_client_within_a_minute() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let uri = pushed(&house, &wish("app")).await;
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    let record = house.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.actor.as_str()),
        ("request.push", "client:app")
    );
    // Somebody else's reference is none, and is not used up by trying.
    page_says(
        house.get(&refer("other", &uri), Some(&cookie)).await,
        "request_uri_client_mismatch",
    )
    .await;
    let altered = format!("{}A", &uri[..uri.len() - 1]);
    page_says(
        house.get(&refer("app", &altered), Some(&cookie)).await,
        "request_uri_unknown",
    )
    .await;
    // What stands beside the reference does not count.
    let path = format!(
        "{}&scope=admin&redirect_uri=https%3A%2F%2Fevil.example",
        refer("app", &uri)
    );
    let answer = sent_back(&house.get(&path, Some(&cookie)).await);
    assert_eq!(answer["state"], "the state");
    tokens(house.redeem("app", &answer["code"]).await).await;
    page_says(
        house.get(&refer("app", &uri), Some(&cookie)).await,
        "request_uri_unknown",
    )
    .await;

    let late = pushed(&house, &wish("app")).await;
    house.clock.advance(Duration::from_secs(60));
    page_says(
        house.get(&refer("app", &late), Some(&cookie)).await,
        "request_uri_expired",
    )
    .await;
}

#[tokio::test]
async fn a_mistake_is_told_to_the_client_at_once() {
    let house = House::new().await;
    for (pairs, error, reason) in [
        (
            wish_with("redirect_uri", "https://evil.example"),
            "invalid_request",
            "redirect_uri_unregistered",
        ),
        (
            wish_with("code_challenge", ""),
            "invalid_request",
            "pkce_missing",
        ),
        (
            wish_with("scope", "admin"),
            "invalid_scope",
            "scope_not_allowed",
        ),
        (
            wish_with("response_type", "token"),
            "unsupported_response_type",
            "response_type_unsupported",
        ),
        (
            wish_with("request_uri", "urn:x"),
            "invalid_request",
            "request_uri_pushed",
        ),
        (
            wish_with("client_id", "other"),
            "invalid_request",
            "client_authentication_repeated",
        ),
        (
            wish_with("id_token_hint", "a.b.c"),
            "invalid_request",
            "id_token_hint_invalid",
        ),
        (
            [wish("app"), vec![("scope", "openid".to_owned())]].concat(),
            "invalid_request",
            "parameter_repeated",
        ),
    ] {
        let response = push(&house, Some("app"), &pairs).await;
        assert_refused(response, StatusCode::BAD_REQUEST, error, reason).await;
    }
    let mut anonymous = wish("app");
    anonymous.push(("client_secret", "wrong".to_owned()));
    assert_refused(
        push(&house, None, &anonymous).await,
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_unauthenticated",
    )
    .await;
    let get = house.get(PAR, None).await;
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_client_that_has_to_push_its_requests_is_answered_nothing_else() {
    let house = House::new().await;
    house
        .change_client("app", |client| client.details.require_pushed = true)
        .await;
    let (_, cookie) = house.sign_in().await;
    let answer = sent_back(&house.get(&authorize(&wish("app")), Some(&cookie)).await);
    assert_eq!(
        (answer["error"].as_str(), answer["reason"].as_str()),
        ("invalid_request", "pushed_request_required")
    );
    let uri = pushed(&house, &wish("app")).await;
    assert!(sent_back(&house.get(&refer("app", &uri), Some(&cookie)).await).contains_key("code"));
}

#[tokio::test]
async fn what_is_kept_of_a_pushed_request_is_no_credential() {
    let house = House::new().await;
    let mut pairs = wish("app");
    pairs.push(("client_secret", secret("app")));
    let response = push(&house, None, &pairs).await;
    let uri = json(response).await["request_uri"]
        .as_str()
        .unwrap()
        .to_owned();
    let uri: sealgate_oauth::RequestUri = uri.parse().unwrap();
    let row = house.plane.store.pushed(uri.0.id).await.unwrap().unwrap();
    let names: Vec<_> = row
        .parameters
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(
        names.contains(&"redirect_uri") && !names.contains(&"client_secret"),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_proof_that_comes_with_it_binds_the_code_to_its_key() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    let key = key(Algorithm::Es256);
    let with_proof = |pairs: Vec<(&'static str, String)>| {
        let proof = house.proof(key, "POST", PAR, &value!({}));
        request(Method::POST, PAR)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, basic("app", &secret("app")))
            .header("dpop", proof)
            .body(Body::from(
                Serializer::new(String::new()).extend_pairs(pairs).finish(),
            ))
            .unwrap()
    };
    let response = house.send(with_proof(wish("app"))).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert!(response.headers().contains_key("dpop-nonce"));
    let uri = json(response).await["request_uri"]
        .as_str()
        .unwrap()
        .to_owned();
    let code = sent_back(&house.get(&refer("app", &uri), Some(&cookie)).await)["code"].clone();
    let unbound = house.redeem("app", &code).await;
    assert_eq!(unbound.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(unbound).await["reason"], "dpop_proof_key");

    let other = super::machines::key(Algorithm::Rs256)
        .public_jwk()
        .thumbprint()
        .unwrap();
    let response = house.send(with_proof(wish_with("dpop_jkt", &other))).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(response).await["reason"], "dpop_proof_key");
}

#[tokio::test]
async fn strangers_fill_no_table_under_a_public_clients_name() {
    let house = House::new().await;
    let pairs = wish("native");
    for _ in 0..300 {
        let response = push(&house, None, &pairs).await;
        assert_eq!(response.status(), StatusCode::CREATED);
    }
    let refused = push(&house, None, &pairs).await;
    assert_refused(
        refused,
        StatusCode::TOO_MANY_REQUESTS,
        "temporarily_unavailable",
        "requests_throttled",
    )
    .await;
    pushed(&house, &wish("app")).await;
}
