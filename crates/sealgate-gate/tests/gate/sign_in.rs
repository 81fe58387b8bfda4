//! Sign-in and sign-out, and every way a sign-in can fail.

use std::time::Duration;

use sealgate_gate::Response;
use sealgate_host::FetchError;
use serde_json::json;

use crate::browser::{Begun, Browser, begin, header, location, signed_in, user};
use crate::provider::{ISSUER, World, cold_world, world, world_with};

pub(crate) async fn callback(world: &World, browser: &mut Browser, target: &str) -> Response {
    browser
        .send(&world.gate, "GET", target, &user())
        .await
        .unwrap_err()
}

pub(crate) fn assert_page(response: &Response, status: u16, reason: &str) {
    assert_eq!((response.status, response.reason), (status, reason));
    assert_eq!(
        header(response, "content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        header(response, "content-security-policy")
            .unwrap()
            .starts_with("default-src 'none'")
    );
    let page = String::from_utf8(response.body.clone()).unwrap();
    assert!(page.contains(reason), "{page}");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_asks_for_everything_that_protects_it() {
    let world = world().await;
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login").await;
    assert_eq!(begun.get("response_type"), "code");
    assert_eq!(begun.get("client_id"), "expenses");
    assert_eq!(
        begun.get("redirect_uri"),
        "https://app.example/auth/callback"
    );
    assert_eq!(begun.get("scope"), "openid profile email");
    assert_eq!(begun.get("code_challenge_method"), "S256");
    assert_eq!(begun.get("code_challenge").len(), 43);
    let (name, value) = browser.cookies.first_key_value().unwrap();
    assert_eq!(
        *name,
        format!("__Host-Http-sealgate-tx-{}", &begun.get("state")[..8])
    );
    assert!(!value.contains(begun.get("state")) && !value.contains(begun.get("nonce")));
}

#[tokio::test(start_paused = true)]
async fn the_code_is_exchanged_with_the_verifier_of_its_challenge() {
    use base64::Engine as _;
    let world = world().await;
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login").await;
    let response = callback(&world, &mut browser, &begun.answer()).await;
    assert_eq!((response.status, location(&response)), (303, "/"));
    let names: Vec<_> = browser.cookies.keys().map(String::as_str).collect();
    let finished = format!("__Host-Http-sealgate-tx-{}", &begun.get("state")[..8]);
    assert_eq!(
        names,
        [
            "__Host-Http-sealgate",
            "__Host-Http-sealgate-rounds",
            &finished
        ]
    );
    let requests = &world.state().token_requests;
    let field = |name: &str| {
        requests[0]
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
            .unwrap()
    };
    let hash = sealgate_host::sha256(field("code_verifier").as_bytes());
    let challenge = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash.as_bytes());
    assert_eq!(challenge, begun.get("code_challenge"));
    assert_eq!(field("redirect_uri"), "https://app.example/auth/callback");
}

#[tokio::test(start_paused = true)]
async fn a_return_path_never_leaves_the_application() {
    let world = world().await;
    for (asked, expected) in [
        ("/expenses?page=2", "/expenses?page=2"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/%0d%0aLocation:x", "/%0d%0aLocation:x"),
    ] {
        let mut browser = Browser::default();
        let query: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
        let begun = begin(
            &world,
            &mut browser,
            &format!("/auth/login?return_to={query}"),
        )
        .await;
        let response = callback(&world, &mut browser, &begun.answer()).await;
        assert_eq!(location(&response), expected, "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_only_in_the_browser_that_asked() {
    let world = world().await;
    let mut attacker = Browser::default();
    let begun = begin(&world, &mut attacker, "/auth/login").await;
    let mut victim = Browser::default();
    assert_page(
        &callback(&world, &mut victim, &begun.answer()).await,
        400,
        "transaction_missing",
    );
    // A victim who is signing in themselves is no better a target.
    begin(&world, &mut victim, "/auth/login").await;
    assert_page(
        &callback(&world, &mut victim, &begun.answer()).await,
        400,
        "state_foreign",
    );
    assert!(victim.session().is_none());
    assert!(world.state().token_requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_transaction_cookie_under_another_name_is_no_transaction() {
    let world = world().await;
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login").await;
    let sealed = browser.cookies.pop_first().unwrap().1;
    let forged = format!("{}x", &begun.get("state")[..8]);
    browser.cookies.insert(
        format!("__Host-Http-sealgate-tx-{}", &forged[..8]),
        format!("{sealed}A"),
    );
    assert_page(
        &callback(&world, &mut browser, &begun.answer()).await,
        400,
        "transaction_missing",
    );
    browser.cookies.clear();
    browser
        .cookies
        .insert("__Host-Http-sealgate-tx-otherone".into(), sealed);
    let target = format!("/auth/callback?code=c&state=otherone&iss={ISSUER}");
    assert_page(
        &callback(&world, &mut browser, &target).await,
        400,
        "transaction_missing",
    );
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_took_too_long_says_so() {
    let world = world().await;
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login").await;
    world.clock.advance(Duration::from_secs(600));
    assert_page(
        &callback(&world, &mut browser, &begun.answer()).await,
        400,
        "transaction_expired",
    );
}

async fn fails(change: impl Fn(&World, &Begun) -> String, status: u16, reason: &str) {
    let world = world().await;
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login").await;
    let target = change(&world, &begun);
    let response = callback(&world, &mut browser, &target).await;
    assert_page(&response, status, reason);
    assert!(browser.session().is_none());
    let page = String::from_utf8(response.body).unwrap();
    assert!(
        !page.contains("<script") && !page.contains("evil"),
        "{page}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_wrong_answer_has_its_own_page() {
    let state = |begun: &Begun| begun.get("state").to_owned();
    fails(
        |_, b| format!("/auth/callback?code=c&state={}", state(b)),
        400,
        "issuer_foreign",
    )
    .await;
    fails(
        |_, b| {
            format!(
                "/auth/callback?code=c&state={}&iss=https://evil.example",
                state(b)
            )
        },
        400,
        "issuer_foreign",
    )
    .await;
    fails(
        |_, b| format!("/auth/callback?state={}&iss={ISSUER}", state(b)),
        400,
        "callback_malformed",
    )
    .await;
    fails(
        |_, _| "/auth/callback".to_owned(),
        400,
        "callback_malformed",
    )
    .await;
    fails(
        |_, b| format!("{}&code=evil", b.answer()),
        400,
        "callback_malformed",
    )
    .await;
    for (error, status, reason) in [
        ("access_denied", 403, "provider_access_denied"),
        ("temporarily_unavailable", 503, "provider_unavailable"),
        ("login_required", 401, "provider_interaction_required"),
        ("<script>evil", 502, "provider_error"),
    ] {
        fails(
            |_, b| {
                format!(
                    "/auth/callback?error={error}&error_description=evil&state={}&iss={ISSUER}",
                    state(b)
                )
            },
            status,
            reason,
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_wrong_token_answer_has_its_own_page() {
    let answers = |answer: Result<(u16, serde_json::Value), FetchError>| {
        move |world: &World, begun: &Begun| {
            world.state().token_answers.push_back(answer.clone());
            begun.answer()
        }
    };
    fails(
        answers(Ok((400, json!({"error": "invalid_grant"})))),
        400,
        "code_refused",
    )
    .await;
    fails(
        answers(Ok((200, json!({"access_token": "x"})))),
        502,
        "provider_unacceptable",
    )
    .await;
    fails(
        answers(Err(FetchError::TimedOut)),
        503,
        "provider_unavailable",
    )
    .await;
    for (claim, value) in [
        ("nonce", json!("another")),
        ("aud", json!("payroll")),
        ("sid", json!("")),
        ("exp", json!(1)),
    ] {
        fails(
            |world, begun| {
                world.state().claims.push((claim, value.clone()));
                begun.answer()
            },
            502,
            "provider_unacceptable",
        )
        .await;
    }
    let roles: Vec<String> = (0..200)
        .map(|n| format!("accountant-of-branch-{n:05}"))
        .collect();
    fails(
        |world, begun| {
            world.state().claims.push(("roles", json!(roles)));
            begun.answer()
        },
        500,
        "session_too_large",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_the_control_plane_a_sign_in_says_so() {
    let world = cold_world(&[]);
    world.state().down = true;
    let mut browser = Browser::default();
    let response = browser
        .send(&world.gate, "GET", "/auth/login", &user())
        .await
        .unwrap_err();
    assert_page(&response, 503, "provider_unavailable");
}

#[tokio::test(start_paused = true)]
async fn an_application_under_a_path_keeps_to_it() {
    let world = world_with(&[("SEALGATE_BASE_URL", "https://app.example/tools/expenses")]).await;
    let mut browser = Browser::default();
    let denied = browser
        .open(&world.gate, "/tools/expenses/list")
        .await
        .unwrap_err();
    assert!(location(&denied).starts_with("/tools/expenses/auth/login?"));
    let begun = begin(&world, &mut browser, "/tools/expenses/auth/login").await;
    assert_eq!(
        begun.get("redirect_uri"),
        "https://app.example/tools/expenses/auth/callback"
    );
    let target = format!("/tools/expenses{}", begun.answer());
    assert_eq!(
        location(&callback(&world, &mut browser, &target).await),
        "/tools/expenses/"
    );
}

#[tokio::test(start_paused = true)]
async fn keys_are_asked_for_once_however_many_unknown_ones_come() {
    let world = world().await;
    assert_eq!(world.state().keys_asked, 1);
    signed_in(&world).await;
    signed_in(&world).await;
    assert_eq!(world.state().keys_asked, 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_known_yet_is_asked_for_and_not_taken_for_a_forgery() {
    let world = world().await;
    // Rotated twice since the keys were asked for: the signing key was never seen here.
    world.state().signing = 2;
    signed_in(&world).await;
    assert_eq!(world.state().keys_asked, 2);
    world.state().signing = 1;
    signed_in(&world).await;
    assert_eq!(world.state().keys_asked, 2);
}
