//! Why a message of the feed was refused.

use thiserror::Error;

/// A refused message. Each is the sender's fault, or that of whoever stands between.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// The payload is longer than allowed.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The limit it passed, in bytes.
        limit: usize,
    },
    /// The payload is not a message of the feed.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Another issuer's message.
    #[error("a message of another issuer")]
    WrongIssuer,
    /// A message for another client.
    #[error("a message for another client")]
    WrongAudience,
}

impl MessageError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "feed_message_too_long",
            Self::Malformed(_) => "feed_message_malformed",
            Self::WrongIssuer => "feed_issuer_wrong",
            Self::WrongAudience => "feed_audience_wrong",
        }
    }
}
