//! The words every room shares: ids, times, secrets, and what a process is handed by its host.
//!
//! This crate is pure: it reads no clock, draws no randomness and opens no socket. It only says
//! how those are asked for ([`Clock`], [`Random`]).

mod actor;
mod claim;
mod grant;
mod host;
mod id;
mod issuer_kind;
mod secret;
mod time;

pub use actor::{Actor, ActorKind, Agent, Machine, User};
pub use claim::{ClaimValue, ClaimValues};
pub use grant::Grant;
pub use host::{Clock, Random};
pub use id::{
    BootstrapId, ClientId, CodeId, DeviceId, GrantId, IdError, InvitationId, Issuer,
    LogoutDeliveryId, PushedId, RefreshId, RegistrationTokenId, SessionId, SignInId, StreamId,
    TenantId, TransmitterId, UserId,
};
pub use issuer_kind::IssuerKind;
pub use secret::{Secret, SecretHash};
pub use time::{Timestamp, Uptime};
