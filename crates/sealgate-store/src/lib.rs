//! What the control plane remembers: the [`Store`] trait and its homes.
//!
//! Every write is one transaction that also holds its audit record, so that nothing happens off the
//! record and no record tells of what did not happen. A write that may or may not have committed is
//! [`StoreError::Unavailable`], never a refusal: callers answer 503 and the caller tries again.

mod audit;
mod error;
mod rows;
mod sqlite;
mod store;

pub use audit::{Audit, AuditActor, AuditRow, Outcome};
pub use error::StoreError;
pub use rows::{
    Client, ClientKind, Code, Invitation, KeyRow, KeyState, Page, RefreshToken, Revocation,
    RevokeReason, Revoked, Session, SessionFilter, SignIn, UserRow, UserStatus,
};
pub use sqlite::SqliteStore;
pub use store::{Accepted, Redeemed, Rotated, Store};
