//! What is stored, as typed rows.

mod agents;
mod anomalies;
mod chain;
mod clients;
mod codes;
mod declarations;
mod delegations;
mod devices;
mod footing;
mod issuers;
mod keys;
mod machines;
mod page;
mod policies;
mod registrations;
mod revocations;
mod sessions;
mod sign_ins;
mod sinks;
mod streams;
mod transmitters;
mod users;

pub use agents::{AgentRow, Withdrawn};
pub use anomalies::{
    AnomalyFilter, AnomalyProgress, AnomalyRaise, AnomalyRaised, AnomalyRow, AnomalyState,
    GateReportRow, GateRoutes, OTHERS,
};
pub use chain::{
    AuditKey, ChainHead, Checkpoint, Hold, HoldScope, NetworkDetail, RetireSlice, RetiredSlice,
};
pub use clients::{
    Client, ClientAuthentication, ClientDetails, ClientKind, ClientOrigin, Consent, ConsentRow,
    GrantedTogether, MachineIdentity, MachineProfile, OwnWords, Resource, ScopeText, ToolText,
};
pub use codes::{Code, GrantDetails, PushedRequest};
pub use declarations::{
    Declarable, DeclarationRow, Declared, DeclaredChange, DeclaredWord, KeySchedule,
};
pub use delegations::{DelegationFilter, DelegationRow, NewDelegation};
pub use devices::{DeviceApproval, DeviceCode, DeviceDecision, DeviceState, Polled};
pub use footing::{Fallen, Footing, TokenFooting};
pub use issuers::{IdentityIssuer, IdentityLink, IssuerDetails, Vouched, VouchedFor};
pub use keys::{KeyRow, KeyState};
pub use machines::{
    Bootstrap, ClientUse, Enrolled, MachineRow, MachineUses, Offboarded, UseKind, Used,
};
pub use page::Page;
pub use policies::{NewPolicy, PolicyApplied, PolicyVersion, StoredPolicy};
pub use registrations::{OwnClientAdded, OwnClientBounds, RegistrationToken, Unused};
pub use revocations::{
    HistoryMark, Restored, Revocation, RevokeReason, Revoked, SeenRevocations, TokenRevocation,
};
pub use sessions::{
    LogoutDelivery, RefreshState, RefreshToken, Session, SessionFilter, SessionSelector,
};
pub use sign_ins::SignIn;
pub use sinks::{NewSink, Sink, SinkPlaces, SinkSource, SinkStart};
pub use streams::{
    PushTarget, Settled, Signal, SignalKind, Stream, StreamConfig, StreamStatus, Verification,
};
pub use transmitters::{Listed, ListedDetails, ListedPlace, Poll, Transmitter};
pub use users::{Invitation, UserChange, UserRow, UserStatus};
