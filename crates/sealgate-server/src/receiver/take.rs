//! An event from its signature to what it does, whichever way it came.

use sealgate_host::sha256;
use sealgate_model::Timestamp;
use sealgate_oauth::signals::{Set, SignalError};
use sealgate_store::{Audit, AuditActor, StoreError, Transmitter};

use super::act::{self, Done};
use super::credential;
use crate::{ControlPlane, metrics};

/// How far ahead of ours a transmitter's clock may be, and how old an event is still taken, in seconds. What
/// was taken is remembered for longer than that.
const AHEAD: i64 = 300;
const OLDEST: i64 = 7 * 24 * 3600;

/// Why an event was not taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// It is no event of this transmitter for us. It will not be one later either.
    Never {
        /// The error of RFC 8935 (2.4).
        err: &'static str,
        /// The stable reason code.
        reason: &'static str,
    },
    /// It cannot be told now: the keys or the store are out of reach.
    Later(&'static str),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Later(error.code())
    }
}

impl From<SignalError> for Refused {
    fn from(error: SignalError) -> Self {
        Self::Never {
            err: "invalid_request",
            reason: error.code(),
        }
    }
}

/// Takes an event. One that was taken before is taken again without doing anything. Its `jti`, for who acknowledges.
pub(super) async fn take(
    plane: &ControlPlane,
    transmitter: &Transmitter,
    token: &str,
) -> Result<String, Refused> {
    let outcome = taken(plane, transmitter, token).await;
    metrics::signal_received(match &outcome {
        Ok((_, done)) => done,
        Err(Refused::Never { .. }) => "refused",
        Err(Refused::Later(_)) => "failed",
    });
    outcome.map(|(jti, _)| jti)
}

async fn taken(
    plane: &ControlPlane,
    transmitter: &Transmitter,
    token: &str,
) -> Result<(String, &'static str), Refused> {
    let verified = credential::verify(plane, transmitter, Set::TYPE, token)
        .await
        .ok_or(Refused::Later("transmitter_keys_unavailable"))?
        .map_err(|error| Refused::Never {
            err: "invalid_key",
            reason: error.code(),
        })?;
    let set = Set::parse(&verified.payload)?;
    let now = plane.clock.now();
    check(transmitter, &set, now)?;
    let jti_hash = *sha256(set.jti.as_bytes()).as_bytes();
    if plane.store.event_heard(transmitter.id, jti_hash).await? {
        return Ok((set.jti, "again"));
    }
    // It is done before it is noted: cut short in between, it is done again, to the same effect.
    let done = act::carry_out(plane, transmitter, &set, now).await?;
    let audit = Audit {
        object: Some(transmitter.id.to_string()),
        ..match done {
            Done::Revoked | Done::Disabled => Audit::allowed(now, AuditActor::System, ACTION),
            Done::Nothing(reason) => Audit::denied(now, AuditActor::System, ACTION, reason),
        }
    };
    plane
        .store
        .event_take(transmitter.id, jti_hash, audit)
        .await?;
    let word = match done {
        Done::Revoked => "revoked",
        Done::Disabled => "disabled",
        Done::Nothing(_) => "unused",
    };
    tracing::info!(transmitter = %transmitter.id, event = set.event.uri(), outcome = word, "a security event was received");
    Ok((set.jti, word))
}

/// What the record calls it.
const ACTION: &str = "signal.receive";

fn check(transmitter: &Transmitter, set: &Set, now: Timestamp) -> Result<(), Refused> {
    let never = |err, reason| Err(Refused::Never { err, reason });
    if set.iss != transmitter.issuer {
        return never("invalid_issuer", "set_issuer_wrong");
    }
    if !set.aud.contains(&transmitter.audience) {
        return never("invalid_audience", "set_audience_wrong");
    }
    let age = now.as_seconds().saturating_sub(set.iat);
    if !(-AHEAD..=OLDEST).contains(&age) {
        return never("invalid_request", "set_time_wrong");
    }
    Ok(())
}
