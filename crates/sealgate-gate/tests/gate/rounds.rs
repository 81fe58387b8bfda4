//! Sign-ins that end well and are refused right after.

use std::time::Duration;

use sealgate_gate::Response;
use url::Url;

use crate::browser::{Browser, begin, from_here, header, location, user};
use crate::provider::{World, world, world_with};

const SESSION: &str = "__Host-Http-sealgate";
const ROUNDS: &str = "__Host-Http-sealgate-rounds";

/// One round: the closed page, the sign-in, and back. It gives where the closed page sent the browser.
async fn round(world: &World, browser: &mut Browser) -> String {
    let refused = browser
        .open(&world.gate, "/expenses?page=2")
        .await
        .unwrap_err();
    assert_eq!(refused.status, 303);
    let login = location(&refused).to_owned();
    let begun = begin(world, browser, &login).await;
    let back = answer(world, browser, &begun.answer()).await;
    assert_eq!((back.status, location(&back)), (303, "/expenses?page=2"));
    login
}

async fn answer(world: &World, browser: &mut Browser, target: &str) -> Response {
    let answer = browser.send(&world.gate, "GET", target, &user()).await;
    answer.unwrap_err()
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_drops_the_session_goes_round_three_times_and_is_told() {
    let world = world().await;
    let mut browser = Browser::default();
    for _ in 0..3 {
        let login = round(&world, &mut browser).await;
        assert_eq!(login, "/auth/login?return_to=%2Fexpenses%3Fpage%3D2");
        browser.cookies.remove(SESSION);
        world.clock.advance(Duration::from_secs(10));
    }
    let asked = world.state().token_requests.len();
    world.follow_once().await;
    let refused = browser
        .open(&world.gate, "/expenses?page=2")
        .await
        .unwrap_err();
    let page = answer(&world, &mut browser, location(&refused)).await;
    assert_eq!((page.status, page.reason), (409, "sign_in_loop"));
    assert_eq!(header(&page, "location"), None);
    assert!(
        text(&page).contains("credential_missing"),
        "{}",
        text(&page)
    );
    assert_eq!(world.state().token_requests.len(), asked);

    // Trying again begins anew, and comes back to the same page.
    let again = text(&page);
    let again = again.split_once("href=\"").unwrap().1;
    let again = again.split_once('"').unwrap().0.replace("&#38;", "&");
    assert_eq!(
        again,
        "/auth/login?return_to=%2Fexpenses%3Fpage%3D2&again=1"
    );
    let begun = begin(&world, &mut browser, &again).await;
    assert!(!browser.cookies.contains_key(ROUNDS));
    let back = answer(&world, &mut browser, &begun.answer()).await;
    assert_eq!(location(&back), "/expenses?page=2");
    assert!(browser.open(&world.gate, "/expenses").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_page_names_what_was_refused_last() {
    let here = world().await;
    // Another process with other keys: it cannot open what the first one seals.
    let there = world_with(&[(
        "SEALGATE_SEAL_KEYS",
        "BQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
    )])
    .await;
    let mut browser = Browser::default();
    round(&here, &mut browser).await;
    for _ in 0..2 {
        let refused = browser.open(&there.gate, "/expenses").await.unwrap_err();
        let login = location(&refused).to_owned();
        assert_eq!(
            login,
            "/auth/login?return_to=%2Fexpenses&reason=credential_invalid"
        );
        let begun = begin(&here, &mut browser, &login).await;
        answer(&here, &mut browser, &begun.answer()).await;
    }
    let refused = browser.open(&there.gate, "/expenses").await.unwrap_err();
    for world in [&here, &there] {
        let page = answer(world, &mut browser.clone(), location(&refused)).await;
        assert_eq!((page.status, page.reason), (409, "sign_in_loop"));
        assert!(text(&page).contains("credential_invalid"));
        assert!(text(&page).contains("different seal keys"));
    }
    // A reason that is none is not repeated, and does not keep the page away.
    let page = answer(&here, &mut browser, "/auth/login?reason=%3Cscript%3E").await;
    assert_eq!(page.reason, "sign_in_loop");
    assert!(!text(&page).contains("script&") && !text(&page).contains("<script"));
}

#[tokio::test(start_paused = true)]
async fn a_minute_later_or_after_signing_out_nothing_counts_any_more() {
    let world = world().await;
    let mut browser = Browser::default();
    for _ in 0..2 {
        round(&world, &mut browser).await;
        browser.cookies.remove(SESSION);
    }
    world.clock.advance(Duration::from_secs(60));
    for _ in 0..3 {
        round(&world, &mut browser).await;
        browser.cookies.remove(SESSION);
    }
    let mut signed_out = browser.clone();
    signed_out.headers = from_here();
    let left = signed_out
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await;
    assert_eq!(left.unwrap_err().status, 200);
    signed_out.headers.clear();
    assert!(!signed_out.cookies.contains_key(ROUNDS));
    round(&world, &mut signed_out).await;
    let page = answer(&world, &mut browser, "/auth/login").await;
    assert_eq!(page.reason, "sign_in_loop");
}

#[tokio::test(start_paused = true)]
async fn a_forged_count_does_no_more_than_show_the_page() {
    let world = world().await;
    for value in ["9.1790000000", "3.0", "x", "3.1790000000.1"] {
        let mut browser = Browser::default();
        browser.cookies.insert(ROUNDS.to_owned(), value.to_owned());
        let response = answer(&world, &mut browser, "/auth/login").await;
        assert_eq!(response.status, 303, "{value}");
        let to = Url::parse(location(&response)).unwrap();
        assert_eq!(to.path(), "/oauth/authorize");
    }
}
