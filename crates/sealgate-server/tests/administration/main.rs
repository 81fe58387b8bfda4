//! The administration API as the command line and remote administrators meet it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod audit;
mod authority;
mod chain;
mod clients;
mod consents;
mod declaring;
mod delegations;
mod everywhere;
mod feed;
mod input;
mod issuers;
mod keys;
mod machines;
mod network;
mod plane;
mod registration_tokens;
mod resources;
mod sessions;
mod state;
mod transmitters;
mod users;
