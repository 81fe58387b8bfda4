//! Pushing events to receivers (RFC 8935).
//!
//! Each stream is worked off in order, and by itself: a receiver that is down or slow holds up nobody else.
//! Some events go at once, but never two of one user, so that nobody sees a user's events out of order.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sealgate_host::OutboundRequest;
use sealgate_model::{Secret, StreamId, UserId};
use sealgate_store::{Audit, AuditActor, Settled, Signal, StoreError, Stream, StreamStatus};
use serde_json::Value;
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, timeout};

use super::{KEPT, about, access, poll, render, schedule, streams};
use crate::ControlPlane;

/// How often the store is asked for what is due, besides whenever something was revoked or queued.
const ROUND: Duration = Duration::from_secs(2);

/// How often what is too old is looked for, and receivers that are silent.
const UPKEEP: Duration = Duration::from_secs(60);

/// How many streams are worked off at once.
const STREAMS: usize = 32;

/// How many events are read at once, and how many of them are on their way at once.
const BATCH: u32 = 64;
const AT_ONCE: usize = 4;

/// For how long a stream is worked off at a stretch. Then it is the turn of whoever waits for longer: a receiver
/// that takes its time over each event must not hold a place for ever.
const TURN: Duration = Duration::from_secs(10);

/// How long a stream is left alone after the store has failed it. What went out may not be noted then, and
/// neither may when to try again: its receiver would be sent the same without a pause.
const REST: Duration = Duration::from_secs(10);

/// How much of an answer is read.
const ANSWER: usize = 4 * 1024;

/// Pushes what is owed for as long as the process lives. A failure of the store is logged and the round
/// repeated.
pub(crate) async fn deliver(plane: Arc<ControlPlane>) {
    let mut revoked = plane.store.revocation_wakeup();
    let mut workers = Workers::default();
    let mut kept_at: Option<Instant> = None;
    loop {
        let queued = plane.signals.queued.notified();
        revoked.borrow_and_update();
        if kept_at.is_none_or(|at| at.elapsed() >= UPKEEP) {
            kept_at = Some(Instant::now());
            logged(upkeep(&plane).await);
        }
        match plane.store.streams_due(plane.clock.now()).await {
            Ok(due) => workers.start(&plane, &due),
            Err(error) => logged(Err(error)),
        }
        let woken = async {
            tokio::select! {
                () = queued => {}
                _ = revoked.changed() => {}
                Some(()) = workers.finished() => {}
            }
        };
        let _ = timeout(ROUND, woken).await;
    }
}

/// The streams that are worked off just now, and those that are left alone for a while.
#[derive(Default)]
pub(super) struct Workers {
    tasks: JoinSet<Result<(), StoreError>>,
    busy: HashMap<task::Id, StreamId>,
    resting: HashMap<StreamId, Instant>,
}

impl Workers {
    /// Begins with as many of `due` as there is room for.
    pub(super) fn start(&mut self, plane: &Arc<ControlPlane>, due: &[Stream]) {
        let now = Instant::now();
        self.resting.retain(|_, until| *until > now);
        for stream in due {
            let id = stream.id;
            if self.busy.len() >= STREAMS {
                return;
            }
            if self.resting.contains_key(&id) || self.busy.values().any(|busy| *busy == id) {
                continue;
            }
            let plane = Arc::clone(plane);
            let task = self
                .tasks
                .spawn(async move { work_off(&plane, id, now + TURN).await });
            self.busy.insert(task.id(), id);
        }
    }

    /// Waits until one is done with; none if there is none.
    pub(super) async fn finished(&mut self) -> Option<()> {
        let (task, outcome) = match self.tasks.join_next_with_id().await? {
            Ok(done) => done,
            Err(error) => {
                let why = StoreError::Unavailable("a round was cut short".to_owned());
                (error.id(), Err(why))
            }
        };
        let stream = self.busy.remove(&task);
        if let (Some(stream), Err(_)) = (stream, &outcome) {
            self.resting.insert(stream, Instant::now() + REST);
        }
        logged(outcome);
        Some(())
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.busy.len()
    }
}

fn logged(outcome: Result<(), StoreError>) {
    if let Err(error) = outcome {
        tracing::warn!(reason = error.code(), %error, "security events were not delivered");
    }
}

/// Works off every stream that is due, once. For tests, which have no use for a loop.
#[cfg(test)]
pub(super) async fn round(plane: &Arc<ControlPlane>) -> Result<usize, StoreError> {
    let due = plane.store.streams_due(plane.clock.now()).await?;
    for stream in &due {
        work_off(plane, stream.id, Instant::now() + TURN).await?;
    }
    Ok(due.len())
}

/// Drops what is too old, and pauses streams whose receivers are silent.
pub(super) async fn upkeep(plane: &ControlPlane) -> Result<(), StoreError> {
    let now = plane.clock.now();
    let audit = Audit::denied(now, AuditActor::System, "signal.deliver", "signal_too_old");
    while plane
        .store
        .signals_expire(now - KEPT, audit.clone())
        .await?
        > 0
    {
        tracing::warn!("security events that waited for three days were dropped");
    }
    for stream in plane.store.streams_idle(now).await? {
        let audit = Audit::allowed(now, AuditActor::System, "stream.status");
        let audit = Audit {
            client: Some(stream.client.clone()),
            ..about(stream.id, audit)
        };
        let (status, reason) = (StreamStatus::Paused, Some("inactivity".to_owned()));
        plane
            .store
            .stream_set_status(stream.id, status, reason, None, true, audit)
            .await?;
        tracing::info!(stream = %stream.id, client = %stream.client, "a stream is paused: its receiver is silent");
        plane.signals.wake();
    }
    Ok(())
}

