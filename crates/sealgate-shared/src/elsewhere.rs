//! Systems without a clock that is the same for all processes: nothing is shared there.

use std::path::Path;
use std::sync::Arc;

use sealgate_model::Uptime;
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

    /// Whether this process stands in for the leader from now on.
    pub fn try_stand_in(self: &Arc<Self>) -> Option<Leading> {
        match **self {}
    }

    /// When the leader was at work.
    pub fn leader_at_work(&self) -> Option<Uptime> {
        match *self {}
    }
}

impl Leading {
    /// Whether this process leads still.
    pub fn holds(&self) -> bool {
        match *self {}
    }

    /// Whether it stands in for another process.
    pub fn stands_in(&self) -> bool {
        match *self {}
    }

    /// Says that the leader is at work.
    pub fn is_at_work(&self, _: Uptime) {
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
