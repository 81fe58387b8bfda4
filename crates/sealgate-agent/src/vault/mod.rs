//! Where a person's tokens rest on their own machine: one encrypted file, its key in the keyring of the
//! operating system or made from a passphrase. Nothing is ever kept in plain text: where neither is to
//! be had, nothing is kept.
//!
//! docs/decisions/0050-where-tokens-rest.md says why.

mod content;
mod error;
mod file;
mod format;
mod keyring;
mod passphrase;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sealgate_model::{Random, Secret};
use sealgate_session::{KeyRing, SealKey};
use zeroize::Zeroizing;

pub use content::{Content, ENTRY_LIMIT, NAME_LIMIT, VALUE_LIMIT};
pub use error::VaultError;
pub use file::Held;
pub use format::{Argon, FILE_LIMIT, Kept, Sealed};
pub use keyring::{Keyring, system_keyring};
pub use passphrase::PASSPHRASE_LEAST;

use file::Place;

/// Whom to ask for a passphrase, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// The one that opens what is there.
    Known,
    /// One for a new vault.
    New,
}

/// Asks for a passphrase; `None` where there is none and nobody to ask.
pub type Passphrase = Box<dyn Fn(Ask) -> Option<Secret> + Send + Sync>;

/// What a vault's key can come from.
pub struct Keys {
    /// The operating system's keyring, where there is one.
    pub keyring: Option<Box<dyn Keyring>>,
    /// The passphrase.
    pub passphrase: Passphrase,
    /// Whether a new vault is to have a passphrase though there is a keyring.
    pub prefer_passphrase: bool,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("keyring", &self.keyring.is_some())
            .field("prefer_passphrase", &self.prefer_passphrase)
            .finish_non_exhaustive()
    }
}

/// A file of secrets, each under a name.
pub struct Vault {
    place: Place,
    keys: Keys,
    /// The key that opened or made the file, with how it is kept: deriving it again would take as long
    /// as the first time.
    known: Mutex<Option<(Kept, SealKey)>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// The vault in the file at `path`, which need not exist yet. Nothing is opened.
    pub fn new(path: impl Into<PathBuf>, keys: Keys) -> Self {
        Self {
            place: Place::new(path.into()),
            keys,
            known: Mutex::new(None),
        }
    }

    /// Whether there is a file.
    pub fn exists(&self) -> bool {
        self.place.exists()
    }

    /// What is kept; nothing where there is no file.
    ///
    /// # Errors
    /// The file is open to others or no vault, its key is gone or wrong, or it cannot be read.
    pub fn read(&self) -> Result<Content, VaultError> {
        let Some(text) = self.place.read()? else {
            // A key that is known was another file's, and may be gone from the keyring with it.
            self.known().take();
            return Ok(Content::default());
        };
        self.open(&text)
    }

    /// Changes what is kept, while no other process does, and gives what `change` gives. The file is
    /// replaced as a whole, so that a crash leaves the old one or the new one.
    ///
    /// # Errors
    /// Those of [`Vault::read`]; and there is nothing to keep a key with, the content is too large, or the
    /// file cannot be written.
    pub fn change<T>(
        &self,
        random: &dyn Random,
        change: impl FnOnce(&mut Content) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        self.place.prepare()?;
        let _held = self.place.hold("")?;
        let mut content = self.read()?;
        let given = change(&mut content)?;
        let text = self.seal(&content, random)?;
        self.place.replace(&text)?;
        Ok(given)
    }

    /// Waits until no other process holds `name`, and holds it until the answer is dropped. It guards
    /// longer work on one entry, such as a renewal, without keeping others from theirs.
    ///
    /// # Errors
    /// The lock's file cannot be made or is open to others.
    pub fn hold(&self, name: &str) -> Result<Held, VaultError> {
        self.place.prepare()?;
        self.place.hold(if name.is_empty() { "-" } else { name })
    }

