//! What a transaction cookie holds: one sign-in that has begun.

use minicbor::{Decode, Encode};
use sealgate_model::Timestamp;

use crate::{SealError, cbor};

/// The secrets of one sign-in between `/auth/login` and `/auth/callback`. They bind the answer to the
/// browser that asked (RFC 9700, 2.1 and 4.7).
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TransactionContent {
    /// The `state` sent along, by which the answer finds its transaction.
    #[n(0)]
    pub state: String,
    /// The OpenID `nonce` that the ID token must carry.
    #[n(1)]
    pub nonce: String,
    /// The PKCE verifier (RFC 7636, 4.1).
    #[n(2)]
    pub verifier: String,
    /// The checked path to return to.
    #[n(3)]
    pub return_to: String,
    #[n(4)]
    started_at: i64,
}

impl std::fmt::Debug for TransactionContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TransactionContent(…)")
    }
}

impl TransactionContent {
    /// A sign-in that begins at `started_at`.
    pub fn new(
        state: String,
        nonce: String,
        verifier: String,
        return_to: String,
        started_at: Timestamp,
    ) -> Self {
        Self {
            state,
            nonce,
            verifier,
            return_to,
            started_at: started_at.as_seconds(),
        }
    }

    /// What is left of it when the sign-in has come to its end: where it led, and nothing that could
    /// finish another one.
    #[must_use]
    pub fn finished(&self) -> Self {
        Self {
            nonce: String::new(),
            verifier: String::new(),
            ..self.clone()
        }
    }

    /// Whether the sign-in has come to its end.
    pub const fn is_finished(&self) -> bool {
        self.verifier.is_empty()
    }

    /// When the sign-in began.
    pub const fn started_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.started_at)
    }

    /// The content's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, SealError> {
        cbor::encode(self)
    }

    /// Reads what [`Self::encode`] wrote, all of it and nothing behind it.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        cbor::decode(bytes)
    }
}
