//! Working off sinks: each by itself and in order, for as long as the process lives.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sealgate_audit::forms::{Event, jsonl};
use sealgate_store::{Audit, AuditActor, Sink, SinkSource, StoreError};
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
#[cfg(test)]
use tokio::time::timeout;

use super::schedule::{self, ANNOUNCED};
use super::send::{self, Failure, Then};
use super::source::{self, Page};
use super::target::streams_of;
use super::{about, sources};
use crate::ControlPlane;

/// How often it is looked whether there is something to send: a record waits about half of this on the average.
const ROUND: Duration = Duration::from_secs(1);

/// The most records of a batch, and the bytes after which it is full: their size as JSON.
pub(super) const BATCH: u32 = 200;
const BYTES: usize = 256 * 1024;

/// For how long a sink is worked off at a stretch, so that a change to it is seen.
const TURN: Duration = Duration::from_secs(10);

/// How long a sink is left alone after the store has failed it.
const REST: Duration = Duration::from_secs(5);

/// Sends what there is to send. A failure of the store is logged and the round repeated.
pub(crate) async fn deliver(plane: Arc<ControlPlane>) {
    let mut workers = Workers::default();
    loop {
        match plane.store.sinks().await {
            Ok(sinks) => workers.start(&plane, &sinks),
            Err(error) => logged(&error),
        }
        let round = Instant::now() + ROUND;
        while let Ok(Some(())) = tokio::time::timeout_at(round, workers.finished()).await {}
        tokio::time::sleep_until(round).await;
    }
}

/// The sinks that are worked off just now. There are never more than there may be sinks.
#[derive(Default)]
struct Workers {
    tasks: JoinSet<Result<(), StoreError>>,
    busy: HashMap<task::Id, String>,
    resting: HashMap<String, Instant>,
}

impl Workers {
    fn start(&mut self, plane: &Arc<ControlPlane>, sinks: &[Sink]) {
        let now = Instant::now();
        self.resting.retain(|_, until| *until > now);
        let busy: HashSet<String> = self.busy.values().cloned().collect();
        for sink in sinks {
            let waits = self.resting.contains_key(&sink.name) || busy.contains(&sink.name);
            if waits || !is_due(plane, sink) {
                continue;
            }
            let (plane, name) = (Arc::clone(plane), sink.name.clone());
            let task = self
                .tasks
                .spawn(async move { work_off(&plane, &name, now + TURN).await });
            self.busy.insert(task.id(), sink.name.clone());
        }
    }

    /// Waits until one is done with; none if there is none.
    async fn finished(&mut self) -> Option<()> {
        let (task, outcome) = match self.tasks.join_next_with_id().await? {
            Ok(done) => done,
            Err(error) => {
                let why = StoreError::Unavailable("a round was cut short".to_owned());
                (error.id(), Err(why))
            }
        };
        let name = self.busy.remove(&task);
        if let (Some(name), Err(error)) = (name, &outcome) {
            logged(error);
            self.resting.insert(name, Instant::now() + REST);
        }
        Some(())
    }
}

fn logged(error: &StoreError) {
    tracing::warn!(reason = error.code(), %error, "records were not exported");
}

/// Whether a sink is to be tried. One that is to wait for more than an hour is: the clock was set back since.
fn is_due(plane: &ControlPlane, sink: &Sink) -> bool {
    let now = plane.clock.now();
    let hour = Duration::from_secs(3600);
    !sink.paused && (sink.failures == 0 || sink.next_try_at <= now || sink.next_try_at > now + hour)
}

/// Sends what waits for a sink until nothing does, it fails, or the turn is over.
pub(super) async fn work_off(
    plane: &Arc<ControlPlane>,
    name: &str,
    until: Instant,
) -> Result<(), StoreError> {
    loop {
        // Anew each time: it may have been changed meanwhile.
        let Some(sink) = plane.store.sink(name).await? else {
            return Ok(());
        };
        if !is_due(plane, &sink) {
            return Ok(());
        }
        let streams = streams_of(&sink.streams);
        let mut moved = false;
        for source in sources(&streams) {
            let after = sink.places.of(source);
            let page = source::read(plane, source, after, &streams, BATCH).await?;
            match step(plane, &sink, source, page).await? {
                Step::Nothing => {}
                Step::Moved => moved = true,
                Step::Stop => return Ok(()),
            }
        }
        if !moved || Instant::now() >= until {
            return Ok(());
        }
    }
}

