//! What is said of the user to the holder of an access token.

use super::*;

pub(super) async fn ask(house: &House, access: &str) -> Response {
    let request =
        request(Method::GET, "/oauth/userinfo").header(AUTHORIZATION, format!("Bearer {access}"));
    house.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_scopes_decide_what_is_said() {
    let house = House::new().await;
    let sub = house.user.to_string();
    let little = house.tokens("app", "openid").await;
    let response = ask(&house, &little.access).await;
    no_store(response.headers());
    assert_eq!(
        json(response).await,
        serde_json::json!({"sub": sub, "roles": ["accountant"]})
    );
    let more = house.tokens("app", "openid email profile").await;
    let request = request(Method::POST, "/oauth/userinfo")
        .header(AUTHORIZATION, format!("bearer {}", more.access));
    let said = json(house.send(request.body(Body::empty()).unwrap()).await).await;
    let expected = serde_json::json!({
        "sub": sub, "roles": ["accountant"], "name": "Ada", "email": "ada@example.org", "email_verified": true
    });
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_and_nowhere_else() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    let response = house
        .get(
            &format!("/oauth/userinfo?access_token={}", given.access),
            None,
        )
        .await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    // RFC 6750, 3.1: no error code where no credential was sent.
    assert_eq!(
        response.headers()["www-authenticate"],
        r#"Bearer realm="sealgate""#
    );
    let response = house
        .post("/oauth/userinfo", None, &[("access_token", &given.access)])
        .await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

async fn assert_challenged(response: Response, reason: &str) {
    let challenge = response.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        challenge.starts_with(r#"Bearer realm="sealgate", error="invalid_token""#),
        "{challenge}"
    );
    assert_refused(response, StatusCode::UNAUTHORIZED, "invalid_token", reason).await;
}

#[tokio::test]
async fn a_token_that_is_not_good_is_challenged() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    let id_token = given.body["id_token"].as_str().unwrap().to_owned();
    let mut altered = given.access.clone();
    altered.replace_range(altered.len() - 4.., "AAAA");
    for wrong in ["x", &id_token, &altered, &given.refresh, ""] {
        assert_challenged(ask(&house, wrong).await, "token_invalid").await;
    }
    house.clock.advance(house.plane.lifetimes.access);
    assert_challenged(ask(&house, &given.access).await, "token_expired").await;
}

#[tokio::test]
async fn a_revoked_session_and_a_disabled_user_silence_the_endpoint_at_once() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    let session = house.session_of(&given.access).await.id;
    house
        .plane
        .store
        .session_revoke(session, RevokeReason::Admin, house.audit())
        .await
        .unwrap();
    assert_challenged(ask(&house, &given.access).await, "token_revoked").await;
    let given = house.tokens("app", "openid").await;
    house
        .plane
        .store
        .user_disable(house.user, house.audit())
        .await
        .unwrap();
    assert_challenged(ask(&house, &given.access).await, "token_revoked").await;
}

#[tokio::test]
async fn a_token_without_openid_lacks_scope() {
    let house = House::new().await;
    let given = house.tokens("app", "expenses:read").await;
    let response = ask(&house, &given.access).await;
    assert!(
        response.headers()["www-authenticate"]
            .to_str()
            .unwrap()
            .ends_with(r#"scope="openid""#)
    );
    assert_refused(
        response,
        StatusCode::FORBIDDEN,
        "insufficient_scope",
        "scope_insufficient",
    )
    .await;
}
