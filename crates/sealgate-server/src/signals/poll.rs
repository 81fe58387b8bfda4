//! `/ssf/poll/ID`: a receiver takes its events (RFC 8936). What it does not acknowledge comes again.

use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::{Path, State};
use sealgate_model::StreamId;
use sealgate_oauth::signals::PollRequest;
use sealgate_store::{Settled, Stream};
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use super::access::{self, Json, Receiver, malformed};
use super::{BASE, about, render};
use crate::ControlPlane;
use crate::caller::Caller;
use crate::problem::Problem;

pub(super) const PATH: &str = "/poll/{stream_id}";
/// What the paths of polls begin with.
pub(super) const BELOW: &str = "/poll/";

/// How many events one answer holds. About 150 KB.
const MOST: u32 = 100;

/// How long a poll waits for an event: half of what proxies commonly allow.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a poll that waits looks by itself: not every event wakes it.
const LOOK: Duration = Duration::from_secs(2);

/// Where a stream is polled.
pub(super) fn url(plane: &ControlPlane, stream: StreamId) -> String {
    plane.issuer.url(&format!("{BASE}{BELOW}{stream}"))
}

pub(super) async fn poll(
    State(plane): State<Arc<ControlPlane>>,
    receiver: Receiver,
    caller: Caller,
    Path(id): Path<String>,
    Json(body): Json,
) -> Result<Answer<Value>, Problem> {
    let asked = PollRequest::parse(&body).map_err(malformed)?;
    let stream = receiver.stream(&plane, &id).await?;
    if stream.config.push.is_some() {
        return Err(Problem::bad_request(
            "signal_stream_pushed",
            "the events of this stream are pushed",
        ));
    }
    let epoch = plane.store.epoch().await?;
    let numbers = |jtis: &mut dyn Iterator<Item = &String>| -> Vec<u64> {
        jtis.filter_map(|jti| render::number(&epoch, stream.id, jti))
            .collect()
    };
    let acknowledged = numbers(&mut asked.acknowledged.iter());
    let refused = numbers(&mut asked.refused.iter().map(|(jti, _)| jti));
    let act = about(stream.id, receiver.act(&plane, &caller, "signal.deliver"));
    if !acknowledged.is_empty() {
        let (how, act) = (Settled::Delivered, act.clone());
        plane
            .store
            .signals_settle(stream.id, acknowledged, how, act)
            .await?;
    }
    if !refused.is_empty() {
        let how = Settled::Refused(REFUSED);
        let act = sealgate_store::Audit {
            outcome: sealgate_store::Outcome::Denied,
            reason: REFUSED.to_owned(),
            ..act
        };
        let events = plane
            .store
            .signals_settle(stream.id, refused, how, act)
            .await?;
        if events > 0 {
            // One line, with text of the receiver's own: it must not fill the log.
            let code = asked.refused.first().map_or("", |(_, code)| code.as_str());
            let code: String = code.chars().take(40).collect();
            tracing::warn!(stream = %stream.id, events, code, "a receiver does not take events");
        }
    }
    let most = asked
        .max_events
        .map_or(MOST, |most| u32::try_from(most).unwrap_or(MOST).min(MOST));
    let waits = !asked.return_immediately && most > 0;
    let page = take(&plane, &stream, &epoch, most, waits).await?;
    Ok(Answer(page))
}

/// The receiver said that it does not understand an event.
pub(super) const REFUSED: &str = "signal_refused";

/// Up to `most` events, as soon as there are any if the receiver is `patient`.
async fn take(
    plane: &Arc<ControlPlane>,
    stream: &Stream,
    epoch: &str,
    most: u32,
    patient: bool,
) -> Result<Value, Problem> {
    let waiting = patient.then(|| plane.signals.place(stream.id)).flatten();
    let mut closing = plane.feed.closing();
    let mut revoked = plane.store.revocation_wakeup();
    let end = sleep(PATIENCE);
    tokio::pin!(end);
    loop {
        // First, so that nothing that comes meanwhile is missed.
        let queued = plane.signals.queued.notified();
        revoked.borrow_and_update();
        let (sets, more) = look(plane, stream, epoch, most).await?;
        let is_over = waiting.is_none() || end.is_elapsed() || *closing.borrow_and_update();
        if !sets.is_empty() || is_over {
            return Ok(json!({ "sets": sets, "moreAvailable": more }));
        }
        tokio::select! {
            () = &mut end => {}
            _ = closing.changed() => {}
            _ = timeout(LOOK, async {
                tokio::select! {
                    () = queued => {}
                    woken = revoked.changed() => if woken.is_err() {
                        // Nobody is left who could wake.
                        std::future::pending::<()>().await;
                    },
                }
            }) => {}
        }
    }
}

async fn look(
    plane: &Arc<ControlPlane>,
    stream: &Stream,
    epoch: &str,
    most: u32,
) -> Result<(Map<String, Value>, bool), Problem> {
    let signals = plane.store.signals(stream.id, most + 1).await?;
    let limit = usize::try_from(most).unwrap_or(usize::MAX);
    // It may have waited since it was let in.
    if !signals.is_empty() && !access::is_receiver(plane, stream).await? {
        return Err(access::withdrawn());
    }
    let more = signals.len() > limit;
    let mut sets = Map::new();
    for signal in signals.iter().take(limit) {
        if let Some((jti, token)) = render::token(plane, epoch, stream, signal).await? {
            sets.insert(jti, token.into());
        }
    }
    Ok((sets, more))
}
