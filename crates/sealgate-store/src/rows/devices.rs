//! Device authorization (RFC 8628): a code that one device asks for and a person approves on another.

use sealgate_model::{ClientId, DeviceId, SecretHash, SessionId, SignInId, Timestamp, UserId};

use super::GrantDetails;

/// A device code that has been issued. What the person types is not part of `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// The device code's selector.
    pub id: DeviceId,
    /// The hash of the device code's secret.
    pub secret_hash: SecretHash,
    /// What the person types: the letters alone, in upper case.
    pub user_code: String,
    /// The client that asked.
    pub client: ClientId,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// What else was asked for; from the approval on, what was granted.
    pub details: GrantDetails,
    /// The network address that asked, as text, to be shown to the person.
    pub network: Option<String>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// How many seconds the device must wait between polls; grows with each that comes too soon.
    pub interval: u32,
    /// When the device last polled.
    pub polled_at: Option<Timestamp>,
    /// Where it stands.
    pub state: DeviceState,
}

impl std::fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceCode({}, {:?})", self.id, self.state)
    }
}

/// Where a device code stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody has decided.
    Pending,
    /// A person has approved it.
    Approved(DeviceApproval),
    /// A person has refused it.
    Denied,
    /// It has started this session.
    Redeemed(SessionId),
}

/// Who approved a device code, and how they had proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceApproval {
    /// Who.
    pub user: UserId,
    /// The browser sign-in it was approved in.
    pub sign_in: SignInId,
    /// When the user proved who they are.
    pub auth_time: Timestamp,
    /// The methods used.
    pub methods: Vec<String>,
}

/// What a person decides about a device code.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, on its way to the store"
)]
pub enum DeviceDecision {
    /// Yes, with this.
    Approved {
        /// Who says so.
        approval: DeviceApproval,
        /// What is granted, in place of what was asked for.
        details: GrantDetails,
    },
    /// No.
    Denied,
}

/// A device code as a poll found it.
#[derive(Debug, Clone)]
pub struct Polled {
    /// The code, this poll noted unless it came too soon at the longest interval.
    pub device: DeviceCode,
    /// Whether the poll came before the interval was over; the interval has grown for it (RFC 8628, 3.5).
    pub too_soon: bool,
}
