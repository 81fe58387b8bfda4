//! The gate as its hosts see it, in front of a control plane in memory and on fake time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
mod provider;

mod backchannel;
mod decisions;
mod renewal;
mod revoked_keys;
mod sign_in;
