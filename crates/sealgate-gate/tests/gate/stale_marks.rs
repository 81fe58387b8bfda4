//! Routes that are marked for it go on while the feed is silent, for as long as the setting says.

use std::time::Duration;

use sealgate_gate::{Kinds, Outcome, Transport};
use sealgate_model::Clock as _;
use sealgate_revocation::{Entry, Subject};

use crate::browser::{from_here, signed_in, user};
use crate::program::{bearer, call, refusal};
use crate::provider::{cold_world, world_with};
use crate::stale::{ALLOW, silent, tagged};

#[tokio::test(start_paused = true)]
async fn a_marked_route_is_served_for_as_long_as_the_setting_says_and_each_time_is_on_record() {
    let (world, mut browser) = silent(ALLOW).await;
    let tag = tagged(Kinds::ANY);
    let token = world.user_token();
    for (wait, passes) in [(0, true), (58, true), (1, true), (1, false)] {
        world.clock.advance(Duration::from_secs(wait));
        let decided = browser.decide(&world.gate, Transport::Http, "GET", "/", &tag);
        let record = decided.record();
        let expected = if passes {
            (Outcome::Allowed, "feed_stale_allowed", None)
        } else {
            (Outcome::Refused, "feed_stale", Some(503))
        };
        assert_eq!(
            (record.outcome, record.reason, record.status),
            expected,
            "{wait}"
        );
        let called = bearer(&token).send(&world.gate, "GET", "/", &tag).await;
        match called {
            Ok(allowed) => assert!(passes && allowed.reason == "feed_stale_allowed"),
            Err(refused) => assert_eq!((refused.status, passes), (503, false)),
        }
        let refused = browser.denied(&world.gate, "GET", "/", &user()).await;
        assert_eq!(refused, (503, "feed_stale"));
    }
    // As soon as the feed is heard there is nothing special about it.
    world.follow_once().await;
    let allowed = browser.send(&world.gate, "GET", "/", &tag).await.unwrap();
    assert_eq!(allowed.reason, "");
    assert!(world.state().introspections.is_empty());
}

#[tokio::test(start_paused = true)]
async fn on_a_marked_route_nobody_waits_for_a_renewal_and_elsewhere_it_is_a_503() {
    let world = world_with(&[
        ("SEALGATE_ON_STALE", "allow:600"),
        ("SEALGATE_STALENESS_BOUND", "300"),
    ])
    .await;
    let mut browser = signed_in(&world).await;
    world.state().down = true;
    world.clock.advance(Duration::from_secs(600));
    let tag = tagged(Kinds::ANY);
    let allowed = browser.send(&world.gate, "GET", "/", &tag).await.unwrap();
    assert_eq!(allowed.reason, "feed_stale_allowed");
    assert!(allowed.set_cookies.is_empty());
    let refused = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(refused, (503, "feed_stale"));
    // Once the feed is heard the session is renewed like any other.
    world.state().down = false;
    world.follow_once().await;
    let allowed = browser.send(&world.gate, "GET", "/", &tag).await.unwrap();
    assert_eq!((allowed.reason, allowed.set_cookies.len()), ("", 1));
}

#[tokio::test(start_paused = true)]
async fn a_mark_is_worth_nothing_where_something_changes_or_lasts_or_nothing_was_ever_heard() {
    let (world, mut browser) = silent(ALLOW).await;
    browser.headers = from_here();
    let tag = tagged(Kinds::ANY);
    for method in ["POST", "PUT", "DELETE"] {
        let refused = browser.denied(&world.gate, method, "/", &tag).await;
        assert_eq!(refused, (503, "feed_stale"), "{method}");
    }
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert!(browser.send(&world.gate, method, "/", &tag).await.is_ok());
    }
    let socket = browser.decide(&world.gate, Transport::WebSocket, "GET", "/", &tag);
    assert_eq!(socket.record().reason, "feed_stale");
    let token = world.user_token();
    let called = bearer(&token).send(&world.gate, "POST", "/", &tag).await;
    assert_eq!(refusal(called), (503, "feed_stale"));
    let cold = cold_world(ALLOW);
    let keys = bearer(&cold.user_token())
        .send(&cold.gate, "GET", "/", &tag)
        .await;
    assert_eq!(refusal(keys), (503, "feed_stale"));
}

#[tokio::test(start_paused = true)]
async fn a_mark_does_not_make_roles_believed_that_are_known_to_be_gone() {
    let world = world_with(ALLOW).await;
    let mut browser = signed_in(&world).await;
    let token = world.user_token();
    world.clock.advance(Duration::from_secs(1));
    let not_before = world.clock.now();
    world.state().entries.push(Entry {
        subject: Subject::UserClaims {
            sub: "ada".into(),
            not_before,
        },
        expires_at: not_before + Duration::from_secs(90_000),
        reason: None,
    });
    world.follow_once().await;
    world.clock.advance(Duration::from_secs(11));
    world.state().down = true;
    let tag = tagged(Kinds::ANY);
    let refused = browser.denied(&world.gate, "GET", "/", &tag).await;
    assert_eq!(refused, (503, "renewal_unavailable"));
    let called = bearer(&token).send(&world.gate, "GET", "/", &tag).await;
    assert_eq!(refusal(called), (401, "token_outdated"));
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_a_mark_means_nothing() {
    for policy in [&[][..], &[("SEALGATE_ON_STALE", "deny")]] {
        let (world, mut browser) = silent(policy).await;
        let refused = browser
            .denied(&world.gate, "GET", "/", &tagged(Kinds::ANY))
            .await;
        assert_eq!(refused, (503, "feed_stale"));
        let refused = refusal(call(&world, &world.user_token()).await);
        assert_eq!(refused, (503, "feed_stale"));
        assert!(world.state().introspections.is_empty());
    }
}
