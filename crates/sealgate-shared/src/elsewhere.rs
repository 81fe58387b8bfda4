//! Systems without a clock that is the same for all processes: nothing is shared there.

use std::path::Path;
use std::sync::Arc;

use sealgate_revocation::{Memory, MemoryError, Words, Writing};

use crate::ShareError;

/// There is none here.
#[derive(Debug)]
pub enum SharedMemory {}

/// There is none here.
#[derive(Debug)]
pub enum Leading {}

impl SharedMemory {
    /// Always an error.
    pub fn open(_: Option<&Path>, _: &[&str]) -> Result<Arc<Self>, ShareError> {
        Err(ShareError::Unsupported)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        match *self {}
    }

    /// Whether this process leads from now on.
    pub fn try_lead(self: &Arc<Self>) -> Option<Leading> {
        match **self {}
    }
}

impl Leading {
    /// Whether this process leads still.
    pub fn holds(&self) -> bool {
        match *self {}
    }
}

impl Memory for SharedMemory {
    fn control(&self) -> Arc<dyn Words> {
        match *self {}
    }

    fn table(&self, _: u64) -> Result<Arc<dyn Words>, MemoryError> {
        match *self {}
    }

    fn make(&self, _: u64, _: usize) -> Result<Arc<dyn Words>, MemoryError> {
        match *self {}
    }

    fn retire(&self, _: u64) {
        match *self {}
    }

    fn lock(&self) -> Result<Box<dyn Writing + '_>, MemoryError> {
        match *self {}
    }
}
