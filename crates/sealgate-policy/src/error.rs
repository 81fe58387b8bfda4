//! What can be wrong with a mapping, a policy or a bundle.

use thiserror::Error;

use crate::cedar::Finding;
use crate::mapping::MappingError;

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It does not have the form that it should.
    #[error("{0}")]
    Malformed(String),
    /// There is more of it than is taken.
    #[error("there are more {0} than the {1} that are taken")]
    Oversize(&'static str, usize),
    /// The policies are not sound, by what was found.
    #[error("{}", told(.0))]
    Unsound(Vec<Finding>),
    /// The mapping is not as it must be.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

impl PolicyError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "policy_malformed",
            Self::Oversize(..) => "policy_oversize",
            Self::Unsound(_) => "policy_unsound",
            Self::Mapping(error) => error.code(),
        }
    }
}

/// The first of `findings` in one line, and how many more there are.
fn told(findings: &[Finding]) -> String {
    let Some(first) = findings.first() else {
        return "the policies are not sound".to_owned();
    };
    match findings.len() - 1 {
        0 => first.to_string(),
        more => format!("{first} (and {more} more)"),
    }
}
