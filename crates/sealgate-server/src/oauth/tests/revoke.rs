//! Revocation by the client.

use sealgate_model::ClientId;
use sealgate_store::{AuditFilter, Revoked, TokenRevocation};

use super::machines::API;
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

#[tokio::test]
async fn a_token_given_up_is_told_to_its_client_and_to_those_who_may_be_asked_to_take_it() {
    const UNSERVED: &str = "https://files.example";
    let house = House::new().await;
    house.add_api().await;
    house
        .add_machine("robot", |client| {
            client.details.resources.push(UNSERVED.to_owned());
        })
        .await;
    let ids = |ids: &[&str]| -> Vec<Option<ClientId>> {
        ids.iter().map(|id| Some(id.parse().unwrap())).collect()
    };
    for (resources, told) in [
        (&[][..], ids(&["robot"])),
        (&[API], ids(&["other", "robot"])),
        // Nobody knows who takes those.
        (&[UNSERVED], vec![None]),
        (&[API, UNSERVED], vec![None]),
    ] {
        let pairs: Vec<_> = resources.iter().map(|uri| ("resource", *uri)).collect();
        let given = tokens(house.own_token("robot", &pairs).await).await;
        assert_eq!(
            revoke(&house, "robot", &given.access).await.status(),
            StatusCode::OK
        );
        let jti = claims(&given.access)["jti"].as_str().unwrap().to_owned();
        let now = house.clock.now();
        let (_, log) = house.plane.store.revocations_live(now).await.unwrap();
        let about = log
            .into_iter()
            .filter(|entry| entry.what == Revoked::Token(jti.clone()))
            .map(|entry| entry.client);
        assert_eq!(about.collect::<Vec<_>>(), told, "{resources:?}");
    }
}

#[tokio::test]
async fn a_client_that_gives_up_tokens_without_end_is_told_to_wait_on_record() {
    let house = House::new().await;
    house.add_machine("robot", |_| {}).await;
    let given = tokens(house.own_token("robot", &[]).await).await;
    let store = &house.plane.store;
    let expires_at = house.clock.now() + std::time::Duration::from_secs(600);
    for thousand in 0..10 {
        let fill = (0..1000).map(|number| {
            let token = TokenRevocation {
                jti: format!("{thousand} {number}"),
                client: "robot".parse().unwrap(),
                others: Some(vec![]),
                expires_at,
            };
            store.token_revoke(token, house.audit())
        });
        for filled in futures_util::future::join_all(fill).await {
            assert!(filled.unwrap());
        }
    }
    let refused = revoke(&house, "robot", &given.access).await;
    assert_eq!(refused.headers()["retry-after"], "60");
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    assert_refused(refused, busy, "temporarily_unavailable", "revocations_full").await;
    house.plane.refusals.flush(&house.plane).await;
    let denied = AuditFilter {
        action: Some("token.revoke".to_owned()),
        ..AuditFilter::default()
    };
    let records = store.audit_list(denied, 10).await.unwrap();
    let [record] = records.as_slice() else {
        panic!("{records:?}");
    };
    assert_eq!(
        (record.outcome.as_str(), record.reason.as_str()),
        ("denied", "revocations_full")
    );
    // What belongs to a session still ends.
    let session = house.tokens("app", "openid").await;
    assert_eq!(
        revoke(&house, "app", &session.access).await.status(),
        StatusCode::OK
    );
}
