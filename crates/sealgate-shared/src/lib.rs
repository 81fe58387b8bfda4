//! Memory that the processes of one machine share, so that all workers of an application have one
//! revocation view and one of them follows the feed.
//!
//! It is files in a private directory, mapped into each process. Whoever runs as the same user is trusted: they
//! could as well read and write the memory of the processes themselves.
//!
//! - `control`, 4096 bytes: says where the rest is. Always the same file.
//! - `table-N`: tables, made once, never shortened, unlinked when another one took their place. Who has one
//!   mapped keeps it. Room is taken before a table is mapped: on a full file system a page that is touched
//!   first is a `SIGBUS`.
//! - `write.lock`, `leader.lock`, `stand-in.lock`, `users.lock`: POSIX record locks. They end with the process that holds them,
//!   however it ends, and a forked child has none of them.
//!
//! The directory's name is made of what its processes must have in common: whose view it is, and by which
//! clock they tell how fresh it is. Another boot, or another time namespace, is another directory.

mod error;

#[cfg(target_os = "linux")]
mod directory;
#[cfg(target_os = "linux")]
mod leftovers;
#[cfg(target_os = "linux")]
mod locks;
#[cfg(target_os = "linux")]
mod mapping;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod memory;
#[cfg(target_os = "linux")]
mod opened;

pub use error::ShareError;
pub use memory::{Leading, SharedMemory};
