//! The gate of a resource server, from raw headers to actor or denial.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod acting;
mod dpop;
mod house;
mod mapped;
mod needs;
mod tokens;
