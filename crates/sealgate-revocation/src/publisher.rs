//! The control plane's side: one client's messages, numbered so that `prev` and `as_of` never lie.

use std::fmt::Write as _;

use sealgate_model::{ClientId, Issuer, Random, Timestamp};

use crate::{Entry, Epoch, Event, Message, Sessions};

/// Writes the messages of one subscriber, or one snapshot.
///
/// Whoever uses it reads the clock *before* the log and hands that reading over as `as_of`: what
/// commits between the two is then told early, never missed.
#[derive(Debug, Clone)]
pub struct Publisher {
    issuer: Issuer,
    client: ClientId,
    epoch: Epoch,
    seq: u64,
    as_of: Timestamp,
}

impl Publisher {
    /// Messages of `issuer` for `client` that follow number `seq` of `epoch`. `since` is a moment of
    /// this epoch's clock that the subscriber's view is known to have reached: the epoch's start.
    pub const fn new(
        issuer: Issuer,
        client: ClientId,
        epoch: Epoch,
        seq: u64,
        since: Timestamp,
    ) -> Self {
        Self {
            issuer,
            client,
            epoch,
            seq,
            as_of: since,
        }
    }

    /// The number of the last revocation told.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The history it tells.
    pub const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Tells `entries`, which are all that the client can see of one reading of the log after
    /// [`Self::seq`], in order, with their numbers. `complete` says that the reading reached the end
    /// of the log.
    ///
    /// Only the last message of a complete reading proves `as_of`: the ones before it would claim
    /// that those after it do not exist.
    pub fn revoked(
        &mut self,
        entries: Vec<(u64, Entry)>,
        as_of: Timestamp,
        complete: bool,
        random: &dyn Random,
    ) -> Vec<Message> {
        let last = entries.len().saturating_sub(1);
        let mut messages = Vec::with_capacity(entries.len());
        for (place, (seq, entry)) in entries.into_iter().enumerate() {
            if complete && place == last {
                self.as_of = self.as_of.max(as_of);
            }
            let prev = self.seq;
            self.seq = seq;
            messages.push(self.message(prev, as_of, Event::Revoked(entry), random));
        }
        messages
    }

    /// Tells that nothing the client can see was committed after [`Self::seq`] and before `as_of`.
    pub fn heartbeat(&mut self, as_of: Timestamp, random: &dyn Random) -> Message {
        self.as_of = self.as_of.max(as_of);
        self.message(self.seq, as_of, Event::Heartbeat {}, random)
    }

    /// Tells everything at once: `entries` and `sessions` are all that the client can see of the log up to
    /// [`Self::seq`], read after `as_of`. `nonce` is the one that the reader sent.
    pub fn snapshot(
        &mut self,
        entries: Vec<Entry>,
        sessions: Vec<Sessions>,
        nonce: Option<String>,
        as_of: Timestamp,
        random: &dyn Random,
    ) -> Message {
        self.as_of = self.as_of.max(as_of);
        let event = Event::Snapshot { entries, sessions };
        Message {
            nonce,
            ..self.message(self.seq, as_of, event, random)
        }
    }

    fn message(&self, prev: u64, now: Timestamp, event: Event, random: &dyn Random) -> Message {
        let mut id = String::with_capacity(32);
        for byte in random.bytes::<16>() {
            // Writing to a String cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        Message {
            issuer: self.issuer.to_string(),
            audience: self.client.to_string(),
            issued_at: now.as_seconds(),
            id,
            epoch: self.epoch.clone(),
            seq: self.seq,
            prev,
            as_of: self.as_of,
            nonce: None,
            ack: false,
            event,
        }
    }
}
