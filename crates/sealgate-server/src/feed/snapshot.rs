//! `GET /feed/snapshot`: everything that is revoked, as one signed message.
//!
//! It can be long. So few are written at once, those that are asked for at the same time share one reading
//! of the log, and what is on its way to slow readers is bounded in all and in time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use sealgate_jose::Algorithm;
use sealgate_model::ClientId;
use sealgate_revocation::{MESSAGE_TYPE, NONCE_LIMIT, Publisher, SNAPSHOT_LIMIT};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::evidence;
use super::hub::{Beat, Hub};
use super::whole::{Readings, Whole};
use crate::caller::Caller;
use crate::oauth::client_auth::authenticate_basic;
use crate::problem::Problem;
use crate::{ControlPlane, metrics};

/// How many snapshots are written at once.
const WRITTEN: usize = 2;
/// How many KiB of snapshots may be on their way at once: room for several of the longest.
const UNDER_WAY: usize = 256 * 1024;
/// Shorter ones than this are sent as they are.
const SHORT: usize = 64 * 1024;
/// How much of a long one is handed over at a time.
const PIECE: usize = 64 * 1024;
/// How long one waits for the others to arrive.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a long one may take to arrive: at 4 Mbit/s the longest is there by then.
const DELIVERY: Duration = Duration::from_secs(120);

/// What bounds snapshots.
pub(super) struct Snapshots {
    written: Semaphore,
    under_way: Arc<Semaphore>,
    pub(super) readings: Readings,
}

impl Snapshots {
    pub(super) fn new() -> Self {
        Self {
            written: Semaphore::new(WRITTEN),
            under_way: Arc::new(Semaphore::new(UNDER_WAY)),
            readings: Readings::default(),
        }
    }

    /// Everything that there is room for.
    #[cfg(test)]
    pub(super) fn all_room(&self) -> OwnedSemaphorePermit {
        let all = u32::try_from(UNDER_WAY).unwrap();
        Arc::clone(&self.under_way)
            .try_acquire_many_owned(all)
            .unwrap()
    }
}

/// What the reader wants to find in the answer.
#[derive(Deserialize)]
pub(super) struct Wanted {
    nonce: Option<String>,
}

