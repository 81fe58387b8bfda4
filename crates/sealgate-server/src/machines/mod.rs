//! Service accounts as clients: when they used what, and what happens when their time is over.

mod expiry;
mod memory;
pub(crate) mod uses;

/// How long access tokens of service accounts live at most, in seconds: they are had again by themselves.
pub(crate) const LONGEST_TOKEN: u32 = 900;

pub(crate) use expiry::end_expired;
pub use memory::UseMemory;
