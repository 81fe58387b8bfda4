//! A public client on a page of the application's own, as the API documentation's "Authorize" is one: what the
//! page sends, step by step.

use sealgate_store::Resource;

use super::*;

const APP: &str = "http://127.0.0.1:8000";
const PAGE: &str = "http://127.0.0.1:8000/docs/oauth2-redirect";

async fn house() -> House {
    let house = House::new().await;
    let resource = Resource {
        status_list: false,
        agents: false,
        tools: Vec::new(),
        uri: APP.to_owned(),
        name: "The application".to_owned(),
        client: Some("app".parse().unwrap()),
        scopes: Vec::new(),
        created_at: house.clock.now(),
    };
    let store = &house.plane.store;
    store
        .resource_create(resource, house.audit())
        .await
        .unwrap();
    house
        .change_client("native", |client| {
            client.redirect_uris = vec![PAGE.to_owned()];
            client.details.resources = vec![APP.to_owned()];
        })
        .await;
    house
}

/// The code for the page, with these parameters beside the usual ones.
async fn code(house: &House, more: &[(&'static str, &str)]) -> String {
    let (_, cookie) = house.sign_in().await;
    let mut pairs = wish("native");
    pairs.retain(|(name, _)| !["redirect_uri", "scope", "nonce"].contains(name));
    pairs.push(("redirect_uri", PAGE.to_owned()));
    pairs.push(("scope", "openid expenses:read".to_owned()));
    pairs.extend(
        more.iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let asked = house.get(&authorize(&pairs), Some(&cookie)).await;
    assert_eq!(location(&asked).path(), "/consent");
    let answered = house.decide(&sealed(&asked), &cookie, "allow").await;
    let back = location(&answered);
    assert!(back.as_str().starts_with(PAGE), "{back}");
    let code = back.query_pairs().find(|(name, _)| name == "code");
    code.unwrap().1.into_owned()
}

/// The form as the page sends it.
async fn redeem(house: &House, code: &str) -> Response {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", "native"),
        ("redirect_uri", PAGE),
        ("code_verifier", VERIFIER),
        // The page sends the field of its form, empty for a public client.
        ("client_secret", ""),
    ];
    let request = request(Method::POST, "/oauth/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("origin", APP)
        .header("accept", "application/json, text/plain, */*")
        .header("x-requested-with", "XMLHttpRequest");
    house
        .send(request.body(Body::from(form(&pairs))).unwrap())
        .await
}

#[tokio::test]
async fn the_browser_lets_the_page_ask_for_tokens() {
    let house = house().await;
    let preflight = request(Method::OPTIONS, "/oauth/token")
        .header("origin", APP)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-requested-with");
    let allowed = house.send(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(allowed.status(), StatusCode::NO_CONTENT);
    let headers = allowed.headers();
    assert_eq!(headers["access-control-allow-origin"], "*");
    let names = headers["access-control-allow-headers"].to_str().unwrap();
    let names = names.to_ascii_lowercase();
    assert!(names.split(", ").any(|name| name == "x-requested-with"));
}

#[tokio::test]
async fn a_token_request_without_resource_gets_the_audience_that_was_granted() {
    let house = house().await;
    let code = code(&house, &[("resource", APP)]).await;
    let response = redeem(&house, &code).await;
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let given = tokens(response).await;
    assert_eq!(
        claims(&given.access)["aud"],
        serde_json::json!([APP, ISSUER])
    );
    assert_eq!(given.body["token_type"], "Bearer");
    // A page keeps no refresh token unless it asks for one.
    assert!(given.refresh.is_empty());
    // The application that serves the resource hears of the end of this session.
    let id = house.session_of(&given.access).await.id;
    let store = &house.plane.store;
    let done = store.session_revoke(id, RevokeReason::Logout, house.audit());
    assert!(done.await.unwrap());
    let log = store.revocations_after(0, 10).await.unwrap();
    let readers: Vec<_> = log.iter().map(|row| row.client.clone().unwrap()).collect();
    assert_eq!(readers, ["app".parse().unwrap(), "native".parse().unwrap()]);
}

#[tokio::test]
async fn a_page_that_names_no_resource_gets_a_token_for_the_issuer_alone() {
    let house = house().await;
    let code = code(&house, &[]).await;
    let given = tokens(redeem(&house, &code).await).await;
    assert_eq!(claims(&given.access)["aud"], ISSUER);
}
