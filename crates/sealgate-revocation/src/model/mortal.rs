//! Memory in which the dead change nothing.

use std::sync::Arc;

use crate::words::death;
use crate::{Memory, MemoryError, PrivateMemory, Words, Writing};

/// Memory for writers that die at a word: what they still do, nobody sees.
#[derive(Default)]
pub(crate) struct Mortal(PrivateMemory);

impl Memory for Mortal {
    fn control(&self) -> Arc<dyn Words> {
        self.0.control()
    }

    fn table(&self, generation: u64) -> Result<Arc<dyn Words>, MemoryError> {
        self.0.table(generation)
    }

    fn make(&self, generation: u64, words: usize) -> Result<Arc<dyn Words>, MemoryError> {
        if death::is_dead() {
            return PrivateMemory::new().make(generation, words);
        }
        self.0.make(generation, words)
    }

    fn retire(&self, generation: u64) {
        if !death::is_dead() {
            self.0.retire(generation);
        }
    }

    fn lock(&self) -> Result<Box<dyn Writing + '_>, MemoryError> {
        self.0.lock()
    }
}
