//! Streams of the Shared Signals transmitter, and the signals that are owed on them.

use sealgate_model::{ClientId, SessionId, StreamId, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whether a stream carries anything (SSF 1.0, 8.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamStatus {
    /// It does.
    Enabled,
    /// What happens is kept until it is enabled again.
    Paused,
    /// It does not, and nothing is kept.
    Disabled,
}

impl StreamStatus {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Enabled, Self::Paused, Self::Disabled];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

/// What a signal tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalKind {
    /// A session was revoked.
    SessionRevoked,
    /// A credential was made or changed.
    CredentialChange,
    /// What tokens say of a user has changed.
    ClaimsChange,
    /// A session started.
    SessionEstablished,
    /// An account was disabled.
    AccountDisabled,
    /// An account was enabled again.
    AccountEnabled,
    /// The receiver asked whether the stream works.
    Verification,
    /// The transmitter changed the stream's status, or has lost signals.
    StreamUpdated,
}

impl SignalKind {
    /// Every value.
    pub const ALL: [Self; 8] = [
        Self::SessionRevoked,
        Self::CredentialChange,
        Self::ClaimsChange,
        Self::SessionEstablished,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::Verification,
        Self::StreamUpdated,
    ];

    /// The word for it in stored rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionRevoked => "session-revoked",
            Self::CredentialChange => "credential-change",
            Self::ClaimsChange => "claims-change",
            Self::SessionEstablished => "session-established",
            Self::AccountDisabled => "account-disabled",
            Self::AccountEnabled => "account-enabled",
            Self::Verification => "verification",
            Self::StreamUpdated => "stream-updated",
        }
    }
}

/// Where a stream's signals are pushed (RFC 8935).
#[derive(Clone, PartialEq, Eq)]
pub struct PushTarget {
    /// The receiver's URL.
    pub url: String,
    /// The `Authorization` header to send, sealed.
    pub sealed_authorization: Option<String>,
}

impl std::fmt::Debug for PushTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PushTarget({})", self.url)
    }
}

/// What a receiver has a say in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    /// Where to push; none: the receiver polls.
    pub push: Option<PushTarget>,
    /// The event types that it asked for, by URI, as it named them; none: it named none.
    pub requested: Option<Vec<String>>,
    /// What it is told of.
    pub kinds: Vec<SignalKind>,
    /// What it says of the stream, for people.
    pub description: Option<String>,
}

/// A stream to a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Its id.
    pub id: StreamId,
    /// The client that receives it, and alone manages it.
    pub client: ClientId,
    /// What the client has a say in.
    pub config: StreamConfig,
    /// Whether it carries anything.
    pub status: StreamStatus,
    /// Why it has this status.
    pub status_reason: Option<String>,
    /// Whether the status is an operator's, which the receiver cannot change.
    pub held: bool,
    /// After how many seconds without a word of the receiver it is paused.
    pub inactivity: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its receiver was last heard of, to a minute.
    pub active_at: Timestamp,
    /// When a verification was last asked for.
    pub verified_at: Option<Timestamp>,
    /// How many signals wait.
    pub queued: u64,
    /// How many were delivered.
    pub delivered: u64,
    /// How many were lost: the queue was full, they became too old, or the receiver refused them.
    pub dropped: u64,
    /// How many tries to push have failed in a row.
    pub failures: u32,
    /// When to push next.
    pub next_try_at: Timestamp,
    /// What went wrong last, as a reason code, and when.
    pub last_error: Option<(String, Timestamp)>,
}

/// A signal that is owed on a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// On which.
    pub stream: StreamId,
    /// Its number on that stream, from 1; never given twice in one history.
    pub number: u64,
    /// What it tells.
    pub kind: SignalKind,
    /// When that happened.
    pub at: Timestamp,
    /// Of whom.
    pub user: Option<UserId>,
    /// Of which session.
    pub session: Option<SessionId>,
    /// For which tenant the session was started.
    pub tenant: Option<TenantId>,
    /// Why, as a word: of a revoked session one of [`crate::RevokeReason`].
    pub reason: Option<String>,
    /// What else it tells, as its kind has it.
    pub details: Option<Value>,
    /// The number of the audit record of the act that set it off.
    pub cause: i64,
    /// Who did that, as the record names them, if it is known.
    pub actor: Option<String>,
}

/// What came of asking for a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It is on its way.
    Queued,
    /// It was asked for too soon; after this many milliseconds it may be again.
    TooSoon(u64),
    /// There is no such stream, or it is disabled.
    Missing,
}

/// What became of signals that leave the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// The receiver has them.
    Delivered,
    /// The receiver does not take them, for this reason.
    Refused(&'static str),
}
