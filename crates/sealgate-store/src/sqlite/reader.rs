//! Reads: a small pool of read-only connections.
//!
//! A query that may read much runs on a blocking thread. One that looks up a row by its key takes some
//! microseconds, less than handing it to another thread does, and runs where it is asked.
//!
//! In WAL mode readers neither wait for the writer nor hold it up, and each sees everything that was
//! committed before it began.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use crate::StoreError;

/// Few, because a point read takes microseconds and each connection has a page cache of its own.
const CONNECTIONS: usize = 4;

/// How many of them queries that may read much can have at once. The rest is for look-ups, on which every
/// request waits: whoever lists or searches must not be able to hold up whoever presents a token.
const LONG: usize = CONNECTIONS - 2;

/// The pool. It holds as many permits as connections, so that taking one after a permit never fails.
pub(crate) struct Readers {
    permits: Arc<Semaphore>,
    long: Arc<Semaphore>,
    idle: Arc<Idle>,
}

struct Idle(Mutex<Vec<Connection>>);

impl Idle {
    fn take(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give(&self, connection: Connection) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }
}

/// A connection on loan: it goes back however the read ends, a panic or a caller who left included.
struct Loan {
    connection: Option<Connection>,
    idle: Arc<Idle>,
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.idle.give(connection);
        }
    }
}

impl Readers {
    /// Opens the pool on a database that the writer has already brought up to date.
    pub(crate) fn open(file: &Path) -> Result<Self, StoreError> {
        let connections = (0..CONNECTIONS)
            .map(|_| connect(file))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
            long: Arc::new(Semaphore::new(LONG)),
            idle: Arc::new(Idle(Mutex::new(connections))),
        })
    }

    /// Runs `query`, which may read much, on one of the few connections that are for such. A query of
    /// several statements that must agree opens a transaction of its own.
    pub(crate) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let turn = Arc::clone(&self.long)
            .acquire_owned()
            .await
            .map_err(|_| closed())?;
        // The turn goes along: a caller who leaves does not stop the query.
        self.aside(move |connection| {
            let _turn = turn;
            query(connection)
        })
        .await
    }

    /// Runs `query` on a blocking thread as soon as a connection is free.
    async fn aside<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let answer = tokio::task::spawn_blocking(move || {
            // Declared first so that it is dropped last: the connection is back before the permit is.
            let _permit = permit;
            let loan = Loan {
                connection: idle.take(),
                idle,
            };
            loan.connection.as_ref().ok_or_else(closed).and_then(query)
        });
        answer
            .await
            .map_err(|_| StoreError::Unavailable("a read was cut short".to_owned()))?
    }

    /// Runs `query`, which touches a handful of pages, on this thread; on another while all connections
    /// are busy, so that this one never waits for them.
    pub(super) async fn look_up<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let Ok(_permit) = self.permits.try_acquire() else {
            return self.aside(query).await;
        };
        let loan = Loan {
            connection: self.idle.take(),
            idle: Arc::clone(&self.idle),
        };
        loan.connection.as_ref().ok_or_else(closed).and_then(query)
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the readers are closed".to_owned())
}

fn connect(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Negative: KiB instead of pages.
    connection.pragma_update(None, "cache_size", -4_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::Poll;

    use super::*;

    /// Whether `future` is ready at once.
    async fn is_ready<T>(future: impl Future<Output = T>) -> bool {
        let mut future = pin!(future);
        poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
    }

    #[tokio::test]
    async fn long_reads_leave_connections_to_look_ups() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("some.db");
        let writer = Connection::open(&file).unwrap();
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        let readers = Arc::new(Readers::open(&file).unwrap());
        let (stop, mut reads) = (mpsc::channel::<()>(), Vec::new());
        let stopped = Arc::new(Mutex::new(stop.1));
        for _ in 0..2 * CONNECTIONS {
            let (readers, stopped) = (Arc::clone(&readers), Arc::clone(&stopped));
            reads.push(tokio::spawn(async move {
                let read = readers.read(move |_| {
                    let _ = stopped.lock().unwrap().recv();
                    Ok(())
                });
                read.await.unwrap();
            }));
        }
        // Each of them has its connection now, or waits for one.
        tokio::task::yield_now().await;
        assert_eq!(readers.permits.available_permits(), CONNECTIONS - LONG);
        assert!(is_ready(readers.look_up(|_| Ok(()))).await);
        // Whoever leaves does not stop the query, and makes no room for another.
        reads.swap_remove(0).abort();
        tokio::task::yield_now().await;
        assert_eq!(readers.permits.available_permits(), CONNECTIONS - LONG);
        assert!(is_ready(readers.look_up(|_| Ok(()))).await);
        drop(stop.0);
        for read in reads {
            read.await.unwrap();
        }
    }
}
