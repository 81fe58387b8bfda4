//! The real clock, randomness and HTTP client, and fake ones for tests and drills.
//!
//! This is the only crate that reads the system's clock or draws from its randomness; `clippy.toml`
//! holds the others to it.

mod clock;
mod delivery;
mod fake_outbound;
mod fetch;
mod guarded;
mod hash;
mod outbound;
mod proxies;
mod random;
mod texts;

pub use clock::{FakeClock, SystemClock};
pub use delivery::{Delivered, Delivery};
pub use fake_outbound::{FakeOutbound, SentRequest};
pub use fetch::{
    Body, Fetch, FetchError, FetchRequest, FetchResponse, HttpFetch, Method, StreamBody,
};
pub use guarded::{AddressPolicy, GuardedFetch, OutboundTarget, Resolve, Resolved, SystemResolver};
pub use hash::sha256;
pub use ipnet::IpNet;
pub use outbound::{Errand, Outbound, OutboundError, OutboundRequest, OutboundResponse};
pub use proxies::{ForwardingHeader, Source, TrustedProxies};
pub use random::{FakeRandom, SystemRandom};
pub use texts::{TextsError, TextsMost, texts};
