//! What the control plane remembers: the [`Store`] trait and its homes.
//!
//! Every write is one transaction that also holds its audit record, so that nothing happens off the
//! record and no record tells of what did not happen. A write that may or may not have committed is
//! [`StoreError::Unavailable`], never a refusal: callers answer 503 and the caller tries again.

mod audit;
pub mod decisions;
mod error;
mod outcome;
mod rows;
mod sqlite;
mod store;

pub use audit::{ActorType, Audit, AuditActor, AuditFilter, AuditRow, CredentialType, Outcome};
pub use decisions::{DecisionLog, NoDecisions, SqliteDecisions};
pub use error::StoreError;
pub use outcome::{Accepted, Delegated, Redeemed, Rotated, Swept};
pub use rows::{AgentRow, Withdrawn};
pub use rows::{
    AnomalyFilter, AnomalyProgress, AnomalyRaise, AnomalyRaised, AnomalyRow, AnomalyState,
    GateReportRow, GateRoutes, OTHERS,
};
pub use rows::{
    AuditKey, ChainHead, Checkpoint, Hold, HoldScope, NetworkDetail, RetireSlice, RetiredSlice,
};
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
pub use rows::{Declarable, DeclarationRow, Declared, DeclaredChange, DeclaredWord, KeySchedule};
pub use rows::{HistoryMark, Restored, SeenRevocations};
pub use rows::{IdentityIssuer, IdentityLink, IssuerDetails, Vouched, VouchedFor};
pub use rows::{NewPolicy, PolicyApplied, PolicyVersion, StoredPolicy};
pub use rows::{NewSink, Sink, SinkPlaces, SinkSource, SinkStart};
pub use rows::{OwnClientAdded, OwnClientBounds, RegistrationToken, Unused};
pub use rows::{
    PushTarget, Settled, Signal, SignalKind, Stream, StreamConfig, StreamStatus, Verification,
};
pub use sqlite::{ChainFile, SqliteStore};
pub use store::{
    AgentStore, AnomalyStore, ChainStore, DeclarationStore, DelegationStore, ExportStore,
    IssuerStore, JudgeCheckpoint, MachineStore, PolicyStore, ReceiverStore, RegistrationStore,
    Store, StreamStore,
};
