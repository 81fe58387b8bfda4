//! What gates decided: a log of its own beside the store, in blocks that stand on each other.
//!
//! It is much, and none of it decides anything. So it has a file, a writer and readers of its own, and cannot hold up
//! what sign-ins and tokens wait for. A block is a batch as a gate sent it; each stream is a chain of blocks.

mod filter;
mod read;
mod retire;
mod schema;
mod seen;
mod sqlite;
mod verify;
mod writer;

use std::time::Duration;

use async_trait::async_trait;
use sealgate_audit::decision::{Block, ChainHash, Index, Lengths, Stream, Trace};
use sealgate_model::Timestamp;
use tokio::sync::watch;

pub use filter::{DecisionFilter, DecisionRow, Direction, FoundDecisions};
pub use sqlite::SqliteDecisions;
pub use verify::{Fault, FaultKind, Verified};

use crate::StoreError;

/// A batch to be kept, read and found sound by the caller.
#[derive(Debug, Clone)]
pub struct NewBlock {
    /// The stream that it belongs to.
    pub stream: Stream,
    /// The client that the gate authenticated as.
    pub client: String,
    /// Which process of it.
    pub instance: [u8; 16],
    /// Its number among what that process said, from 1 on.
    pub sequence: u64,
    /// What the gate calls itself.
    pub gate: String,
    /// What it adds up to.
    pub lengths: Lengths,
    /// What can be looked for in it.
    pub index: Index,
    /// The SHA-256 of `body`.
    pub body_hash: ChainHash,
    /// The batch as it came.
    pub body: Vec<u8>,
    /// When it came, by the control plane's clock.
    pub at: Timestamp,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is on the disk, as the block with this number.
    Kept(u64),
    /// It was there before, and counts once.
    Known,
}

/// The last block of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionHead {
    /// Which stream.
    pub stream: Stream,
    /// Its place; 0 if there is none.
    pub place: u64,
    /// Its hash; zeros if there is none.
    pub hash: ChainHash,
}

/// What a stream holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecisionTotals {
    /// Blocks whose batch is there.
    pub blocks: u64,
    /// The rows in them.
    pub rows: u64,
    /// The decisions that the rows stand for.
    pub decisions: u64,
    /// The bytes that they take up, about.
    pub bytes: u64,
}

/// How much of a stream is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// For how long after it was kept.
    pub age: Duration,
    /// And how many bytes at most.
    pub bytes: u64,
}

/// How much of both streams is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Of what was allowed.
    pub allowed: Keep,
    /// Of what was not.
    pub denied: Keep,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            allowed: Keep {
                age: 30 * DAY,
                bytes: 1 << 30,
            },
            denied: Keep {
                age: 400 * DAY,
                bytes: 8 << 30,
            },
        }
    }
}

impl Retention {
    /// Of `stream`.
    pub const fn of(&self, stream: Stream) -> Keep {
        match stream {
            Stream::Allowed => self.allowed,
            Stream::Denied => self.denied,
        }
    }
}

/// What may not go, whatever the retention says: every batch that may tell of all that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hold {
    /// From when on; none: from the beginning.
    pub from: Option<Timestamp>,
    /// Until when; none: for ever.
    pub until: Option<Timestamp>,
    /// The actor, or the user for whom an agent acted.
    pub actor: Option<String>,
    /// The client that credentials were given to, or that reported.
    pub client: Option<String>,
    /// The trace.
    pub trace: Option<Trace>,
}

/// How many blocks of a stream go at once at most.
pub const RETIRE_PASS: u64 = retire::PASS as u64;

/// What of a stream has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retired {
    /// Which stream.
    pub stream: Stream,
    /// How many blocks.
    pub blocks: u64,
    /// How many of these went before their time, for want of room.
    pub early: u64,
    /// How many decisions they told of.
    pub decisions: u64,
    /// The place of the last one of them.
    pub through: u64,
}

