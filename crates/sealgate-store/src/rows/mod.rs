//! What is stored, as typed rows.

mod agents;
mod clients;
mod codes;
mod delegations;
mod devices;
mod footing;
mod issuers;
mod keys;
mod machines;
mod page;
mod registrations;
mod revocations;
mod sessions;
mod sign_ins;
mod streams;
mod transmitters;
mod users;

pub use agents::{AgentRow, Withdrawn};
pub use clients::{
    Client, ClientAuthentication, ClientDetails, ClientKind, ClientOrigin, Consent, ConsentRow,
    GrantedTogether, MachineIdentity, MachineProfile, OwnWords, Resource, ScopeText, ToolText,
};
pub use codes::{Code, GrantDetails, PushedRequest};
pub use delegations::{DelegationFilter, DelegationRow, NewDelegation};
pub use devices::{DeviceApproval, DeviceCode, DeviceDecision, DeviceState, Polled};
pub use footing::{Fallen, Footing, TokenFooting};
pub use issuers::{IdentityIssuer, IdentityLink, IssuerDetails, Vouched, VouchedFor};
pub use keys::{KeyRow, KeyState};
pub use machines::{
    Bootstrap, ClientUse, Enrolled, MachineRow, MachineUses, Offboarded, UseKind, Used,
};
pub use page::Page;
pub use registrations::{OwnClientAdded, OwnClientBounds, RegistrationToken, Unused};
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
