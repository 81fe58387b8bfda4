//! Checkpoints: the write-ahead log goes into the database beside the writes, not between them.
//!
//! A checkpoint copies pages and syncs the database, which takes milliseconds in which the writer could
//! answer nobody. So a thread with a connection of its own copies what is there while the writer goes
//! on, and the writer only copies the few pages that came meanwhile; after that SQLite begins the log
//! anew. What commits wait for, the sync of the log, is no different for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};

use super::sql;
use crate::StoreError;

/// Pages in the log from which on it is worth a checkpoint: 8 MiB.
const PAGES: i64 = 2_000;

/// How many commits go by before the log is looked at again. One adds a few pages.
const COMMITS: u32 = 16;

/// The writer's side of checkpoints. Dropping it waits for one that is under way.
pub(crate) struct Checkpoints {
    asked: Option<SyncSender<()>>,
    done: Arc<AtomicBool>,
    under_way: bool,
    commits: u32,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread for the database in `file`.
    pub(crate) fn start(file: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let (asked, waiting) = sync_channel(1);
        let done = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new()
            .name("sealgate-checks".to_owned())
            .spawn({
                let done = Arc::clone(&done);
                move || work(&connection, &waiting, &done)
            })
            .map_err(|error| {
                StoreError::Unavailable(format!("no thread to checkpoint on: {error}"))
            })?;
        Ok(Self {
            asked: Some(asked),
            done,
            under_way: false,
            commits: 0,
            thread: Some(thread),
        })
    }

    /// Asks for a checkpoint when one is due, and finishes the one that was asked for. For the writer,
    /// on its own `connection`, when its callers have been answered.
    pub(crate) fn after_commit(&mut self, connection: &Connection) {
        if self.done.swap(false, Ordering::AcqRel) {
            self.under_way = false;
            pass(connection);
            return;
        }
        self.commits += 1;
        if self.under_way || self.commits < COMMITS {
            return;
        }
        self.commits = 0;
        if pages(connection) >= PAGES
            && let Some(asked) = &self.asked
        {
            self.under_way = asked.try_send(()).is_ok();
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.asked.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread ended in a panic");
        }
    }
}

fn work(connection: &Connection, waiting: &Receiver<()>, done: &AtomicBool) {
    while waiting.recv().is_ok() {
        pass(connection);
        done.store(true, Ordering::Release);
    }
}

/// Copies as much of the log as nobody reads. It waits for no one.
fn pass(connection: &Connection) {
    if let Err(error) = sql::one(connection, "PRAGMA wal_checkpoint(PASSIVE)", (), |_row| {
        Ok(())
    }) {
        tracing::warn!(%error, "the write-ahead log was not checkpointed");
    }
}

/// How many pages the log holds. Where that cannot be told, `wal_autocheckpoint` does the work.
fn pages(connection: &Connection) -> i64 {
    let pages = sql::one(connection, "PRAGMA wal_checkpoint(NOOP)", (), |row| {
        Ok(row.get(1)?)
    });
    pages.ok().flatten().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A log of so many pages that a checkpoint is due.
    fn grown(connection: &Connection) {
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
                 CREATE TABLE IF NOT EXISTS blobs (bytes BLOB) STRICT;",
            )
            .unwrap();
        while pages(connection) < PAGES {
            connection
                .execute("INSERT INTO blobs VALUES (zeroblob(1000000))", ())
                .unwrap();
        }
    }

    fn write(connection: &Connection) {
        connection
            .execute("INSERT INTO blobs VALUES (zeroblob(1))", ())
            .unwrap();
    }

    #[test]
    fn what_came_during_a_checkpoint_is_copied_by_the_writer_and_the_log_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("test.db");
        let connection = Connection::open(&file).unwrap();
        grown(&connection);
        // A reader from before the last write: what it has not seen cannot be copied yet.
        let reader = Connection::open(&file).unwrap();
        reader.execute_batch("BEGIN; SELECT 1 FROM blobs").unwrap();
        write(&connection);
        let before = std::fs::metadata(&file).unwrap().len();
        let mut checkpoints = Checkpoints::start(&file).unwrap();
        for _ in 0..COMMITS {
            checkpoints.after_commit(&connection);
        }
        assert!(checkpoints.under_way);
        // Ending the thread waits for what it was asked to do.
        drop(checkpoints.asked.take());
        checkpoints.thread.take().unwrap().join().unwrap();
        assert!(std::fs::metadata(&file).unwrap().len() > before);

        reader.execute_batch("COMMIT").unwrap();
        write(&connection);
        assert!(pages(&connection) > PAGES);
        checkpoints.after_commit(&connection);
        assert!(!checkpoints.under_way);
        write(&connection);
        assert!(pages(&connection) < 10);
    }

    #[test]
    fn a_short_log_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("test.db");
        let connection = Connection::open(&file).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER) STRICT;")
            .unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        let mut checkpoints = Checkpoints::start(&file).unwrap();
        for _ in 0..10 * COMMITS {
            checkpoints.after_commit(&connection);
        }
        assert!(!checkpoints.under_way);
    }
}
