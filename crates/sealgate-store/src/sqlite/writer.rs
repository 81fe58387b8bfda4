//! Writes: one thread, one connection, a bounded queue, and many callers to one commit.
//!
//! With `synchronous=FULL` a commit costs a sync of the disk. The thread therefore takes every job
//! that is waiting into one transaction, each in a savepoint of its own, and answers all of them
//! after the one commit. A job that fails undoes only itself; a commit that fails is an unknown
//! result for every job in it, so all of them are told `Unavailable`.

use std::cell::Cell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::thread::JoinHandle;

use rusqlite::Connection;
use sealgate_audit::chain::Record;
use sealgate_model::Timestamp;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::checkpoints::Checkpoints;
use super::client_cache::ClientCache;
use super::link::{Chain, Head, detail_of};
use super::reserve::Reserve;
use super::witness::Noted;
use super::{measures, sql};
use crate::{NetworkDetail, StoreError};

/// How many writes may wait. More means the disk does not keep up, and waiting longer helps nobody:
/// the next caller is told `Unavailable` at once.
const QUEUE: usize = 1024;

/// How many writes one commit carries at most: bounds how long the first of them waits.
const BATCH: usize = 256;

/// A write in progress: the connection inside this job's savepoint, and what to announce afterwards.
pub(super) struct Tx<'c> {
    connection: &'c Connection,
    head: Cell<Option<u64>>,
    clients: Cell<bool>,
    newest: Arc<AtomicI64>,
    chain: Rc<Chain>,
}

impl<'c> Tx<'c> {
    /// A write on a connection that is in a transaction.
    pub(super) fn on(connection: &'c Connection) -> Self {
        let chain = Rc::new(Chain::new(Arc::default()));
        Self::after(connection, Arc::new(AtomicI64::new(i64::MIN)), chain)
    }

    /// One that follows others, of which `newest` is the newest moment that anything was recorded for, and
    /// `chain` the end of the audit chain.
    fn after(connection: &'c Connection, newest: Arc<AtomicI64>, chain: Rc<Chain>) -> Self {
        Self {
            connection,
            head: Cell::new(None),
            clients: Cell::new(false),
            newest,
            chain,
        }
    }

    /// The newest audit record.
    pub(super) fn audit_head(&self) -> Result<Head, StoreError> {
        self.chain.head(self)
    }

    /// The number and the hash of the next audit record.
    pub(super) fn audit_next(&self, record: &Record<'_>) -> Result<Head, StoreError> {
        self.chain.next(self, record)
    }

    /// Notes that it is written.
    pub(super) fn audit_advance(&self, head: Head) {
        self.chain.advance(head);
    }

    /// As much of a caller's address as the operator lets be kept.
    pub(super) fn kept_network(&self, told: Option<&str>) -> Option<String> {
        self.chain.network(told)
    }

    /// The version of the policies in force; none before there are any.
    pub(super) fn policy_in_force(&self) -> Result<Option<i64>, StoreError> {
        self.chain.policy(self)
    }

    /// Notes that this job changes which policies are in force: called after it has.
    pub(super) fn policies_change(&self) {
        self.chain.policies_change();
    }

    /// Notes for which moment something is recorded.
    pub(super) fn note(&self, at: Timestamp) {
        self.newest.fetch_max(at.as_millis(), Ordering::Relaxed);
    }

    /// The newest moment for which anything was recorded by this process before this write, or `at` if that is
    /// newer. An act begins before it is written, and another that began later may have been written before
    /// it: what that one has told was so until now.
    pub(super) fn newest(&self, at: Timestamp) -> Timestamp {
        let known = Timestamp::from_millis(self.newest.load(Ordering::Relaxed));
        known.max(at)
    }

    /// Notes that this job changes a client, so that what memory keeps of them is forgotten with its
    /// commit.
    pub(super) fn clients_change(&self) {
        self.clients.set(true);
    }

