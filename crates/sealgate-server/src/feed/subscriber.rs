//! One stream: what its client's hub has for it, or what it reads of the log by itself while it is behind.
//!
//! A subscriber costs its place, a few hundred bytes and the write that is under way: the next one is made
//! when the connection has taken the one before. One that takes nothing for long is let go of, whatever
//! the connection below it does.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::{Stream, unfold};
use sealgate_model::Uptime;
use sealgate_revocation::Publisher;
use tokio::sync::watch;

use super::gates::Guard;
use super::hub::{Hub, Look, sign};
use super::log::read_after;
use super::ring::{Frame, Next, Position, Reached};
use super::seats::Seat;
use crate::{ControlPlane, metrics};

/// From further back than this many rows of the log, a snapshot is the shorter way.
pub(super) const CATCH_UP: u64 = 10_000;
/// So it is when more than this many of them are to be told.
const TELL: usize = 1_000;
/// How many rows are read at once by one that is behind: what it is sent is in memory.
const PAGE: u32 = 64;
/// How long a subscriber may take nothing of what is there for it.
const STALLED: Duration = Duration::from_secs(30);

/// Sends the reader for a snapshot.
pub(super) const RESET: Bytes = Bytes::from_static(b"event: reset\ndata: {}\n\n");

/// What a subscriber holds as long as it takes what it is sent.
pub(super) struct Tie {
    held: Mutex<Option<(Seat, Guard)>>,
    /// When it was given something that it has not taken yet, in milliseconds; 0 if it waits for more.
    given: AtomicU64,
}

impl Tie {
    pub(super) fn new(seat: Seat, guard: Guard) -> Self {
        Self {
            held: Mutex::new(Some((seat, guard))),
            given: AtomicU64::new(0),
        }
    }

    /// Whether the subscriber still takes what it is sent; lets go of its place if not.
    pub(super) fn holds(&self, now: Uptime) -> bool {
        let given = self.given.load(Ordering::SeqCst);
        let stalled = given != 0 && millis(now).saturating_sub(given) > millis_of(STALLED);
        if stalled {
            self.held().take();
        }
        !stalled
    }

    fn is_gone(&self) -> bool {
        self.held().is_none()
    }

    /// It asks for more.
    fn waits(&self) {
        self.given.store(0, Ordering::SeqCst);
    }

