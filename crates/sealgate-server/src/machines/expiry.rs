//! Service accounts whose time is over are disabled, with a revocation and a record.
//!
//! No door has waited for this: each of them asks for the time itself, and no token lives longer than its
//! service account.

use sealgate_model::{ClientId, Timestamp};
use sealgate_store::{Audit, AuditActor, StoreError};

use crate::ControlPlane;

/// How many are looked for at once.
const BATCH: u32 = 256;

/// Disables those that had expired by `before`: a time that is known to have passed, since what is disabled stays
/// so when a clock that was wrong is set right.
pub(crate) async fn end_expired(plane: &ControlPlane, before: Timestamp) {
    match end(plane, before).await {
        Ok(0) => {}
        Ok(ended) => tracing::info!(ended, "service accounts have expired and are disabled"),
        Err(error) => {
            tracing::warn!(reason = error.code(), %error, "expired service accounts were not disabled");
        }
    }
}

async fn end(plane: &ControlPlane, before: Timestamp) -> Result<u32, StoreError> {
    let mut ended = 0;
    loop {
        let due = plane.store.machines_due(before, BATCH).await?;
        let mut progress = false;
        for id in due {
            if plane.store.machine_expire(&id, record(plane, &id)).await? {
                ended += 1;
                progress = true;
            }
        }
        if !progress {
            return Ok(ended);
        }
    }
}

fn record(plane: &ControlPlane, id: &ClientId) -> Audit {
    Audit {
        client: Some(id.clone()),
        ..Audit::allowed(plane.clock.now(), AuditActor::System, "machine.expire")
    }
}