    /// Notes the newest revocation of this job, announced once the job has committed.
    pub(super) fn announce(&self, seq: u64) {
        self.head.set(Some(seq));
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// Answers a job's caller, once it is known whether the commit was lost, and why.
type Reply = Box<dyn FnOnce(Option<&StoreError>)>;

/// What a job leaves behind: the answer to its caller, and the newest revocation it logged.
struct Ran {
    reply: Reply,
    head: Option<u64>,
    /// Whether it found the disk full.
    full: bool,
    /// Whether it changed a client.
    clients: bool,
}

type Job = Box<dyn FnOnce(&Connection, &Rc<Chain>) -> Ran + Send>;

/// The way to the writer thread. Dropping it lets the thread finish what is queued, and waits.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    head: watch::Sender<u64>,
    reserve: Arc<Reserve>,
    newest: Arc<AtomicI64>,
    detail: Arc<AtomicU8>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread on a connection that is ready to write to `file`; `announced` is the newest revocation
    /// and where each further one is noted,
    /// `reserve` the room on the same disk, and `clients` what memory keeps of clients.
    pub(super) fn start(
        connection: Connection,
        file: &Path,
        announced: (u64, Arc<Noted>),
        reserve: Reserve,
        clients: Arc<ClientCache>,
    ) -> Result<Self, StoreError> {
        let checkpoints = Checkpoints::start(file)?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (head, noted) = announced;
        let (head, _) = watch::channel(head);
        let reserve = Arc::new(reserve);
        let detail = Arc::new(AtomicU8::new(detail_of(NetworkDetail::Full)));
        let worker = Worker {
            detail: Arc::clone(&detail),
            checkpoints,
            connection,
            jobs,
            head: head.clone(),
            noted,
            reserve: Arc::clone(&reserve),
            clients,
        };
        let thread = std::thread::Builder::new()
            .name("sealgate-writer".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| StoreError::Unavailable(format!("no thread to write on: {error}")))?;
        Ok(Self {
            queue: Some(queue),
            head,
            reserve,
            newest: Arc::new(AtomicI64::new(i64::MIN)),
            detail,
            thread: Some(thread),
        })
    }

    /// Announces each newest revocation after its commit.
    pub(super) fn wakeup(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Says how much of callers' addresses is kept from now on.
    pub(super) fn keep_networks(&self, detail: NetworkDetail) {
        self.detail.store(detail_of(detail), Ordering::Relaxed);
    }

    /// Makes the reserve anew if there is room. Blocks for some milliseconds.
    pub(super) fn restore_reserve(&self) {
        if self.reserve.restore() {
            tracing::info!("there is room on the disk again: everything is written");
        }
    }

    /// Queues `act` and waits until it is durable or known to have failed. Once queued it runs even
    /// if the caller stops waiting. While the disk is full it is refused.
    pub(super) async fn write<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        if self.reserve.is_spent() {
            return Err(StoreError::Full);
        }
        self.write_always(act).await
    }

    /// The same for what ends something: it has the reserve, and if it is the first to find the disk
    /// full, it is tried again with it.
    pub(super) async fn write_ending<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
    {
        match self.write_always(act.clone()).await {
            Err(StoreError::Full) => self.write_always(act).await,
            answer => answer,
        }
    }

    async fn write_always<T, F>(&self, act: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let newest = Arc::clone(&self.newest);
        let job: Job = Box::new(move |connection, chain| {
            let tx = Tx::after(connection, newest, Rc::clone(chain));
            let result = in_savepoint(&tx, act);
            let head = if result.is_ok() { tx.head.get() } else { None };
            let full = matches!(result, Err(StoreError::Full));
            let reply = Box::new(move |lost: Option<&StoreError>| {
                let result = match lost {
                    None => result,
                    Some(StoreError::Full) => Err(StoreError::Full),
                    Some(why) => Err(StoreError::Unavailable(why.to_string())),
                };
                // An error here means that the caller has left; the write stands all the same.
                let _ = answer.send(result);
            });
            Ran {
                reply,
                head,
                full,
                clients: tx.clients.get(),
            }
        });
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Unavailable("too many writes wait".to_owned()),
            TrySendError::Closed(_) => stopped(),
        })?;
        outcome.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer thread ended in a panic");
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".to_owned())
}