    /// It is given `frame`.
    fn gives(&self, frame: &Frame, now: Uptime) {
        self.given.store(millis(now), Ordering::SeqCst);
        if let Some((_, guard)) = &*self.held() {
            if frame.asks {
                guard.asked(frame.to.seq, frame.covers);
            } else {
                guard.sent(frame.to.seq, frame.covers);
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<(Seat, Guard)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(at: Uptime) -> u64 {
    // The very first millisecond of a clock is as good as the next.
    millis_of(at.elapsed()).max(1)
}

fn millis_of(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// One stream.
pub(super) struct Subscriber {
    plane: Arc<ControlPlane>,
    hub: Arc<Hub>,
    tie: Arc<Tie>,
    position: Position,
    behind: Option<Behind>,
    moves: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    over: bool,
}

/// The way from where a subscriber is to where its hub was when it looked.
struct Behind {
    publisher: Publisher,
    to: Reached,
    read_to: u64,
    told: usize,
}

impl Subscriber {
    /// Follows `hub` from number `after` on.
    pub(super) fn new(plane: Arc<ControlPlane>, hub: Arc<Hub>, after: u64, tie: Tie) -> Self {
        let tie = Arc::new(tie);
        let moves = hub.moves();
        let position = hub.join(&plane, after, &tie);
        Self {
            closing: plane.feed.closing(),
            plane,
            hub,
            tie,
            position,
            behind: None,
            moves,
            over: false,
        }
    }

    /// What is written, one write after the other.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        unfold(self, |mut subscriber| async move {
            let bytes = subscriber.next().await?;
            Some((Ok(bytes), subscriber))
        })
    }

    /// The next write, as soon as there is something; none when the stream is to end.
    async fn next(&mut self) -> Option<Bytes> {
        self.tie.waits();
        loop {
            if self.over || *self.closing.borrow() || self.tie.is_gone() {
                return None;
            }
            if self.behind.is_some() {
                if let Some(bytes) = self.catch_up().await? {
                    return Some(bytes);
                }
                continue;
            }
            self.moves.borrow_and_update();
            match self.hub.look(&self.plane, self.position) {
                Look::Over => return Some(self.reset()),
                Look::Next(Next::Send(frame)) => return Some(self.send(frame)),
                Look::Next(Next::Behind(to))
                    if to.covers.abs_diff(self.position.seq) > CATCH_UP =>
                {
                    return Some(self.reset());
                }
                Look::Next(Next::Behind(to)) => self.fall_behind(to),
                Look::Next(Next::Nothing) => tokio::select! {
                    _ = self.closing.changed() => return None,
                    moved = self.moves.changed() => moved.ok()?,
                },
            }
        }
    }

    fn send(&mut self, frame: Frame) -> Bytes {
        self.position = frame.to;
        self.tie.gives(&frame, self.plane.clock.uptime());
        metrics::feed_sent(frame.messages);
        frame.bytes
    }

    fn reset(&mut self) -> Bytes {
        self.over = true;
        metrics::feed_dropped("reset");
        RESET
    }

    fn fall_behind(&mut self, to: Reached) {
        metrics::feed_caught_up();
        let publisher = Publisher::new(
            self.plane.issuer.clone(),
            self.hub.client.clone(),
            self.hub.epoch.clone(),
            self.position.seq,
            self.plane.feed.since(&self.plane),
        );
        self.behind = Some(Behind {
            publisher,
            to,
            read_to: self.position.seq,
            told: 0,
        });
    }

    /// The next write of one that is behind. Nothing if there was nothing that its client can see; the
    /// end of the stream if the log cannot be read.
    async fn catch_up(&mut self) -> Option<Option<Bytes>> {
        let Some(behind) = &mut self.behind else {
            return Some(None);
        };
        let plane = Arc::clone(&self.plane);
        let _turn = plane.feed.catching_up.acquire().await.ok()?;
        let rows = plane.feed.pace.rows.min(PAGE);
        let reading = read_after(&plane, &self.hub.client, behind.read_to, rows).await;
        let mut reading = reading
            .inspect_err(|error| {
                tracing::warn!(client = %self.hub.client, reason = error.code(), %error, "a feed ends");
            })
            .ok()?;
        let to = behind.to;
        behind.read_to = reading.last;
        reading.entries.retain(|(seq, _)| *seq <= to.seq);
        behind.told += reading.entries.len();
        let there = reading.complete || reading.last >= to.seq;
        // What the hub has told is true here: whatever was committed before it is up to `to`.
        let random = &*plane.random;
        let messages = behind
            .publisher
            .revoked(reading.entries, to.as_of, there, random);
        let mut bytes = Vec::new();
        for message in &messages {
            let signed = sign(&plane, message).inspect_err(|error| {
                tracing::error!(client = %self.hub.client, %error, "a message of the feed cannot be signed");
            });
            bytes.extend_from_slice(&signed.ok()?);
        }
        metrics::feed_signed(messages.len());
        let seq = behind.publisher.seq();
        // Where the way does not lead to the hub, some of it has expired.
        if behind.told > TELL || there && seq != to.seq {
            return Some(Some(self.reset()));
        }
        if there {
            self.behind = None;
        }
        let frame = Frame {
            bytes: bytes.into(),
            messages: u64::try_from(messages.len()).unwrap_or(u64::MAX),
            to: Position {
                seq,
                ..self.position
            },
            covers: seq,
            asks: false,
        };
        Some((frame.messages > 0).then(|| self.send(frame)))
    }
}
