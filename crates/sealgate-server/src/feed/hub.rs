//! One client's stream: read from the log and signed once, whoever many follow it.
//!
//! The numbers of a client's stream are the same for all of its subscribers, since `prev` and `seq` are
//! in the signature: those of the rows that the client can see, and before the first such row the number
//! at which this process began to tell them. Snapshots have the same numbers, so that whoever has one
//! stands somewhere in the stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::body::Bytes;
use sealgate_jose::Algorithm;
use sealgate_keys::KeyError;
use sealgate_model::{ClientId, Timestamp};
use sealgate_revocation::{Epoch, MESSAGE_TYPE, Message, Publisher};
use sealgate_store::StoreError;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::ring::{Next, Position, Reached, Ring, Signed};
use super::subscriber::Tie;
use crate::{ControlPlane, metrics};

/// How old a heartbeat may be for one who has just come. Many come at once when a network comes back.
const RECENT: Duration = Duration::from_millis(100);
/// How many messages are signed before others get their turn.
const AT_ONCE: usize = 64;
/// Every so many heartbeats one asks its readers how far they are.
const CALL: u32 = 10;

/// One client's stream.
pub(super) struct Hub {
    pub(super) client: ClientId,
    pub(super) epoch: Epoch,
    /// Held over a reading, so that messages follow one another.
    desk: tokio::sync::Mutex<Desk>,
    state: Mutex<State>,
    moved: watch::Sender<u64>,
}

struct Desk {
    publisher: Publisher,
    /// The last row of the log that was read, visible to this client or not.
    read_to: u64,
}

struct State {
    ring: Ring,
    followers: Vec<Weak<Tie>>,
    /// The key set under which it was signed.
    keys: Arc<Vec<u8>>,
    /// Whether a task tends to it.
    tended: bool,
    over: bool,
}

/// Which heartbeat is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    None,
    /// One, unless there is a recent one.
    Recent,
    Plain,
    /// One that asks its readers how far they are.
    Asking,
}

/// For how many heartbeats those who are turned away can still take what they were told.
const PARTING: u32 = 5;

/// What became of a look at the stream.
pub(super) enum Look {
    Next(Next),
    /// The stream has ended; its history goes on under another name.
    Over,
}

impl Hub {
    /// A stream that begins at `head`, the last row of the log; `since` is a moment that everybody has
    /// reached.
    pub(super) fn new(plane: &ControlPlane, client: ClientId, epoch: Epoch, head: u64) -> Self {
        let since = plane.feed.since(plane);
        let publisher = Publisher::new(
            plane.issuer.clone(),
            client.clone(),
            epoch.clone(),
            head,
            since,
        );
        Self {
            client,
            epoch,
            desk: tokio::sync::Mutex::new(Desk {
                publisher,
                read_to: head,
            }),
            state: Mutex::new(State {
                ring: Ring::new(head, since),
                followers: Vec::new(),
                keys: plane.keys.jwks(),
                tended: false,
                over: false,
            }),
            moved: watch::Sender::new(0),
        }
    }

    /// How far it is.
    pub(super) fn reached(&self) -> Reached {
        self.state().ring.reached()
    }

    /// Moves when there is something new.
    pub(super) fn moves(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// What comes after `position`.
    pub(super) fn look(&self, plane: &ControlPlane, position: Position) -> Look {
        let state = self.current(plane);
        match state.ring.next(position) {
            next if !state.over => Look::Next(next),
            // What was told before the end is still told; it may be of that end.
            next @ Next::Send(_) if position.seq != state.ring.reached().seq => Look::Next(next),
            _ => Look::Over,
        }
    }

    /// Lets a subscriber follow that has everything up to `seq`.
    pub(super) fn join(
        self: &Arc<Self>,
        plane: &Arc<ControlPlane>,
        seq: u64,
        tie: &Arc<Tie>,
    ) -> Position {
        let mut state = self.state();
        state.followers.push(Arc::downgrade(tie));
        if !state.tended {
            state.tended = true;
            tokio::spawn(Arc::clone(self).tend(Arc::clone(plane)));
        }
        state.ring.joined(seq)
    }

    /// Ends it, for good: whoever follows is told to begin anew.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.over = true;
        state.ring.forget();
        drop(state);
        self.tell();
    }

