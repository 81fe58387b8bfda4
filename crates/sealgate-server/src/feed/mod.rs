//! The revocation feed: signed, gapless, filtered to what each client can see.
//!
//! The store's log is read once for everybody ([`tail`]), each client's part of it is signed once for all
//! who follow as that client ([`hub`]), and every subscriber is sent the same bytes at the pace it takes
//! them ([`subscriber`]). The protocol is `docs/spec/revocation-feed.md`.

mod applied;
mod events;
mod evidence;
pub(crate) mod gates;
mod hub;
mod hubs;
mod log;
pub(crate) mod receipt;
mod ring;
mod seats;
mod snapshot;
mod subscriber;
mod tail;
mod whole;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use sealgate_model::{ClientId, Timestamp, Uptime};
use sealgate_revocation::Epoch;
use tokio::sync::{Semaphore, watch};

use crate::ControlPlane;
use crate::problem::Problem;
use evidence::Shown;
use gates::Gates;
use hub::Hub;
use hubs::Hubs;
use seats::{Seat, Seats};
use snapshot::Snapshots;
use tail::Tail;

pub(crate) use log::entry;

/// How many subscribers there may be at once, if nothing else is configured.
const SUBSCRIBERS: usize = 4_096;
/// How many subscribers that are behind read the log for themselves at once.
const CATCHING_UP: usize = 4;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/feed/events", get(events::events))
        .route("/feed/snapshot", get(snapshot::snapshot))
        .route(
            "/feed/applied",
            post(applied::applied).layer(DefaultBodyLimit::max(applied::LIMIT)),
        )
}

/// What the feed's endpoints share: its clock, its places and the word to stop.
pub struct Feed {
    start: OnceLock<Start>,
    seats: Seats,
    hubs: Hubs,
    tail: Tail,
    catching_up: Semaphore,
    /// Who follows, and how far they have come.
    pub(crate) gates: Gates,
    /// Places for those who wait for a receipt.
    receipts: Semaphore,
    snapshots: Snapshots,
    shown: Shown,
    closing: watch::Sender<bool>,
    pace: Pace,
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
        write!(f, "Feed({} places left)", self.seats.left())
    }
}

impl Feed {
    /// A feed with room for 4,096 subscribers.
    pub fn new() -> Self {
        Self::with_room_for(SUBSCRIBERS)
    }

    /// A feed that refuses subscribers beyond `subscribers`, with 503.
    pub fn with_room_for(subscribers: usize) -> Self {
        let client_most = Seats::of_one_client(subscribers);
        Self {
            start: OnceLock::new(),
            seats: Seats::new(subscribers),
            hubs: Hubs::default(),
            tail: Tail::default(),
            catching_up: Semaphore::new(CATCHING_UP),
            gates: Gates::with_room_for(2 * subscribers, 2 * client_most),
            receipts: Semaphore::new(receipt::WAITING),
            snapshots: Snapshots::new(),
            shown: Shown::default(),
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

    /// Ends every stream, and sends whoever followed for a snapshot of the history that goes on.
    pub(crate) fn begin_anew(&self) {
        self.hubs.end_all();
    }

    /// How many streams are open.
    pub(crate) fn subscribers(&self) -> usize {
        self.seats.taken()
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
        self.seats.take(client)
    }

    /// The stream of `client` as this process tells it.
    async fn hub(&self, plane: &ControlPlane, client: &ClientId) -> Result<Arc<Hub>, Problem> {
        loop {
            let generation = self.hubs.generation();
            let epoch = self.epoch(plane).await?;
            if let Some(hub) = self.hubs.find(client, &epoch) {
                return Ok(hub);
            }
            let head = plane.store.revocation_head().await?;
            let hub = self.hubs.begin(plane, generation, client, &epoch, head);
            if let Some(hub) = hub {
                return Ok(hub);
            }
        }
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
    pub(crate) async fn epoch(&self, plane: &ControlPlane) -> Result<Epoch, Problem> {
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
