//! The gate as its hosts see it, in front of a control plane in memory and on fake time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
mod bundled;
mod program;
mod provider;

mod addresses;
mod backchannel;
mod csrf;
mod decisions;
mod feed;
mod foreign;
mod foreign_tokens;
mod known_callers;
mod known_tokens;
mod mapped;
mod mcp;
mod neighbours;
mod onward;
mod outdated;
mod pages;
mod policies;
mod policies_model;
mod proofs;
mod renewal;
mod reporting;
mod reports;
mod revoked_keys;
mod rounds;
mod sign_in;
mod sign_out;
mod stale;
mod stale_marks;
mod step_up;
mod tabs;
mod tokens;
mod told;
mod trusted;
