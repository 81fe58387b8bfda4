//! What a message proves, by nothing but the local monotonic clock and signed moments.
//!
//! A snapshot that was asked for at local time `S` and speaks of server time `A` was read after `S`,
//! whatever the server's clock shows: the pair anchors one clock in the other. A later message of the
//! same epoch with server time `A2` was then written at local time `S + (A2 - A)` or later. It was
//! also written before it was received, which caps what a server clock that runs ahead can claim.

use std::time::Duration;

use sealgate_model::{Timestamp, Uptime};

/// A moment of the server's clock, tied to one of this machine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// When the snapshot was asked for.
    pub(crate) local: Uptime,
    /// What it spoke of.
    pub(crate) server: Timestamp,
    /// The newest server time since.
    pub(crate) newest: Timestamp,
}

impl Anchor {
    /// Ties the clocks together by a snapshot of server time `as_of` that was asked for at `sent_at`. The
    /// caller has made sure that the snapshot is newer than what it knows of its epoch. The view then holds
    /// everything committed before [`Self::local`].
    pub(crate) fn new(as_of: Timestamp, sent_at: Uptime, received_at: Uptime) -> Self {
        Self {
            local: sent_at.min(received_at),
            server: as_of,
            newest: as_of,
        }
    }

    /// Takes a message of the anchor's epoch, with server time `as_of`, received at `received_at`: the view
    /// then holds everything committed before the moment that comes back. None, and nothing changes, when it
    /// is not newer than the newest so far: a replay, or a clock that stepped back.
    pub(crate) fn prove(&mut self, as_of: Timestamp, received_at: Uptime) -> Option<Uptime> {
        if as_of <= self.newest {
            return None;
        }
        self.newest = as_of;
        let local = self.local + as_of.since(self.server);
        Some(local.min(received_at))
    }

    /// How long ago, at `now`, the clocks were tied together.
    pub(crate) fn age(&self, now: Uptime) -> Duration {
        now.since(self.local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_secs(seconds))
    }

    fn server(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn anchored() -> Anchor {
        Anchor::new(server(0), at(100), at(102))
    }

    #[test]
    fn a_snapshot_is_as_old_as_its_request() {
        assert_eq!(anchored().local, at(100));
        assert_eq!(anchored().age(at(102)), Duration::from_secs(2));
    }

    #[test]
    fn a_delayed_heartbeat_proves_only_when_it_was_written() {
        assert_eq!(anchored().prove(server(5), at(114)), Some(at(105)));
    }

    #[test]
    fn a_replayed_heartbeat_proves_nothing() {
        let mut anchor = anchored();
        assert_eq!(anchor.prove(server(5), at(106)), Some(at(105)));
        assert_eq!(anchor.prove(server(5), at(115)), None);
        assert_eq!(anchor.prove(server(4), at(115)), None);
    }

    #[test]
    fn a_server_clock_that_jumps_ahead_is_capped_by_the_receipt() {
        assert_eq!(anchored().prove(server(3_600), at(103)), Some(at(103)));
    }

    #[test]
    fn a_new_anchor_counts_by_its_own_clock() {
        let mut anchor = Anchor::new(server(-3_600), at(109), at(113));
        assert_eq!(anchor.prove(server(-3_595), at(115)), Some(at(114)));
    }
}
