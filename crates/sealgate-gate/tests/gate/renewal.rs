//! Renewal: once for everybody, and never at the expense of a cookie.

use std::sync::Arc;
use std::time::Duration;

use sealgate_gate::{Kinds, Need, Requirement};
use sealgate_host::FetchError;
use serde_json::json;

use crate::browser::{Browser, header, signed_in, user};
use crate::provider::{World, world};

const PAST_ACCESS: Duration = Duration::from_secs(301);

/// A signed-in browser whose session's access part is over, in front of a fresh view.
async fn due() -> (Arc<World>, Browser) {
    let world = world().await;
    let browser = signed_in(&world).await;
    world.state().token_requests.clear();
    world.clock.advance(PAST_ACCESS);
    world.follow_once().await;
    (Arc::new(world), browser)
}

#[tokio::test(start_paused = true)]
async fn the_first_request_past_the_access_part_renews_it() {
    let (world, mut browser) = due().await;
    let old = browser.session().unwrap().to_owned();
    let allowed = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap();
    assert_eq!(allowed.caller.unwrap().actor.id(), "ada");
    assert_ne!(browser.session().unwrap(), old);
    let allowed = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap();
    assert!(allowed.set_cookies.is_empty());
    let requests = &world.state().token_requests;
    assert_eq!(requests.len(), 1);
    assert!(requests[0].contains(&("grant_type".into(), "refresh_token".into())));
    assert!(requests[0].contains(&("refresh_token".into(), "refresh-1".into())));
}

