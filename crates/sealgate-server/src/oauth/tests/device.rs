//! A device's way to its user: the code it is given, the page where it is typed, and the decision.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use sealgate_model::Grant;

use super::machines::API;
use super::*;

const ASK: &str = "/oauth/device_authorization";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A house in which `native` may be a device.
async fn with_device() -> House {
    let house = House::new().await;
    house.add_api().await;
    house
        .change_client("native", |client| {
            client.details.grants.push(Grant::DeviceCode);
            client.details.resources = vec![API.into()];
        })
        .await;
    house
}

async fn ask(house: &House, more: &[(&str, &str)]) -> Response {
    let mut pairs = vec![("client_id", "native"), ("scope", "openid expenses:read")];
    pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    pairs.extend_from_slice(more);
    house.post(ASK, None, &pairs).await
}

async fn codes(house: &House) -> Value {
    let response = ask(house, &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    no_store(response.headers());
    json(response).await
}

pub(super) async fn type_in(house: &House, cookie: &str, code: &str) -> Response {
    house
        .post_page("/device", cookie, &[("user_code", code)])
        .await
}

fn hidden(html: &str, name: &str) -> String {
    let at = html.find(&format!(r#"name="{name}" value=""#)).unwrap();
    html[at..].split('"').nth(3).unwrap().to_owned()
}

/// Answers the question that `html` asks.
pub(super) async fn answer(house: &House, cookie: &str, html: &str, decision: &str) -> Response {
    let fields = ["user_code", "device", "user"].map(|name| (name, hidden(html, name)));
    let mut pairs: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    pairs.push(("decision", decision));
    house.post_page("/device/answer", cookie, &pairs).await
}

async fn poll(house: &House, codes: &Value) -> Response {
    let code = codes["device_code"].as_str().unwrap();
    let pairs = [
        ("grant_type", GRANT),
        ("device_code", code),
        ("client_id", "native"),
    ];
    house.post("/oauth/token", None, &pairs).await
}

async fn reasons(house: &House, action: &str) -> Vec<(String, String)> {
    let rows = house.records().await.into_iter();
    rows.filter(|row| row.action == action)
        .map(|row| (row.outcome, row.reason))
        .collect()
}

#[tokio::test]
async fn a_device_is_connected_by_whoever_types_its_code_and_says_yes() {
    let house = with_device().await;
    let codes = codes(&house).await;
    assert_eq!(
        (codes["interval"].as_u64(), codes["expires_in"].as_u64()),
        (Some(5), Some(600))
    );
    let user_code = codes["user_code"].as_str().unwrap();
    assert_eq!(codes["verification_uri"], format!("{ISSUER}/device"));
    assert_eq!(
        codes["verification_uri_complete"],
        format!("{ISSUER}/device?user_code={user_code}")
    );
    house.clock.advance(Duration::from_secs(120));
    let (_, cookie) = house.sign_in().await;
    // The link fills the code in, and nothing more.
    let link = format!("/device?user_code={user_code}");
    let page = text(house.get(&link, Some(&cookie)).await).await;
    assert!(page.contains(&format!(r#"value="{user_code}""#)), "{page}");
    assert!(!page.contains("decision"));

    let typed = user_code.to_lowercase().replace('-', " ");
    let question = type_in(&house, &cookie, &typed).await;
    assert_eq!(question.status(), StatusCode::OK);
    let html = text(question).await;
    for told in [
        "Did you start this on a device in front of you?",
        "The native client",
        user_code,
        "2 minutes ago",
        "Not known",
        "Know who you are",
        "Read your expenses",
        "No, deny it",
    ] {
        assert!(html.contains(told), "{told} in {html}");
    }
    assert_eq!(
        json(poll(&house, &codes).await).await["error"],
        "authorization_pending"
    );
    let done = text(answer(&house, &cookie, &html, "connect").await).await;
    assert!(done.contains("The device is connected"), "{done}");
    let record = house.last_record().await;
    assert_eq!(
        (
            record.action.as_str(),
            record.outcome.as_str(),
            record.user,
            record.client.unwrap().as_str()
        ),
        ("device.approve", "allowed", Some(house.user), "native")
    );
    // The record of its asking, of the answer and of the session name the same device code.
    let code = record.object.unwrap();
    let asked = house.records().await;
    let asked = asked.iter().find(|row| row.action == "device.ask").unwrap();
    assert_eq!(asked.object.as_deref(), Some(code.as_str()));
    house.clock.advance(Duration::from_secs(5));
    let given = tokens(poll(&house, &codes).await).await;
    assert_eq!(claims(&given.access)["sub"], house.user.to_string());
    assert_eq!(claims(&given.access)["acr"], "urn:sealgate:acr:password");
    // The code is spent: the same words as for one that never was.
    let again = type_in(&house, &cookie, user_code).await;
    assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text(again).await.contains("No device waits with this code"));
}

#[tokio::test]
async fn a_denied_device_gets_nothing() {
    let house = with_device().await;
    let codes = codes(&house).await;
    let (_, cookie) = house.sign_in().await;
    let html = text(type_in(&house, &cookie, codes["user_code"].as_str().unwrap()).await).await;
    let done = text(answer(&house, &cookie, &html, "deny").await).await;
    assert!(done.contains("<h1>Denied</h1>"), "{done}");
    assert_eq!(
        reasons(&house, "device.deny").await,
        [("denied".to_owned(), "device_denied".to_owned())]
    );
    assert_refused(
        poll(&house, &codes).await,
        StatusCode::BAD_REQUEST,
        "access_denied",
        "device_denied",
    )
    .await;
    let late = answer(&house, &cookie, &html, "connect").await;
    assert_eq!(late.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn only_a_client_that_is_registered_for_it_gets_codes_and_never_for_administration() {
    let house = House::new().await;
    house
        .change_client("native", |client| {
            client.scopes.push("sealgate:users:read".into());
        })
        .await;
    assert_refused(
        ask(&house, &[]).await,
        StatusCode::BAD_REQUEST,
        "unauthorized_client",
        "grant_not_allowed",
    )
    .await;
    house
        .change_client("native", |client| {
            client.details.grants.push(Grant::DeviceCode);
        })
        .await;
    for (more, error, reason) in [
        (
            ("scope", "openid sealgate:users:read"),
            "invalid_scope",
            "device_scope_refused",
        ),
        (
            ("scope", "openid admin"),
            "invalid_scope",
            "scope_not_allowed",
        ),
        (
            ("resource", "https://b.example"),
            "invalid_target",
            "resource_not_allowed",
        ),
    ] {
        assert_refused(
            ask(&house, &[more]).await,
            StatusCode::BAD_REQUEST,
            error,
            reason,
        )
        .await;
    }
    assert_refused(
        ask(&house, &[("client_id", "app")]).await,
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_unauthenticated",
    )
    .await;
    // Without a scope it asks for its own, and administration is not among them.
    let response = ask(&house, &[("scope", "")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let code = json(response).await["user_code"]
        .as_str()
        .unwrap()
        .replace('-', "");
    let device = house.plane.store.device_by_user_code(&code).await.unwrap();
    assert_eq!(device.unwrap().scopes, ["expenses:read"]);
}

#[tokio::test]
async fn whoever_did_not_just_sign_in_signs_in_first_and_keeps_the_code() {
    let house = with_device().await;
    let codes = codes(&house).await;
    let user_code = codes["user_code"].as_str().unwrap();
    let (_, old) = house.sign_in().await;
    let question = text(type_in(&house, &old, user_code).await).await;
    house.clock.advance(Duration::from_secs(601));
    let codes = self::codes(&house).await;
    let user_code = codes["user_code"].as_str().unwrap();
    let link = format!("/device?user_code={user_code}");
    for cookie in [None, Some(old.as_str())] {
        let response = house.get(&link, cookie).await;
        assert_eq!(location(&response).path(), "/sign-in");
        let page = location(&response);
        let page = house.get(page.as_str().strip_prefix(ISSUER).unwrap(), None);
        assert!(text(page.await).await.contains("to connect a device"));
    }
    assert_eq!(
        location(&type_in(&house, &old, user_code).await).path(),
        "/sign-in"
    );
    let late = answer(&house, &old, &question, "connect").await;
    assert_eq!(location(&late).path(), "/sign-in");
}

#[tokio::test]
async fn wrong_and_expired_codes_are_told_in_the_same_words_and_recorded() {
    let house = with_device().await;
    let expired = codes(&house).await;
    house.clock.advance(Duration::from_secs(600));
    let (_, cookie) = house.sign_in().await;
    let mut pages = Vec::new();
    for code in [expired["user_code"].as_str().unwrap(), "BCDF-GHJK"] {
        let response = type_in(&house, &cookie, code).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        pages.push(text(response).await.replace(code, "CODE"));
    }
    assert_eq!(pages[0], pages[1]);
    let wrong = ("denied".to_owned(), "device_code_unknown".to_owned());
    assert_eq!(reasons(&house, "device.find").await, [wrong.clone(), wrong]);
    // What can be no code is not a guess.
    let response = type_in(&house, &cookie, "what?").await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reasons(&house, "device.find").await.len(), 2);
}

#[tokio::test]
async fn guessing_is_stopped_and_right_codes_do_not_count() {
    let house = with_device().await;
    let codes = codes(&house).await;
    let user_code = codes["user_code"].as_str().unwrap();
    let (_, cookie) = house.sign_in().await;
    for _ in 0..20 {
        let response = type_in(&house, &cookie, user_code).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    for _ in 0..10 {
        let response = type_in(&house, &cookie, "BCDF-GHJK").await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let stopped = type_in(&house, &cookie, user_code).await;
    assert_eq!(stopped.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(stopped.headers()["retry-after"], "60");
    let last = reasons(&house, "device.find").await.pop().unwrap();
    assert_eq!(last.1, "device_throttled");
    house.clock.advance(Duration::from_secs(60));
    let response = type_in(&house, &cookie, user_code).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_answer_counts_for_what_was_shown_by_whom_it_was_shown_to_and_from_our_page() {
    let house = with_device().await;
    let codes = codes(&house).await;
    let (_, cookie) = house.sign_in().await;
    let html = text(type_in(&house, &cookie, codes["user_code"].as_str().unwrap()).await).await;
    let (code, device) = (hidden(&html, "user_code"), hidden(&html, "device"));
    let (user, other) = (
        hidden(&html, "user"),
        "01970000-0000-7000-8000-000000000000",
    );
    for (device, user) in [(device.as_str(), other), (other, user.as_str())] {
        let pairs = [
            ("user_code", code.as_str()),
            ("device", device),
            ("user", user),
            ("decision", "connect"),
        ];
        let response = house.post_page("/device/answer", &cookie, &pairs).await;
        assert_eq!(location(&response).path(), "/device");
    }
    let pairs = [
        ("user_code", code.as_str()),
        ("device", &device),
        ("user", &user),
        ("decision", "connect"),
    ];
    let foreign = request(Method::POST, "/device/answer")
        .header(COOKIE, &cookie)
        .header("sec-fetch-site", "cross-site")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form(&pairs)));
    assert_eq!(
        house.send(foreign.unwrap()).await.status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        json(poll(&house, &codes).await).await["error"],
        "authorization_pending"
    );
}

#[tokio::test]
async fn where_networks_can_be_told_apart_the_question_says_where_the_device_is() {
    let house = with_device().await;
    house.plane.throttle.tell_networks_apart();
    let from =
        |address: &str| ConnectInfo(format!("{address}:4711").parse::<SocketAddr>().unwrap());
    let body = form(&[("client_id", "native"), ("scope", "openid")]);
    let asked = request(Method::POST, ASK)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .extension(from("203.0.113.9"))
        .body(Body::from(body));
    let codes = json(house.send(asked.unwrap()).await).await;
    let (_, cookie) = house.sign_in().await;
    for (here, told) in [
        ("203.0.113.9", "the network of this browser"),
        ("198.51.100.7", "another network than this browser"),
    ] {
        let typed = request(Method::POST, "/device")
            .header(COOKIE, &cookie)
            .header("sec-fetch-site", "same-origin")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(from(here))
            .body(Body::from(form(&[(
                "user_code",
                codes["user_code"].as_str().unwrap(),
            )])));
        let html = text(house.send(typed.unwrap()).await).await;
        assert!(
            html.contains("203.0.113.9") && html.contains(told),
            "{html}"
        );
    }
}

#[tokio::test]
async fn a_device_of_a_removed_registration_or_another_tenant_is_not_connected() {
    let house = with_device().await;
    let codes = codes(&house).await;
    let user_code = codes["user_code"].as_str().unwrap();
    let (_, cookie) = house.sign_in().await;
    house
        .change_client("native", |client| {
            client.details.tenant = Some("harbour".parse().unwrap());
        })
        .await;
    let response = type_in(&house, &cookie, user_code).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(text(response).await.contains("tenant_foreign"));
    house
        .change_client("native", |client| {
            client.details.tenant = None;
            client
                .details
                .grants
                .retain(|grant| *grant != Grant::DeviceCode);
        })
        .await;
    let response = type_in(&house, &cookie, user_code).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
