//! The signature algorithms.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A signature algorithm, fixed by the key that uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037; fully specified name from RFC 9864).
    Ed25519,
}

impl Algorithm {
    /// The name written into headers and key sets. `EdDSA` is deprecated in favour of `Ed25519`
    /// (RFC 9864, 4.1.2), but it is the one that today's libraries know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "EdDSA",
        }
    }

    /// Whether a header that says `name` agrees with a key of this algorithm.
    pub fn agrees(self, name: &str) -> bool {
        match self {
            Self::Ed25519 => matches!(name, "EdDSA" | "Ed25519"),
        }
    }
    /// The left half of the hash of `token`, as an ID token's `at_hash` has it (OpenID Connect Core 1.0,
    /// 3.1.3.6), base64url. The hash is the one that the algorithm uses: for Ed25519 it is SHA-512
    /// (RFC 8032, 5.1).
    pub fn half_hash(self, token: &str) -> String {
        let hash = match self {
            Self::Ed25519 => digest::digest(&digest::SHA512, token.as_bytes()),
        };
        let bytes = hash.as_ref();
        URL_SAFE_NO_PAD.encode(&bytes[..bytes.len() / 2])
    }
}
