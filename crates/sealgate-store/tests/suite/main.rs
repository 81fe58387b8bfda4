//! What every home of the store must do, told against `dyn Store`.
//!
//! A second home joins by being opened in [`world`]; only `directory` is about SQLite's files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod agents;
mod audit;
mod bootstraps;
mod bulk;
mod chain;
mod claims;
mod clients;
mod codes;
mod consents;
mod delegations;
mod deliveries;
mod devices;
mod directory;
mod exports;
mod footing;
mod histories;
mod invitations;
mod issuers;
mod keys;
mod machines;
mod model;
mod policies;
mod pushed;
mod reaches;
mod receivers;
mod refresh;
mod registrations;
mod resources;
mod revocations;
mod sessions;
mod sign_ins;
mod streams;
mod sweep;
mod user_changes;
mod users;
mod world;
