//! The real clock, randomness and HTTP client, and fake ones for tests and drills.
//!
//! This is the only crate that reads the system's clock or draws from its randomness; `clippy.toml`
//! holds the others to it.

mod clock;
mod fetch;
mod hash;
mod random;

pub use clock::{FakeClock, SystemClock};
pub use fetch::{
    Body, Fetch, FetchError, FetchRequest, FetchResponse, HttpFetch, Method, StreamBody,
};
pub use hash::sha256;
pub use random::{FakeRandom, SystemRandom};
