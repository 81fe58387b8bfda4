//! Why a value could not be sealed or opened.

use thiserror::Error;

/// A refused key, seal or content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealError {
    /// A seal key is not 32 bytes of base64url, or there is none.
    #[error("a seal key is the base64url of 32 random bytes: {0}")]
    BadKey(&'static str),
    /// The sealed value would be, or is, longer than a cookie can carry.
    #[error("{length} bytes sealed, the limit is {limit}")]
    TooLong {
        /// How long it is, in bytes.
        length: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// It is not a sealed value of this version.
    #[error("not a sealed value")]
    Malformed,
    /// It was sealed by a key that is not in the ring.
    #[error("sealed by an unknown key")]
    UnknownKey,
    /// It was changed, or sealed for another purpose, cookie, client or issuer.
    #[error("the seal is broken")]
    Broken,
    /// It opened, but its content is not what this version writes.
    #[error("the content is not readable")]
    Content,
}

impl SealError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadKey(_) => "seal_key_bad",
            Self::TooLong { .. } => "seal_too_long",
            Self::Malformed => "seal_malformed",
            Self::UnknownKey => "seal_key_unknown",
            Self::Broken => "seal_broken",
            Self::Content => "seal_content",
        }
    }
}
