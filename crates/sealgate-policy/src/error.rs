//! What can be wrong with a mapping, a policy or a bundle.

use thiserror::Error;

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It does not have the form that it should.
    #[error("{0}")]
    Malformed(String),
}

impl PolicyError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "policy_malformed",
        }
    }
}
