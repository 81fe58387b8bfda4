//! What is asked of a view, and what it answers.

use sealgate_model::{GrantId, SessionId, Timestamp};

/// What a credential says of itself, as far as revocation is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Credential<'a> {
    /// Its session, if it belongs to one.
    pub session: Option<SessionId>,
    /// The user it speaks for (`sub`), if any.
    pub subject: Option<&'a str>,
    /// The client it was given to.
    pub client: &'a str,
    /// The key that signed it, when the gate relies on that signature.
    pub key: Option<&'a str>,
    /// The tenant it was started for, if any.
    pub tenant: Option<&'a str>,
    /// The delegations it stands on, if any: it ends with each of them.
    pub grants: &'a [GrantId],
    /// Its own id (`jti`), when it is a token.
    pub token: Option<&'a str>,
    /// When the trust it carries began: the session's start, or the token's issue when there is no
    /// session. A time in whole seconds is rounded down, so that a tie counts as revoked.
    pub started_at: Timestamp,
}

/// What revokes a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBy {
    /// Everything is revoked.
    All,
    /// Its signing key.
    Key,
    /// Its client.
    Client,
    /// Its user.
    User,
    /// Its session.
    Session,
    /// Its tenant.
    Tenant,
    /// A delegation that it stands on.
    Grant,
    /// It alone.
    Token,
    /// Nothing is known to; but the view cannot be read as a whole, so that nothing may pass. The credential
    /// is none the worse for it: this is to be answered as a view that is stale.
    Unreadable,
}

/// What a view makes of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It is revoked, however old the view is. Never by [`RevokedBy::Unreadable`], which is [`Self::Stale`].
    Revoked(RevokedBy),
    /// It was not revoked, by all that was committed up to the staleness bound ago.
    Fresh,
    /// Whether it is revoked cannot be told right now.
    Stale,
}
