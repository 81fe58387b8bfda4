//! The signature algorithms.

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
}
