//! Delegations: what their tokens say, and how one ends while the session goes on.

use serde_json::json as value;

use super::introspect::{is_active, told};
use super::machines::API;
use super::token_exchange::{ACCESS, REFRESH};
use super::*;

fn grants(token: &str) -> Vec<String> {
    let grants = claims(token)["grants"].clone();
    serde_json::from_value(grants).unwrap_or_default()
}

impl House {
    async fn take_back(&self, grant: &str) -> Value {
        let path = format!("/delegations/{grant}/revoke");
        self.administer(Method::POST, &path, Value::Null).await
    }
}

#[tokio::test]
async fn a_delegated_token_names_the_delegations_it_came_by_the_first_one_first() {
    let house = House::delegating().await;
    let own = house.tokens("app", "openid").await;
    assert!(claims(&own.access)["grants"].is_null());
    let to = [("resource", API)];
    let first = tokens(house.exchange("app", REFRESH, &own.refresh, &to).await).await;
    let again = tokens(house.exchange("app", REFRESH, &own.refresh, &to).await).await;
    assert_eq!(grants(&first.access).len(), 1);
    assert_eq!(grants(&first.access), grants(&again.access));
    let on = house.passed_on(&first.access).await;
    let chain = grants(&on.access);
    assert_eq!((chain.len(), &chain[0]), (2, &grants(&first.access)[0]));
    // Whoever asks about the token is told of them.
    assert_eq!(
        told(&house, "files", &on.access).await["grants"],
        value!(chain)
    );
    // Another session is another delegation.
    let elsewhere = house.delegated().await;
    assert_ne!(grants(&elsewhere.access), grants(&first.access));
}

#[tokio::test]
async fn a_revoked_delegation_ends_what_came_by_it_and_nothing_else() {
    let house = House::delegating().await;
    let own = house.tokens("app", "openid").await;
    let to = [("resource", API)];
    let first = tokens(house.exchange("app", REFRESH, &own.refresh, &to).await).await;
    let on = house.passed_on(&first.access).await;
    let beside = house.delegated().await;
    let seen = house.take_back(&grants(&first.access)[0]).await;
    assert_eq!(
        (&seen["client"], &seen["revoked_for"]),
        (&value!("app"), &value!("admin"))
    );

    assert!(!is_active(&house, "other", &first.access).await);
    assert!(!is_active(&house, "files", &on.access).await);
    assert!(is_active(&house, "other", &beside.access).await);
    // Neither by the session's token nor by one that was had before is there another.
    let again = house.exchange("app", REFRESH, &own.refresh, &to).await;
    assert_refused(
        again,
        StatusCode::BAD_REQUEST,
        "access_denied",
        "delegation_revoked",
    )
    .await;
    let on = [("audience", "https://files.example")];
    let again = house.exchange("other", ACCESS, &first.access, &on).await;
    let status = StatusCode::BAD_REQUEST;
    assert_refused(again, status, "invalid_request", "subject_token_revoked").await;
    // The session and its own tokens live on.
    let userinfo = userinfo::ask(&house, &own.access).await;
    assert_eq!(userinfo.status(), StatusCode::OK);
    assert!(is_active(&house, "app", &own.access).await);
    tokens(house.refresh("app", &own.refresh).await).await;
    assert_eq!(house.revoked_for(&own.access).await, None);

    let record = house.records().await;
    let record = record
        .iter()
        .find(|row| row.action == "delegation.revoke")
        .unwrap();
    let session = house.session_of(&own.access).await;
    assert_eq!(
        (record.user, record.session),
        (Some(house.user), Some(session.id))
    );
    assert_eq!(record.object.as_ref(), grants(&first.access).first());
}

#[tokio::test]
async fn one_further_down_ends_alone() {
    let house = House::delegating().await;
    let first = house.delegated().await;
    let on = house.passed_on(&first.access).await;
    house.take_back(&grants(&on.access)[1]).await;
    assert!(is_active(&house, "other", &first.access).await);
    assert!(!is_active(&house, "files", &on.access).await);
    let to = [("audience", "https://files.example")];
    let again = house.exchange("other", ACCESS, &first.access, &to).await;
    assert_refused(
        again,
        StatusCode::BAD_REQUEST,
        "access_denied",
        "delegation_revoked",
    )
    .await;
}

#[tokio::test]
async fn exchanges_at_the_same_time_share_one_delegation() {
    let house = House::delegating().await;
    let own = house.tokens("app", "openid").await;
    let to = [("resource", API)];
    let exchange = || house.exchange("app", REFRESH, &own.refresh, &to);
    let (one, other, third) = tokio::join!(exchange(), exchange(), exchange());
    let mut seen = Vec::new();
    for response in [one, other, third] {
        seen.push(grants(&tokens(response).await.access));
    }
    assert!(
        seen.iter()
            .all(|chain| *chain == seen[0] && chain.len() == 1),
        "{seen:?}"
    );
}