/// The snapshot. 304 for a client that names the one it has; it proves nothing about freshness then.
pub(super) async fn snapshot(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Response {
    let client = match authenticate_basic(&plane, &caller, &headers, "feed.snapshot").await {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    let nonce = match query {
        Ok(Query(Wanted { nonce })) if nonce.as_deref().is_none_or(is_nonce) => nonce,
        _ => {
            let detail = "nonce is 1 to 128 of A-Z a-z 0-9 - _";
            return Problem::bad_request("feed_nonce_malformed", detail).into_response();
        }
    };
    match answer(&plane, &client.id, &caller, &headers, nonce).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

fn is_nonce(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=NONCE_LIMIT).contains(&text.len()) && text.bytes().all(plain)
}

async fn answer(
    plane: &Arc<ControlPlane>,
    client: &ClientId,
    caller: &Caller,
    headers: &HeaderMap,
    nonce: Option<String>,
) -> Result<Response, Problem> {
    evidence::consider(plane, client, caller, headers).await?;
    let hub = plane.feed.hub(plane, client).await?;
    if headers.contains_key(IF_NONE_MATCH) {
        hub.advance(plane, Beat::None).await?;
        let current = etag(&hub, hub.reached().seq);
        if names(headers, &current) {
            let headers = [(ETAG, current.as_str()), (CACHE_CONTROL, "no-store")];
            return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
        }
    }
    let snapshots = &plane.feed.snapshots;
    let question = snapshots.readings.ask(client);
    let Ok(turn) = snapshots.written.acquire().await else {
        return Err(Problem::internal());
    };
    // Before the reading: what the stream has told by now is in it.
    let told = hub.reached().seq;
    let whole = question.answer(plane).await?;
    let size = whole.size();
    let room = room_for(snapshots, size).await?;
    let seq = told.max(whole.newest);
    let token = sign(plane, &hub, whole, seq, nonce).await?;
    drop(turn);
    metrics::feed_snapshot(token.len());
    if token.len() > SNAPSHOT_LIMIT {
        tracing::error!(%client, bytes = token.len(), "a snapshot is too long for any gate");
        return Err(Problem::unavailable(
            "feed_snapshot_too_large",
            "too much is revoked for one snapshot",
            60,
        ));
    }
    let headers = [
        (CONTENT_TYPE, "application/secevent+jwt"),
        (ETAG, &etag(&hub, seq)),
        // A snapshot from a cache would be taken for a fresh one.
        (CACHE_CONTROL, "no-store"),
        (CONTENT_LENGTH, &token.len().to_string()),
    ];
    Ok((headers, body(token, room)).into_response())
}

/// Room on the way to the reader; none is needed for a short one. Slow readers of long ones must not hold up
/// everybody else's, so nobody waits for it for long.
async fn room_for(
    snapshots: &Snapshots,
    size: usize,
) -> Result<Option<OwnedSemaphorePermit>, Problem> {
    if size <= SHORT {
        return Ok(None);
    }
    let kibibytes = u32::try_from((size / 1024 + 1).min(UNDER_WAY)).unwrap_or(u32::MAX);
    let room = Arc::clone(&snapshots.under_way).acquire_many_owned(kibibytes);
    match timeout(PATIENCE, room).await {
        Ok(Ok(room)) => Ok(Some(room)),
        _ => Err(Problem::unavailable(
            "feed_snapshot_busy",
            "too many long snapshots are on their way",
            2,
        )),
    }
}

async fn sign(
    plane: &Arc<ControlPlane>,
    hub: &Hub,
    whole: Whole,
    seq: u64,
    nonce: Option<String>,
) -> Result<String, Problem> {
    let since = plane.feed.since(plane);
    let (issuer, client) = (plane.issuer.clone(), hub.client.clone());
    let mut publisher = Publisher::new(issuer, client, hub.epoch.clone(), seq, since);
    let plane = Arc::clone(plane);
    let write = move || {
        let capacity = whole.size();
        let (entries, sessions, as_of) = (whole.entries, whole.sessions, whole.as_of);
        let message = publisher.snapshot(entries, sessions, nonce, as_of, &*plane.random);
        plane
            .keys
            .sign_long(Algorithm::Ed25519, MESSAGE_TYPE, &message, capacity)
    };
    // A long one takes a tenth of a second.
    let token = tokio::task::spawn_blocking(write).await;
    let token = token.map_err(|error| error.to_string());
    token
        .and_then(|token| token.map_err(|error| error.to_string()))
        .map_err(|error| {
            tracing::error!(client = %hub.client, %error, "a snapshot cannot be signed");
            Problem::internal()
        })
}

/// A short snapshot as it is; a long one piece by piece, for as long as it may take.
fn body(token: String, room: Option<OwnedSemaphorePermit>) -> Body {
    let Some(room) = room else {
        return Body::from(token);
    };
    let held = Arc::new(Mutex::new(Some((Bytes::from(token), room))));
    tokio::spawn({
        let held = Arc::downgrade(&held);
        async move {
            tokio::time::sleep(DELIVERY).await;
            if let Some(held) = held.upgrade() {
                held.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
        }
    });
    Body::from_stream(unfold(held, |held| async move {
        let piece = {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            let (rest, _) = held.as_mut()?;
            let piece = rest.split_to(rest.len().min(PIECE));
            (!piece.is_empty()).then_some(piece)?
        };
        Some((Ok::<_, Infallible>(piece), held))
    }))
}

fn etag(hub: &Hub, seq: u64) -> String {
    format!("\"{}.{seq}\"", hub.epoch)
}

/// Whether `If-None-Match` names `etag` (RFC 9110, 13.1.2, compared weakly). `*` is not honoured: a
/// client that has no snapshot must not be told that it has one.
fn names(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == etag)
}