    /// Tells nothing new any more, and that it is over to whoever has taken what there is.
    fn part(&self) {
        self.state().over = true;
        self.tell();
    }

    pub(super) fn is_over(&self) -> bool {
        self.state().over
    }

    fn tell(&self) {
        self.moved
            .send_modify(|moves| *moves = moves.wrapping_add(1));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is signed by keys that are in use. Nothing is sent any more that one has signed which was
    /// revoked since; whoever has not taken it reads the log instead.
    fn current(&self, plane: &ControlPlane) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let keys = plane.keys.jwks();
        if !Arc::ptr_eq(&keys, &state.keys) {
            state.ring.forget();
            state.keys = keys;
        }
        state
    }

    /// What `sign` gives, signed by keys that are still in use, and where it goes.
    fn signed<T>(
        &self,
        plane: &ControlPlane,
        sign: impl Fn() -> Result<T, KeyError>,
    ) -> Result<(T, MutexGuard<'_, State>), KeyError> {
        loop {
            let keys = plane.keys.jwks();
            let signed = sign()?;
            let state = self.current(plane);
            if Arc::ptr_eq(&keys, &state.keys) {
                return Ok((signed, state));
            }
        }
    }

    /// Reads on to the end of the log, signs what the client can see of it, and ends with a heartbeat if
    /// one is wanted.
    pub(super) async fn advance(&self, plane: &ControlPlane, beat: Beat) -> Result<(), StoreError> {
        let mut desk = self.desk.lock().await;
        loop {
            let reading = plane
                .feed
                .tail
                .read(plane, &self.client, desk.read_to)
                .await?;
            let (as_of, complete, random) = (reading.as_of, reading.complete, &*plane.random);
            let oldest = reading.oldest;
            desk.read_to = reading.last;
            let messages = desk
                .publisher
                .revoked(reading.entries, as_of, complete, random);
            let told = self.publish(plane, &desk, &messages).await;
            if let (Ok(true), Some(oldest)) = (&told, oldest) {
                metrics::feed_told(plane.clock.now().since(oldest));
            }
            let told = match told {
                Ok(_) if complete => self.beat(plane, &mut desk, as_of, beat),
                other => other.map(drop),
            };
            if let Err(error) = told {
                // Its messages have numbers that nobody was told: it cannot go on.
                tracing::error!(client = %self.client, %error, "a message of the feed cannot be signed");
                self.end();
                return Ok(());
            }
            if complete {
                return Ok(());
            }
        }
    }

    /// Signs messages and shows them to whoever follows; whether anybody does.
    async fn publish(
        &self,
        plane: &ControlPlane,
        desk: &Desk,
        messages: &[Message],
    ) -> Result<bool, KeyError> {
        if !self.state().tended {
            let (seq, mut state) = (desk.publisher.seq(), self.state());
            let as_of = messages
                .last()
                .map_or(state.ring.reached().as_of, |message| message.as_of);
            state.ring.leap(seq, desk.read_to, as_of);
            return Ok(false);
        }
        for some in messages.chunks(AT_ONCE) {
            self.push(plane, some)?;
            metrics::feed_signed(some.len());
            self.tell();
            if some.len() == AT_ONCE {
                tokio::task::yield_now().await;
            }
        }
        self.state().ring.cover(desk.read_to);
        Ok(!messages.is_empty())
    }

    fn push(&self, plane: &ControlPlane, messages: &[Message]) -> Result<(), KeyError> {
        let Some(last) = messages.last() else {
            return Ok(());
        };
        let (signed, mut state) = self.signed(plane, || {
            let signed = messages.iter().map(|message| {
                Ok(Signed {
                    prev: message.prev,
                    seq: message.seq,
                    at: plane.clock.uptime(),
                    bytes: sign(plane, message)?,
                })
            });
            signed.collect::<Result<Vec<_>, KeyError>>()
        })?;
        state.ring.push(signed, last.as_of);
        Ok(())
    }

