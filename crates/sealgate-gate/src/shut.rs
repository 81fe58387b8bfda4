//! For tests: memory of a view that nobody may write into for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sealgate_revocation::{Memory, MemoryError, PrivateMemory, Words, Writing};

/// Memory that nobody may write into while it is `shut`.
#[derive(Default)]
pub(crate) struct Shut {
    memory: PrivateMemory,
    pub(crate) shut: AtomicBool,
}

impl Memory for Shut {
    fn control(&self) -> Arc<dyn Words> {
        self.memory.control()
    }

    fn table(&self, generation: u64) -> Result<Arc<dyn Words>, MemoryError> {
        self.memory.table(generation)
    }

    fn make(&self, generation: u64, words: usize) -> Result<Arc<dyn Words>, MemoryError> {
        self.memory.make(generation, words)
    }

    fn retire(&self, generation: u64) {
        self.memory.retire(generation);
    }

    fn lock(&self) -> Result<Box<dyn Writing + '_>, MemoryError> {
        if self.shut.load(Ordering::Relaxed) {
            return Err(MemoryError("shut".to_owned()));
        }
        self.memory.lock()
    }
}
