//! Signed statements of how far the chain had come.

use serde::{Deserialize, Serialize};

use super::{FindingKind, Hash};

/// The payload of a checkpoint, a JWS of type `sealgate-audit+jwt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointClaims {
    /// The control plane's issuer.
    pub iss: String,
    /// When it was signed, in seconds since 1970.
    pub iat: i64,
    /// The history of the control plane's revocations that it was signed in; a database that is put back from
    /// a copy begins another.
    pub history: String,
    /// The newest record's number.
    pub number: i64,
    /// The newest record's hash.
    pub hash: Hash,
    /// SHA-256 of the checkpoint before, as it was signed; none in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
}

impl CheckpointClaims {
    /// The `typ` of its header.
    pub const TYPE: &'static str = "sealgate-audit+jwt";
    /// It is never longer, in bytes.
    pub const LIMIT: usize = 4 * 1024;
}

/// A checkpoint as whoever knows the keys judged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// Its signature holds.
    Good {
        /// The key that signed it.
        kid: String,
        /// What it says.
        claims: CheckpointClaims,
    },
    /// It counts for nothing.
    Refused {
        /// Why: one of the kinds that tell of checkpoints.
        kind: FindingKind,
        /// The same in words.
        detail: String,
    },
}

/// A checkpoint, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The number that it is kept under; the verifier holds what it says to that.
    pub number: i64,
    /// SHA-256 of it, as it was signed.
    pub digest: Hash,
    /// What was found of it.
    pub judged: Judged,
    /// Whether it was kept elsewhere than the records.
    pub external: bool,
}