/// Why an event was not delivered.
enum Failure {
    /// It may be later, for this reason.
    Later(&'static str),
    /// The receiver does not take this one.
    Refused(String),
}

/// Pushes what waits on a stream, until nothing does, the receiver fails, or the turn is over.
pub(super) async fn work_off(
    plane: &Arc<ControlPlane>,
    id: StreamId,
    until: Instant,
) -> Result<(), StoreError> {
    let epoch = plane.store.epoch().await?;
    loop {
        // Anew each time: it may have been changed meanwhile.
        let Some(stream) = plane.store.stream(id).await? else {
            return Ok(());
        };
        if stream.config.push.is_none() {
            return Ok(());
        }
        if !access::is_receiver(plane, &stream).await? {
            return failed(plane, &stream, "registration_withdrawn").await;
        }
        let signals = plane.store.signals(id, BATCH).await?;
        if signals.is_empty() {
            return Ok(());
        }
        for some in apart(&signals) {
            let tries = some
                .iter()
                .map(|signal| send(plane, &epoch, &stream, signal));
            let mut failure = None;
            for (signal, outcome) in some.iter().zip(join_all(tries).await) {
                match outcome? {
                    Ok(()) => settle(plane, &stream, signal, Settled::Delivered).await?,
                    Err(Failure::Refused(code)) => {
                        tracing::warn!(stream = %id, client = %stream.client, code, "a receiver does not take an event");
                        settle(plane, &stream, signal, Settled::Refused(poll::REFUSED)).await?;
                    }
                    Err(Failure::Later(reason)) => failure = failure.or(Some(reason)),
                }
            }
            if let Some(reason) = failure {
                return failed(plane, &stream, reason).await;
            }
            if Instant::now() >= until {
                return Ok(());
            }
        }
    }
}

/// The signals in order, some at once: no two of one user among those.
fn apart(signals: &[Signal]) -> Vec<&[Signal]> {
    let mut all = Vec::new();
    let mut rest = signals;
    while !rest.is_empty() {
        let mut users: HashSet<Option<UserId>> = HashSet::new();
        let fits = |signal: &&Signal| users.len() < AT_ONCE && users.insert(signal.user);
        let count = rest.iter().take_while(fits).count();
        let (some, others) = rest.split_at(count.max(1));
        all.push(some);
        rest = others;
    }
    all
}

async fn send(
    plane: &Arc<ControlPlane>,
    epoch: &str,
    stream: &Stream,
    signal: &Signal,
) -> Result<Result<(), Failure>, StoreError> {
    let Some(target) = &stream.config.push else {
        return Ok(Err(Failure::Later("signal_stream_changed")));
    };
    let Some((_, token)) = render::token(plane, epoch, stream, signal).await? else {
        return Ok(Err(Failure::Refused("unreadable".to_owned())));
    };
    let authorization = match streams::authorization(plane, stream.id, target) {
        Ok(authorization) => authorization,
        Err(error) => {
            tracing::error!(%error, stream = %stream.id, "a receiver's header does not open");
            return Ok(Err(Failure::Later("signal_header_sealed")));
        }
    };
    let request = OutboundRequest::post_text(
        target.url.clone(),
        "application/secevent+jwt",
        authorization,
        Secret::new(token),
        ANSWER,
    );
    Ok(match plane.outbound.send(request).await {
        // RFC 8935, 2.2: 202. Some frameworks make another success of it.
        Ok(answer) if matches!(answer.status, 200 | 202 | 204) => Ok(()),
        Ok(answer) if answer.status == 400 => Err(rejection(&answer.body)),
        Ok(_) => Err(Failure::Later("signal_push_refused")),
        Err(error) => Err(Failure::Later(error.code())),
    })
}

/// What a receiver says that does not take a token (RFC 8935, 2.3 and 2.4). What is wrong with the token
/// itself stays wrong; keys and credentials can be set right.
fn rejection(body: &[u8]) -> Failure {
    let said: Option<Value> = serde_json::from_slice(body).ok();
    let code = said.as_ref().and_then(|said| said["err"].as_str());
    match code {
        Some(
            code @ ("invalid_request" | "invalid_issuer" | "invalid_audience" | "invalid_state"),
        ) => Failure::Refused(code.to_owned()),
        _ => Failure::Later("signal_push_refused"),
    }
}

async fn settle(
    plane: &ControlPlane,
    stream: &Stream,
    signal: &Signal,
    how: Settled,
) -> Result<(), StoreError> {
    let audit = Audit::denied(
        plane.clock.now(),
        AuditActor::System,
        "signal.deliver",
        poll::REFUSED,
    );
    let audit = Audit {
        client: Some(stream.client.clone()),
        user: signal.user,
        session: signal.session,
        ..about(stream.id, audit)
    };
    let numbers = vec![signal.number];
    let settled = plane.store.signals_settle(stream.id, numbers, how, audit);
    settled.await.map(drop)
}

/// Notes that the receiver was not told, and when it is tried again.
async fn failed(
    plane: &ControlPlane,
    stream: &Stream,
    reason: &'static str,
) -> Result<(), StoreError> {
    let now = plane.clock.now();
    if stream.failures == 0 {
        tracing::warn!(stream = %stream.id, client = %stream.client, reason, "a receiver of security events is not reached");
    }
    crate::metrics::signal_failed(stream.id);
    let next = now + schedule::wait(stream.failures);
    plane
        .store
        .stream_failed(stream.id, reason, next, now)
        .await
}
