//! A signing key that was revoked: nothing it vouched for, or would vouch for, is believed.

use std::time::Duration;

use sealgate_model::Timestamp;
use sealgate_revocation::{Entry, Subject};

use crate::browser::{Browser, begin, signed_in, user};
use crate::provider::{World, world};

/// The feed, now signed by the key that took over, tells that `k0` is revoked.
async fn revoke_k0(world: &World) {
    {
        let mut state = world.state();
        state.entries = vec![Entry {
            subject: Subject::Key { kid: "k0".into() },
            expires_at: Timestamp::from_seconds(1_790_090_000),
            reason: None,
        }];
        (state.signing, state.signing_feed) = (1, 1);
    }
    // Past the pause between two requests for keys: the fake provider does not publish keys ahead.
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_ends_the_sessions_it_vouched_for_and_signing_in_again_helps() {
    let world = world().await;
    let mut before = signed_in(&world).await;
    revoke_k0(&world).await;
    assert_eq!(
        before.denied(&world.gate, "GET", "/", &user()).await,
        (401, "session_revoked")
    );
    let mut after = signed_in(&world).await;
    assert!(after.send(&world.gate, "GET", "/", &user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_signs_nobody_in_even_if_a_key_set_still_lists_it() {
    let world = world().await;
    revoke_k0(&world).await;
    // As whoever stole it would sign; the key set, out of some cache, lists it.
    world.state().signing = 0;
    let mut browser = Browser::default();
    let begun = begin(&world, &mut browser, "/auth/login").await;
    assert_eq!(
        browser
            .denied(&world.gate, "GET", &begun.answer(), &user())
            .await,
        (502, "provider_unacceptable")
    );
    assert!(browser.session().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_feed_signed_by_a_revoked_key_keeps_nothing_fresh() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    revoke_k0(&world).await;
    world.state().signing_feed = 0;
    world.clock.advance(Duration::from_secs(11));
    world.follow_once().await;
    assert!(!world.gate.is_ready());
    world.state().signing_feed = 1;
    world.follow_once().await;
    assert!(world.gate.is_ready());
    assert_eq!(
        browser.denied(&world.gate, "GET", "/", &user()).await,
        (401, "session_revoked")
    );
}
