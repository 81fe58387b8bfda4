//! What a credential stands on, and which part of that has ended.

use sealgate_model::{ClientId, GrantId, SessionId, TenantId, Timestamp, UserId};

use super::Session;

/// What a credential, or what is on its way to become one, stands on. It falls with any part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footing {
    /// The client that it began on: the session's, or the one that a token without a session was given to.
    pub client: ClientId,
    /// The user, if it is about one.
    pub user: Option<UserId>,
    /// The tenant that it was started for.
    pub tenant: Option<TenantId>,
    /// When it began: the session's start, the moment at which a code was made or approved, or the issue of
    /// a token without a session. What is known in whole seconds is rounded down.
    pub started_at: Timestamp,
    /// Its session, if it has one already.
    pub session: Option<SessionId>,
    /// The delegations that it came by, the first one first.
    pub grants: Vec<GrantId>,
    /// The token, if it is one.
    pub token: Option<TokenFooting>,
}

impl Footing {
    /// The footing of a session, and so of all that it gives.
    pub fn of(session: &Session) -> Self {
        Self {
            client: session.client.clone(),
            user: Some(session.user),
            tenant: session.details.tenant.clone(),
            started_at: session.created_at,
            session: Some(session.id),
            grants: Vec::new(),
            token: None,
        }
    }

    /// The footing of a session that is about to start from what was made or approved at `started_at`.
    pub fn of_grant(session: &Session, started_at: Timestamp) -> Self {
        Self {
            started_at,
            session: None,
            ..Self::of(session)
        }
    }
}

/// What a token stands on beside its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFooting {
    /// Its `jti`.
    pub jti: String,
    /// When it was issued, in whole seconds: what it tells was so then.
    pub issued_at: Timestamp,
    /// The client that it was given to, and every other that acts by it.
    pub actors: Vec<ClientId>,
}

/// By what a credential has fallen: the first of these that applies, the widest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fallen {
    /// Everything of its time is revoked.
    All,
    /// What was started for its tenant.
    Tenant,
    /// What was started on its client, or had by a client that acts.
    Client,
    /// What its user started.
    User,
    /// A delegation that it came by.
    Grant,
    /// Its session has ended, or there is none.
    Session,
    /// It alone.
    Token,
    /// Nothing, but what it tells is not so any more.
    Outdated,
}
