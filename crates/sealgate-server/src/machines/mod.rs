//! Service accounts as clients: when they used what, and what happens when their time is over.

mod expiry;
mod memory;
pub(crate) mod uses;

pub(crate) use expiry::end_expired;
pub use memory::UseMemory;
