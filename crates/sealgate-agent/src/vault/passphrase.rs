//! A vault's key from a passphrase.

use argon2::{Algorithm, Argon2, Params, Version};
use sealgate_model::Secret;
use sealgate_session::SealKey;
use zeroize::Zeroizing;

use super::VaultError;
use super::format::Argon;

/// The shortest passphrase of a new vault, in characters.
pub const PASSPHRASE_LEAST: usize = 12;

/// Whether a new vault may have this passphrase.
pub(super) fn check(phrase: &Secret) -> Result<(), VaultError> {
    if phrase.expose().chars().count() < PASSPHRASE_LEAST {
        return Err(VaultError::PassphraseShort(PASSPHRASE_LEAST));
    }
    Ok(())
}

/// argon2id (RFC 9106) of the passphrase.
pub(super) fn derive(argon: &Argon, phrase: &Secret) -> Result<SealKey, VaultError> {
    let wrong = |_| VaultError::Malformed("its key cannot be derived");
    let params = Params::new(argon.memory, argon.passes, argon.lanes, Some(32)).map_err(wrong)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(phrase.expose().as_bytes(), &argon.salt, key.as_mut_slice())
        .map_err(wrong)?;
    Ok(SealKey::from_bytes(*key))
}
