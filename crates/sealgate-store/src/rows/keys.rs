//! Signing keys, their private parts sealed.

use sealgate_model::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a signing key stands on its way through life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, not yet used.
    Next,
    /// Signs.
    Active,
    /// Signs no more; still published while its tokens live.
    Retiring,
    /// No longer published.
    Gone,
}

impl KeyState {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::Next, Self::Active, Self::Retiring, Self::Gone];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
        }
    }
}

/// A signing key. Its private part is sealed under the master key.
#[derive(Clone, Serialize)]
pub struct KeyRow {
    /// The key's id in headers and in the JWKS.
    pub kid: String,
    /// The JWA algorithm name.
    pub algorithm: String,
    /// Where it stands.
    pub state: KeyState,
    /// The private part, sealed.
    #[serde(skip)]
    pub sealed_private: String,
    /// The public part, as a JWK in JSON.
    #[serde(skip)]
    pub public_jwk: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came into its present state.
    pub changed_at: Timestamp,
}

impl std::fmt::Debug for KeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRow({}, {:?})", self.kid, self.state)
    }
}
