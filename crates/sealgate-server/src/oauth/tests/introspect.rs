//! What is told of a token, and to whom.

use http::header::ACCEPT;
use serde_json::json as value;

use super::machines::API;
use super::*;

/// What `client` is told of `token`.
pub(super) async fn told(house: &House, client: &str, token: &str) -> Value {
    let response = house
        .post("/oauth/introspect", Some(client), &[("token", token)])
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    no_store(response.headers());
    json(response).await
}

pub(super) async fn is_active(house: &House, client: &str, token: &str) -> bool {
    told(house, client, token).await["active"] == true
}

#[tokio::test]
async fn the_holder_and_whoever_serves_the_resource_are_told_and_nobody_else() {
    let house = House::new().await;
    house.add_api().await;
    house.add_machine("robot", |_| {}).await;
    house.add_machine("curious", |_| {}).await;
    let given = tokens(house.own_token("robot", &[("resource", API)]).await).await;
    let mine = told(&house, "robot", &given.access).await;
    assert_eq!(mine, told(&house, "other", &given.access).await);
    let claims = claims(&given.access);
    let expected = value!({
        "active": true, "iss": ISSUER, "sub": "robot", "aud": API, "client_id": "robot",
        "scope": "expenses:read expenses:write", "token_type": "Bearer",
        "exp": claims["exp"], "iat": claims["iat"], "jti": claims["jti"],
    });
    assert_eq!(mine, expected);
    assert_eq!(
        told(&house, "curious", &given.access).await,
        value!({"active": false})
    );
}

#[tokio::test]
async fn a_users_token_is_good_as_long_as_its_session_and_its_user() {
    let house = House::new().await;
    let given = house.tokens("app", "openid expenses:read").await;
    let told_of = told(&house, "app", &given.access).await;
    assert_eq!(told_of["active"], true);
    assert_eq!(told_of["sub"], house.user.to_string());
    assert_eq!(told_of["acr"], "urn:sealgate:acr:password");
    assert_eq!(told_of["roles"], value!(["accountant"]));
    let refresh = told(&house, "app", &given.refresh).await;
    assert_eq!(
        (refresh["active"].as_bool(), refresh.get("token_type")),
        (Some(true), None)
    );
    assert!(!is_active(&house, "other", &given.refresh).await);

    let second = house.tokens("app", "openid").await;
    house
        .plane
        .store
        .session_revoke(
            house.session_of(&given.access).await.id,
            RevokeReason::Admin,
            house.audit(),
        )
        .await
        .unwrap();
    assert!(!is_active(&house, "app", &given.access).await);
    assert!(!is_active(&house, "app", &given.refresh).await);
    assert!(is_active(&house, "app", &second.access).await);
    house
        .plane
        .store
        .user_disable(house.user, house.audit())
        .await
        .unwrap();
    assert!(!is_active(&house, "app", &second.access).await);
}

#[tokio::test]
async fn of_what_is_no_token_of_ours_or_too_old_nothing_is_told() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    let id_token = given.body["id_token"].as_str().unwrap();
    let altered = format!("{}A", given.access);
    for wrong in ["x", "", id_token, &altered, &"A".repeat(64)] {
        if !wrong.is_empty() {
            assert_eq!(told(&house, "app", wrong).await, value!({"active": false}));
        }
    }
    house.clock.advance(std::time::Duration::from_secs(301));
    assert_eq!(
        told(&house, "app", &given.access).await,
        value!({"active": false})
    );
}

#[tokio::test]
async fn a_spent_refresh_token_is_good_inside_its_grace_window_and_then_nothing_is_told_of_it() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    let renewed = tokens(house.refresh("app", &given.refresh).await).await;
    for handle in [&given.refresh, &renewed.refresh] {
        assert!(is_active(&house, "app", handle).await);
    }
    house.clock.advance(std::time::Duration::from_secs(61));
    let spent = told(&house, "app", &given.refresh).await;
    assert_eq!(spent, value!({"active": false}));
    assert!(is_active(&house, "app", &renewed.refresh).await);
    // To ask is not to use: the session goes on.
    tokens(house.refresh("app", &renewed.refresh).await).await;
}

#[tokio::test]
async fn of_a_session_what_it_may_now_is_told_and_of_one_that_ended_nothing() {
    let house = House::new().await;
    let given = house.tokens("app", "openid expenses:read").await;
    let before = told(&house, "app", &given.refresh).await;
    assert_eq!(before["scope"], "openid expenses:read");
    assert_eq!(before["roles"], value!(["accountant"]));
    assert_eq!(before["sid"], claims(&given.access)["sid"]);
    house.clock.advance(house.plane.lifetimes.idle);
    assert_eq!(
        told(&house, "app", &given.refresh).await,
        value!({"active": false})
    );
}

#[tokio::test]
async fn nobody_asks_without_proving_who_they_are() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    for pairs in [
        vec![("token", given.access.as_str()), ("client_id", "native")],
        vec![("token", given.access.as_str()), ("client_id", "app")],
    ] {
        let refused = house.post("/oauth/introspect", None, &pairs).await;
        let no = StatusCode::UNAUTHORIZED;
        assert_refused(refused, no, "invalid_client", "client_unauthenticated").await;
    }
    let refused = house.post("/oauth/introspect", Some("app"), &[]).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(refused, bad, "invalid_request", "parameter_missing").await;
}

#[tokio::test]
async fn a_signed_answer_is_for_the_asker_alone_and_no_token() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    let request = request(Method::POST, "/oauth/introspect")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/token-introspection+jwt")
        .header(AUTHORIZATION, basic("app", &secret("app")));
    let body = Body::from(form(&[("token", &given.access)]));
    let response = house.send(request.body(body).unwrap()).await;
    assert_eq!(
        response.headers()["content-type"],
        "application/token-introspection+jwt"
    );
    no_store(response.headers());
    let signed = text(response).await;
    let keys = house.plane.keys.verifying();
    assert!(keys.verify(&signed, &["at+jwt", "JWT"]).is_err());
    let verified = keys.verify(&signed, &["token-introspection+jwt"]).unwrap();
    let claims: Value = verified.claims().unwrap();
    assert_eq!(
        (claims["iss"].as_str(), claims["aud"].as_str()),
        (Some(ISSUER), Some("app"))
    );
    assert!(claims.get("exp").is_none() && claims.get("sub").is_none());
    assert_eq!(
        claims["token_introspection"],
        told(&house, "app", &given.access).await
    );
}

#[tokio::test]
async fn a_token_without_session_can_be_given_up_by_itself() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    house.add_machine("thief", |_| {}).await;
    let one = tokens(house.own_token("robot", &[]).await).await;
    let two = tokens(house.own_token("robot", &[]).await).await;
    let give_up = |client: &'static str, token: String| {
        let house = &house;
        async move {
            house
                .post("/oauth/revoke", Some(client), &[("token", &token)])
                .await
        }
    };
    assert_grant_refused(
        give_up("thief", one.access.clone()).await,
        "token_client_mismatch",
    )
    .await;
    assert!(is_active(&house, "robot", &one.access).await);
    assert_eq!(
        give_up("robot", one.access.clone()).await.status(),
        StatusCode::OK
    );
    assert!(!is_active(&house, "robot", &one.access).await);
    assert!(is_active(&house, "robot", &two.access).await);
    let records = house.records().await;
    let revoked = records.iter().find(|row| row.action == "token.revoke");
    let jti = claims(&one.access)["jti"].as_str().unwrap().to_owned();
    assert_eq!(revoked.unwrap().object, Some(jti));
}