    /// Throws away a file that nobody can open any more, because the key that was in the keyring is
    /// gone. One that could still be opened is left alone.
    ///
    /// # Errors
    /// The file's key is not known to be gone, or it cannot be removed.
    pub fn start_anew(&self) -> Result<(), VaultError> {
        let _held = self.place.hold("")?;
        match self.read() {
            Err(VaultError::KeyGone) => self.place.remove(),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    /// Removes the file and its key, whether it can be opened or not.
    ///
    /// # Errors
    /// The file cannot be removed, or the keyring does not let go of the key.
    pub fn destroy(&self) -> Result<(), VaultError> {
        if !self.exists() {
            return Ok(());
        }
        let _held = self.place.hold("")?;
        let sealed = self.place.read()?;
        let kid = sealed.as_deref().and_then(|text| Sealed::parse(text).ok());
        if let (
            Some(Sealed {
                kept: Kept::Keyring,
                kid,
                ..
            }),
            Some(keyring),
        ) = (kid, &self.keys.keyring)
        {
            keyring.forget(kid)?;
        }
        self.known().take();
        self.place.remove()
    }

    fn open(&self, text: &str) -> Result<Content, VaultError> {
        let sealed = Sealed::parse(text)?;
        let key = self.key_of(&sealed)?;
        let plain = sealed.open(&ring(&key)?)?;
        *self.known() = Some((sealed.kept, key));
        Content::decode(&plain)
    }

    fn key_of(&self, sealed: &Sealed<'_>) -> Result<SealKey, VaultError> {
        if let Some((kept, key)) = &*self.known()
            && *kept == sealed.kept
            && key.kid() == sealed.kid
        {
            return Ok(key.clone());
        }
        match &sealed.kept {
            Kept::Keyring => {
                let keyring = self.keys.keyring.as_ref();
                let keyring = keyring.ok_or(VaultError::KeyringMissing)?;
                let text = keyring.get(sealed.kid)?.ok_or(VaultError::KeyGone)?;
                let key = SealKey::parse(text.expose()).map_err(|_| VaultError::KeyGone)?;
                // A key under another's name opens nothing, and is no reason to say that the file was changed.
                (key.kid() == sealed.kid)
                    .then_some(key)
                    .ok_or(VaultError::KeyGone)
            }
            Kept::Passphrase(argon) => {
                let phrase = (self.keys.passphrase)(Ask::Known);
                let phrase = phrase.ok_or(VaultError::PassphraseMissing)?;
                passphrase::derive(argon, &phrase)
            }
        }
    }

    fn seal(&self, content: &Content, random: &dyn Random) -> Result<String, VaultError> {
        let plain: Zeroizing<Vec<u8>> = content.encode();
        let known = self.known().clone();
        let (kept, key) = match known {
            Some(known) => known,
            None => self.new_key(random)?,
        };
        let text = Sealed::seal(kept, &ring(&key)?, random, &plain)?;
        *self.known() = Some((kept, key));
        Ok(text)
    }

    /// A key for a file that is not there yet.
    fn new_key(&self, random: &dyn Random) -> Result<(Kept, SealKey), VaultError> {
        match &self.keys.keyring {
            Some(keyring) if !self.keys.prefer_passphrase => {
                let key = SealKey::generate(random);
                keyring.put(&key.kid(), &key.to_text())?;
                Ok((Kept::Keyring, key))
            }
            _ => {
                let phrase =
                    (self.keys.passphrase)(Ask::New).ok_or(VaultError::NothingToKeepWith)?;
                passphrase::check(&phrase)?;
                let argon = Argon::fresh(random);
                let key = passphrase::derive(&argon, &phrase)?;
                Ok((Kept::Passphrase(argon), key))
            }
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<(Kept, SealKey)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ring(key: &SealKey) -> Result<KeyRing, VaultError> {
    KeyRing::new(vec![key.clone()]).map_err(|_| VaultError::Malformed("its key is none"))
}
