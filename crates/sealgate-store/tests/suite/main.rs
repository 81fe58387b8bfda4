//! What every home of the store must do, told against `dyn Store`.
//!
//! A second home joins by being opened in [`world`]; only `directory` is about SQLite's files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod audit;
mod codes;
mod directory;
mod invitations;
mod keys;
mod model;
mod refresh;
mod revocations;
mod sessions;
mod sign_ins;
mod sweep;
mod users;
mod world;
