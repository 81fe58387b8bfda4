//! Real processes that share memory: this program starts itself again, and one of its tests plays the part that
//! the environment names.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod memory;
mod other;
mod refusals;
mod view;

use std::path::Path;
use std::sync::Arc;

use sealgate_shared::SharedMemory;

/// The memory that all processes of these tests open.
fn open(base: &Path) -> Arc<SharedMemory> {
    SharedMemory::open(Some(base), &["https://id.example", "app"]).unwrap()
}
