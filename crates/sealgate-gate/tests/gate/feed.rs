//! Following the revocation feed: what is asked, what is believed of the answers, and what is told of it.

use std::time::Duration;

use sealgate_model::Clock as _;
use sealgate_revocation::{Entry, Subject};
use serde_json::json;

use crate::browser::{signed_in, user};
use crate::provider::{cold_world, world, world_with};

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_answers_another_request_proves_nothing() {
    let world = cold_world(&[]);
    for other in ["", "0123456789abcdef"] {
        world.state().other_nonce = Some(other);
        world.follow_once().await;
        assert!(!world.gate.is_ready());
        assert_eq!(world.gate.feed().age, None);
    }
    world.state().other_nonce = None;
    world.follow_once().await;
    assert!(world.gate.is_ready());
}

#[tokio::test(start_paused = true)]
async fn the_stream_is_told_who_reads_it() {
    let world = world_with(&[("SEALGATE_GATE_NAME", "orders 1/2")]).await;
    let streams = world.state().streams.clone();
    let stream = url::Url::parse(&streams[0]).unwrap();
    let told: Vec<_> = stream.query_pairs().into_owned().collect();
    let value = |name: &str| told.iter().find(|(key, _)| key == name).unwrap().1.clone();
    assert_eq!(value("gate"), "orders 1/2");
    assert_eq!(value("bound"), "10000");
    assert_eq!(value("instance").len(), 32);
    assert_eq!((value("epoch"), value("after")), ("e1".into(), "0".into()));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_asks_is_answered_and_no_other() {
    let world = world().await;
    assert_eq!(world.state().receipts, Vec::<serde_json::Value>::new());
    world.state().asks = true;
    world.state().entries.push(Entry {
        subject: Subject::Token { jti: "t".into() },
        expires_at: world.clock.now() + Duration::from_secs(100),
        reason: None,
    });
    world.clock.advance(Duration::from_millis(500));
    world.follow_once().await;
    let (receipts, streams) = {
        let state = world.state();
        (state.receipts.clone(), state.streams.clone())
    };
    let stream = url::Url::parse(streams.last().unwrap()).unwrap();
    let mut told = stream.query_pairs();
    let instance = told.find(|(key, _)| key == "instance").unwrap().1;
    let newest = receipts.last().unwrap();
    assert_eq!(newest["instance"], json!(instance));
    assert_eq!(
        (&newest["epoch"], &newest["seq"]),
        (&json!("e1"), &json!(1))
    );
    assert!(newest["age"].as_u64().unwrap() <= 1);
    assert_eq!(newest.as_object().unwrap().len(), 4);
    assert_eq!(world.gate.feed().receipts, receipts.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn the_newest_message_is_shown_when_the_feed_is_asked_again() {
    let world = world().await;
    // A follower has none at first. The stream falls silent, and is opened again.
    world.clock.advance(Duration::from_millis(100));
    let long = tokio::time::timeout(Duration::from_secs(6), world.gate.follow()).await;
    assert!(long.is_err());
    let requests = world.state().feed_requests.clone();
    let shown = requests.last().unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].0, "sealgate-last-message");
    assert_eq!(shown[0].1.split('.').count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_told_and_decides_nothing() {
    let world = cold_world(&[]);
    world.state().clock_ahead = Duration::from_secs(90);
    world.follow_once().await;
    assert!(world.gate.is_ready());
    let skew = world.gate.feed().skew.unwrap();
    assert!((skew - 90.0).abs() < 0.01, "{skew}");
    let mut browser = signed_in(&world).await;
    assert!(browser.send(&world.gate, "GET", "/", &user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_the_feed_does_can_be_seen() {
    let world = cold_world(&[]);
    let before = world.gate.feed();
    assert!(!before.fresh && before.age.is_none() && before.stale_since.is_none());
    world.follow_once().await;
    let after = world.gate.feed();
    assert!(after.fresh && !after.shared);
    assert_eq!(
        (after.snapshots, after.reconnects, after.resyncs),
        (1, 0, 0)
    );
    assert_eq!(after.bound, Duration::from_secs(10));
    world.clock.advance(Duration::from_secs(11));
    world.state().down = true;
    world.follow_once().await;
    let stale = world.gate.feed();
    assert!(!stale.fresh && !stale.connected);
    assert_eq!(stale.stale_since, Some(world.clock.now()));
    assert_eq!(stale.times_stale, 1);
    world.state().down = false;
    world.follow_once().await;
    let again = world.gate.feed();
    assert!(again.fresh && again.stale_since.is_none());
}

#[tokio::test(start_paused = true)]
async fn figures_can_be_collected() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap();
    let text = world.gate.openmetrics();
    assert!(text.ends_with("# EOF\n"));
    for line in [
        "sealgate_gate_info{name=\"gate\",issuer=\"https://id.example\",client_id=\"expenses\",version=\"",
        "sealgate_gate_feed_fresh 1\n",
        "sealgate_gate_feed_bound_seconds 10\n",
        "sealgate_gate_feed_entries{kind=\"session\"} 0\n",
        "sealgate_gate_feed_snapshots_total 1\n",
        "sealgate_gate_decisions_total{outcome=\"allowed\"} 1\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("sealgate_gate_"), "{line}");
        let value = line.rsplit_once(' ').unwrap().1;
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}
