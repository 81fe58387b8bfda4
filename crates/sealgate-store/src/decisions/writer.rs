//! The one thread that writes: many batches to one commit, and nobody is answered before it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use rusqlite::{Connection, params};
use sealgate_audit::decision::{BlockHead, ChainHash, Stream};
use sealgate_model::Timestamp;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Appended, DecisionHead, Hold, NewBlock, Retention, Retired, retire, seen};
use crate::StoreError;
use crate::sqlite::checkpoints::Checkpoints;

/// How many batches may wait: sixteen megabytes at most.
const QUEUE: usize = 256;
/// What was allowed is turned away from here on: the rest is for what was not.
const ALLOWED: usize = QUEUE / 2;
/// How many batches one commit carries at most.
const GROUP: usize = 32;
/// What a block takes besides its batch, about.
pub(super) const BLOCK_BYTES: usize = 512;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

enum Job {
    Append(Box<NewBlock>, Answer<Appended>),
    Retire(Retention, Vec<Hold>, Timestamp, Answer<Vec<Retired>>),
}

/// The way to the thread. Dropping it lets the thread finish what is queued, and waits.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    waiting: Arc<AtomicUsize>,
    last: watch::Sender<u64>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, file: &Path) -> Result<Self, StoreError> {
        let checkpoints = Checkpoints::start(file)?;
        let heads = [
            head(&connection, Stream::Allowed)?,
            head(&connection, Stream::Denied)?,
        ];
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (last, _) = watch::channel(super::read::last(&connection)?);
        let waiting = Arc::new(AtomicUsize::new(0));
        let worker = Worker {
            checkpoints,
            connection,
            jobs,
            heads,
            last: last.clone(),
            waiting: Arc::clone(&waiting),
        };
        let thread = std::thread::Builder::new()
            .name("sealgate-decisions".to_owned())
            .spawn(move || worker.run())
            .map_err(|error| StoreError::Unavailable(format!("no thread to write on: {error}")))?;
        Ok(Self {
            queue: Some(queue),
            waiting,
            last,
            thread: Some(thread),
        })
    }

    pub(super) fn wakeup(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    pub(super) async fn append(&self, block: NewBlock) -> Result<Appended, StoreError> {
        let crowded = || StoreError::Unavailable("too many batches wait".to_owned());
        if block.stream == Stream::Allowed && self.waiting.load(Ordering::Relaxed) >= ALLOWED {
            return Err(crowded());
        }
        let (answer, outcome) = oneshot::channel();
        self.send(Job::Append(Box::new(block), answer))?;
        outcome.await.map_err(|_| stopped())?
    }

    pub(super) async fn retire(
        &self,
        retention: Retention,
        holds: Vec<Hold>,
        now: Timestamp,
    ) -> Result<Vec<Retired>, StoreError> {
        let (answer, outcome) = oneshot::channel();
        self.send(Job::Retire(retention, holds, now, answer))?;
        outcome.await.map_err(|_| stopped())?
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(job).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => {
                    StoreError::Unavailable("too many batches wait".to_owned())
                }
                TrySendError::Closed(_) => stopped(),
            }
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes decisions ended in a panic");
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("decisions are not written any more".to_owned())
}

struct Worker {
    // Dropped before the connection, whose closing folds the log into the database if it is the last.
    checkpoints: Checkpoints,
    connection: Connection,
    jobs: mpsc::Receiver<Job>,
    heads: [DecisionHead; 2],
    last: watch::Sender<u64>,
    waiting: Arc<AtomicUsize>,
}

/// Answers that are given once it is known whether the commit stands.
type Told = (Answer<Appended>, Appended);

