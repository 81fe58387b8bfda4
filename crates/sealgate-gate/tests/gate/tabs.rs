//! Several sign-ins in one browser: tabs, the back button, reloads, and other people's pages.

use std::time::Duration;

use sealgate_host::FetchError;

use crate::browser::{Browser, begin, from_here, header, location, signed_in, user};
use crate::provider::world;
use crate::sign_in::{assert_page, callback};

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
async fn two_tabs_that_end_in_the_other_order_both_arrive() {
    let world = world().await;
    let mut browser = Browser::default();
    let first = begin(&world, &mut browser, "/auth/login?return_to=/one").await;
    let second = begin(&world, &mut browser, "/auth/login?return_to=/two").await;
    for (begun, path) in [(&first, "/one"), (&second, "/two")] {
        world.state().nonce = Some(begun.get("nonce").to_owned());
        let response = callback(&world, &mut browser, &begun.answer()).await;
        assert_eq!(location(&response), path);
    }
}

#[tokio::test(start_paused = true)]
async fn going_back_to_a_finished_sign_in_leads_where_it_led_while_the_session_is_alive() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let mut stranger = browser.clone();
    stranger.cookies.remove("__Host-Http-sealgate");
    let state = browser.cookies.keys().find(|name| name.contains("-tx-"));
    assert!(state.is_some());
    // Back at the provider's page, and forth: the same state, with a new code.
    let begun = begin(&world, &mut browser, "/auth/login?return_to=/two").await;
    let first = callback(&world, &mut browser, &begun.answer()).await;
    assert_eq!(location(&first), "/two");
    let again = begun.answer().replace("code=c0de", "code=another");
    let second = callback(&world, &mut browser, &again).await;
    assert_eq!((second.status, location(&second)), (303, "/two"));
    assert_eq!(header(&second, "set-cookie"), None);
    let declined = begun.answer().replace("code=c0de", "error=access_denied");
    let third = callback(&world, &mut browser, &declined).await;
    assert_eq!((third.status, location(&third)), (303, "/two"));
    assert_eq!(
        world.state().token_requests.len(),
        2,
        "no code is redeemed twice"
    );

    // Signed out meanwhile, or never signed in: the page.
    let mut signed_out = browser.clone();
    signed_out.cookies.remove("__Host-Http-sealgate");
    for _ in 0..2 {
        let page = callback(&world, &mut signed_out, &again).await;
        assert_page(&page, 400, "transaction_used");
    }
    browser.headers = from_here();
    let mut copy = browser.clone();
    let left = browser
        .send(&world.gate, "POST", "/auth/logout", &user())
        .await;
    assert_eq!(left.unwrap_err().status, 200);
    let page = callback(&world, &mut copy, &again).await;
    assert_page(&page, 400, "transaction_used");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_another_page_begins_changes_nothing() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let mine = begin(&world, &mut browser, "/auth/login?return_to=/mine").await;
    let before = browser.session().unwrap().to_owned();
    browser.headers = vec![
        ("sec-fetch-site", "cross-site".into()),
        ("referer", "https://evil.example/".into()),
    ];
    let forced = begin(
        &world,
        &mut browser,
        "/auth/login?return_to=https://evil.example",
    )
    .await;
    assert_eq!(browser.session().unwrap(), before);
    // The answer to it counts in this browser alone, and leads nowhere else.
    let response = callback(&world, &mut Browser::default(), &forced.answer()).await;
    assert_page(&response, 400, "transaction_missing");
    let response = callback(&world, &mut browser, &forced.answer()).await;
    assert_eq!(location(&response), "/");
    // The one that was under way is not disturbed.
    world.state().nonce = Some(mine.get("nonce").to_owned());
    let response = callback(&world, &mut browser, &mine.answer()).await;
    assert_eq!(location(&response), "/mine");
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
    // A copy of the cookie that was taken before.
    assert_page(
        &callback(&world, &mut copy, &begun.answer()).await,
        400,
        "transaction_used",
    );
    assert!(copy.session().is_none());
    assert_eq!(world.state().token_requests.len(), 1);
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
