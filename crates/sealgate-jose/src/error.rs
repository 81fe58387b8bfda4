//! Why a token or key was refused.

use thiserror::Error;

/// A refused token or key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JoseError {
    /// The token or key set is longer than allowed.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The limit it passed.
        limit: usize,
    },
    /// It is not what its specification says it must be.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// It names a key that is not in the set.
    #[error("signed by an unknown key")]
    UnknownKey,
    /// It is a sound token of another type.
    #[error("a token of another type")]
    WrongType,
    /// Its header does not agree with its key's algorithm.
    #[error("the header's algorithm is not the key's")]
    WrongAlgorithm,
    /// The signature does not hold.
    #[error("the signature does not hold")]
    BadSignature,
    /// A key is of no use here.
    #[error("unusable key: {0}")]
    UnusableKey(&'static str),
}

impl JoseError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "token_too_long",
            Self::Malformed(_) => "token_malformed",
            Self::UnknownKey => "token_key_unknown",
            Self::WrongType => "token_type_wrong",
            Self::WrongAlgorithm => "token_algorithm_wrong",
            Self::BadSignature => "token_signature_bad",
            Self::UnusableKey(_) => "key_unusable",
        }
    }
}