impl Worker {
    fn run(mut self) {
        while let Some(job) = self.jobs.blocking_recv() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match job {
                Job::Append(block, answer) => self.group(*block, answer),
                Job::Retire(retention, holds, now, answer) => {
                    let retired = self.retire(&retention, &holds, now);
                    // An error here means that the caller has left.
                    let _ = answer.send(retired);
                }
            }
            self.checkpoints.after_commit(&self.connection);
        }
    }

    /// One commit of `first` and whatever else is waiting.
    fn group(&mut self, first: NewBlock, answer: Answer<Appended>) {
        let mut blocks = vec![(first, answer)];
        let mut then = None;
        while blocks.len() < GROUP {
            match self.jobs.try_recv() {
                Ok(Job::Append(block, answer)) => {
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                    blocks.push((*block, answer));
                }
                Ok(Job::Retire(retention, holds, now, answer)) => {
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                    then = Some((retention, holds, now, answer));
                    break;
                }
                Err(_) => break,
            }
        }
        let mut told: Vec<Told> = Vec::with_capacity(blocks.len());
        let mut heads = self.heads;
        let written = self.write(blocks, &mut heads, &mut told);
        match written {
            Ok(()) => {
                self.heads = heads;
                let last = told.iter().filter_map(|(_, appended)| match appended {
                    Appended::Kept(number) => Some(*number),
                    Appended::Known => None,
                });
                if let Some(last) = last.max() {
                    self.last.send_replace(last);
                }
                for (answer, appended) in told {
                    let _ = answer.send(Ok(appended));
                }
            }
            Err(error) => {
                tracing::error!(batches = told.len(), %error, "decisions were not kept; their gates bring them again");
                let full = matches!(error, StoreError::Full);
                for (answer, _) in told {
                    let _ = answer.send(Err(if full {
                        StoreError::Full
                    } else {
                        StoreError::Unavailable(error.to_string())
                    }));
                }
            }
        }
        if let Some((retention, holds, now, answer)) = then {
            let _ = answer.send(self.retire(&retention, &holds, now));
        }
    }

    /// Writes `blocks`, and puts everybody who waits into `told`, whatever comes of it.
    fn write(
        &mut self,
        blocks: Vec<(NewBlock, Answer<Appended>)>,
        heads: &mut [DecisionHead; 2],
        told: &mut Vec<Told>,
    ) -> Result<(), StoreError> {
        let mut result = begin(&self.connection);
        for (block, answer) in blocks {
            let mut appended = Appended::Known;
            if result.is_ok() {
                match append(&self.connection, block, heads) {
                    Ok(done) => appended = done,
                    Err(error) => result = Err(error),
                }
            }
            told.push((answer, appended));
        }
        end(&self.connection, result)
    }

    fn retire(
        &mut self,
        retention: &Retention,
        holds: &[Hold],
        now: Timestamp,
    ) -> Result<Vec<Retired>, StoreError> {
        begin(&self.connection)?;
        let mut retired = Vec::new();
        let result = retire::pass(&self.connection, retention, holds, now, &mut retired);
        end(&self.connection, result).map(|()| retired)
    }
}

fn begin(connection: &Connection) -> Result<(), StoreError> {
    // Left open only if an earlier rollback failed.
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
    Ok(())
}

/// Commits if `result` is good, and undoes everything else.
fn end(connection: &Connection, result: Result<(), StoreError>) -> Result<(), StoreError> {
    let result = result.and_then(|()| {
        connection.prepare_cached("COMMIT")?.execute(())?;
        Ok(())
    });
    if result.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    result
}

fn append(
    connection: &Connection,
    block: NewBlock,
    heads: &mut [DecisionHead; 2],
) -> Result<Appended, StoreError> {
    let (whose, at) = ((block.client.as_str(), &block.instance), block.at);
    if !seen::note(connection, whose, block.sequence, at)? {
        return Ok(Appended::Known);
    }
    let last = &mut heads[usize::from(block.stream.number())];
    let head = BlockHead {
        stream: block.stream,
        place: last.place + 1,
        client: block.client,
        instance: block.instance,
        sequence: block.sequence,
        gate: block.gate,
        kept_at: block.at,
    };
    let hash = head.hash(&last.hash, &block.body_hash);
    let bytes = block.body.len() + block.index.as_bytes().len() + BLOCK_BYTES;
    let lengths = block.lengths;
    connection
        .prepare_cached(
            "INSERT INTO block (stream, place, client, instance, sequence, gate, kept_at, first_at, last_at, rows,
             decisions, bytes, hash, body_hash, idx, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            head.stream.number(),
            signed(head.place),
            head.client,
            head.instance,
            signed(head.sequence),
            head.gate,
            head.kept_at.as_millis(),
            lengths.first.as_millis(),
            lengths.last.as_millis(),
            signed(lengths.rows as u64),
            signed(lengths.decisions),
            signed(bytes as u64),
            hash,
            block.body_hash,
            block.index.as_bytes(),
            block.body,
        ])?;
    let number = connection.last_insert_rowid();
    connection
        .prepare_cached(
            // What a row stands for is a gate's word: a sum past what SQLite has for numbers would fail, and with
            // it every batch of every gate from then on.
            "UPDATE total SET blocks = blocks + 1, rows = rows + ?2,
             decisions = CASE WHEN decisions > 9223372036854775807 - ?3 THEN 9223372036854775807
                              ELSE decisions + ?3 END,
             bytes = bytes + ?4 WHERE stream = ?1",
        )?
        .execute(params![
            head.stream.number(),
            signed(lengths.rows as u64),
            signed(lengths.decisions),
            signed(bytes as u64),
        ])?;
    last.place = head.place;
    last.hash = hash;
    Ok(Appended::Kept(unsigned(number)))
}

/// The last block of `stream`.
pub(super) fn head(connection: &Connection, stream: Stream) -> Result<DecisionHead, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT place, hash FROM block WHERE stream = ?1 ORDER BY place DESC LIMIT 1",
    )?;
    let mut rows = statement.query(params![stream.number()])?;
    let (place, hash) = match rows.next()? {
        Some(row) => (unsigned(row.get(0)?), row.get(1)?),
        None => (0, ChainHash::default()),
    };
    Ok(DecisionHead {
        stream,
        place,
        hash,
    })
}

/// As SQLite has numbers.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As SQLite had it.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
