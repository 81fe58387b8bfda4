//! The administration API as the command line and remote administrators meet it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod authority;
mod clients;
mod consents;
mod delegations;
mod everywhere;
mod feed;
mod input;
mod keys;
mod network;
mod plane;
mod resources;
mod sessions;
mod transmitters;
mod users;
