//! The messages of one client that are signed and ready to be sent, for as long as anybody may need them.
//!
//! A subscriber is a number in the client's stream. What comes next for it stands here, or it is too far
//! behind and reads the store for itself.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Bytes;
use sealgate_model::{Timestamp, Uptime};

/// How many revocations are kept.
const KEPT: usize = 4_096;
/// For how long. Whoever has not taken one by then is gone.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// How many bytes of messages go into one write. One message may be longer.
const WRITE: usize = 16 * 1024;

/// A message that tells of one revocation, as it is sent.
pub(super) struct Signed {
    pub(super) prev: u64,
    pub(super) seq: u64,
    pub(super) at: Uptime,
    pub(super) bytes: Bytes,
}

/// A heartbeat, as it is sent.
#[derive(Clone)]
struct Beat {
    number: u64,
    seq: u64,
    covers: u64,
    at: Uptime,
    asks: bool,
    bytes: Bytes,
}

/// The messages of one client.
pub(super) struct Ring {
    /// The number that the client's stream has reached.
    seq: u64,
    /// The last row of the log that is accounted for.
    covers: u64,
    /// The newest moment that was told.
    as_of: Timestamp,
    revoked: VecDeque<Signed>,
    beats: u64,
    /// The newest heartbeat, and the newest that asks how far its reader is.
    beat: Option<Beat>,
    call: Option<Beat>,
}

/// How far a subscriber is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    /// The number of the last revocation it was sent.
    pub(super) seq: u64,
    /// The last heartbeat it was sent, or need not be sent any more.
    pub(super) beat: u64,
}

/// What is next for a subscriber.
pub(super) enum Next {
    /// This, and then it is there.
    Send(Frame),
    /// It is further behind than what is kept: everything up to here, which is proven at this moment.
    Behind(Reached),
    /// Nothing now.
    Nothing,
}

/// How far a client's stream is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    pub(super) seq: u64,
    pub(super) covers: u64,
    pub(super) as_of: Timestamp,
}

/// What goes into one write.
pub(super) struct Frame {
    pub(super) bytes: Bytes,
    pub(super) messages: u64,
    pub(super) to: Position,
    pub(super) covers: u64,
    pub(super) asks: bool,
}

impl Ring {
    /// A stream that is at number `seq`, the last row of the log.
    pub(super) const fn new(seq: u64, since: Timestamp) -> Self {
        Self {
            seq,
            covers: seq,
            as_of: since,
            revoked: VecDeque::new(),
            beats: 0,
            beat: None,
            call: None,
        }
    }

    pub(super) const fn reached(&self) -> Reached {
        Reached {
            seq: self.seq,
            covers: self.covers,
            as_of: self.as_of,
        }
    }

    /// A new subscriber at `seq`: a call from before is not for it.
    pub(super) fn joined(&self, seq: u64) -> Position {
        Position {
            seq,
            beat: self.call.as_ref().map_or(0, |call| call.number),
        }
    }

    /// Adds what is revoked, in order; the last message tells `as_of`.
    pub(super) fn push(&mut self, messages: Vec<Signed>, as_of: Timestamp) {
        if let Some(last) = messages.last() {
            (self.seq, self.covers, self.as_of) = (last.seq, last.seq, as_of);
        }
        self.revoked.extend(messages);
        while self.revoked.len() > KEPT {
            self.revoked.pop_front();
        }
    }

    /// Keeps nothing of what was signed so far.
    pub(super) fn forget(&mut self) {
        self.revoked.clear();
        (self.beat, self.call) = (None, None);
    }

    /// The log was read up to row `covers`.
    pub(super) fn cover(&mut self, covers: u64) {
        self.covers = covers;
    }

    /// Goes on to number `seq` without the messages: nobody follows.
    pub(super) fn leap(&mut self, seq: u64, covers: u64, as_of: Timestamp) {
        if self.seq != seq {
            self.revoked.clear();
        }
        (self.seq, self.covers, self.as_of) = (seq, covers, as_of);
    }

    /// Puts a heartbeat in place of the one before.
    pub(super) fn beat(&mut self, bytes: Bytes, as_of: Timestamp, now: Uptime, asks: bool) {
        self.beats += 1;
        self.as_of = as_of;
        let beat = Beat {
            number: self.beats,
            seq: self.seq,
            covers: self.covers,
            at: now,
            asks,
            bytes,
        };
        if asks {
            self.call = Some(beat.clone());
        }
        self.beat = Some(beat);
        while self
            .revoked
            .front()
            .is_some_and(|old| now.since(old.at) > KEPT_FOR)
        {
            self.revoked.pop_front();
        }
    }

    /// Whether there is a heartbeat for whoever is up to date, not older than `age`.
    pub(super) fn has_beat(&self, now: Uptime, age: Duration) -> bool {
        self.beat
            .as_ref()
            .is_some_and(|beat| beat.seq == self.seq && now.since(beat.at) <= age)
    }

    /// What comes after `position`.
    pub(super) fn next(&self, position: Position) -> Next {
        if position.seq == self.seq {
            return self.beat_after(position).map_or(Next::Nothing, |beat| {
                Next::Send(Frame {
                    bytes: beat.bytes.clone(),
                    messages: 1,
                    to: Position {
                        seq: position.seq,
                        beat: beat.number,
                    },
                    covers: beat.covers,
                    asks: beat.asks,
                })
            });
        }
        let begin = self
            .revoked
            .partition_point(|message| message.prev < position.seq);
        match self.revoked.get(begin) {
            Some(first) if first.prev == position.seq => Next::Send(self.frame(begin, position)),
            _ => Next::Behind(self.reached()),
        }
    }

    /// As many messages from place `begin` on as go into one write.
    fn frame(&self, begin: usize, position: Position) -> Frame {
        let (mut size, mut end) = (0, begin);
        while let Some(message) = self.revoked.get(end)
            && (end == begin || size + message.bytes.len() <= WRITE)
        {
            size += message.bytes.len();
            end += 1;
        }
        let mut messages = self.revoked.range(begin..end);
        let single = (end == begin + 1).then(|| messages.next()).flatten();
        let bytes = single.map_or_else(
            || {
                let mut bytes = Vec::with_capacity(size);
                for message in self.revoked.range(begin..end) {
                    bytes.extend_from_slice(&message.bytes);
                }
                bytes.into()
            },
            |message| message.bytes.clone(),
        );
        let seq = self.revoked.get(end - 1).map_or(position.seq, |m| m.seq);
        Frame {
            bytes,
            messages: u64::try_from(end - begin).unwrap_or(u64::MAX),
            to: Position { seq, ..position },
            // Up to itself: what is between it and the next row the client sees is not read yet.
            covers: seq,
            asks: false,
        }
    }

    /// The call first, which a later heartbeat must not hide.
    fn beat_after(&self, position: Position) -> Option<&Beat> {
        let beats = [&self.call, &self.beat].into_iter().flatten();
        beats
            .filter(|beat| beat.number > position.beat && beat.seq == position.seq)
            .min_by_key(|beat| beat.number)
    }
}

#[cfg(test)]
mod tests;
