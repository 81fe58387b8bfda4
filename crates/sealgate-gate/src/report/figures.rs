//! What can be seen of reporting: figures, and what went wrong, said once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sealgate_audit::decision::Stream;

/// Figures of this process.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    recorded: [AtomicU64; 2],
    delivered: [AtomicU64; 2],
    spooled: AtomicU64,
    summed: AtomicU64,
    sampled: AtomicU64,
    unkept: AtomicU64,
    lost: AtomicU64,
    failures: AtomicU64,
    said: Mutex<Option<&'static str>>,
}

impl Figures {
    fn add(to: &AtomicU64, count: u64) {
        to.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn recorded(&self, stream: Stream) {
        Self::add(&self.recorded[usize::from(stream.number())], 1);
    }

    pub(super) fn delivered(&self, stream: Stream, decisions: u64) {
        Self::add(&self.delivered[usize::from(stream.number())], decisions);
    }

    pub(super) fn spooled(&self, decisions: u64) {
        Self::add(&self.spooled, decisions);
    }

    pub(super) fn summed(&self, decisions: u64) {
        Self::add(&self.summed, decisions);
    }

    pub(super) fn left(&self, sampled: u64, unkept: u64) {
        Self::add(&self.sampled, sampled);
        Self::add(&self.unkept, unkept);
    }

    /// Decisions are lost. Somebody has to know.
    pub(super) fn lost(&self, decisions: u64, why: &'static str) {
        if decisions > 0 {
            Self::add(&self.lost, decisions);
            tracing::error!(
                decisions,
                reason = why,
                "records of decisions are lost but for their number"
            );
        }
    }

    /// It does not go on. An outage is said once, not at every attempt.
    pub(super) fn failed(&self, code: &'static str, why: &str) {
        Self::add(&self.failures, 1);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.replace(code) != Some(code) {
            tracing::warn!(
                reason = code,
                why,
                "decisions cannot be reported; they are kept for later"
            );
        }
    }

    /// It does.
    pub(super) fn went_on(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.take().is_some() {
            tracing::warn!("decisions are reported again");
        }
    }

    /// Each figure by its name, its explanation and its count.
    pub(crate) fn counts(&self) -> [(&'static str, &'static str, u64); 7] {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            (
                "sealgate_gate_decisions_spooled",
                "Decisions that were put on the disk because the control plane was away.",
                of(&self.spooled),
            ),
            (
                "sealgate_gate_decisions_summed",
                "Refusals that were reported as a count with others like them, for want of room.",
                of(&self.summed),
            ),
            (
                "sealgate_gate_decisions_sampled_out",
                "Allowed requests that sampling left without a record.",
                of(&self.sampled),
            ),
            (
                "sealgate_gate_decisions_unkept",
                "Allowed requests that have no record for want of room.",
                of(&self.unkept),
            ),
            (
                "sealgate_gate_decisions_lost",
                "Decisions whose records are lost.",
                of(&self.lost),
            ),
            (
                "sealgate_gate_report_failures",
                "Attempts to report decisions that failed.",
                of(&self.failures),
            ),
            (
                "sealgate_gate_denied_recorded",
                "Refusals, ends and withheld answers that were recorded.",
                of(&self.recorded[usize::from(Stream::Denied.number())]),
            ),
        ]
    }

    /// How many decisions the control plane has taken, by stream.
    pub(crate) fn deliveries(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Stream::ALL.into_iter().map(|stream| {
            let count = &self.delivered[usize::from(stream.number())];
            (stream.as_str(), count.load(Ordering::Relaxed))
        })
    }
}
