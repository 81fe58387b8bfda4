//! Where a view's words are kept: in this process, or in memory that several processes of one machine share.
//!
//! Words are atomic, so that readers in other threads and processes need no lock. Whoever writes holds
//! [`Memory::lock`], which also keeps other processes out and is let go of when its holder dies.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use thiserror::Error;

/// Some words that stay where they are, and as many, as long as they are held.
pub trait Words: Send + Sync {
    /// The words.
    fn words(&self) -> &[AtomicU64];
}

/// The leave to write, until it is dropped.
pub trait Writing: Send {}

/// Where the words of one view are.
pub trait Memory: Send + Sync {
    /// The words that say where the rest is: 512, all zero at first, always the same.
    fn control(&self) -> Arc<dyn Words>;

    /// The words of table `generation`, made by whoever it was.
    fn table(&self, generation: u64) -> Result<Arc<dyn Words>, MemoryError>;

    /// Makes table `generation` anew with `words` words, all zero; in place of one that was begun and never
    /// used. The room is there for good when this returns.
    fn make(&self, generation: u64, words: usize) -> Result<Arc<dyn Words>, MemoryError>;

    /// Lets go of table `generation`. Whoever holds its words keeps them.
    fn retire(&self, generation: u64);

    /// Waits until nobody else writes.
    fn lock(&self) -> Result<Box<dyn Writing + '_>, MemoryError>;
}

/// Why there is no memory to be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("memory for the revocation view: {0}")]
pub struct MemoryError(pub String);
