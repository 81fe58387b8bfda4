//! The revocation log, and why what it tells of ended.

use sealgate_model::{ClientId, GrantId, SessionId, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What is revoked. For a user, a client and everything it is what started at or before the entry's
/// time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// One session.
    Session(SessionId),
    /// What a user started.
    User(UserId),
    /// What was started on a client.
    Client(ClientId),
    /// Everything.
    All,
    /// Whatever this signing key has signed or will sign.
    Key(String),
    /// One access token, by its `jti`.
    Token(String),
    /// What was started for a tenant.
    Tenant(TenantId),
    /// One delegation, and whatever was had by it.
    Grant(GrantId),
    /// What is told of a user: it ends nothing, and has to be asked for anew.
    UserClaims(UserId),
    /// What is told of a client, likewise.
    ClientClaims(ClientId),
    /// Bundles of policies that were made until then: gates decide by a newer one.
    Policy,
}

/// An entry of the revocation log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its place in the log: gapless, from 1.
    pub seq: u64,
    /// What is revoked.
    pub what: Revoked,
    /// When. For a "not before" subject, sessions started at or before this are revoked.
    pub at: Timestamp,
    /// The client that can see it; none: every client.
    pub client: Option<ClientId>,
    /// From when on nothing that it revokes can still be alive, so that it may be forgotten.
    pub expires_at: Timestamp,
    /// Why, as a word for people's eyes; nothing is decided by it.
    pub reason: Option<String>,
}

/// How far one history of revocations had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryMark {
    /// Which history: what [`crate::Store::epoch`] tells.
    pub history: String,
    /// The number of its last entry.
    pub seq: u64,
}

/// A database that was put back from a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// How far it knew its history.
    pub known: HistoryMark,
    /// How far somebody else knew it.
    pub shown: HistoryMark,
}

/// What one client sees of the log at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenRevocations {
    /// The number of the last entry, visible or not; 0 if there is none.
    pub head: u64,
    /// The number of the last visible one that has not expired; 0 if there is none.
    pub newest: u64,
    /// Sessions, by when none of them can be alive any more.
    pub sessions: Vec<(Timestamp, Vec<SessionId>)>,
    /// Everything else, in order.
    pub others: Vec<Revocation>,
}

/// The revocation of one access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRevocation {
    /// Its `jti`.
    pub jti: String,
    /// The client that it was given to, which hears of it in any case.
    pub client: ClientId,
    /// Who else hears of it: the clients that may be asked to take the token. None: every client.
    pub others: Option<Vec<ClientId>>,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeReason {
    /// The user signed out.
    Logout,
    /// An administrator revoked it.
    Admin,
    /// The account was disabled.
    UserDisabled,
    /// A refresh token was presented again after its grace window.
    RefreshReuse,
    /// An authorization code was presented again.
    CodeReuse,
    /// The client asked for it (RFC 7009).
    ClientRevoked,
    /// The user's password was set anew.
    PasswordReset,
    /// The user took back what the client was granted.
    ConsentWithdrawn,
    /// The client was removed.
    ClientRemoved,
    /// The key that signed its tokens was revoked.
    KeyRevoked,
    /// Every session of the tenant was revoked.
    TenantRevoked,
    /// Another identity system, which is listened to, said so.
    Signal,
    /// Everything before a time was revoked.
    Everything,
    /// The database was put back from a copy.
    Restored,
}

impl RevokeReason {
    /// Every value.
    pub const ALL: [Self; 14] = [
        Self::Logout,
        Self::Admin,
        Self::UserDisabled,
        Self::RefreshReuse,
        Self::CodeReuse,
        Self::ClientRevoked,
        Self::PasswordReset,
        Self::ConsentWithdrawn,
        Self::ClientRemoved,
        Self::KeyRevoked,
        Self::TenantRevoked,
        Self::Signal,
        Self::Everything,
        Self::Restored,
    ];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Admin => "admin",
            Self::UserDisabled => "user_disabled",
            Self::RefreshReuse => "refresh_reuse",
            Self::CodeReuse => "code_reuse",
            Self::ClientRevoked => "client_revoked",
            Self::PasswordReset => "password_reset",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::ClientRemoved => "client_removed",
            Self::KeyRevoked => "key_revoked",
            Self::TenantRevoked => "tenant_revoked",
            Self::Signal => "signal",
            Self::Everything => "everything",
            Self::Restored => "restored",
        }
    }
}
