//! Why a vault does not open or keep.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A refused vault.
#[derive(Debug, Error)]
pub enum VaultError {
    /// There is no keyring, and no passphrase: nothing may be kept.
    #[error("there is neither a keyring nor a passphrase to keep tokens with")]
    NothingToKeepWith,
    /// The file's key rests in a keyring, and there is none here.
    #[error("the vault's key is in the system's keyring, which cannot be reached from here")]
    KeyringMissing,
    /// The keyring no longer has the file's key.
    #[error("the vault's key is no longer in the system's keyring")]
    KeyGone,
    /// The keyring does not answer as it should.
    #[error("the system's keyring: {0}")]
    Keyring(String),
    /// The file opens with a passphrase, and there is none.
    #[error("the vault opens with a passphrase, and none was given")]
    PassphraseMissing,
    /// A new passphrase is too short.
    #[error("a vault's passphrase has at least {0} characters")]
    PassphraseShort(usize),
    /// The passphrase is another one, or the file was changed.
    #[error("the passphrase is wrong, or the vault was changed")]
    Broken,
    /// It is not a vault of this version.
    #[error("the file is no vault: {0}")]
    Malformed(&'static str),
    /// Others could read or change it.
    #[error("{path} {how}", path = .0.display(), how = .1)]
    Exposed(PathBuf, String),
    /// It would hold more than it may.
    #[error("the vault would hold too much: {0}")]
    Full(&'static str),
    /// The file system refuses.
    #[error("cannot {verb} {path}: {source}", path = .path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl VaultError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingToKeepWith => "vault_keyless",
            Self::KeyringMissing => "vault_keyring_missing",
            Self::KeyGone => "vault_key_gone",
            Self::Keyring(_) => "vault_keyring_failed",
            Self::PassphraseMissing => "vault_passphrase_missing",
            Self::PassphraseShort(_) => "vault_passphrase_short",
            Self::Broken => "vault_broken",
            Self::Malformed(_) => "vault_malformed",
            Self::Exposed(..) => "vault_exposed",
            Self::Full(_) => "vault_full",
            Self::File { .. } => "vault_unusable",
        }
    }
}
