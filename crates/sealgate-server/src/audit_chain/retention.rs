//! Retention: what has been kept for as long as is declared goes, stream by stream, a slice at a time.

use std::time::Duration;

use sealgate_model::{Timestamp, Uptime};
use sealgate_store::{Audit, AuditActor, Outcome, RetireSlice, StoreError};

use crate::ControlPlane;

/// Records that are looked at in one slice: some milliseconds of the writer.
const SLICE: u32 = 2_000;

/// Slices in one round of housekeeping: 400,000 records a minute, more than are ever written.
const SLICES: u32 = 200;

/// How often everything is looked at from the beginning.
const AGAIN: Duration = Duration::from_secs(24 * 3600);

/// How far each stream has been looked through.
#[derive(Debug, Default)]
pub(crate) struct Retirement {
    allowed: i64,
    denied: i64,
    /// The holds that were in force: when one is released, everything is looked at again.
    holds: Vec<i64>,
    /// Since when this goes on from where it was.
    since: Option<Uptime>,
}

impl Retirement {
    /// Retires what is due. `proven` is the time before which things may be deleted, as housekeeping knows
    /// it: one long ago while the system's time is in doubt.
    pub(crate) async fn round(&mut self, plane: &ControlPlane, proven: Timestamp) {
        if let Err(error) = self.retire(plane, proven).await {
            tracing::warn!(reason = error.code(), %error, "old audit records were not retired");
        }
    }

    async fn retire(&mut self, plane: &ControlPlane, proven: Timestamp) -> Result<(), StoreError> {
        let policy = plane.policy.audit;
        if policy.keep_allowed.is_none() && policy.keep_denied.is_none() {
            return Ok(());
        }
        let holds: Vec<i64> = plane
            .store
            .holds_in_force()
            .await?
            .iter()
            .map(|hold| hold.id)
            .collect();
        if self.holds.iter().any(|id| !holds.contains(id)) {
            (self.allowed, self.denied) = (0, 0);
        }
        self.holds = holds;
        // What was written while the clock was ahead was passed over, and its time comes.
        let now = plane.clock.uptime();
        if self.since.is_none_or(|since| now.since(since) >= AGAIN) {
            (self.allowed, self.denied) = (0, 0);
            self.since = Some(now);
        }
        let streams = [
            (Outcome::Allowed, policy.keep_allowed, &mut self.allowed),
            (Outcome::Denied, policy.keep_denied, &mut self.denied),
        ];
        for (stream, keep, cursor) in streams {
            if let Some(keep) = keep {
                one(plane, stream, before(proven, keep), cursor).await?;
            }
        }
        Ok(())
    }
}

/// Before which time records go.
fn before(proven: Timestamp, keep: Duration) -> Timestamp {
    if proven.as_millis() <= 0 {
        Timestamp::from_millis(0)
    } else {
        proven - keep
    }
}

async fn one(
    plane: &ControlPlane,
    stream: Outcome,
    before: Timestamp,
    cursor: &mut i64,
) -> Result<(), StoreError> {
    for _ in 0..SLICES {
        let slice = RetireSlice {
            stream,
            after: *cursor,
            before,
            limit: SLICE,
        };
        let audit = Audit {
            reason: "retention".to_owned(),
            ..Audit::allowed(plane.clock.now(), AuditActor::System, "audit.retire")
        };
        let done = plane.store.audit_retire(slice, audit).await?;
        *cursor = done.after;
        if done.records > 0 {
            let (records, held) = (done.records, done.held);
            tracing::info!(
                stream = stream.as_str(),
                records,
                held,
                "retired audit records"
            );
        }
        if !done.more {
            return Ok(());
        }
    }
    Ok(())
}
