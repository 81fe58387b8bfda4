//! Why a call onward has no token, as codes that stay.

use thiserror::Error;

use crate::denial::Denial;

/// Why a call onward has no token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OnwardError {
    /// The target cannot be used as it is written.
    #[error("{0}")]
    TargetUnusable(String),
    /// The request goes to somewhere else than where the token may.
    #[error("{0} is not a place where the token for this audience is sent")]
    Elsewhere(String),
    /// What the caller came with is not good any more, or that cannot be told right now.
    #[error("the caller's own credential is not good any more ({})", .0.code())]
    Caller(Denial),
    /// There is no user behind the caller.
    #[error("the caller is no user and acts for none: call for the application itself")]
    CallerWithoutUser,
    /// The caller came with nothing that could be exchanged.
    #[error("the caller's session holds nothing to exchange for a token")]
    CallerWithoutToken,
    /// The session may have been renewed since that request, and its refresh token be spent.
    #[error("the caller's session is due for renewal: use the actor of a newer request")]
    CallerOutdated,
    /// The control plane could not be asked.
    #[error("the control plane cannot give a token right now: {0}")]
    Unavailable(String),
    /// The control plane refused, with an OAuth error code.
    #[error("the control plane refused a token: {0}")]
    Refused(String),
    /// The control plane answered what it must not.
    #[error("the control plane's answer is not acceptable: {0}")]
    Unacceptable(String),
    /// The key of this process could not be made or used.
    #[error("no proof could be made: {0}")]
    ProofFailed(String),
}

impl OnwardError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TargetUnusable(_) => "onward_target_unusable",
            Self::Elsewhere(_) => "onward_elsewhere",
            Self::Caller(_) => "onward_caller_refused",
            Self::CallerWithoutUser => "onward_caller_userless",
            Self::CallerWithoutToken => "onward_caller_tokenless",
            Self::CallerOutdated => "onward_caller_outdated",
            Self::Unavailable(_) => "onward_unavailable",
            Self::Refused(_) => "onward_refused",
            Self::Unacceptable(_) => "onward_unacceptable",
            Self::ProofFailed(_) => "onward_proof_failed",
        }
    }

    /// Whether the same may go well a moment later.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Caller(denial) => denial.status() == 503,
            _ => false,
        }
    }

    /// Whether it says nothing against tokens that were had before.
    pub(super) const fn leaves_tokens_good(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::CallerOutdated)
    }
}
