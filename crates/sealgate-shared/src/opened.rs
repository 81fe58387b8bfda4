//! The directories that this process has open: the locks of each are there once, however many gates use it.

use std::collections::HashMap;
use std::mem;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::Duration;

use crate::ShareError;
use crate::directory::{Directory, Identity};
use crate::leftovers;
use crate::locks::{InUse, Lock};

pub(crate) const WRITE_LOCK: &str = "write.lock";
pub(crate) const LEADER_LOCK: &str = "leader.lock";
pub(crate) const STAND_IN_LOCK: &str = "stand-in.lock";
pub(crate) const USERS_LOCK: &str = "users.lock";

/// How often a directory is made anew that others sweep away at the same moment.
const TRIES: usize = 5;

/// The locks of one directory.
#[derive(Debug)]
pub(crate) struct Locks {
    pub(crate) write: Lock,
    pub(crate) leader: Lock,
    pub(crate) stand_in: Lock,
    _in_use: InUse,
    process: u32,
}

/// A directory with its locks. The last one that is dropped lets go of them.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) directory: Directory,
    locks: Option<Arc<Locks>>,
    identity: Identity,
}

struct Known {
    locks: Arc<Locks>,
    users: usize,
}

static KNOWN: Mutex<Option<HashMap<Identity, Known>>> = Mutex::new(None);

impl Opened {
    /// `name` in `parent`.
    pub(crate) fn open(parent: &Directory, name: &str) -> Result<Self, ShareError> {
        let busy = || ShareError::Unusable {
            path: parent.path().join(name),
            why: "others are busy with it".to_owned(),
        };
        let mut known = known().ok_or_else(busy)?;
        let known = known.get_or_insert_default();
        // After a fork, what the parent opened is the parent's.
        known.retain(|_, one| one.locks.process == process::id());
        for _ in 0..TRIES {
            let directory = parent.below(name)?;
            let identity = directory.identity()?;
            if directory.is_new {
                leftovers::sweep(parent, name, |other| known.contains_key(other));
            }
            if let Some(one) = known.get_mut(&identity) {
                one.users += 1;
                let locks = Some(Arc::clone(&one.locks));
                return Ok(Self {
                    directory,
                    locks,
                    identity,
                });
            }
            let Some(in_use) = directory.file(USERS_LOCK).ok().and_then(InUse::say) else {
                continue;
            };
            let is_there = |file| directory.holds(USERS_LOCK, file);
            if !in_use.file().is_some_and(is_there) {
                continue;
            }
            let locks = Arc::new(Locks {
                write: Lock::on(directory.file(WRITE_LOCK)?),
                leader: Lock::on(directory.file(LEADER_LOCK)?),
                stand_in: Lock::on(directory.file(STAND_IN_LOCK)?),
                _in_use: in_use,
                process: process::id(),
            });
            let one = Known {
                locks: Arc::clone(&locks),
                users: 1,
            };
            known.insert(identity, one);
            return Ok(Self {
                directory,
                locks: Some(locks),
                identity,
            });
        }
        // The last try, for what is wrong with it.
        parent.below(name)?.file(USERS_LOCK)?;
        Err(busy())
    }

    /// Its locks, until it is dropped.
    pub(crate) const fn locks(&self) -> Option<&Arc<Locks>> {
        self.locks.as_ref()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let Some(locks) = self.locks.take() else {
            return;
        };
        if locks.process != process::id() {
            return;
        }
        let Some(mut known) = known() else {
            // Never closed is better than closed beside somebody who opens it again.
            mem::forget(locks);
            return;
        };
        // The files are closed while nobody can open them again.
        drop(locks);
        let Some(known) = known.as_mut() else { return };
        if let Some(one) = known.get_mut(&self.identity) {
            one.users -= 1;
            if one.users == 0 {
                known.remove(&self.identity);
            }
        }
    }
}

/// A fork may have copied the mutex while a thread held it that the child does not have: so nobody waits for
/// it longer than a moment, and goes without.
fn known() -> Option<MutexGuard<'static, Option<HashMap<Identity, Known>>>> {
    const NAP: Duration = Duration::from_millis(1);
    for _ in 0..1000 {
        match KNOWN.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => thread::sleep(NAP),
        }
    }
    None
}
