//! State-changing requests of browsers that say nothing of where they come from.

use std::time::Duration;

use sealgate_gate::{Allowed, Decision, Response, Transport};

use crate::browser::{Browser, from_here, signed_in, user};
use crate::provider::{World, world, world_with};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn token(world: &World, browser: &mut Browser) -> String {
    let allowed = browser.send(&world.gate, "GET", "/", &user()).await;
    let caller = allowed.unwrap().caller.unwrap();
    world.gate.csrf_token(&caller).unwrap()
}

/// Posts a form; whether its body was asked for, and what came of it.
async fn post(
    world: &World,
    browser: &Browser,
    target: &str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> (bool, Result<Allowed, Response>) {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let browser = Browser {
        headers: headers.collect(),
        ..browser.clone()
    };
    let mut asked = false;
    let mut decision = browser.decide(&world.gate, Transport::Http, "POST", target, &user());
    if let Decision::Pending(mut pending) = decision {
        if let Some(limit) = pending.body_limit() {
            asked = true;
            let end = body.len().min(limit + 1);
            pending.set_body(body.as_bytes()[..end].to_vec());
        }
        decision = world.gate.finish(*pending).await;
    }
    let result = match decision {
        Decision::Allow(allowed) => Ok(allowed),
        Decision::Respond(response) => Err(response),
        Decision::Pending(_) => panic!("a finished decision is pending"),
    };
    (asked, result)
}

fn denied(result: (bool, Result<Allowed, Response>)) -> (bool, u16, &'static str) {
    let (asked, result) = result;
    let response = result.unwrap_err();
    (asked, response.status, response.reason)
}

#[tokio::test(start_paused = true)]
async fn without_origin_a_session_needs_the_token_of_its_pages() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let token = token(&world, &mut browser).await;
    let json = ("content-type", "application/json");

    let (asked, result) = post(&world, &browser, "/x", &[("x-csrf-token", &token)], "").await;
    assert!(!asked && result.is_ok(), "by header, whatever the body is");
    let form = format!("amount=1&csrf_token={token}");
    let (asked, result) = post(&world, &browser, "/x", &[FORM], &form).await;
    assert!(asked && result.unwrap().caller.is_some(), "by field");

    let missing = "csrf_token_missing";
    for headers in [&[][..], &[json], &[("content-type", "text/plain")]] {
        let refused = denied(post(&world, &browser, "/x", headers, &form).await);
        assert_eq!(refused, (false, 403, missing), "{headers:?}");
    }
    let refused = denied(post(&world, &browser, "/x", &[FORM], "amount=1").await);
    assert_eq!(refused, (true, 403, missing));
    let wrong = [("x-csrf-token", "x"), FORM];
    let refused = denied(post(&world, &browser, "/x", &wrong, &form).await);
    assert_eq!(refused, (false, 403, "csrf_token_wrong"));
    let refused = denied(post(&world, &browser, "/x", &[FORM], "csrf_token=x").await);
    assert_eq!(refused, (true, 403, "csrf_token_wrong"));
}

#[tokio::test(start_paused = true)]
async fn a_token_of_somebody_else_is_none() {
    let world = world().await;
    let mut mallory = signed_in(&world).await;
    let token = token(&world, &mut mallory).await;
    let other = "01890a5d-ac96-774b-bcce-b302099a8058";
    world
        .state()
        .claims
        .push(("sid", serde_json::Value::from(other)));
    let ada = signed_in(&world).await;
    let form = format!("csrf_token={token}");
    let refused = denied(post(&world, &ada, "/x", &[FORM], &form).await);
    assert_eq!(refused, (true, 403, "csrf_token_wrong"));
}

#[tokio::test(start_paused = true)]
async fn a_token_does_not_help_a_page_elsewhere() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let token = token(&world, &mut browser).await;
    let foreign = [
        ("origin", "https://evil.example"),
        ("x-csrf-token", token.as_str()),
    ];
    let refused = denied(post(&world, &browser, "/x", &foreign, "").await);
    assert_eq!(refused, (false, 403, "cross_origin"));
}

