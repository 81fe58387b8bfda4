//! Sign-in and sign-out, and every way a sign-in can fail.

use std::time::Duration;

use sealgate_gate::Response;
use sealgate_host::FetchError;
use serde_json::json;

use crate::browser::{Begun, Browser, begin, header, location, signed_in, user};
use crate::provider::{ISSUER, SID, World, cold_world, world, world_with};

async fn callback(world: &World, browser: &mut Browser, target: &str) -> Response {
    browser
        .send(&world.gate, "GET", target, &user())
        .await
        .unwrap_err()
}

fn assert_page(response: &Response, status: u16, reason: &str) {
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
    assert_eq!(
        browser.cookies.len(),
        1,
        "the transaction's cookie is gone: {:?}",
        browser.cookies
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
async fn two_tabs_sign_in_at_once_without_spoiling_each_other() {
    let world = world().await;
    let mut browser = Browser::default();
    let first = begin(&world, &mut browser, "/auth/login?return_to=/one").await;
    let second = begin(&world, &mut browser, "/auth/login?return_to=/two").await;
    assert_eq!(
        location(&callback(&world, &mut browser, &second.answer()).await),
        "/two"
    );
    world.state().nonce = Some(first.get("nonce").to_owned());
    assert_eq!(
        location(&callback(&world, &mut browser, &first.answer()).await),
        "/one"
    );
}

#[tokio::test(start_paused = true)]
async fn sign_ins_that_lead_nowhere_do_not_pile_up() {
    let world = world().await;
    let mut browser = Browser::default();
    for _ in 0..12 {
        begin(&world, &mut browser, "/auth/login").await;
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(browser.cookies.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_used_once() {
    let world = world().await;
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login").await;
    let mut copy = browser.clone();
    assert_eq!(
        callback(&world, &mut browser, &begun.answer()).await.status,
        303
    );
    assert_page(
        &callback(&world, &mut copy, &begun.answer()).await,
        400,
        "transaction_used",
    );
    assert_page(
        &callback(&world, &mut browser, &begun.answer()).await,
        400,
        "transaction_missing",
    );
    assert!(browser.session().is_some());
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
    let roles: Vec<String> = (0..300).map(|n| format!("role-{n:05}")).collect();
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
async fn after_an_outage_reloading_the_answer_finishes_the_sign_in() {
    let world = world().await;
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login").await;
    world
        .state()
        .token_answers
        .push_back(Err(FetchError::TimedOut));
    assert_page(
        &callback(&world, &mut browser, &begun.answer()).await,
        503,
        "provider_unavailable",
    );
    assert_eq!(
        callback(&world, &mut browser, &begun.answer()).await.status,
        303
    );
    assert!(browser.session().is_some());
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
async fn logout_ends_the_session_here_and_at_the_control_plane() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let mut copy = browser.clone();
    browser.headers = vec![
        ("accept", "text/html".into()),
        ("sec-fetch-site", "same-origin".into()),
    ];
    let response = browser
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_eq!(response.status, 303);
    assert_eq!(
        location(&response),
        format!(
            "{ISSUER}/oauth/logout?client_id=expenses&logout_hint={SID}\
             &post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F"
        )
    );
    assert!(browser.session().is_none());
    assert!(world.state().revocations[0].contains(&("token".into(), "refresh-1".into())));
    assert_eq!(
        copy.denied(&world.gate, "GET", "/expenses", &user()).await,
        (401, "session_revoked")
    );
    // Again, from the copy and from nobody: the same answer, and no error.
    for browser in [&mut copy, &mut Browser::default()] {
        let again = browser
            .send(&world.gate, "POST", "/auth/logout", &user())
            .await
            .unwrap_err();
        assert_eq!(again.status, 200);
        assert!(header(&again, "set-cookie").unwrap().ends_with("Max-Age=0"));
    }
}

#[tokio::test(start_paused = true)]
async fn logout_ends_every_session_that_the_browser_brings() {
    let world = world().await;
    let first = signed_in(&world).await;
    let other = "01890a5d-ac96-774b-bcce-b302099a8058";
    world.state().claims.push(("sid", json!(other)));
    let mut second = signed_in(&world).await;
    let planted = first.session().unwrap().to_owned();
    second.headers = vec![("cookie", format!("__Host-Http-sealgate={planted}"))];
    let done = second
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_eq!(done.status, 200);
    assert_eq!(world.state().revocations.len(), 2);
    let denied = first
        .clone()
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap_err();
    assert_eq!(denied.reason, "session_revoked");
}

#[tokio::test(start_paused = true)]
async fn logout_is_a_post_from_this_site() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let response = browser
        .send(&world.gate, "GET", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_eq!(
        (response.status, header(&response, "allow")),
        (405, Some("POST"))
    );
    browser.headers = vec![("origin", "https://evil.example".into())];
    let response = browser
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_eq!((response.status, response.reason), (403, "cross_origin"));
    browser.headers.clear();
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_logout_that_cannot_be_told_to_the_control_plane_can_be_tried_again() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    world.state().down = true;
    let response = browser
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await
        .unwrap_err();
    assert_page(&response, 503, "logout_unavailable");
    let denied = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap_err();
    assert_eq!(denied.reason, "session_revoked");
    world.state().down = false;
    assert_eq!(
        browser
            .send(&world.gate, "POST", "/auth/logout", &user())
            .await
            .unwrap_err()
            .status,
        200
    );
    assert_eq!(world.state().revocations.len(), 1);
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
