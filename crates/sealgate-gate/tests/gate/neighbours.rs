//! Gates of one application on one machine: one view of what is revoked, one connection, whoever has it.
#![cfg(target_os = "linux")]

use std::time::Duration;

use sealgate_gate::{Kinds, Premises};
use sealgate_model::Clock as _;
use sealgate_revocation::{Entry, Subject, View};
use sealgate_shared::SharedMemory;
use tempfile::TempDir;

use crate::browser::{Browser, begin, from_here, signed_in, user};
use crate::provider::{World, cold_world_in};
use crate::stale::{ALLOW, tagged};

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

/// The gate follows, while so many times a tenth of a second passes on every clock, in each of which `each` is done.
/// Whether it followed the feed itself in the end.
async fn passes(world: &World, tenths: u32, each: impl Fn()) -> bool {
    const TENTH: Duration = Duration::from_millis(100);
    let time = async {
        for _ in 0..tenths {
            each();
            world.clock.advance(TENTH);
            tokio::time::sleep(TENTH).await;
        }
        world.gate.feed().leading
    };
    tokio::select! {
        () = world.gate.follow() => false,
        leading = time => leading,
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_leader_does_nothing_another_one_stands_in_until_it_is_back() {
    let place = TempDir::new().unwrap();
    let memory = SharedMemory::open(Some(place.path()), &["test"]).unwrap();
    let premises = Premises {
        name: None,
        memory: Some(memory.clone()),
    };
    let world = cold_world_in(&[], premises);
    let leading = memory.try_lead().unwrap();
    let works = || leading.is_at_work(world.clock.uptime());
    // As long as it is at work it may be about to hear.
    assert!(!passes(&world, 60, works).await);
    assert!(!passes(&world, 15, || ()).await);
    assert!(world.state().streams.is_empty() && !world.gate.is_ready());
    assert!(passes(&world, 40, || ()).await);
    assert!(world.gate.is_ready());
    assert_eq!(world.state().streams.len(), 1);
    // What it hears counts.
    let mut browser = signed_in(&world).await;
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
    let not_before = world.clock.now();
    let sub = "ada".to_owned();
    revoke(&world, Subject::User { sub, not_before });
    assert!(passes(&world, 40, || ()).await);
    let refused = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(refused, (401, "session_revoked"));
    // The other one goes on, and this one makes way.
    let tenths = std::cell::Cell::new(0);
    let back = || {
        tenths.set(tenths.get() + 1);
        match tenths.get() {
            35 => assert!(memory.try_stand_in().is_none(), "one is enough"),
            36.. => works(),
            _ => {}
        }
    };
    assert!(!passes(&world, 42, back).await);
}

#[tokio::test(start_paused = true)]
async fn who_stands_in_leads_once_the_leader_is_gone() {
    let place = TempDir::new().unwrap();
    let memory = SharedMemory::open(Some(place.path()), &["test"]).unwrap();
    let premises = Premises {
        name: None,
        memory: Some(memory.clone()),
    };
    let world = cold_world_in(&[], premises);
    let leading = std::cell::RefCell::new(memory.try_lead());
    let tenths = std::cell::Cell::new(0);
    let each = || {
        tenths.set(tenths.get() + 1);
        match tenths.get() {
            35 => assert!(memory.try_stand_in().is_none()),
            36 => drop(leading.take()),
            50 => {
                assert!(memory.try_stand_in().is_some());
                assert!(memory.try_lead().is_none());
            }
            _ => {}
        }
    };
    assert!(passes(&world, 50, each).await);
    assert!(world.gate.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_moment_that_is_none_of_this_clock_is_not_late_but_worth_nothing() {
    let place = TempDir::new().unwrap();
    let memory = SharedMemory::open(Some(place.path()), &["test"]).unwrap();
    let premises = Premises {
        name: None,
        memory: Some(memory.clone()),
    };
    let world = cold_world_in(ALLOW, premises);
    world.follow_once().await;
    let mut browser = signed_in(&world).await;
    let tag = tagged(Kinds::ANY);
    world.clock.advance(Duration::from_secs(11));
    let late = browser.send(&world.gate, "GET", "/", &tag).await.unwrap();
    assert_eq!(late.reason, "feed_stale_allowed");
    let view = View::over(memory).unwrap();
    view.prove(world.clock.uptime() + Duration::from_secs(3_600));
    let refused = browser.denied(&world.gate, "GET", "/", &tag).await;
    assert_eq!(refused, (503, "feed_stale"));
}
