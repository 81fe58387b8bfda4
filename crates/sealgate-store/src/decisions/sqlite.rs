//! The log in SQLite: `decisions.db` in the data directory.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags};
use sealgate_audit::decision::{Block, Stream};
use sealgate_model::Timestamp;
use tokio::sync::watch;

use super::writer::{Writer, unsigned};
use super::{
    Appended, DecisionFilter, DecisionHead, DecisionLog, DecisionTotals, Direction, FoundDecisions,
    Hold, NewBlock, Retention, Retired, Verified, read, schema, verify, writer,
};
use crate::StoreError;
use crate::sqlite::reader::Readers;

/// The log of a control plane. Dropping it finishes what was accepted; that may block for as long as it takes.
pub struct SqliteDecisions {
    readers: Readers,
    writer: Writer,
}

impl std::fmt::Debug for SqliteDecisions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteDecisions")
    }
}

impl SqliteDecisions {
    /// Opens `decisions.db` in the data directory `dir`, which this process holds, and makes it (mode 0600) if it
    /// is not there. Blocks.
    ///
    /// # Errors
    /// [`StoreError::TooNew`] if a newer program has written it, [`StoreError::Corrupt`] if it is no database or
    /// somebody else's, [`StoreError::Unavailable`] if it cannot be used.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let file = dir.join("decisions.db");
        make(&file)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&file, flags)?;
        // A backup tool may hold the lock for a moment.
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_row| Ok(()))?;
        // A gate forgets what it was told is kept. One sync is for all batches that wait, so that what was allowed
        // costs no more with it than without.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", 16_000, |_row| Ok(()))?;
        connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_row| Ok(()))?;
        connection.pragma_update(None, "cache_size", -4_000)?;
        connection.set_prepared_statement_cache_capacity(32);
        schema::make(&mut connection)?;
        let readers = Readers::open(&file)?;
        let writer = Writer::start(connection, &file)?;
        Ok(Self { readers, writer })
    }
}

/// Makes the file if it is not there, and takes away what others may do with it.
fn make(file: &Path) -> Result<(), StoreError> {
    let unusable =
        |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", file.display()));
    let made = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(file)
        .map_err(unusable)?;
    made.set_permissions(Permissions::from_mode(0o600))
        .map_err(unusable)
}

#[async_trait]
impl DecisionLog for SqliteDecisions {
    async fn append(&self, block: NewBlock) -> Result<Appended, StoreError> {
        self.writer.append(block).await
    }

    async fn after(&self, after: u64, limit: u32) -> Result<Vec<Block>, StoreError> {
        self.readers
            .read(move |connection| read::after(connection, after, limit))
            .await
    }

    async fn last(&self) -> Result<u64, StoreError> {
        Ok(*self.writer.wakeup().borrow())
    }

    fn wakeup(&self) -> watch::Receiver<u64> {
        self.writer.wakeup()
    }

    async fn find(
        &self,
        filter: DecisionFilter,
        direction: Direction,
        from: Option<u64>,
        limit: u32,
    ) -> Result<FoundDecisions, StoreError> {
        let limit = usize::try_from(limit.clamp(1, 1_000)).unwrap_or(1_000);
        self.readers
            .read(move |connection| read::find(connection, &filter, direction, from, limit))
            .await
    }

    async fn heads(&self) -> Result<[DecisionHead; 2], StoreError> {
        self.readers
            .read(|connection| {
                Ok([
                    writer::head(connection, Stream::Allowed)?,
                    writer::head(connection, Stream::Denied)?,
                ])
            })
            .await
    }

    async fn totals(&self) -> Result<[(Stream, DecisionTotals); 2], StoreError> {
        self.readers
            .read(|connection| {
                Ok([
                    (Stream::Allowed, totals(connection, Stream::Allowed)?),
                    (Stream::Denied, totals(connection, Stream::Denied)?),
                ])
            })
            .await
    }

    async fn verify(&self, stream: Stream, after: u64, limit: u32) -> Result<Verified, StoreError> {
        let limit = limit.clamp(1, 10_000);
        self.readers
            .read(move |connection| verify::verify(connection, stream, after, limit))
            .await
    }

    async fn retire(
        &self,
        retention: Retention,
        holds: Vec<Hold>,
        now: Timestamp,
    ) -> Result<Vec<Retired>, StoreError> {
        self.writer.retire(retention, holds, now).await
    }
}

fn totals(connection: &Connection, stream: Stream) -> Result<DecisionTotals, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT blocks, rows, decisions, bytes FROM total WHERE stream = ?1")?;
    let totals = statement.query_row([stream.number()], |row| {
        Ok(DecisionTotals {
            blocks: unsigned(row.get(0)?),
            rows: unsigned(row.get(1)?),
            decisions: unsigned(row.get(2)?),
            bytes: unsigned(row.get(3)?),
        })
    })?;
    Ok(totals)
}
