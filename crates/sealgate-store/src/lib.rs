//! What the control plane remembers: the [`Store`] trait and its homes.
//!
//! Every write is one transaction that also holds its audit record, so that nothing happens off the
//! record and no record tells of what did not happen. A write that may or may not have committed is
//! [`StoreError::Unavailable`], never a refusal: callers answer 503 and the caller tries again.

mod audit;
mod error;
mod outcome;
mod rows;
mod sqlite;
mod store;

pub use audit::{Audit, AuditActor, AuditFilter, AuditRow, Outcome};
pub use error::StoreError;
pub use outcome::{Accepted, Redeemed, Rotated, Swept};
pub use rows::{
    Client, ClientAuthentication, ClientDetails, ClientKind, Code, Consent, ConsentRow,
    DeviceApproval, DeviceCode, DeviceDecision, DeviceState, GrantDetails, GrantedTogether,
    Invitation, KeyRow, KeyState, LogoutDelivery, Page, Polled, PushedRequest, RefreshState,
    RefreshToken, Resource, Revocation, RevokeReason, Revoked, ScopeText, Session, SessionFilter,
    SessionSelector, SignIn, TokenRevocation, UserChange, UserRow, UserStatus,
};
pub use sqlite::SqliteStore;
pub use store::{DelegationStore, ReceiverStore, Store, StreamStore};
