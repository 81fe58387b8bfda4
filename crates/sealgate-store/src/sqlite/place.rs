//! The data directory: who holds it, who may read it, and the database connection into it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// Readable by the owner only.
pub(super) const PRIVATE_FILE: u32 = 0o600;

/// The data directory, held for this process alone until dropped.
pub(super) struct Place {
    /// The database file.
    pub(super) file: PathBuf,
    _lock: File,
}

impl Place {
    /// Makes the directory (mode 0700) if it is not there, takes its lock and prepares the database
    /// file (mode 0600). `Locked` if another process has it.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| unusable(dir, &error))?;
        let path = dir.join("lock");
        let lock = private_file(&path)?;
        // The kernel drops the lock with the process, so that a crash leaves nothing to clean up.
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::Locked,
            TryLockError::Error(error) => unusable(&path, &error),
        })?;
        let file = dir.join("sealgate.db");
        // SQLite gives the files beside the database (-wal, -shm) the mode of the database.
        private_file(&file)?;
        Ok(Self { file, _lock: lock })
    }

    /// The connection that writes.
    pub(super) fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags)?;
        // Nobody else writes, but a backup tool may hold the lock for a moment.
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_row| Ok(()))?;
        // Each commit reaches the disk before it is answered: a rotation lost to a power cut would let
        // a spent refresh token be spent again.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        // Deleted secrets are overwritten wherever that costs no further writes.
        connection.pragma_update_and_check(None, "secure_delete", "FAST", |_row| Ok(()))?;
        // Checkpoints are made beside the writes. This is for when those do not keep up: 32 MiB of log.
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 8_000, |_row| Ok(()))?;
        // A log that grew past this in a burst is cut back.
        connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_row| Ok(()))?;
        // Negative: KiB instead of pages. The ends of the B-trees, where time-ordered ids go, fit.
        connection.pragma_update(None, "cache_size", -16_000)?;
        connection.set_prepared_statement_cache_capacity(128);
        Ok(connection)
    }
}

/// Opens or makes a file and takes away what others may do with it, should an earlier hand have been
/// generous.
fn private_file(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(PRIVATE_FILE)
        .open(path)
        .map_err(|error| unusable(path, &error))?;
    file.set_permissions(Permissions::from_mode(PRIVATE_FILE))
        .map_err(|error| unusable(path, &error))?;
    Ok(file)
}

fn unusable(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}
