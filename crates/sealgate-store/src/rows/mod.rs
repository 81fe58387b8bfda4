//! What is stored, as typed rows.

mod clients;
mod codes;
mod delegations;
mod devices;
mod footing;
mod keys;
mod page;
mod revocations;
mod sessions;
mod sign_ins;
mod streams;
mod transmitters;
mod users;

pub use clients::{
    Client, ClientAuthentication, ClientDetails, ClientKind, ClientOrigin, Consent, ConsentRow,
    GrantedTogether, MachineIdentity, MachineProfile, OwnWords, Resource, ScopeText, ToolText,
};
pub use codes::{Code, GrantDetails, PushedRequest};
pub use delegations::{DelegationFilter, DelegationRow, NewDelegation};
pub use devices::{DeviceApproval, DeviceCode, DeviceDecision, DeviceState, Polled};
pub use footing::{Fallen, Footing, TokenFooting};
pub use keys::{KeyRow, KeyState};
pub use page::Page;
pub use revocations::{
    HistoryMark, Restored, Revocation, RevokeReason, Revoked, SeenRevocations, TokenRevocation,
};
pub use sessions::{
    LogoutDelivery, RefreshState, RefreshToken, Session, SessionFilter, SessionSelector,
};
pub use sign_ins::SignIn;
pub use streams::{
    PushTarget, Settled, Signal, SignalKind, Stream, StreamConfig, StreamStatus, Verification,
};
pub use transmitters::{Listed, ListedDetails, ListedPlace, Poll, Transmitter};
pub use users::{Invitation, UserChange, UserRow, UserStatus};