/// What came of a look at one source.
enum Step {
    Nothing,
    Moved,
    Stop,
}

async fn step(
    plane: &Arc<ControlPlane>,
    sink: &Sink,
    source: SinkSource,
    page: Page,
) -> Result<Step, StoreError> {
    let from = sink.places.of(source);
    if page.to == from {
        return Ok(Step::Nothing);
    }
    let mut batch = &page.events[..fitting(&page.events)];
    let mut outcome = Ok(());
    while !batch.is_empty() {
        outcome = send::batch(plane, sink, batch).await;
        match &outcome {
            Err(failure) if failure.then == Then::Smaller && batch.len() > 1 => {
                batch = &batch[..batch.len() / 2];
            }
            _ => break,
        }
    }
    if let Err(failure) = outcome {
        failed(plane, sink, &failure).await?;
        return Ok(Step::Stop);
    }
    // Behind the last record that was sent; with all of them, behind those that were passed over, too.
    let to = if batch.len() == page.events.len() {
        page.to
    } else {
        batch.last().map_or(page.to, |event| event.number)
    };
    let records = u32::try_from(batch.len()).unwrap_or(u32::MAX);
    let now = plane.clock.now();
    let recovered = (records > 0 && sink.failures >= ANNOUNCED).then(|| {
        tracing::info!(sink = sink.name, "a sink takes records again");
        let audit = Audit::allowed(now, AuditActor::System, "sink.recover");
        about(&sink.name, audit)
    });
    let moved = plane
        .store
        .sink_advance(sink.id, source, from, to, records, now, recovered)
        .await?;
    Ok(if moved { Step::Moved } else { Step::Stop })
}

/// How many of `events` make a batch: one at the least.
fn fitting(events: &[Event]) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Event| {
        bytes += jsonl::line(event).len();
        bytes <= BYTES
    };
    let count = events.iter().take_while(fits).count();
    count.max(1).min(events.len())
}

/// Notes that nothing was taken, and when it is tried again; pauses the sink if that is what follows.
async fn failed(plane: &ControlPlane, sink: &Sink, failure: &Failure) -> Result<(), StoreError> {
    let now = plane.clock.now();
    let reason = failure.reason;
    let begins = sink.failures + 1 == ANNOUNCED;
    if sink.failures == 0 || begins {
        tracing::warn!(sink = sink.name, reason, "a sink does not take records");
    }
    let record = |action, reason: &'static str| {
        let audit = Audit::denied(now, AuditActor::System, action, reason);
        about(&sink.name, audit)
    };
    let announced = begins.then(|| record("sink.fail", reason));
    let wait = schedule::wait(sink.failures, failure.asked, &*plane.random);
    let store = &plane.store;
    store
        .sink_failed(sink.id, reason, now + wait, now, announced)
        .await?;
    let since = sink.failing_since.unwrap_or(now);
    let span = sink
        .pause_after
        .map(|span| Duration::from_secs(span.into()));
    let pause = if failure.then == Then::Pause {
        Some(reason)
    } else if span.is_some_and(|span| now.since(since) >= span) {
        Some("sink_failing")
    } else {
        None
    };
    if let Some(why) = pause {
        tracing::warn!(sink = sink.name, reason = why, "a sink is paused");
        let audit = record("sink.pause", why);
        store.sink_pause(&sink.name, true, Some(why), audit).await?;
    }
    Ok(())
}

/// Works off one sink until there is no more to do. For tests, which have no use for a loop.
#[cfg(test)]
pub(super) async fn once(plane: &Arc<ControlPlane>, name: &str) {
    let done = work_off(plane, name, Instant::now() + TURN);
    timeout(Duration::from_secs(20), done)
        .await
        .unwrap()
        .unwrap();
}
