//! Sessions, their refresh tokens, and who is owed word of their end.

use sealgate_model::{
    ClientId, LogoutDeliveryId, RefreshId, SecretHash, SessionId, SignInId, TenantId, Timestamp,
    UserId,
};
use serde::Serialize;

use super::{GrantDetails, RevokeReason, UserRow};

/// One sign-in of one user on one client.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// `sid`.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// Where.
    pub client: ClientId,
    /// The browser sign-in it came from.
    #[serde(skip)]
    pub sign_in: SignInId,
    /// The scopes granted.
    pub scopes: Vec<String>,
    /// What else was granted with them; its tenant is the session's.
    pub details: GrantDetails,
    /// When the user proved who they are.
    pub auth_time: Timestamp,
    /// The methods used.
    pub methods: Vec<String>,
    /// When it started.
    pub created_at: Timestamp,
    /// When it was last renewed.
    pub renewed_at: Timestamp,
    /// The network address that its client last came from, as text, if it is known.
    pub network: Option<String>,
    /// From when on it cannot be renewed, whatever happens.
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked, if it was.
    pub revoked_for: Option<RevokeReason>,
}

/// Which sessions to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Only this user's.
    pub user: Option<UserId>,
    /// Only this client's.
    pub client: Option<ClientId>,
    /// Only those started for this tenant.
    pub tenant: Option<TenantId>,
    /// Only those alive at this time; without it revoked and expired ones are listed too.
    pub live_at: Option<Timestamp>,
}

/// Which sessions to revoke: those that fit everything that is named. With nothing named but the time,
/// every session.
#[derive(Debug, Clone)]
pub struct SessionSelector {
    /// Only this user's.
    pub user: Option<UserId>,
    /// Only this client's.
    pub client: Option<ClientId>,
    /// Only those started for this tenant.
    pub tenant: Option<TenantId>,
    /// Only those started at or before this. Where no client is named the browser sign-ins end too,
    /// and this is held against when the user proved who they are: what comes of an old sign-in is
    /// old.
    pub started_at_or_before: Timestamp,
}

/// A refresh token that has been issued.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The token's selector.
    pub id: RefreshId,
    /// The hash of the token's secret.
    pub secret_hash: SecretHash,
    /// The session it renews: its family.
    pub session: SessionId,
    /// The client it was given to.
    pub client: ClientId,
    /// How many rotations came before it.
    pub generation: u32,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
    /// The answer its use was given, sealed, to be replayed inside the grace window.
    pub answer: Option<String>,
}

/// A refresh token with all that decides whether it still renews.
#[derive(Debug, Clone)]
pub struct RefreshState {
    /// The token.
    pub token: RefreshToken,
    /// Its session.
    pub session: Session,
    /// The session's user.
    pub user: UserRow,
}

/// A back-channel logout (OpenID Connect Back-Channel Logout 1.0) that is owed to a client. Written in
/// the transaction that revokes the session, for clients that have asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutDelivery {
    /// Its id.
    pub id: LogoutDeliveryId,
    /// The client it is for. It may have been removed since.
    pub client: ClientId,
    /// Whose session ended.
    pub user: UserId,
    /// The session that ended; none: every session of the user on the client.
    pub session: Option<SessionId>,
    /// Where to, as registered when the session ended.
    pub uri: String,
    /// When the session ended.
    pub created_at: Timestamp,
    /// When to try next.
    pub next_try_at: Timestamp,
    /// How many tries have failed.
    pub attempts: u32,
}
