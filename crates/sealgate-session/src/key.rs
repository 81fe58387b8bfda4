//! One seal key.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::{Random, Secret};
use zeroize::ZeroizeOnDrop;

use crate::SealError;

/// 32 random bytes from which the keys that seal are derived. Wiped when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub struct SealKey([u8; 32]);

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealKey({})", self.kid())
    }
}

impl SealKey {
    /// A fresh key.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random.bytes())
    }

    /// Wraps 32 random bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a key from 43 base64url characters (44 with padding).
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text.trim().trim_end_matches('='))
            .map_err(|_| SealError::BadKey("not base64url"))?;
        let bytes: [u8; 32] = bytes
            .try_into()
            .map_err(|_| SealError::BadKey("not 32 bytes"))?;
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(SealError::BadKey("not random"));
        }
        Ok(Self(bytes))
    }

    /// The key as 43 base64url characters.
    pub fn to_text(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// The key's public name: the first 4 bytes of SHA-256("sealgate kid v1" ‖ key), in hexadecimal.
    pub fn kid(&self) -> String {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"sealgate kid v1");
        hash.update(&self.0);
        let digest = hash.finish();
        let mut name = [0; 4];
        name.copy_from_slice(&digest.as_ref()[..4]);
        format!("{:08x}", u32::from_be_bytes(name))
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
