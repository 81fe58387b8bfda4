//! How old a view may be, at most, by nothing but the local monotonic clock and signed moments.
//!
//! A snapshot that was asked for at local time `S` and speaks of server time `A` was read after `S`,
//! whatever the server's clock shows: the pair anchors one clock in the other. A later message of the
//! same epoch with server time `A2` was then written at local time `S + (A2 - A)` or later. It was
//! also written before it was received, which caps what a server clock that runs ahead can claim.

use std::time::Duration;

use sealgate_model::{Timestamp, Uptime};

/// How fresh a view is.
#[derive(Debug, Clone)]
pub struct Freshness {
    bound: Duration,
    anchor: Option<Anchor>,
    /// The view holds everything committed before this local time.
    proven: Option<Uptime>,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    local: Uptime,
    server: Timestamp,
    newest: Timestamp,
}

impl Freshness {
    /// Nothing proven yet; a view counts as fresh for `bound` (the staleness bound B) past what is
    /// proven.
    pub const fn new(bound: Duration) -> Self {
        Self {
            bound,
            anchor: None,
            proven: None,
        }
    }

    /// The staleness bound B.
    pub const fn bound(&self) -> Duration {
        self.bound
    }

    /// Ties the clocks together anew, by a snapshot of server time `as_of` that was asked for at
    /// `sent_at`. The caller has made sure that the snapshot is newer than what it knows of its epoch.
    pub fn anchor(&mut self, as_of: Timestamp, sent_at: Uptime, received_at: Uptime) {
        let local = sent_at.min(received_at);
        self.anchor = Some(Anchor {
            local,
            server: as_of,
            newest: as_of,
        });
        self.reach(local);
    }

    /// Takes a message of the anchor's epoch, with server time `as_of`, received at `received_at`.
    /// False, and nothing changes, when it is not newer than the newest so far: a replay, or a clock
    /// that stepped back.
    pub fn prove(&mut self, as_of: Timestamp, received_at: Uptime) -> bool {
        let Some(anchor) = &mut self.anchor else {
            return false;
        };
        if as_of <= anchor.newest {
            return false;
        }
        anchor.newest = as_of;
        let local = anchor.local + as_of.since(anchor.server);
        self.reach(local.min(received_at));
        true
    }

    /// The newest server time proven since the last anchor.
    pub fn newest(&self) -> Option<Timestamp> {
        self.anchor.map(|anchor| anchor.newest)
    }

    /// How long ago, at `now`, the clocks were last tied together.
    pub fn anchor_age(&self, now: Uptime) -> Option<Duration> {
        self.anchor.map(|anchor| now.since(anchor.local))
    }

    /// How old the view is at `now`, at most; none while nothing is proven.
    pub fn age(&self, now: Uptime) -> Option<Duration> {
        self.proven.map(|proven| now.since(proven))
    }

    /// Whether the view may be trusted at `now` to know everything committed before `now` - B.
    pub fn is_fresh(&self, now: Uptime) -> bool {
        self.age(now).is_some_and(|age| age <= self.bound)
    }

    // What was proven once stays true: views only ever grow.
    fn reach(&mut self, local: Uptime) {
        self.proven = Some(self.proven.map_or(local, |proven| proven.max(local)));
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

    fn anchored() -> Freshness {
        let mut freshness = Freshness::new(Duration::from_secs(10));
        freshness.anchor(server(0), at(100), at(102));
        freshness
    }

    #[test]
    fn nothing_is_fresh_before_the_first_snapshot() {
        let mut freshness = Freshness::new(Duration::from_secs(10));
        assert!(!freshness.prove(server(5), at(5)));
        assert!(!freshness.is_fresh(at(5)));
        assert_eq!(freshness.age(at(5)), None);
    }

    #[test]
    fn a_snapshot_is_as_old_as_its_request() {
        let freshness = anchored();
        assert_eq!(freshness.age(at(102)), Some(Duration::from_secs(2)));
        assert!(freshness.is_fresh(at(110)));
        assert!(!freshness.is_fresh(at(111)));
    }

    #[test]
    fn a_delayed_heartbeat_proves_only_when_it_was_written() {
        let mut freshness = anchored();
        assert!(freshness.prove(server(5), at(114)));
        assert_eq!(freshness.age(at(114)), Some(Duration::from_secs(9)));
    }

    #[test]
    fn a_replayed_heartbeat_never_extends() {
        let mut freshness = anchored();
        assert!(freshness.prove(server(5), at(106)));
        assert!(!freshness.prove(server(5), at(115)));
        assert!(!freshness.prove(server(4), at(115)));
        assert!(!freshness.is_fresh(at(116)));
    }

    #[test]
    fn a_server_clock_that_jumps_ahead_is_capped_by_the_receipt() {
        let mut freshness = anchored();
        assert!(freshness.prove(server(3_600), at(103)));
        assert_eq!(freshness.age(at(103)), Some(Duration::ZERO));
        assert!(!freshness.is_fresh(at(114)));
    }

    #[test]
    fn a_new_anchor_forgets_the_old_clock_but_not_what_was_proven() {
        let mut freshness = anchored();
        assert!(freshness.prove(server(10), at(112)));
        freshness.anchor(server(-3_600), at(109), at(113));
        assert_eq!(freshness.age(at(113)), Some(Duration::from_secs(3)));
        assert!(freshness.prove(server(-3_595), at(115)));
        assert_eq!(freshness.age(at(115)), Some(Duration::from_secs(1)));
    }
}
