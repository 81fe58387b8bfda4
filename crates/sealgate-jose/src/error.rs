//! Why a token, a key or a proof was refused.

use thiserror::Error;

/// A refused token, key or proof.
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
    /// A DPoP proof is for another HTTP method.
    #[error("the proof is for another method")]
    WrongMethod,
    /// A DPoP proof is for another URL.
    #[error("the proof is for another URL")]
    WrongUrl,
    /// A DPoP proof was made too long ago, or in the future.
    #[error("the proof was not made just now")]
    WrongTime,
    /// A DPoP proof is not for the access token that it came with.
    #[error("the proof is not for this access token")]
    WrongAccessToken,
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
            Self::WrongMethod => "dpop_method_wrong",
            Self::WrongUrl => "dpop_url_wrong",
            Self::WrongTime => "dpop_time_wrong",
            Self::WrongAccessToken => "dpop_token_wrong",
        }
    }
}
