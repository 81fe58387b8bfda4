//! Delegations: one client's leave to act for a user, out of one session (RFC 8693).

use sealgate_model::{ClientId, GrantId, SessionId, Timestamp, UserId};
use serde::Serialize;

use super::RevokeReason;

/// A delegation. All the tokens of one client that were exchanged within one session, for the same kind of
/// subject token, belong to the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DelegationRow {
    /// Its id, one of the `grants` of its tokens.
    pub id: GrantId,
    /// The session it is out of.
    pub session: SessionId,
    /// The session's user.
    pub user: UserId,
    /// The client that acts.
    pub client: ClientId,
    /// The delegation whose token was exchanged; none: a token of the session itself.
    pub parent: Option<GrantId>,
    /// What tokens were exchanged for, sorted.
    pub resources: Vec<String>,
    /// When it was first used.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// When its session ends at the latest.
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked, if it was.
    pub revoked_for: Option<RevokeReason>,
}

/// An exchange that is about to be put on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelegation {
    /// The delegation that its token names: the one that there is, or a fresh id for a first one.
    pub id: GrantId,
    /// The session.
    pub session: SessionId,
    /// The client that acts.
    pub client: ClientId,
    /// The delegation whose token is exchanged; none: a token of the session itself.
    pub parent: Option<GrantId>,
    /// What the token is for.
    pub resources: Vec<String>,
}

/// Which delegations to list: those that fit everything that is named.
#[derive(Debug, Clone, Default)]
pub struct DelegationFilter {
    /// Only those out of this session.
    pub session: Option<SessionId>,
    /// Only those out of this user's sessions.
    pub user: Option<UserId>,
    /// Only those by which this client acts.
    pub client: Option<ClientId>,
    /// Only those good at this time; without it revoked and ended ones are listed too.
    pub live_at: Option<Timestamp>,
}
