//! Refusals and failures, told to the record and to whoever asked.

use sealgate_oauth::{ErrorCode, OAuthError};
use sealgate_store::{Audit, Outcome, StoreError};

use crate::ControlPlane;

/// Puts a refusal on record. What is no decision is not recorded: an outage, a fault of ours, or that the
/// caller is to ask again.
pub(crate) async fn refused(plane: &ControlPlane, audit: Audit, error: OAuthError) {
    let decided = match error {
        OAuthError::ClientThrottled
        | OAuthError::RequestsThrottled
        | OAuthError::RevocationsFull
        | OAuthError::ClientDocumentThrottled
        | OAuthError::ClientsFull
        | OAuthError::RegistrationThrottled => true,
        error => !matches!(
            error.error(),
            ErrorCode::TemporarilyUnavailable
                | ErrorCode::ServerError
                | ErrorCode::AuthorizationPending
                | ErrorCode::SlowDown
                | ErrorCode::UseDpopNonce
        ),
    };
    if !decided {
        return;
    }
    let audit = Audit {
        outcome: Outcome::Denied,
        reason: error.code().to_owned(),
        ..audit
    };
    plane.refusals.record(plane, audit).await;
}

/// What to tell a client of a failure of the store: it says nothing about its grant.
pub(crate) fn unanswered(failure: StoreError) -> OAuthError {
    match failure {
        // Said once when it began, not for every request.
        StoreError::Full => OAuthError::StoreUnavailable,
        StoreError::TooMany(_) => OAuthError::RevocationsFull,
        StoreError::Unavailable(_) | StoreError::Locked => {
            tracing::warn!(reason = failure.code(), error = %failure, "the store did not answer");
            OAuthError::StoreUnavailable
        }
        failure => {
            tracing::error!(reason = failure.code(), error = %failure, "the store refused");
            OAuthError::Internal
        }
    }
}

/// What to tell a client of a fault that should not happen.
pub(crate) fn faulty(fault: impl std::fmt::Display) -> OAuthError {
    tracing::error!(error = %fault, "an answer could not be made");
    OAuthError::Internal
}
