//! Memory of which there is not always some.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Memory, MemoryError, PrivateMemory, Words, Writing};

/// Memory that can be told to fail.
#[derive(Default)]
pub(crate) struct Fickle {
    memory: PrivateMemory,
    /// No new table can be made.
    pub(crate) full: AtomicBool,
    /// No table can be had.
    pub(crate) unreadable: AtomicBool,
    /// Nobody can write.
    pub(crate) locked: AtomicBool,
}

fn unless(flag: &AtomicBool) -> Result<(), MemoryError> {
    if flag.load(Ordering::Relaxed) {
        Err(MemoryError("told to fail".to_owned()))
    } else {
        Ok(())
    }
}

impl Memory for Fickle {
    fn control(&self) -> Arc<dyn Words> {
        self.memory.control()
    }

    fn table(&self, generation: u64) -> Result<Arc<dyn Words>, MemoryError> {
        unless(&self.unreadable)?;
        self.memory.table(generation)
    }

    fn make(&self, generation: u64, words: usize) -> Result<Arc<dyn Words>, MemoryError> {
        unless(&self.full)?;
        self.memory.make(generation, words)
    }

    fn retire(&self, generation: u64) {
        self.memory.retire(generation);
    }

    fn lock(&self) -> Result<Box<dyn Writing + '_>, MemoryError> {
        unless(&self.locked)?;
        self.memory.lock()
    }
}
