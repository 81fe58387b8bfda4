//! The control plane's signing keys: next → active → retiring → gone, for each algorithm.
//!
//! A key is published before it signs and stays published while anything it signed can still be
//! presented, so that a rotation never fails a token that is good. A key that leaked skips the wait:
//! revoked, it is gone at once. What is due and when is decided by pure rules ([`Planned`] foretells
//! it); private parts rest in the store sealed under the master key, and only those that sign are open.

mod ages;
mod error;
mod keys;
mod life;
mod measures;
mod plan;
mod policy;
mod ring;
mod vault;

pub use error::KeyError;
pub use keys::SigningKeys;
pub use plan::{PLAN_LIMIT, Planned, PlannedKey, Why};
pub use policy::{JWKS_MAX_AGE, KeyPolicy, LONGEST_TOKEN, Schedules};
