//! Tokens for resources (RFC 8707), from the code to every renewal.

use super::machines::API;
use super::*;

const FILES: &str = "https://files.example";

/// A code for `app` with both resources.
async fn code(house: &House, scope: &str) -> String {
    house
        .change_client("app", |client| {
            client.details.resources = vec![API.to_owned(), FILES.to_owned()];
        })
        .await;
    let (_, cookie) = house.sign_in().await;
    let mut pairs = wish_with("scope", scope);
    pairs.push(("resource", API.to_owned()));
    pairs.push(("resource", FILES.to_owned()));
    let response = house.get(&authorize(&pairs), Some(&cookie)).await;
    sent_back(&response).get("code").unwrap().clone()
}

async fn redeem(house: &House, code: &str, resource: &[&str]) -> Response {
    let mut pairs = redemption(code).to_vec();
    pairs.extend(resource.iter().map(|uri| ("resource", *uri)));
    house.post("/oauth/token", Some("app"), &pairs).await
}

fn audience(token: &str) -> Value {
    claims(token)["aud"].clone()
}

#[tokio::test]
async fn what_was_asked_for_is_kept_and_each_token_may_be_for_less() {
    let house = House::new().await;
    let code = code(&house, "expenses:read").await;
    let first = tokens(redeem(&house, &code, &[API]).await).await;
    assert_eq!(audience(&first.access), API);
    let renewed = tokens(house.refresh("app", &first.refresh).await).await;
    assert_eq!(audience(&renewed.access), serde_json::json!([API, FILES]));
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", renewed.refresh.as_str()),
        ("resource", FILES),
    ];
    let narrow = tokens(house.post("/oauth/token", Some("app"), &pairs).await).await;
    assert_eq!(audience(&narrow.access), FILES);
    // The race is answered to the same request alone.
    let again = house.refresh("app", &renewed.refresh).await;
    assert_grant_refused(again, "refresh_resource_changed").await;
}

#[tokio::test]
async fn a_token_is_never_for_more_than_was_granted() {
    let house = House::new().await;
    let granted = code(&house, "expenses:read").await;
    let refused = redeem(&house, &granted, &["https://other.example"]).await;
    let bad = StatusCode::BAD_REQUEST;
    assert_refused(refused, bad, "invalid_target", "resource_widened").await;
    // The refusal did not spend the code.
    tokens(redeem(&house, &granted, &[]).await).await;
    let none = house.code("app", "expenses:read").await;
    let refused = redeem(&house, &none, &[API]).await;
    assert_refused(refused, bad, "invalid_target", "resource_widened").await;
}

#[tokio::test]
async fn a_token_with_openid_opens_userinfo_too_and_one_without_does_not() {
    let house = House::new().await;
    let granted = code(&house, "openid expenses:read").await;
    let given = tokens(redeem(&house, &granted, &[API]).await).await;
    assert_eq!(audience(&given.access), serde_json::json!([API, ISSUER]));
    let response = userinfo::ask(&house, &given.access).await;
    assert_eq!(response.status(), StatusCode::OK);
    let granted = code(&house, "expenses:read").await;
    let given = tokens(redeem(&house, &granted, &[API]).await).await;
    let response = userinfo::ask(&house, &given.access).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
