//! Where a view's words are kept: in this process, or in memory that several processes of one machine share.
//!
//! Words are atomic, so that readers in other threads and processes need no lock. Whoever writes holds
//! [`Memory::lock`], which also keeps other processes out and is let go of when its holder dies. A writer may
//! die at any word; the next one finds its way from what is there.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

/// How many words say where the rest is.
pub const CONTROL_WORDS: usize = 512;

/// Some words that stay where they are, and as many, as long as they are held.
pub trait Words: Send + Sync {
    /// The words.
    fn words(&self) -> &[AtomicU64];
}

/// The leave to write, until it is dropped.
pub trait Writing {}

/// Where the words of one view are.
pub trait Memory: Send + Sync {
    /// The words that say where the rest is: [`CONTROL_WORDS`], all zero at first, always the same. The view
    /// leaves the last 64 of them to the memory itself.
    fn control(&self) -> Arc<dyn Words>;

    /// The words of table `generation`, made by whoever it was.
    fn table(&self, generation: u64) -> Result<Arc<dyn Words>, MemoryError>;

    /// Makes table `generation` anew with `words` words, all zero; in place of one that was begun and never
    /// used. The room is there for good when this returns.
    fn make(&self, generation: u64, words: usize) -> Result<Arc<dyn Words>, MemoryError>;

    /// Lets go of table `generation`, if there is one. Whoever holds its words keeps them.
    fn retire(&self, generation: u64);

    /// Waits until nobody else writes.
    fn lock(&self) -> Result<Box<dyn Writing + '_>, MemoryError>;
}

/// Why there is no memory to be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("memory for the revocation view: {0}")]
pub struct MemoryError(pub String);

/// Memory of this process alone. There is always some, as everywhere on the heap.
pub struct PrivateMemory {
    control: Arc<Heap>,
    /// The newest table, and the one before it until that is let go of.
    tables: Mutex<Vec<(u64, Arc<Heap>)>>,
    writing: Mutex<()>,
}

/// Words on the heap.
struct Heap(Box<[AtomicU64]>);

impl Heap {
    fn new(words: usize) -> Arc<Self> {
        Arc::new(Self((0..words).map(|_| AtomicU64::new(0)).collect()))
    }
}

impl Words for Heap {
    fn words(&self) -> &[AtomicU64] {
        &self.0
    }
}

impl Default for PrivateMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl PrivateMemory {
    /// Words of a view that knows nothing.
    pub fn new() -> Self {
        Self {
            control: Heap::new(CONTROL_WORDS),
            tables: Mutex::default(),
            writing: Mutex::default(),
        }
    }

    /// [`Memory::make`], which cannot fail here.
    pub(crate) fn make_here(&self, generation: u64, words: usize) -> Arc<dyn Words> {
        let made = Heap::new(words);
        let mut tables = self.tables();
        tables.retain(|(known, _)| *known != generation);
        tables.push((generation, Arc::clone(&made)));
        made
    }

    fn tables(&self) -> MutexGuard<'_, Vec<(u64, Arc<Heap>)>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is half written when its writer panics is found by the next one, as it is when a process dies.
struct Held<'a>(#[expect(dead_code, reason = "it is held, and that is all")] MutexGuard<'a, ()>);

impl Writing for Held<'_> {}

impl Memory for PrivateMemory {
    fn control(&self) -> Arc<dyn Words> {
        Arc::<Heap>::clone(&self.control)
    }

    fn table(&self, generation: u64) -> Result<Arc<dyn Words>, MemoryError> {
        let tables = self.tables();
        let found = tables.iter().find(|(known, _)| *known == generation);
        match found {
            Some((_, heap)) => Ok(Arc::<Heap>::clone(heap)),
            None => Err(MemoryError(format!("table {generation} is gone"))),
        }
    }

    fn make(&self, generation: u64, words: usize) -> Result<Arc<dyn Words>, MemoryError> {
        Ok(self.make_here(generation, words))
    }

    fn retire(&self, generation: u64) {
        self.tables().retain(|(known, _)| *known != generation);
    }

    fn lock(&self) -> Result<Box<dyn Writing + '_>, MemoryError> {
        let held = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(Held(held)))
    }
}