/// Runs one job so that its failure, a panic included, undoes it alone. If even that does not work the
/// whole transaction is rolled back, which the batch notices.
fn in_savepoint<T, F>(tx: &Tx<'_>, act: F) -> Result<T, StoreError>
where
    F: FnOnce(&Tx<'_>) -> Result<T, StoreError>,
{
    sql::run(tx, "SAVEPOINT job", ())?;
    let result = catch_unwind(AssertUnwindSafe(|| act(tx))).unwrap_or_else(|_| {
        Err(StoreError::Unavailable(
            "the write was cut short".to_owned(),
        ))
    });
    if tx.is_autocommit() {
        return result;
    }
    let closed = if result.is_ok() {
        sql::run(tx, "RELEASE job", ())
    } else {
        // What it wrote is undone, and the database tells where the chain ends.
        tx.chain.forget();
        sql::run(tx, "ROLLBACK TO job", ()).and_then(|_| sql::run(tx, "RELEASE job", ()))
    };
    match closed {
        Ok(_) => result,
        Err(error) => {
            sql::run(tx, "ROLLBACK", ())?;
            Err(error)
        }
    }
}

/// The thread's own state.
struct Worker {
    // Dropped before the connection, whose closing folds the log into the database if it is the last.
    checkpoints: Checkpoints,
    connection: Connection,
    jobs: mpsc::Receiver<Job>,
    head: watch::Sender<u64>,
    noted: Arc<Noted>,
    reserve: Arc<Reserve>,
    clients: Arc<ClientCache>,
    detail: Arc<AtomicU8>,
}

impl Worker {
    fn run(mut self) {
        let chain = Rc::new(Chain::new(Arc::clone(&self.detail)));
        let mut alone = true;
        while let Some(first) = self.jobs.blocking_recv() {
            // Where there were several, more are about to come: this thread was woken at the first of
            // them, perhaps on the very processor that makes the others. One sync is for all of them.
            if !alone {
                std::thread::yield_now();
            }
            let mut ran = Vec::new();
            let (waited, began) = (self.jobs.len(), Instant::now());
            let lost = self.commit(first, &mut ran, &chain).err();
            if lost.is_some() {
                chain.forget();
            }
            measures::committed(ran.len(), waited, began.elapsed());
            alone = ran.len() == 1;
            if matches!(lost, Some(StoreError::Full)) || ran.iter().any(|job| job.full) {
                self.reserve.release();
            }
            if let Some(error) = &lost {
                tracing::error!(writes = ran.len(), %error, "a group of writes was lost");
            } else if let Some(head) = ran.iter().filter_map(|job| job.head).max() {
                self.head.send_replace(head);
                self.noted.reach(head);
            }
            // Even if the commit failed: then nobody knows whether it did.
            if ran.iter().any(|job| job.clients) {
                self.clients.forget();
            }
            for job in ran {
                (job.reply)(lost.as_ref());
            }
            self.checkpoints.after_commit(&self.connection);
        }
    }

    /// One transaction of `first` and whatever else is waiting.
    fn commit(
        &mut self,
        first: Job,
        ran: &mut Vec<Ran>,
        chain: &Rc<Chain>,
    ) -> Result<(), StoreError> {
        // Left open only if an earlier rollback failed; then nothing is written until one succeeds.
        if !self.connection.is_autocommit() {
            sql::run(&self.connection, "ROLLBACK", ())?;
        }
        sql::run(&self.connection, "BEGIN IMMEDIATE", ())?;
        let mut next = Some(first);
        while let Some(job) = next {
            ran.push(job(&self.connection, chain));
            // A full disk and the like make SQLite roll back on its own accord.
            if self.connection.is_autocommit() {
                return Err(if ran.last().is_some_and(|job| job.full) {
                    StoreError::Full
                } else {
                    StoreError::Unavailable("the transaction was rolled back".to_owned())
                });
            }
            next = if ran.len() < BATCH {
                self.jobs.try_recv().ok()
            } else {
                None
            };
        }
        let committed = sql::run(&self.connection, "COMMIT", ());
        if committed.is_err() && !self.connection.is_autocommit() {
            sql::run(&self.connection, "ROLLBACK", ())?;
        }
        committed.map(drop)
    }
}

#[cfg(test)]
mod tests;
