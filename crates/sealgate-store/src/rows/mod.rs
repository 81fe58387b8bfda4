//! What is stored, as typed rows.

mod clients;
mod codes;
mod devices;
mod keys;
mod page;
mod revocations;
mod sessions;
mod sign_ins;
mod users;

pub use clients::{
    Client, ClientAuthentication, ClientDetails, ClientKind, Consent, ConsentRow, GrantedTogether,
    Resource, ScopeText,
};
pub use codes::{Code, GrantDetails, PushedRequest};
pub use devices::{DeviceApproval, DeviceCode, DeviceDecision, DeviceState, Polled};
pub use keys::{KeyRow, KeyState};
pub use page::Page;
pub use revocations::{Revocation, RevokeReason, Revoked, TokenRevocation};
pub use sessions::{
    LogoutDelivery, RefreshState, RefreshToken, Session, SessionFilter, SessionSelector,
};
pub use sign_ins::SignIn;
pub use users::{Invitation, UserChange, UserRow, UserStatus};
