//! Gates of one application on one machine: one view of what is revoked, one connection, whoever has it.
#![cfg(target_os = "linux")]

use std::time::Duration;

use sealgate_gate::Premises;
use sealgate_model::Clock as _;
use sealgate_revocation::{Entry, Subject};
use sealgate_shared::SharedMemory;
use tempfile::TempDir;

use crate::browser::{Browser, begin, from_here, signed_in, user};
use crate::provider::{World, cold_world_in};

/// Two gates, of which the first has heard of the feed.
async fn neighbours(place: &TempDir) -> (World, World) {
    let memory = SharedMemory::open(Some(place.path()), &["test"]).unwrap();
    let premises = Premises {
        name: Some("host-1".to_owned()),
        memory: Some(memory),
    };
    let first = cold_world_in(&[], premises);
    first.follow_once().await;
    let second = first.neighbour();
    (first, second)
}

fn revoke(world: &World, subject: Subject) {
    world.state().entries.push(Entry {
        subject,
        expires_at: world.clock.now() + Duration::from_secs(90_000),
        reason: None,
    });
}

#[tokio::test(start_paused = true)]
async fn one_that_is_started_later_is_ready_at_once() {
    let place = TempDir::new().unwrap();
    let (_, second) = neighbours(&place).await;
    assert!(second.gate.is_ready());
    let status = second.gate.feed();
    assert!(status.shared && status.connected && !status.leading);
    assert_eq!(status.snapshots, 0);
}

#[tokio::test(start_paused = true)]
async fn what_one_hears_every_other_denies() {
    let place = TempDir::new().unwrap();
    let (first, second) = neighbours(&place).await;
    let mut browser = signed_in(&second).await;
    assert!(
        browser
            .send(&second.gate, "GET", "/", &user())
            .await
            .is_ok()
    );
    let not_before = first.clock.now();
    let sub = "ada".to_owned();
    revoke(&first, Subject::User { sub, not_before });
    first.clock.advance(Duration::from_secs(1));
    first.follow_once().await;
    assert_eq!(
        browser.denied(&second.gate, "GET", "/", &user()).await,
        (401, "session_revoked")
    );
}

#[tokio::test(start_paused = true)]
async fn a_logout_is_known_in_every_one_of_them() {
    let place = TempDir::new().unwrap();
    let (first, second) = neighbours(&place).await;
    let mut browser = signed_in(&first).await;
    let mut copy = browser.clone();
    assert!(copy.send(&second.gate, "GET", "/", &user()).await.is_ok());
    browser.headers = from_here();
    let answer = browser
        .send(&first.gate, "POST", "/auth/logout", &user())
        .await;
    assert_eq!(answer.unwrap_err().reason, "");
    assert_eq!(
        copy.denied(&second.gate, "GET", "/", &user()).await,
        (401, "session_revoked")
    );
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_signs_nobody_in_at_any_of_them() {
    let place = TempDir::new().unwrap();
    let (first, second) = neighbours(&place).await;
    // Its key set, out of some cache, lists the key.
    second.follow_once().await;
    revoke(&first, Subject::Key { kid: "k0".into() });
    (first.state().signing, first.state().signing_feed) = (1, 1);
    first.clock.advance(Duration::from_secs(1));
    first.follow_once().await;
    first.state().signing = 0;
    let mut browser = Browser::default();
    let begun = begin(&second, &mut browser, "/auth/login").await;
    assert_eq!(
        browser
            .denied(&second.gate, "GET", &begun.answer(), &user())
            .await,
        (502, "provider_unacceptable")
    );
}

#[tokio::test(start_paused = true)]
async fn one_connection_serves_all_and_the_next_one_goes_on_where_it_was() {
    let place = TempDir::new().unwrap();
    let (first, second) = neighbours(&place).await;
    let streams = || first.state().streams.len();
    let asked = || {
        let state = first.state();
        state.feed_requests.len() - state.streams.len()
    };
    let (streams_before, asked_before) = (streams(), asked());
    first.clock.advance(Duration::from_millis(100));
    let both = futures_util::future::join(first.gate.follow(), second.gate.follow());
    let stopped = tokio::time::timeout(Duration::from_secs(2), both).await;
    assert!(stopped.is_err());
    assert_eq!(streams() - streams_before, 1);
    // Whoever led has ended.
    first.clock.advance(Duration::from_millis(100));
    second.follow_once().await;
    assert!(second.gate.feed().connected);
    assert_eq!(streams() - streams_before, 2);
    assert_eq!(asked() - asked_before, 0, "nobody needed another snapshot");
    assert!(first.gate.is_ready() && second.gate.is_ready());
}
