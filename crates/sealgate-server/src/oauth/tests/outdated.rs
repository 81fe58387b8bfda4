//! What tokens tell and is not so any more: nobody is signed out, and nobody is believed with the old.

use std::time::Duration;

use serde_json::json as value;

use super::introspect::{is_active, told};
use super::machines::API;
use super::outage::{CHANGED_MEANWHILE, ENDED_MEANWHILE, assert_unavailable, house as switched};
use super::token_exchange::{ACCESS, REFRESH};
use super::*;

#[tokio::test]
async fn other_roles_count_from_the_next_token_on_and_the_last_one_is_not_believed() {
    let house = House::delegating().await;
    let own = house.tokens("app", "openid").await;
    let to = [("resource", API)];
    let delegated = tokens(house.exchange("app", REFRESH, &own.refresh, &to).await).await;
    house.clock.advance(Duration::from_secs(1));
    let path = format!("/users/{}", house.user);
    house
        .administer(Method::PATCH, &path, value!({ "roles": ["auditor"] }))
        .await;
    for access in [&own.access, &delegated.access] {
        assert!(!is_active(&house, "app", access).await);
    }
    let refused = userinfo::ask(&house, &own.access).await;
    assert_refused(
        refused,
        StatusCode::UNAUTHORIZED,
        "invalid_token",
        "token_outdated",
    )
    .await;
    let on = [("audience", "https://files.example")];
    let refused = house
        .exchange("other", ACCESS, &delegated.access, &on)
        .await;
    let status = StatusCode::BAD_REQUEST;
    assert_refused(refused, status, "invalid_request", "subject_token_outdated").await;
    // Its session is as good as ever.
    house.clock.advance(Duration::from_secs(1));
    let next = tokens(house.refresh("app", &own.refresh).await).await;
    assert_eq!(claims(&next.access)["roles"], value!(["auditor"]));
    assert_eq!(
        claims(next.body["id_token"].as_str().unwrap())["roles"],
        value!(["auditor"])
    );
    assert_eq!(
        told(&house, "app", &next.access).await["roles"],
        value!(["auditor"])
    );
    let delegated = tokens(house.exchange("app", REFRESH, &next.refresh, &to).await).await;
    assert_eq!(claims(&delegated.access)["roles"], value!(["auditor"]));
    assert!(is_active(&house, "other", &delegated.access).await);
}

#[tokio::test]
async fn what_a_client_may_no_longer_have_is_not_renewed_and_its_last_token_is_not_believed() {
    let house = House::new().await;
    let own = house.tokens("app", "openid profile expenses:read").await;
    house.clock.advance(Duration::from_secs(1));
    let scopes = value!({ "scopes": ["openid"] });
    house
        .administer(Method::PATCH, "/clients/app", scopes)
        .await;
    assert!(!is_active(&house, "app", &own.access).await);
    house.clock.advance(Duration::from_secs(1));
    let next = tokens(house.refresh("app", &own.refresh).await).await;
    assert_eq!(next.body["scope"], "openid profile");
    assert!(is_active(&house, "app", &next.access).await);
    assert_eq!(house.revoked_for(&own.access).await, None);
    // What is given back disturbs nobody, and the session has it again.
    let scopes = value!({ "scopes": ["openid", "expenses:read"] });
    house
        .administer(Method::PATCH, "/clients/app", scopes)
        .await;
    assert!(is_active(&house, "app", &next.access).await);
    house.clock.advance(Duration::from_secs(1));
    let last = tokens(house.refresh("app", &next.refresh).await).await;
    assert_eq!(last.body["scope"], "openid profile expenses:read");
}

/// Between the reading of a user and a client and the record of the tokens that tell of them, both change.
#[tokio::test]
async fn what_changes_before_tokens_are_on_record_is_told_as_it_is_then() {
    let (house, switch) = switched().await;
    let meanwhile = || switch.store(CHANGED_MEANWHILE, std::sync::atomic::Ordering::SeqCst);
    let tells_the_new = async |given: &Tokens| {
        let user = house.plane.store.user(house.user).await.unwrap().unwrap();
        assert!(user.roles[0].starts_with("role-"), "{:?}", user.roles);
        assert_eq!(claims(&given.access)["roles"], value!(user.roles));
        let scope = given.body["scope"].as_str().unwrap();
        assert!(!scope.contains("expenses:read"), "{scope}");
    };
    let code = house.code("app", "openid expenses:read").await;
    meanwhile();
    let own = tokens(house.redeem("app", &code).await).await;
    tells_the_new(&own).await;

    house
        .change_client("app", |client| {
            client.scopes.push("expenses:read".to_owned());
        })
        .await;
    meanwhile();
    let next = tokens(house.refresh("app", &own.refresh).await).await;
    tells_the_new(&next).await;

    house
        .change_client("app", |client| {
            client.scopes.push("expenses:read".to_owned());
        })
        .await;
    meanwhile();
    let again = tokens(house.refresh("app", &own.refresh).await).await;
    assert_eq!(
        again.refresh, next.refresh,
        "the same answer, inside the grace window"
    );
    tells_the_new(&again).await;
}

#[tokio::test]
async fn a_token_that_would_tell_of_what_was_is_not_given_out() {
    let (house, switch) = switched().await;
    let meanwhile = || switch.store(CHANGED_MEANWHILE, std::sync::atomic::Ordering::SeqCst);
    house.add_api().await;
    house
        .change_client("app", |client| {
            let details = &mut client.details;
            details.grants.push(sealgate_model::Grant::TokenExchange);
            details
                .grants
                .push(sealgate_model::Grant::ClientCredentials);
            details.resources = vec![API.to_owned()];
        })
        .await;
    let own = house.tokens("app", "openid").await;
    let to = [("resource", API)];
    meanwhile();
    assert_unavailable(house.exchange("app", REFRESH, &own.refresh, &to).await).await;
    house
        .change_client("app", |client| {
            client.scopes.push("expenses:read".to_owned());
        })
        .await;
    meanwhile();
    assert_unavailable(house.own_token("app", &to).await).await;
}

/// Of a client in the middle nothing is asked when the token is put on record, and its end may be dated before
/// the token.
#[tokio::test]
async fn no_token_is_given_out_by_an_actor_or_a_secret_that_ended_before_it_was_on_record() {
    let (house, switch) = switched().await;
    let meanwhile = || switch.store(ENDED_MEANWHILE, std::sync::atomic::Ordering::SeqCst);
    let house = house.that_delegates().await;
    let first = house.delegated().await;
    let second = house.passed_on(&first.access).await;
    meanwhile();
    let to = [("resource", API)];
    let third = house.exchange("files", ACCESS, &second.access, &to).await;
    assert_refused(
        third,
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "subject_token_revoked",
    )
    .await;

    let (house, switch) = switched().await;
    house.add_api().await;
    house
        .change_client("app", |client| {
            let details = &mut client.details;
            details.grants = vec![sealgate_model::Grant::ClientCredentials];
            details.resources = vec![API.to_owned()];
        })
        .await;
    switch.store(ENDED_MEANWHILE, std::sync::atomic::Ordering::SeqCst);
    assert_unavailable(house.own_token("app", &to).await).await;
}
