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
pub use outcome::{Accepted, Delegated, Redeemed, Rotated, Swept};
pub use rows::{AgentRow, Withdrawn};
pub use rows::{
    Bootstrap, ClientUse, Enrolled, MachineRow, MachineUses, Offboarded, UseKind, Used,
};
pub use rows::{
    Client, ClientAuthentication, ClientDetails, ClientKind, ClientOrigin, Code, Consent,
    ConsentRow, DelegationFilter, DelegationRow, DeviceApproval, DeviceCode, DeviceDecision,
    DeviceState, Fallen, Footing, GrantDetails, GrantedTogether, Invitation, KeyRow, KeyState,
    Listed, ListedDetails, ListedPlace, LogoutDelivery, MachineIdentity, MachineProfile,
    NewDelegation, OwnWords, Page, Poll, Polled, PushedRequest, RefreshState, RefreshToken,
    Resource, Revocation, RevokeReason, Revoked, ScopeText, Session, SessionFilter,
    SessionSelector, SignIn, TokenFooting, TokenRevocation, ToolText, Transmitter, UserChange,
    UserRow, UserStatus,
};
pub use rows::{HistoryMark, Restored, SeenRevocations};
pub use rows::{IdentityIssuer, IdentityLink, IssuerDetails, Vouched, VouchedFor};
pub use rows::{OwnClientAdded, OwnClientBounds, RegistrationToken, Unused};
pub use rows::{
    PushTarget, Settled, Signal, SignalKind, Stream, StreamConfig, StreamStatus, Verification,
};
pub use sqlite::SqliteStore;
pub use store::{
    AgentStore, AnomalyStore, ChainStore, DeclarationStore, DelegationStore, ExportStore,
    IssuerStore, MachineStore, PolicyStore, ReceiverStore, RegistrationStore, Store, StreamStore,
};
