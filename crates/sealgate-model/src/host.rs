//! What a process is handed by its host, so that tests and drills can hand it something else.

use crate::{Timestamp, Uptime};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The wall clock. It may step, forwards or backwards.
    fn now(&self) -> Timestamp;
    /// The monotonic clock. It never goes back.
    fn uptime(&self) -> Uptime;
}

/// Draws unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes` from a cryptographically secure source.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Random + '_ {
    /// An array of `N` unpredictable bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}
