//! What can be seen of the feed: figures, and a log line for every change, said once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_model::Timestamp;

use super::LOG;
use crate::decision::Decision;

/// Clocks further apart than this are worth a warning. Nothing is decided by them together.
const SKEW: Duration = Duration::from_secs(30);

/// What has been seen.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    seen: Mutex<Seen>,
    decisions: Decisions,
    withheld: AtomicU64,
}

/// Figures of this process.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) leading: bool,
    pub(super) connected: bool,
    pub(super) connections: u64,
    pub(super) snapshots: u64,
    pub(super) receipts: u64,
    pub(super) resyncs: BTreeMap<&'static str, u64>,
    /// Milliseconds between the newest message's `as_of` and its receipt by this machine's wall clock.
    pub(super) lag: Option<i64>,
    /// Milliseconds that the control plane's clock is ahead of this machine's.
    pub(super) skew: Option<i64>,
    pub(super) stale_since: Option<Timestamp>,
    pub(super) times_stale: u64,
    was_fresh: Option<bool>,
    /// What was said last of why there is no connection.
    said: Option<String>,
}

/// How requests were decided about.
#[derive(Debug, Default)]
pub(super) struct Decisions([AtomicU64; OUTCOMES.len()]);

/// What a decision comes to.
pub(super) const OUTCOMES: [&str; 4] = ["allowed", "refused", "answered", "waiting"];

impl Decisions {
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        OUTCOMES.into_iter().zip(counts)
    }
}

impl Sight {
    pub(super) fn seen(&self) -> Seen {
        self.lock().clone()
    }

    pub(super) const fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// How many answers were withheld.
    pub(super) fn withheld(&self) -> u64 {
        self.withheld.load(Ordering::Relaxed)
    }

    /// Counts an answer that was withheld.
    pub(crate) fn withhold(&self) {
        self.withheld.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a decision.
    pub(crate) fn decided(&self, decision: &Decision) {
        let outcome = match decision {
            Decision::Allow(_) => 0,
            Decision::Respond(response) if !response.reason.is_empty() => 1,
            Decision::Respond(_) => 2,
            Decision::Pending(_) => 3,
        };
        self.decisions.0[outcome].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leads(&self, leading: bool) {
        let mut seen = self.lock();
        seen.leading = leading;
        seen.connected = false;
        if !leading {
            seen.lag = None;
        }
    }

    /// Whether this process has heard a message since it began to follow the feed; none if it does not.
    pub(super) fn heard_as_leader(&self) -> Option<bool> {
        let seen = self.lock();
        seen.leading.then_some(seen.lag.is_some())
    }

    /// The stream is open.
    pub(super) fn connected(&self) {
        let again = {
            let mut seen = self.lock();
            seen.connected = true;
            seen.connections += 1;
            seen.said = None;
            seen.connections > 1
        };
        if again {
            tracing::info!(target: LOG, "the revocation feed is taken up again");
        } else {
            tracing::info!(target: LOG, "the revocation feed is connected");
        }
    }

    /// The stream ended, or brings nothing.
    pub(super) fn lost(&self, reason: &str) {
        if self.disconnected(reason) {
            tracing::info!(target: LOG, reason, "the revocation feed was lost; trying again");
        }
    }

    /// There is no way to the feed. An outage is said once, not at every attempt.
    pub(super) fn failed(&self, error: &str) {
        if self.disconnected(error) {
            tracing::warn!(
                target: LOG,
                error,
                "the revocation feed cannot be followed; trying again"
            );
        }
    }

    /// What the stream told cannot be gone on from.
    pub(super) fn resync(&self, reason: &'static str) {
        *self.lock().resyncs.entry(reason).or_default() += 1;
        if self.disconnected(reason) {
            tracing::info!(
                target: LOG,
                reason,
                "the revocation feed is read anew, from a snapshot"
            );
        }
    }

    /// Whether that is news.
    fn disconnected(&self, why: &str) -> bool {
        let mut seen = self.lock();
        seen.connected = false;
        let news = seen.said.as_deref() != Some(why);
        seen.said = Some(why.to_owned());
        news
    }

    /// A snapshot of `as_of` was asked for at wall-clock time `asked` and is there at `now`.
    pub(super) fn snapshot(&self, as_of: Timestamp, asked: Timestamp, now: Timestamp) {
        let middle = asked.as_millis().midpoint(now.as_millis());
        let skew = as_of.as_millis().saturating_sub(middle);
        let is_off = |skew: i64| u128::from(skew.unsigned_abs()) > SKEW.as_millis();
        let alarm = {
            let mut seen = self.lock();
            seen.snapshots += 1;
            let was_off = seen.skew.is_some_and(is_off);
            seen.skew = Some(skew);
            is_off(skew) && !was_off
        };
        if alarm {
            tracing::warn!(
                target: LOG,
                skew_seconds = skew / 1000,
                "the control plane's clock and this machine's are apart: sessions and tokens may end early or \
                 late; the revocation feed is not affected"
            );
        }
    }

    /// A message of `as_of` was there at wall-clock time `now`.
    pub(super) fn message(&self, as_of: Timestamp, now: Timestamp) {
        self.lock().lag = Some(now.as_millis().saturating_sub(as_of.as_millis()));
    }

    pub(super) fn receipt(&self) {
        self.lock().receipts += 1;
    }

    /// Whether the view is fresh at wall-clock time `now`, and how old it is.
    pub(super) fn is_fresh(&self, fresh: bool, age: Option<Duration>, now: Timestamp) {
        let first = {
            let mut seen = self.lock();
            let was_fresh = seen.was_fresh;
            // Before the first snapshot nothing is stale yet.
            if was_fresh == Some(fresh) || (was_fresh.is_none() && !fresh) {
                return;
            }
            seen.was_fresh = Some(fresh);
            seen.stale_since = (!fresh).then_some(now);
            seen.times_stale += u64::from(!fresh);
            was_fresh.is_none()
        };
        match (fresh, first) {
            (false, _) => tracing::warn!(
                target: LOG,
                reason = "feed_stale",
                age_seconds = age.unwrap_or_default().as_secs(),
                "the revocation view is stale: what depends on it is refused"
            ),
            (true, false) => {
                tracing::warn!(target: LOG, "the revocation view is fresh again");
            }
            (true, true) => tracing::info!(target: LOG, "the revocation view is fresh"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
