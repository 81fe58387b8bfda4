//! What a gate decided, on its way to the control plane.

use std::collections::BTreeMap;
use std::time::Duration;

use sealgate_audit::decision::{Batch, Stream};
use sealgate_gate::{About, Decided, Transport, Verb};
use sealgate_host::FetchError;

use crate::provider::{World, world_with};

fn about(route: &str) -> About {
    About {
        route: Some(route.into()),
        method: Verb::of("GET"),
        transport: Transport::Http,
        address: Some([203, 0, 113, 9].into()),
        trace: None,
    }
}

/// A gate whose control plane takes decisions.
async fn reporting(change: &'static [(&str, &str)]) -> World {
    let world = world_with(change).await;
    world.state().takes_decisions = true;
    world
}

impl World {
    fn deny(&self, times: usize, route: &str) {
        for _ in 0..times {
            let reason = "scope_missing".into();
            self.gate
                .note(about(route), Decided::Refused, reason, Some(403), None);
        }
    }

    fn allow(&self, times: usize, route: &str) {
        for _ in 0..times {
            self.gate
                .note(about(route), Decided::Allowed, "".into(), None, None);
        }
    }

    async fn follow_for(&self, span: Duration) {
        let followed = tokio::time::timeout(span, self.gate.follow()).await;
        assert!(followed.is_err(), "following never ends by itself");
    }

    /// What a control plane would have kept: of batches with the same number the first counts.
    fn kept(&self) -> Kept {
        let mut kept = Kept::default();
        let batches = self.state().batches.clone();
        for bytes in &batches {
            let batch = Batch::read(bytes).unwrap();
            let before = kept.batches.insert(batch.sequence(), bytes.clone());
            if let Some(before) = before {
                assert_eq!(&before, bytes, "a number means the same bytes");
                continue;
            }
            let lengths = batch.lengths();
            *kept.decisions.entry(batch.stream()).or_default() += lengths.decisions;
            kept.sampled += lengths.sampled;
            kept.unkept += lengths.unkept;
            kept.lost += lengths.lost;
        }
        kept
    }
}

#[derive(Debug, Default)]
struct Kept {
    batches: BTreeMap<u64, Vec<u8>>,
    decisions: BTreeMap<Stream, u64>,
    sampled: u64,
    unkept: u64,
    lost: u64,
}

impl Kept {
    fn of(&self, stream: Stream) -> u64 {
        self.decisions.get(&stream).copied().unwrap_or(0)
    }
}

const SECONDS: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn decisions_are_told_each_second_with_what_a_record_tells() {
    let world = reporting(&[]).await;
    world.deny(3, "/items/{id}");
    world.allow(2, "/items");
    world.follow_for(SECONDS).await;
    let kept = world.kept();
    assert_eq!((kept.of(Stream::Denied), kept.of(Stream::Allowed)), (3, 2));
    let batches = world.state().batches.clone();
    let denied = Batch::read(&batches[0]).unwrap();
    let record = denied.records().next().unwrap();
    assert_eq!(record.route, Some("/items/{id}"));
    assert_eq!(
        (record.reason, record.status),
        (Some("scope_missing"), Some(403))
    );
    assert_eq!(
        (record.method, record.transport),
        (Some("GET"), Some("http"))
    );
    assert_eq!(record.network, Some("203.0.113.0/24"));
    assert_eq!(batches.len(), 2, "nothing is sent that says nothing");
}

#[tokio::test(start_paused = true)]
async fn whatever_is_answered_each_decision_counts_once() {
    let world = reporting(&[]).await;
    let lost = || Err(FetchError::TimedOut);
    world.state().decision_answers =
        [Ok(503), lost(), Ok(429), Ok(200), lost(), Ok(500), Ok(200)].into();
    for round in 0..8 {
        world.deny(100, "/a");
        world.allow(50, "/b");
        world.follow_for(Duration::from_secs(3 + round)).await;
    }
    world.follow_for(Duration::from_secs(60)).await;
    let kept = world.kept();
    assert_eq!(
        (kept.of(Stream::Denied), kept.of(Stream::Allowed)),
        (800, 400)
    );
    assert_eq!((kept.unkept, kept.lost), (0, 0));
    assert!(
        world.state().batches.len() > kept.batches.len(),
        "some came twice"
    );
}

#[tokio::test(start_paused = true)]
async fn no_refusal_is_missing_from_the_counts_of_a_flood() {
    let world = reporting(&[]).await;
    world.state().down = true;
    for part in 0..40 {
        world.deny(1_000, &format!("/route{part}"));
        world.allow(1_000, "/b");
        world.follow_for(Duration::from_millis(1_500)).await;
    }
    world.state().down = false;
    world.follow_for(Duration::from_secs(120)).await;
    let kept = world.kept();
    assert_eq!(kept.of(Stream::Denied), 40_000);
    assert_eq!(kept.of(Stream::Allowed) + kept.unkept, 40_000);
    assert!(
        kept.unkept > 0,
        "there was room for all: the test tests nothing"
    );
    let figures = world.gate.openmetrics();
    assert!(
        figures.contains("sealgate_gate_decisions_lost_total 0"),
        "{figures}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_never_taken_is_told_as_lost() {
    let world = reporting(&[]).await;
    world.state().decision_answers = [Ok(400)].into();
    world.deny(7, "/a");
    world.follow_for(SECONDS).await;
    world.state().batches.remove(0);
    world.deny(2, "/a");
    world.follow_for(SECONDS).await;
    let kept = world.kept();
    assert_eq!((kept.of(Stream::Denied), kept.lost), (2, 7));
    let figures = world.gate.openmetrics();
    assert!(
        figures.contains("sealgate_gate_decisions_lost_total 7"),
        "{figures}"
    );
}

/// A proxy may answer in the control plane's place while it is away. No record is given up for that.
#[tokio::test(start_paused = true)]
async fn what_a_proxy_refuses_is_brought_again() {
    let world = reporting(&[]).await;
    world.state().decision_answers = [Ok(413), Ok(410), Ok(404)].into();
    world.deny(7, "/a");
    world.follow_for(Duration::from_secs(60)).await;
    let kept = world.kept();
    assert_eq!((kept.of(Stream::Denied), kept.lost), (7, 0));
    assert_eq!(world.state().batches.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_sampled_out_is_counted_and_refusals_never_are() {
    let world = reporting(&[("SEALGATE_DECISIONS_ALLOWED", "1/10")]).await;
    world.allow(200, "/a");
    world.deny(30, "/a");
    world.follow_for(SECONDS).await;
    let kept = world.kept();
    assert_eq!((kept.of(Stream::Allowed), kept.sampled), (20, 180));
    assert_eq!(kept.of(Stream::Denied), 30);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_has_said_everything_before() {
    let world = reporting(&[]).await;
    world.deny(5, "/a");
    world.gate.part().await;
    assert_eq!(world.kept().of(Stream::Denied), 5);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_takes_decisions_none_are_kept() {
    let world = world_with(&[]).await;
    assert!(world.gate.is_noting());
    world.deny(5, "/a");
    world.follow_for(SECONDS).await;
    assert!(!world.gate.is_noting());
    assert_eq!(world.state().batches.len(), 0);
}
