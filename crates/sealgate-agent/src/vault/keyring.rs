//! The operating system's keyring. It holds the vault's key alone, not the tokens: keyrings have limits
//! on sizes and numbers that tokens pass.

use sealgate_model::Secret;

use super::VaultError;

/// A place for small secrets that the operating system keeps from other users.
pub trait Keyring: Send + Sync {
    /// The secret of that name, if there is one.
    ///
    /// # Errors
    /// The keyring cannot answer.
    fn get(&self, name: &str) -> Result<Option<Secret>, VaultError>;

    /// Keeps a secret under a name.
    ///
    /// # Errors
    /// The keyring refuses it.
    fn put(&self, name: &str, secret: &Secret) -> Result<(), VaultError>;

    /// Forgets the secret of that name, if there is one.
    ///
    /// # Errors
    /// The keyring refuses to.
    fn forget(&self, name: &str) -> Result<(), VaultError>;
}

/// The keyring of this system, if it has one that works.
#[cfg(target_os = "linux")]
pub fn system_keyring() -> Option<Box<dyn Keyring>> {
    linux::Kernel::find().map(|kernel| Box::new(kernel) as Box<dyn Keyring>)
}

/// The keyring of this system, if it has one that works.
#[cfg(not(target_os = "linux"))]
pub fn system_keyring() -> Option<Box<dyn Keyring>> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use linux_keyutils::{
        Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission,
    };
    use sealgate_host::SystemRandom;
    use sealgate_model::Secret;
    use zeroize::Zeroizing;

    use super::{Keyring, VaultError};

    /// The longest secret that is read back.
    const LIMIT: usize = 128;

    /// The Linux kernel's keyring of this user: the persistent one (persistent-keyring(7)), which
    /// outlives a sign-in to the machine by three days, or the user's (user-keyring(7)). Both are kept
    /// in memory that is never swapped out, and end with a restart of the machine.
    pub(super) struct Kernel {
        /// Where new keys go.
        first: KeyRing,
        /// Where keys may be. One that cannot be written to now, such as one that is full, may still hold a key.
        all: Vec<KeyRing>,
    }

    impl Kernel {
        /// The keyring, where the kernel has one and lets us write to it: containers often forbid it.
        pub(super) fn find() -> Option<Self> {
            let persistent = KeyRing::get_persistent(KeyRingIdentifier::Process).ok();
            let user = || {
                let user = KeyRing::from_special_id(KeyRingIdentifier::User, true).ok()?;
                // Only what is linked from a keyring of this process may be changed by it; a service's
                // session may lack the link.
                let process = KeyRing::from_special_id(KeyRingIdentifier::Process, true).ok()?;
                process.link_keyring(user).ok()?;
                Some(user)
            };
            let all: Vec<KeyRing> = persistent.into_iter().chain(user()).collect();
            let kernel = |first: &KeyRing| Self {
                first: *first,
                all: all.clone(),
            };
            all.iter().map(kernel).find(Self::works)
        }

        fn works(&self) -> bool {
            // A name of its own: another process that looks at the same moment forgets what it kept there.
            let probe = Secret::generate(&SystemRandom);
            let name = format!("probe-{}", probe.expose());
            let kept = || search(self.first, &name).ok().flatten().map(read);
            let works = self.put(&name, &probe).is_ok()
                && kept()
                    .is_some_and(|read| read.is_ok_and(|read| read.expose() == probe.expose()));
            works && self.forget(&name).is_ok()
        }

        /// The key of that name, wherever it is. Only where every keyring says that it has none is there none.
        fn key(&self, name: &str) -> Result<Option<Key>, VaultError> {
            let mut unknown = None;
            for ring in &self.all {
                match search(*ring, name) {
                    Ok(None) => {}
                    Ok(key) => return Ok(key),
                    Err(error) => unknown = Some(error),
                }
            }
            unknown.map_or(Ok(None), Err)
        }
    }

    fn search(ring: KeyRing, name: &str) -> Result<Option<Key>, VaultError> {
        match ring.search(&full(name)) {
            Ok(key) => Ok(Some(key)),
            Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => {
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn read(key: Key) -> Result<Secret, VaultError> {
        let mut buffer = Zeroizing::new([0_u8; LIMIT]);
        let length = key.read(&mut buffer.as_mut_slice()).map_err(failed)?;
        let bytes = buffer.get(..length);
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| VaultError::Keyring("it holds no key of ours".to_owned()))?;
        Ok(Secret::new(text))
    }

    impl Keyring for Kernel {
        fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
            self.key(name)?.map(read).transpose()
        }

        fn put(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
            let key = self
                .first
                .add_key(&full(name), secret.expose().as_bytes())
                .map_err(failed)?;
            // Every process of this user, from whichever session it looks; nobody else.
            let permissions = KeyPermissionsBuilder::builder()
                .posessor(Permission::ALL)
                .user(Permission::ALL)
                .build();
            key.set_perms(permissions).map_err(|error| {
                let _ = key.invalidate();
                failed(error)
            })
        }

        fn forget(&self, name: &str) -> Result<(), VaultError> {
            match self.key(name)? {
                Some(key) => key.invalidate().map_err(failed),
                None => Ok(()),
            }
        }
    }

    fn full(name: &str) -> String {
        format!("sealgate-vault:{name}")
    }

    fn failed(error: KeyError) -> VaultError {
        VaultError::Keyring(format!("{error}"))
    }
}
