//! Locks between processes, and between the threads of one: a record lock keeps out other processes alone.

use std::fs::File;
use std::mem;
use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, fcntl_lock};

/// One lock, held by one holder of all processes at most.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Closing any file of the same inode lets go of the record locks that this process has on it, so that
    /// this is the only one, and closed last.
    file: Option<File>,
    /// The process that opened it. In a forked child nothing is closed: it would be the child's own lock, taken
    /// by way of another file, that is let go of.
    owner: u32,
    taken: Mutex<bool>,
    free: Condvar,
}

impl Lock {
    /// Between two looks at whether another process has let go: this at first, then twice as long each time.
    const FIRST_NAP: Duration = Duration::from_micros(50);
    const LONGEST_NAP: Duration = Duration::from_millis(5);

    pub(crate) fn on(file: File) -> Self {
        Self {
            file: Some(file),
            owner: process::id(),
            taken: Mutex::new(false),
            free: Condvar::new(),
        }
    }

    /// Takes it if nobody has it.
    pub(crate) fn try_take(&self) -> bool {
        let mut taken = self.taken();
        if *taken || !self.try_record() {
            return false;
        }
        *taken = true;
        true
    }

    /// Takes it, waiting for at most so long; whether it did.
    pub(crate) fn take(&self, patience: Duration) -> bool {
        let taken = self.taken();
        let waited = self
            .free
            .wait_timeout_while(taken, patience, |taken| *taken);
        let (mut taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *taken {
            return false;
        }
        let (mut nap, mut slept) = (Self::FIRST_NAP, Duration::ZERO);
        while !self.try_record() {
            if slept >= patience {
                return false;
            }
            // Other threads of this process wait behind this one, which holds their mutex.
            thread::sleep(nap);
            slept += nap;
            nap = (nap * 2).min(Self::LONGEST_NAP);
        }
        *taken = true;
        true
    }

    /// Whether whoever took it has it still. Should the record lock have been lost, it is taken again if
    /// nobody else has it.
    pub(crate) fn still_holds(&self) -> bool {
        *self.taken() && self.try_record()
    }

    pub(crate) fn release(&self) {
        let mut taken = self.taken();
        if let Some(file) = &self.file {
            // It fails for no lock that is held.
            let _ = fcntl_lock(file, FlockOperation::NonBlockingUnlock);
        }
        *taken = false;
        self.free.notify_one();
    }

    fn try_record(&self) -> bool {
        let exclusive = FlockOperation::NonBlockingLockExclusive;
        let mut files = self.file.iter();
        files.any(|file| fcntl_lock(file, exclusive).is_ok())
    }

    fn taken(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.owner != process::id() {
            mem::forget(self.file.take());
        }
    }
}

/// A file that is in use as long as somebody holds this.
#[derive(Debug)]
pub(crate) struct InUse {
    file: Option<File>,
    owner: u32,
}

impl InUse {
    /// Between two tries.
    const NAP: Duration = Duration::from_millis(2);
    const TRIES: u32 = 250;

    /// Says so; whoever wants to know whether nobody does holds the file for a moment, for which this waits.
    pub(crate) fn say(file: File) -> Option<Self> {
        for _ in 0..Self::TRIES {
            if fcntl_lock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
                return Some(Self {
                    file: Some(file),
                    owner: process::id(),
                });
            }
            thread::sleep(Self::NAP);
        }
        None
    }

    pub(crate) const fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Whether no other process says so of `file`.
    pub(crate) fn by_nobody(file: &File) -> bool {
        fcntl_lock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if self.owner != process::id() {
            mem::forget(self.file.take());
        }
    }
}