/// The log of what gates decided.
#[async_trait]
pub trait DecisionLog: Send + Sync + 'static {
    /// Keeps a batch, durably before it answers. The same batch (client, instance and sequence) brought again is
    /// [`Appended::Known`], however long ago it was brought within ninety days.
    ///
    /// # Errors
    /// `Unavailable` also when too many wait: for what was allowed sooner than for what was not.
    async fn append(&self, block: NewBlock) -> Result<Appended, StoreError>;

    /// The blocks after number `after`, both streams in the order in which they were kept: up to `limit` of them
    /// and about eight megabytes. For exports and rules; blocks that have gone are passed over.
    async fn after(&self, after: u64, limit: u32) -> Result<Vec<Block>, StoreError>;

    /// The number of the last block; 0 if there is none.
    async fn last(&self) -> Result<u64, StoreError>;

    /// Wakes when a block was kept. A wake-up, never the truth: take it before reading, then read.
    fn wakeup(&self) -> watch::Receiver<u64>;

    /// Up to `limit` records that fit, from position `from` on in `direction`. It looks through a bounded part of
    /// the log, and says where to go on.
    async fn find(
        &self,
        filter: DecisionFilter,
        direction: Direction,
        from: Option<u64>,
        limit: u32,
    ) -> Result<FoundDecisions, StoreError>;

    /// The last block of each stream.
    async fn heads(&self) -> Result<[DecisionHead; 2], StoreError>;

    /// What each stream holds.
    async fn totals(&self) -> Result<[(Stream, DecisionTotals); 2], StoreError>;

    /// Goes through the blocks of `stream` after place `after`, at most `limit` of them, and says what does not
    /// fit: a hash, a place, a batch that is not what the block says of it.
    async fn verify(&self, stream: Stream, after: u64, limit: u32) -> Result<Verified, StoreError>;

    /// Lets go of the batches that `retention` does not keep at `now` and no hold keeps. Their places and hashes
    /// stay as long as something before them does, so that the chain holds. Of each stream no more than
    /// [`RETIRE_PASS`] go at once, since what comes in waits meanwhile: where as many went, there may be more.
    async fn retire(
        &self,
        retention: Retention,
        holds: Vec<Hold>,
        now: Timestamp,
    ) -> Result<Vec<Retired>, StoreError>;
}

/// The log where there is none: nothing is taken, nothing is there.
#[derive(Debug)]
pub struct NoDecisions(watch::Sender<u64>);

impl Default for NoDecisions {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

#[async_trait]
impl DecisionLog for NoDecisions {
    async fn append(&self, _: NewBlock) -> Result<Appended, StoreError> {
        Err(StoreError::Unavailable(
            "no decisions are kept here".to_owned(),
        ))
    }

    async fn after(&self, _: u64, _: u32) -> Result<Vec<Block>, StoreError> {
        Ok(Vec::new())
    }

    async fn last(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn wakeup(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    async fn find(
        &self,
        _: DecisionFilter,
        _: Direction,
        from: Option<u64>,
        _: u32,
    ) -> Result<FoundDecisions, StoreError> {
        Ok(FoundDecisions {
            records: Vec::new(),
            next: from,
            at_end: true,
        })
    }

    async fn heads(&self) -> Result<[DecisionHead; 2], StoreError> {
        Ok(Stream::ALL.map(|stream| DecisionHead {
            stream,
            place: 0,
            hash: ChainHash::default(),
        }))
    }

    async fn totals(&self) -> Result<[(Stream, DecisionTotals); 2], StoreError> {
        Ok(Stream::ALL.map(|stream| (stream, DecisionTotals::default())))
    }

    async fn verify(&self, _: Stream, _: u64, _: u32) -> Result<Verified, StoreError> {
        Ok(Verified::default())
    }

    async fn retire(
        &self,
        _: Retention,
        _: Vec<Hold>,
        _: Timestamp,
    ) -> Result<Vec<Retired>, StoreError> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests;
