//! The revocation feed: signed, gapless, filtered to what each client can see.
//!
//! Nothing of it is kept in memory but who listens: every subscriber reads the store's log after its
//! own place, at the pace it takes the messages. The protocol is `docs/spec/revocation-feed.md`.

mod events;
mod log;
mod snapshot;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sealgate_model::{ClientId, Timestamp, Uptime};
use sealgate_revocation::Epoch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::ControlPlane;
use crate::problem::Problem;

/// How many subscribers there may be at once, if nothing else is configured.
const SUBSCRIBERS: usize = 4_096;
/// How many places a client may have whatever the total, and which part of them otherwise: one client,
/// gone astray or taken over, does not shut the others out.
const CLIENT_LEAST: usize = 64;
const CLIENT_PART: usize = 4;
/// How many snapshots are written at once; each holds all that is revoked in memory.
const SNAPSHOTS: usize = 8;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/feed/events", get(events::events))
        .route("/feed/snapshot", get(snapshot::snapshot))
}

/// What the feed's endpoints share: its clock, its places and the word to stop.
pub struct Feed {
    start: OnceLock<Start>,
    places: Arc<Semaphore>,
    clients: Clients,
    client_most: usize,
    snapshots: Semaphore,
    closing: watch::Sender<bool>,
    pace: Pace,
}

/// How many places each client has taken.
type Clients = Arc<Mutex<HashMap<ClientId, usize>>>;

/// A subscriber's place, of all and of its client's.
struct Seat {
    client: ClientId,
    clients: Clients,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = clients.get_mut(&self.client) {
            *taken -= 1;
            if *taken == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

/// How a stream proceeds.
struct Pace {
    /// How often a heartbeat is sent.
    heartbeat: Duration,
    /// How many rows of the log are read at once.
    rows: u32,
}

/// When this process began to tell the time to its subscribers, on both clocks, and a name for it.
struct Start {
    wall: Timestamp,
    uptime: Uptime,
    instance: String,
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Feed({} places left)", self.places.available_permits())
    }
}

impl Feed {
    /// A feed with room for 4,096 subscribers.
    pub fn new() -> Self {
        Self::with_room_for(SUBSCRIBERS)
    }

    /// A feed that refuses subscribers beyond `subscribers`, with 503.
    pub fn with_room_for(subscribers: usize) -> Self {
        Self {
            start: OnceLock::new(),
            places: Arc::new(Semaphore::new(subscribers)),
            clients: Clients::default(),
            client_most: (subscribers / CLIENT_PART).max(CLIENT_LEAST),
            snapshots: Semaphore::new(SNAPSHOTS),
            closing: watch::Sender::new(false),
            pace: Pace {
                heartbeat: Duration::from_secs(1),
                rows: 256,
            },
        }
    }

    /// Ends every stream, and refuses new ones. For a shutdown that waits for open connections.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// How many streams are open.
    pub(crate) fn subscribers(&self) -> usize {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.values().sum()
    }

    /// Turns true when the streams are to end.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    fn take_place(&self, client: &ClientId) -> Result<Seat, Problem> {
        if *self.closing.borrow() {
            return Err(Problem::unavailable(
                "feed_closing",
                "the control plane is shutting down",
                1,
            ));
        }
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Problem::unavailable(
                "feed_full",
                "the feed has no room for another subscriber",
                5,
            )
        })?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = clients.entry(client.clone()).or_default();
        if *taken >= self.client_most {
            return Err(Problem::unavailable(
                "feed_client_full",
                "this client has as many subscribers as one may have",
                5,
            ));
        }
        *taken += 1;
        Ok(Seat {
            client: client.clone(),
            clients: Arc::clone(&self.clients),
            _permit: permit,
        })
    }

    /// The feed's clock: the wall clock when it was first read, and from then on the monotonic one.
    /// It cannot step, which is what a gate's reckoning of freshness stands on.
    fn as_of(&self, plane: &ControlPlane) -> Timestamp {
        let start = self.start(plane);
        start.wall + plane.clock.uptime().since(start.uptime)
    }

    /// A moment that every position of this process's epoch has reached.
    fn since(&self, plane: &ControlPlane) -> Timestamp {
        self.start(plane).wall
    }

    /// The store's history as told by this process's clock. Another process, or this one after a
    /// restart, has another clock, so its times must not be compared with these: a new epoch makes a
    /// gate fetch a snapshot and reckon anew.
    async fn epoch(&self, plane: &ControlPlane) -> Result<Epoch, Problem> {
        let history = plane.store.epoch().await?;
        let text = format!("{history}-{}", self.start(plane).instance);
        text.parse().map_err(|error| {
            tracing::error!(%error, "the store's epoch cannot be told");
            Problem::internal()
        })
    }

    fn start(&self, plane: &ControlPlane) -> &Start {
        self.start.get_or_init(|| Start {
            wall: plane.clock.now(),
            uptime: plane.clock.uptime(),
            instance: format!("{:016x}", u64::from_be_bytes(plane.random.bytes())),
        })
    }
}

#[cfg(test)]
mod tests;