#[tokio::test(start_paused = true)]
async fn a_form_is_read_only_for_a_session_that_is_alive() {
    let world = world().await;
    let nobody = Browser::default();
    let refused = denied(post(&world, &nobody, "/x", &[FORM], "").await);
    assert_eq!(refused, (false, 401, "credential_missing"));
    let browser = signed_in(&world).await;
    world.clock.advance(Duration::from_secs(11));
    let refused = denied(post(&world, &browser, "/x", &[FORM], "").await);
    assert_eq!(refused, (false, 503, "feed_stale"));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_due_is_renewed_once_the_form_has_the_token() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let token = token(&world, &mut browser).await;
    world.clock.advance(Duration::from_secs(300));
    world.follow_once().await;
    let before = world.state().token_requests.len();
    let refused = denied(post(&world, &browser, "/x", &[FORM], "").await);
    assert_eq!(refused, (true, 403, "csrf_token_missing"));
    assert_eq!(world.state().token_requests.len(), before);
    let form = format!("csrf_token={token}");
    let (_, result) = post(&world, &browser, "/x", &[FORM], &form).await;
    assert_eq!(result.unwrap().set_cookies.len(), 1);
    assert_eq!(world.state().token_requests.len(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_while_its_form_arrives_is_over() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let form = format!("csrf_token={}", token(&world, &mut browser).await);
    let mut slow = browser.clone();
    slow.headers = vec![(FORM.0, FORM.1.to_owned())];
    let decision = slow.decide(&world.gate, Transport::Http, "POST", "/x", &user());
    let Decision::Pending(mut pending) = decision else {
        panic!("the form is not asked for: {decision:?}");
    };
    browser.headers = from_here();
    let need = user();
    let out = browser.send(&world.gate, "POST", "/auth/logout", &need);
    assert_eq!(out.await.unwrap_err().status, 200);
    pending.set_body(form.into_bytes());
    let Decision::Respond(refused) = world.gate.finish(*pending).await else {
        panic!("it passed");
    };
    assert_eq!((refused.status, refused.reason), (401, "session_revoked"));
}

#[tokio::test(start_paused = true)]
async fn signing_out_needs_the_token_too() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let token = token(&world, &mut browser).await;
    let refused = denied(post(&world, &browser, "/auth/logout", &[], "").await);
    assert_eq!(refused, (false, 403, "csrf_token_missing"));
    let refused = denied(post(&world, &browser, "/auth/logout", &[FORM], "").await);
    assert_eq!(refused, (true, 403, "csrf_token_missing"));
    assert!(world.state().revocations.is_empty());
    let form = format!("csrf_token={token}");
    let (_, result) = post(&world, &browser, "/auth/logout", &[FORM], &form).await;
    assert_eq!(result.unwrap_err().status, 200);
    assert_eq!(world.state().revocations.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn pages_of_allowed_origins_need_no_token() {
    let world = world_with(&[("SEALGATE_ALLOWED_ORIGINS", "https://www.app.example")]).await;
    let browser = signed_in(&world).await;
    let from = |origin: &'static str| {
        [
            ("origin", origin),
            ("sec-fetch-site", "same-site"),
            ("content-type", "application/json"),
        ]
    };
    let www = from("https://www.app.example");
    let (_, result) = post(&world, &browser, "/x", &www, "{}").await;
    assert!(result.is_ok());
    let blog = from("https://blog.app.example");
    let refused = denied(post(&world, &browser, "/x", &blog, "{}").await);
    assert_eq!(refused, (false, 403, "cross_origin"));
    let mut socket = browser;
    for (origin, passes) in [
        ("https://www.app.example", true),
        ("https://blog.app.example", false),
    ] {
        socket.headers = vec![("origin", origin.to_owned())];
        let decision = socket.decide(&world.gate, Transport::WebSocket, "GET", "/live", &user());
        assert_eq!(matches!(decision, Decision::Allow(_)), passes, "{origin}");
    }
}