    fn beat(
        &self,
        plane: &ControlPlane,
        desk: &mut Desk,
        as_of: Timestamp,
        beat: Beat,
    ) -> Result<(), KeyError> {
        let now = plane.clock.uptime();
        if beat == Beat::None || beat == Beat::Recent && self.state().ring.has_beat(now, RECENT) {
            return Ok(());
        }
        let message = Message {
            ack: beat == Beat::Asking,
            ..desk.publisher.heartbeat(as_of, &*plane.random)
        };
        let (bytes, mut state) = self.signed(plane, || sign(plane, &message))?;
        state.ring.beat(bytes, message.as_of, now, message.ack);
        drop(state);
        metrics::feed_signed(1);
        // Whoever wants a recent one is the only one to hear of it now.
        if beat != Beat::Recent {
            self.tell();
        }
        Ok(())
    }

    /// Goes on for as long as anybody follows: at once when something is revoked, and with a heartbeat
    /// each second, in another part of the second than most other clients' are.
    async fn tend(self: Arc<Self>, plane: Arc<ControlPlane>) {
        let every = plane.feed.pace.heartbeat;
        let part = f64::from(u16::from_be_bytes(plane.random.bytes())) / f64::from(u16::MAX);
        let mut beats = interval_at(Instant::now() + every.mul_f64(part), every);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut woken = plane.store.revocation_wakeup();
        let mut calls = plane.feed.gates.roll_calls();
        let mut closing = plane.feed.closing();
        let mut count = 0;
        let mut turned_away = false;
        let mut wanted = Beat::None;
        while !self.is_over() {
            // First once more, for what came before the wake-up was taken.
            if let Err(error) = self.advance(&plane, wanted).await {
                // Nobody's freshness is prolonged. The next second may be better.
                tracing::warn!(client = %self.client, reason = error.code(), %error, "the feed cannot be read");
            }
            if *closing.borrow() {
                break;
            }
            wanted = tokio::select! {
                _ = closing.changed() => break,
                changed = woken.changed() => match changed {
                    Ok(()) => Beat::None,
                    Err(_) => break,
                },
                changed = calls.changed() => match changed {
                    Ok(()) => Beat::Asking,
                    Err(_) => break,
                },
                _ = beats.tick() => {
                    if !self.is_followed(&plane) {
                        return;
                    }
                    // A second later, so that they have heard that they are.
                    if std::mem::replace(&mut turned_away, !self.is_let_in(&plane).await) {
                        self.part();
                        tokio::time::sleep(every * PARTING).await;
                        break;
                    }
                    count = (count + 1) % CALL;
                    if count == 0 { Beat::Asking } else { Beat::Plain }
                }
            };
        }
        self.end();
    }

    /// Whether its client may still follow. Streams are long: who was disabled or removed is not heard of by
    /// a request.
    async fn is_let_in(&self, plane: &ControlPlane) -> bool {
        match plane.store.client(&self.client).await {
            Ok(client) => client.is_some_and(|client| client.disabled_at.is_none()),
            Err(_) => true,
        }
    }

    /// Lets go of those who have left or do not take what they are sent. If nobody is left, it is not
    /// tended from now on.
    fn is_followed(&self, plane: &ControlPlane) -> bool {
        let now = plane.clock.uptime();
        let mut state = self.state();
        state.followers.retain(|tie| {
            tie.upgrade().is_some_and(|tie| {
                let holds = tie.holds(now);
                if !holds {
                    metrics::feed_dropped("stalled");
                    tracing::info!(client = %self.client, "a subscriber takes nothing any more");
                }
                holds
            })
        });
        state.tended = !state.followers.is_empty();
        if !state.tended {
            state.ring.forget();
        }
        state.tended
    }
}

/// A message as it is sent.
pub(super) fn sign(plane: &ControlPlane, message: &Message) -> Result<Bytes, KeyError> {
    let token = plane.keys.sign(Algorithm::Ed25519, MESSAGE_TYPE, message)?;
    Ok(format!(
        "event: set\nid: {}.{}\ndata: {token}\n\n",
        message.epoch, message.seq
    )
    .into())
}
