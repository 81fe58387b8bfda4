//! What is wrong with what a probe was given.

use thiserror::Error;

/// What is wrong with what a probe was given. All of it is the caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// An environment variable is not set, or is empty.
    #[error("the identity {1} needs ${{{0}}}, which is not set")]
    VariableMissing(String, String),
    /// `${` without its `}`.
    #[error("the identity {0} has a ${{ without its }}")]
    VariableTorn(String),
    /// An identity without any credential.
    #[error("the identity {0} has neither headers nor query")]
    IdentityEmpty(String),
}

impl ProbeError {
    /// The stable reason code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::VariableMissing(..) => "probe_variable_missing",
            Self::VariableTorn(_) => "probe_variable_torn",
            Self::IdentityEmpty(_) => "probe_identity_empty",
        }
    }
}
