//! What is done every minute: clients of their own that nobody uses are forgotten.

use std::time::Duration;

use sealgate_model::Timestamp;
use sealgate_store::{Audit, AuditActor, Unused};

use crate::ControlPlane;

/// How long one that was never used is kept: longer than anybody takes to sign in.
const NEVER_USED: Duration = Duration::from_secs(3600);

/// How many rounds at most, so that other work of the minute gets its turn.
const ROUNDS: u32 = 32;

/// Forgets clients of their own that were not used for too long before `now`, which is no time at all while
/// the clock is not proven. A failure is logged and tried again a minute later.
pub(crate) async fn keep_house(plane: &ControlPlane, now: Timestamp) {
    if now <= Timestamp::from_millis(0) {
        return;
    }
    let agents = &plane.policy.agents;
    let idle = agents.idle.max(plane.lifetimes.idle).max(NEVER_USED);
    let unused = Unused {
        made_before: now - NEVER_USED,
        idle_since: now - idle,
    };
    for _ in 0..ROUNDS {
        let audit = Audit::allowed(plane.clock.now(), AuditActor::System, "client.forget");
        match plane.store.own_clients_forget(unused, audit).await {
            Ok((forgotten, more)) => {
                if forgotten > 0 {
                    tracing::debug!(forgotten, "forgot clients that nobody uses");
                }
                if !more {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(reason = error.code(), %error, "unused clients were not forgotten");
                return;
            }
        }
    }
}
