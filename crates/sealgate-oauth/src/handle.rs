//! Handles: the codes and tokens that name a row and prove the right to it.
//!
//! A handle is the base64url of a 16-byte selector and a 32-byte secret, always 64 characters. The
//! selector is the row's key, ordered by time so that writes stay cheap; of the secret the store
//! keeps a hash, so that who reads the store holds no token.

use std::fmt;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::{
    BootstrapId, CodeId, DeviceId, InvitationId, PushedId, Random, RefreshId, RegistrationTokenId,
    Secret, SecretHash, SignInId,
};
use zeroize::{Zeroize as _, Zeroizing};

/// An id that can be the selector of a handle.
pub trait Selector: Copy + Eq + fmt::Debug {
    /// Wraps the id's 16 bytes.
    fn from_bytes(bytes: [u8; 16]) -> Self;
    /// The id's 16 bytes.
    fn as_bytes(&self) -> &[u8; 16];
}

macro_rules! selectors {
    ($($id:ident),*) => {$(
        impl Selector for $id {
            fn from_bytes(bytes: [u8; 16]) -> Self {
                Self::from_bytes(bytes)
            }
            fn as_bytes(&self) -> &[u8; 16] {
                self.as_bytes()
            }
        }
    )*};
}
selectors!(
    BootstrapId,
    CodeId,
    RefreshId,
    RegistrationTokenId,
    DeviceId,
    PushedId,
    InvitationId,
    SignInId
);

/// What stands behind the prefix of a bootstrap credential.
pub type BootstrapHandle = Handle<BootstrapId>;
/// An authorization code.
pub type CodeHandle = Handle<CodeId>;
/// A refresh token.
pub type RefreshHandle = Handle<RefreshId>;
/// A token by which clients register themselves (RFC 7591, 3).
pub type RegistrationHandle = Handle<RegistrationTokenId>;
/// A device code (RFC 8628, 3.2).
pub type DeviceHandle = Handle<DeviceId>;
/// What stands behind the prefix of a `request_uri` (RFC 9126, 2.2).
pub type PushedHandle = Handle<PushedId>;

/// A selector and the secret that goes with it.
pub struct Handle<I> {
    /// The selector: the key of the row.
    pub id: I,
    secret: [u8; 32],
}

impl<I: Selector> Handle<I> {
    /// The length of every handle's text.
    pub const LENGTH: usize = 64;

    /// A handle for `id` with a fresh secret of 256 random bits.
    pub fn generate(id: I, random: &dyn Random) -> Self {
        Self {
            id,
            secret: random.bytes(),
        }
    }

    /// Reads a handle; nothing if the text is not exactly 64 base64url characters.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::LENGTH {
            return None;
        }
        let mut bytes = Zeroizing::new([0; 48]);
        let length = URL_SAFE_NO_PAD
            .decode_slice(text, bytes.as_mut_slice())
            .ok()?;
        let (selector, secret) = bytes[..length].split_first_chunk::<16>()?;
        Some(Self {
            id: I::from_bytes(*selector),
            secret: secret.try_into().ok()?,
        })
    }

    /// The handle's text, to be given away once.
    pub fn to_secret(&self) -> Secret {
        let mut bytes = Zeroizing::new([0; 48]);
        bytes[..16].copy_from_slice(self.id.as_bytes());
        bytes[16..].copy_from_slice(&self.secret);
        Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
    }

    /// The SHA-256 of the secret: what the store keeps, and what a presented handle is compared by.
    pub fn secret_hash(&self) -> SecretHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &self.secret).as_ref());
        SecretHash::from_bytes(hash)
    }
}

impl<I> Drop for Handle<I> {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl<I: Selector> fmt::Debug for Handle<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:?}, …)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn debug_output_never_shows_the_secret() {
        let handle = CodeHandle {
            id: CodeId::from_bytes([1; 16]),
            secret: [2; 32],
        };
        assert!(format!("{handle:?}").ends_with(", …)"));
    }

    #[test]
    fn text_of_another_length_or_alphabet_is_no_handle() {
        for wrong in [
            String::new(),
            "a".repeat(63),
            "a".repeat(65),
            "+".repeat(64),
            "é".repeat(32),
        ] {
            assert!(CodeHandle::parse(&wrong).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_handle_in_one_spelling_or_none(text in "\\PC{0,80}|[A-Za-z0-9_-]{64}") {
            if let Some(handle) = RefreshHandle::parse(&text) {
                prop_assert_eq!(handle.to_secret().expose().to_owned(), text);
            }
        }

        #[test]
        fn a_handle_survives_text(id in any::<[u8; 16]>(), secret in any::<[u8; 32]>()) {
            let handle = RefreshHandle { id: RefreshId::from_bytes(id), secret };
            let read = RefreshHandle::parse(handle.to_secret().expose()).unwrap();
            prop_assert_eq!(read.id, handle.id);
            prop_assert_eq!(read.secret_hash(), handle.secret_hash());
        }
    }
}
