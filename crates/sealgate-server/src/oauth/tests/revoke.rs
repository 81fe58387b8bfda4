//! Revocation by the client.

use super::*;

async fn revoke(house: &House, client: &str, token: &str) -> Response {
    house
        .post(
            "/oauth/revoke",
            Some(client),
            &[("token", token), ("token_type_hint", "nonsense")],
        )
        .await
}

#[tokio::test]
async fn either_token_ends_the_session() {
    let house = House::new().await;
    for pick in [
        |tokens: &Tokens| tokens.access.clone(),
        |tokens: &Tokens| tokens.refresh.clone(),
    ] {
        let given = house.tokens("app", "openid").await;
        let response = revoke(&house, "app", &pick(&given)).await;
        assert_eq!(response.status(), StatusCode::OK);
        no_store(response.headers());
        assert_eq!(
            house.revoked_for(&given.access).await,
            Some(RevokeReason::ClientRevoked)
        );
        assert_grant_refused(
            house.refresh("app", &given.refresh).await,
            "session_revoked",
        )
        .await;
        let (_, entries) = house
            .plane
            .store
            .revocations_live(house.clock.now())
            .await
            .unwrap();
        let session = house.session_of(&given.access).await.id;
        assert!(
            entries
                .iter()
                .any(|entry| entry.what == sealgate_store::Revoked::Session(session))
        );
    }
}

#[tokio::test]
async fn a_spent_refresh_token_ends_the_session_too_and_twice_is_once() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    tokens(house.refresh("app", &given.refresh).await).await;
    for _ in 0..2 {
        assert_eq!(
            revoke(&house, "app", &given.refresh).await.status(),
            StatusCode::OK
        );
    }
    assert_eq!(
        house.revoked_for(&given.access).await,
        Some(RevokeReason::ClientRevoked)
    );
}

#[tokio::test]
async fn an_unknown_token_is_as_dead_as_one_could_wish() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    let altered = format!("{}AAAA", &given.refresh[..60]);
    let id_token = given.body["id_token"].as_str().unwrap();
    for token in ["x", &"A".repeat(64), &altered, id_token, "a.b.c"] {
        assert_eq!(revoke(&house, "app", token).await.status(), StatusCode::OK);
    }
    assert_eq!(house.revoked_for(&given.access).await, None);
}

#[tokio::test]
async fn a_token_as_long_as_a_verifier_takes_is_read() {
    let house = House::new().await;
    let status = revoke(&house, "app", &"a".repeat(16 * 1024)).await.status();
    assert_eq!(status, StatusCode::OK);
    let response = revoke(&house, "app", &"a".repeat(16 * 1024 + 1)).await;
    assert_refused(
        response,
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "parameter_too_long",
    )
    .await;
}

#[tokio::test]
async fn another_clients_token_is_refused_and_lives_on() {
    let house = House::new().await;
    let given = house.tokens("app", "openid").await;
    for token in [&given.access, &given.refresh] {
        assert_grant_refused(
            revoke(&house, "other", token).await,
            "token_client_mismatch",
        )
        .await;
    }
    assert_eq!(house.revoked_for(&given.access).await, None);
}

#[tokio::test]
async fn only_clients_may_ask() {
    let house = House::new().await;
    let response = house
        .post(
            "/oauth/revoke",
            None,
            &[("token", "x"), ("client_id", "app")],
        )
        .await;
    assert_refused(
        response,
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_unauthenticated",
    )
    .await;
    let response = house.post("/oauth/revoke", Some("app"), &[]).await;
    assert_refused(
        response,
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "parameter_missing",
    )
    .await;
}
