//! Codes under a ring's keys: what this application wrote, any process with its keys knows again.

use aws_lc_rs::hmac::{self, HMAC_SHA256};

use crate::ring::derive_bytes;
use crate::{KeyRing, SealError};

/// The length of a code, in bytes.
pub const MAC_LEN: usize = 32;

/// HMAC-SHA256 (RFC 2104) under keys derived for one purpose, newest first.
pub struct MacRing {
    keys: Vec<hmac::Key>,
}

impl std::fmt::Debug for MacRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MacRing({} keys)", self.keys.len())
    }
}

impl KeyRing {
    /// Codes for one purpose. A purpose that seals must not be one that codes, too: both would have the
    /// same key.
    pub fn macs_for(&self, purpose: &str) -> Result<MacRing, SealError> {
        let keys = self.seal_keys().map(|key| {
            let bytes = derive_bytes(key, purpose)?;
            Ok(hmac::Key::new(HMAC_SHA256, bytes.as_slice()))
        });
        Ok(MacRing {
            keys: keys.collect::<Result<_, SealError>>()?,
        })
    }
}

impl MacRing {
    /// The code of `message` under the newest key.
    pub fn code(&self, message: &[u8]) -> Result<[u8; MAC_LEN], SealError> {
        let key = self.keys.first().ok_or(SealError::UnknownKey)?;
        let tag = hmac::sign(key, message);
        tag.as_ref().try_into().map_err(|_| SealError::Broken)
    }

    /// Whether `code` is that of `message` under any of the keys, compared in constant time.
    pub fn verifies(&self, message: &[u8], code: &[u8]) -> bool {
        // Every key is tried, so that the time tells nothing about which one it was.
        let verifying = self
            .keys
            .iter()
            .filter(|key| hmac::verify(key, message, code).is_ok());
        verifying.count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";
    const NEW: &str = "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE";

    fn ring(keys: &str, purpose: &str) -> MacRing {
        KeyRing::parse(keys).unwrap().macs_for(purpose).unwrap()
    }

    #[test]
    fn a_code_is_known_under_every_key_of_the_ring_and_made_under_the_newest() {
        let (old, both) = (ring(OLD, "forms"), ring(&format!("{NEW},{OLD}"), "forms"));
        let code = old.code(b"message").unwrap();
        assert!(old.verifies(b"message", &code) && both.verifies(b"message", &code));
        assert!(!old.verifies(b"message", &both.code(b"message").unwrap()));
    }

    #[test]
    fn a_code_of_another_message_purpose_or_length_is_none() {
        let ring_of_forms = ring(OLD, "forms");
        let code = ring_of_forms.code(b"message").unwrap();
        assert!(!ring_of_forms.verifies(b"massage", &code));
        assert!(!ring(OLD, "others").verifies(b"message", &code));
        assert!(!ring_of_forms.verifies(b"message", &code[..31]));
        assert!(!ring_of_forms.verifies(b"message", b""));
    }
}
