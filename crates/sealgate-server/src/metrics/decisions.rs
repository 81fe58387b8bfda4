//! What is counted of the decisions of gates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{counter, histogram};
use sealgate_audit::decision::{Batch, Outcome};
use sealgate_model::Timestamp;

use super::names::{
    DECISIONS, DECISIONS_LAG, DECISIONS_LEFT_OUT, DECISIONS_LOST, DECISIONS_REFUSED,
    DECISIONS_RETIRED,
};

/// How many reason codes have a series of their own. Gates say them, and a client may say anything.
const REASONS: usize = 128;

static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// `reason` as a label.
fn label(reason: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if reason.len() > 64 || !reason.bytes().all(fits) {
        return "other".to_owned();
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.contains(reason) {
        return reason.to_owned();
    }
    if known.len() >= REASONS {
        return "other".to_owned();
    }
    known.insert(reason.to_owned());
    reason.to_owned()
}

/// What a batch adds to the counts, once it is kept.
pub(crate) struct DecisionsSeen {
    counts: BTreeMap<(Outcome, String), u64>,
    lag: Option<Duration>,
    sampled: u64,
    unkept: u64,
    lost: u64,
}

impl DecisionsSeen {
    /// Of `batch`, that came at `now`.
    pub(crate) fn of(batch: &Batch<'_>, now: Timestamp) -> Self {
        let lengths = batch.lengths();
        let mut counts: BTreeMap<(Outcome, &str), u64> = BTreeMap::new();
        for record in batch.records() {
            let key = (record.outcome, record.reason.unwrap_or_default());
            *counts.entry(key).or_default() += record.count;
        }
        let counts = counts.into_iter();
        Self {
            counts: counts
                .map(|((outcome, reason), count)| ((outcome, reason.to_owned()), count))
                .collect(),
            lag: (lengths.rows > 0).then(|| now.since(lengths.first)),
            sampled: lengths.sampled,
            unkept: lengths.unkept,
            lost: lengths.lost,
        }
    }

    /// It is kept.
    pub(crate) fn count(self) {
        for ((outcome, reason), count) in self.counts {
            counter!(DECISIONS, "outcome" => outcome.as_str(), "reason" => label(&reason))
                .increment(count);
        }
        if let Some(lag) = self.lag {
            histogram!(DECISIONS_LAG).record(lag.as_secs_f64());
        }
        for (why, count) in [("sampled", self.sampled), ("unkept", self.unkept)] {
            if count > 0 {
                counter!(DECISIONS_LEFT_OUT, "why" => why).increment(count);
            }
        }
        if self.lost > 0 {
            counter!(DECISIONS_LOST).increment(self.lost);
        }
    }
}

/// A batch was not taken, for `reason`, a stable code.
pub(crate) fn decisions_refused(reason: &'static str) {
    counter!(DECISIONS_REFUSED, "reason" => reason).increment(1);
}

/// So many decisions of a stream are kept no longer.
pub(crate) fn decisions_retired(stream: &'static str, decisions: u64) {
    counter!(DECISIONS_RETIRED, "stream" => stream).increment(decisions);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_makes_only_so_many_series() {
        assert_eq!(label("scope_missing"), "scope_missing");
        assert_eq!(label("Scope missing\""), "other");
        let labels: BTreeSet<String> = (0..1_000)
            .map(|one| label(&format!("made_up_{one}")))
            .collect();
        assert!(labels.len() <= REASONS + 1);
        assert_eq!(label("scope_missing"), "scope_missing");
    }
}
