//! The signature algorithms.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha3::Shake256;
use sha3::digest::{ExtendableOutput as _, Update as _, XofReader as _};

/// A signature algorithm, fixed by the key that uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037; fully specified name from RFC 9864).
    Ed25519,
    /// ECDSA on P-256 with SHA-256 (RFC 7518, 3.4).
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3).
    Rs256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 7518, 3.5).
    Ps256,
    /// ML-DSA-65 (FIPS 204, RFC 9964). A signature is 3,309 bytes: it fits no cookie.
    MlDsa65,
}

impl Algorithm {
    /// All of them, the one used by default first.
    pub const ALL: [Self; 5] = [
        Self::Ed25519,
        Self::Es256,
        Self::Rs256,
        Self::Ps256,
        Self::MlDsa65,
    ];

    /// Every name that a header may carry, as metadata lists them.
    pub const NAMES: [&'static str; 6] =
        ["EdDSA", "Ed25519", "ES256", "RS256", "PS256", "ML-DSA-65"];

    /// The name written into headers and key sets. `EdDSA` is deprecated in favour of `Ed25519`
    /// (RFC 9864, 4.1.2), but it is the one that today's libraries know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::MlDsa65 => "ML-DSA-65",
        }
    }

    /// The algorithm of this name, compared byte by byte (RFC 7515, 4.1.1). Ed25519 has two names.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "EdDSA" | "Ed25519" => Some(Self::Ed25519),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            "ML-DSA-65" => Some(Self::MlDsa65),
            _ => None,
        }
    }

    /// Whether a header that says `name` agrees with a key of this algorithm.
    pub fn agrees(self, name: &str) -> bool {
        Self::parse(name) == Some(self)
    }

    /// The left half of the hash of `token`, as an ID token's `at_hash` has it (OpenID Connect Core 1.0,
    /// 3.1.3.6), base64url. The hash is the one that the algorithm uses: SHA-256 where its name says 256,
    /// SHA-512 for Ed25519 (RFC 8032, 5.1). RFC 9964 is silent on ML-DSA; the OpenID working group settled
    /// on SHAKE256 with 64 bytes (its issue 1125), which is also what clients compute.
    pub fn half_hash(self, token: &str) -> String {
        let hash = match self {
            Self::Ed25519 => digest::digest(&digest::SHA512, token.as_bytes()),
            Self::Es256 | Self::Rs256 | Self::Ps256 => {
                digest::digest(&digest::SHA256, token.as_bytes())
            }
            Self::MlDsa65 => return URL_SAFE_NO_PAD.encode(shake256_half(token)),
        };
        let bytes = hash.as_ref();
        URL_SAFE_NO_PAD.encode(&bytes[..bytes.len() / 2])
    }
}

/// The first 32 of SHAKE256's 64 bytes: longer output of it only adds to shorter (FIPS 202, 3.2).
fn shake256_half(token: &str) -> [u8; 32] {
    let mut hash = Shake256::default();
    hash.update(token.as_bytes());
    let mut half = [0; 32];
    hash.finalize_xof().read(&mut half);
    half
}

#[cfg(test)]
mod tests;
