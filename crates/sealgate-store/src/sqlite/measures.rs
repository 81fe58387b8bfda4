//! What the store counts and measures, through the process's recorder. Labels are words of ours.

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use sealgate_model::{StreamId, Timestamp};

use crate::{Audit, Outcome, RevokeReason};

/// An act was put on record. Refusals are counted where they are made, one by one.
pub(super) fn acted(audit: &Audit) {
    if audit.outcome == Outcome::Allowed {
        counter!("sealgate_acts_total", "action" => audit.action).increment(u64::from(audit.count));
    }
}

/// So many records of a stream were retired.
pub(super) fn retired(stream: Outcome, records: u64) {
    counter!("sealgate_audit_retired_total", "stream" => stream.as_str()).increment(records);
}

/// A session that was alive was revoked at `at`.
pub(super) fn session_revoked(reason: RevokeReason, expires_at: Timestamp, at: Timestamp) {
    if expires_at > at {
        counter!("sealgate_sessions_revoked_total", "reason" => reason.as_str()).increment(1);
    }
}

/// A delegation that was good was revoked.
pub(super) fn delegation_revoked(reason: RevokeReason) {
    counter!("sealgate_delegations_revoked_total", "reason" => reason.as_str()).increment(1);
}

/// A revocation of a kind of thing was logged.
pub(super) fn logged(kind: &'static str) {
    counter!("sealgate_revocations_logged_total", "kind" => kind).increment(1);
}

/// So many signals of a stream were queued, delivered, refused by its receiver or dropped.
pub(super) fn signals(stream: StreamId, outcome: &'static str, count: u64) {
    counter!("sealgate_signals_total", "stream" => stream.to_string(), "outcome" => outcome)
        .increment(count);
}

/// A commit of so many writes, with its sync of the disk, took so long; so many more waited when it
/// began.
pub(super) fn committed(writes: usize, waited: usize, took: Duration) {
    histogram!("sealgate_store_commit_duration_seconds").record(took.as_secs_f64());
    histogram!("sealgate_store_commit_writes").record(number(writes));
    gauge!("sealgate_store_writes_waiting").set(number(waited));
}

/// A slice of expired rows of a kind was deleted, and held up other writes for so long.
pub(super) fn swept(kind: &'static str, rows: usize, took: Duration) {
    if rows > 0 {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        counter!("sealgate_sweep_rows_total", "kind" => kind).increment(rows);
        histogram!("sealgate_sweep_duration_seconds", "kind" => kind).record(took.as_secs_f64());
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most some thousands")]
fn number(count: usize) -> f64 {
    count as f64
}