#[tokio::test(start_paused = true)]
async fn fifty_tabs_make_one_renewal_and_late_ones_share_it() {
    let (world, browser) = due().await;
    world.state().slow = 20;
    let mut tabs = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (world, mut browser) = (Arc::clone(&world), browser.clone());
        tabs.spawn(async move {
            browser
                .send(&world.gate, "GET", "/", &user())
                .await
                .unwrap();
            browser.session().unwrap().to_owned()
        });
    }
    let cookies: std::collections::BTreeSet<String> = tabs.join_all().await.into_iter().collect();
    assert_eq!(cookies.len(), 1);
    // A tab that slept through it still brings the old cookie.
    let mut late = browser.clone();
    late.send(&world.gate, "GET", "/", &user()).await.unwrap();
    assert!(cookies.contains(late.session().unwrap()));
    assert_eq!(world.state().token_requests.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_denial_after_a_renewal_still_carries_the_new_cookie() {
    let (world, mut browser) = due().await;
    let old = browser.session().unwrap().to_owned();
    let admin = Requirement::Actor(Need {
        scopes: vec!["admin".to_owned()],
        ..Need::of(Kinds::USER)
    });
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &admin).await,
        (403, "scope_missing")
    );
    assert_ne!(browser.session().unwrap(), old);
    let allowed = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap();
    assert!(allowed.set_cookies.is_empty());
    assert_eq!(world.state().token_requests.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cookie_that_was_lost_with_its_answer_is_given_again() {
    let (world, browser) = due().await;
    let mut lost = browser.clone();
    lost.send(&world.gate, "GET", "/", &user()).await.unwrap();
    // The handler failed, or the connection broke: this browser never saw it.
    for _ in 0..7 {
        world.clock.advance(Duration::from_secs(40));
        world.follow_once().await;
        let mut again = browser.clone();
        again.send(&world.gate, "GET", "/", &user()).await.unwrap();
        assert_eq!(again.session(), lost.session());
    }
    assert_eq!(world.state().token_requests.len(), 1);
    // When the successor itself is due, nothing can be given again: the control plane decides.
    world.clock.advance(Duration::from_secs(40));
    world.follow_once().await;
    let reused = Ok((400, json!({"error": "invalid_grant"})));
    world.state().token_answers.push_back(reused);
    let mut again = browser.clone();
    assert_eq!(
        again.denied(&world.gate, "GET", "/", &user()).await,
        (401, "renewal_refused")
    );
}

#[tokio::test(start_paused = true)]
async fn once_the_new_cookie_was_seen_the_old_one_is_the_control_planes_to_judge() {
    let (world, old) = due().await;
    let mut browser = old.clone();
    for _ in 0..2 {
        browser
            .send(&world.gate, "GET", "/", &user())
            .await
            .unwrap();
    }
    world.clock.advance(Duration::from_secs(14));
    world.follow_once().await;
    let within = old.clone().send(&world.gate, "GET", "/", &user()).await;
    assert!(within.is_ok());
    assert_eq!(world.state().token_requests.len(), 1);
    world.clock.advance(Duration::from_secs(1));
    let reused = Ok((400, json!({"error": "invalid_grant"})));
    world.state().token_answers.push_back(reused);
    assert_eq!(
        old.clone().denied(&world.gate, "GET", "/", &user()).await,
        (401, "renewal_refused")
    );
    assert_eq!(world.state().token_requests.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_renewal_is_a_401_that_clears_nothing() {
    let (world, mut browser) = due().await;
    world
        .state()
        .token_answers
        .push_back(Ok((400, json!({"error": "invalid_grant"}))));
    let denied = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap_err();
    assert_eq!((denied.status, denied.reason), (401, "renewal_refused"));
    assert!(header(&denied, "set-cookie").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_a_503_that_clears_nothing_and_passes() {
    for outage in [
        Err(FetchError::TimedOut),
        Ok((503, json!({}))),
        Ok((500, json!({}))),
        Ok((429, json!({}))),
        Ok((401, json!({"error": "invalid_client"}))),
        Ok((200, json!({"access_token": 1}))),
    ] {
        let (world, mut browser) = due().await;
        world.state().token_answers.push_back(outage);
        let denied = browser
            .send(&world.gate, "GET", "/", &user())
            .await
            .unwrap_err();
        assert_eq!((denied.status, denied.reason), (503, "renewal_unavailable"));
        assert!(
            header(&denied, "set-cookie").is_none() && header(&denied, "retry-after").is_some()
        );
        // For a moment others are told the same without asking again; then it is asked again.
        assert_eq!(
            browser
                .send(&world.gate, "GET", "/", &user())
                .await
                .unwrap_err()
                .status,
            503
        );
        assert_eq!(world.state().token_requests.len(), 1);
        world.clock.advance(Duration::from_secs(1));
        assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_names_somebody_else_is_refused() {
    for (claim, value) in [
        ("sub", json!("eve")),
        ("sid", json!("01890a5d-ac96-774b-bcce-b302099a8058")),
        ("aud", json!("payroll")),
        ("iss", json!("https://evil.example")),
    ] {
        let (world, mut browser) = due().await;
        world.state().claims.push((claim, value));
        assert_eq!(
            browser.denied(&world.gate, "GET", "/", &user()).await,
            (503, "renewal_unavailable"),
            "{claim}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_from_another_site_renews_nothing() {
    let (world, mut browser) = due().await;
    browser.headers = vec![("origin", "https://evil.example".into())];
    let denied = browser
        .send(&world.gate, "POST", "/", &user())
        .await
        .unwrap_err();
    assert_eq!(denied.reason, "cross_origin");
    assert!(world.state().token_requests.is_empty());
}

#[tokio::test(start_paused = true)]
async fn renewal_never_moves_the_end_back() {
    let (world, mut browser) = due().await;
    browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap();
    // 86,400 s after sign-in, with activity all the time.
    let mut left = 86_400 - 301;
    while left > 0 {
        let step = left.min(290);
        world.clock.advance(Duration::from_secs(step));
        world.follow_once().await;
        left -= step;
        let result = browser.send(&world.gate, "GET", "/", &user()).await;
        assert_eq!(result.is_ok(), left > 0, "{left}");
    }
}
