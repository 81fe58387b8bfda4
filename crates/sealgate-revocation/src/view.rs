//! The view: what is revoked, kept to answer one question without allocating.

use std::collections::HashMap;
use std::time::Duration;

use sealgate_model::{GrantId, SessionId, Timestamp};

use crate::{Entry, Subject};

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
}

/// What is revoked. It only grows, and forgets only what has expired: nothing that comes later, from
/// whatever history, makes a revoked credential good again.
#[derive(Debug, Clone, Default)]
pub struct View {
    sessions: HashMap<SessionId, Span>,
    users: HashMap<Box<str>, NotBefore>,
    clients: HashMap<Box<str>, NotBefore>,
    keys: HashMap<Box<str>, Timestamp>,
    tokens: HashMap<Box<str>, Span>,
    tenants: HashMap<Box<str>, NotBefore>,
    grants: HashMap<GrantId, Span>,
    user_claims: HashMap<Box<str>, NotBefore>,
    client_claims: HashMap<Box<str>, NotBefore>,
    all: Option<NotBefore>,
}

#[derive(Debug, Clone, Copy)]
struct NotBefore {
    at: Timestamp,
    expires_at: Timestamp,
}

impl NotBefore {
    /// The most restrictive of two.
    fn merge(self, other: Self) -> Self {
        Self {
            at: self.at.max(other.at),
            expires_at: self.expires_at.max(other.expires_at),
        }
    }

    fn covers(self, started_at: Timestamp) -> bool {
        started_at <= self.at
    }
}

/// A session's or token's expiry as a count of four-hour spans since 2026-01-01, rounded up: two bytes instead
/// of eight keep a million sessions under 40 MB. It runs out in 2055; what lies past that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span(u16);

impl Span {
    const ORIGIN: i64 = 1_767_225_600_000;
    const MILLIS: i64 = 4 * 3600 * 1000;

    fn after(time: Timestamp) -> Self {
        let spans = (time.as_millis().saturating_sub(Self::ORIGIN))
            .div_euclid(Self::MILLIS)
            .saturating_add(1);
        Self(u16::try_from(spans.max(0)).unwrap_or(u16::MAX))
    }

    fn is_over(self, now: Timestamp) -> bool {
        self.0 != u16::MAX && i64::from(self.0) * Self::MILLIS + Self::ORIGIN <= now.as_millis()
    }
}

impl View {
    /// Nothing is revoked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a revocation. Several that concern one subject add up to the most restrictive.
    pub fn insert(&mut self, entry: &Entry) {
        let expires_at = entry.expires_at;
        match &entry.subject {
            Subject::Session(id) => {
                let span = Span::after(expires_at);
                self.sessions
                    .entry(*id)
                    .and_modify(|known| *known = span.max(*known))
                    .or_insert(span);
            }
            Subject::User { sub, not_before } => {
                restrict(
                    &mut self.users,
                    sub,
                    NotBefore {
                        at: *not_before,
                        expires_at,
                    },
                );
            }
            Subject::Client { client, not_before } => {
                restrict(
                    &mut self.clients,
                    client.as_str(),
                    NotBefore {
                        at: *not_before,
                        expires_at,
                    },
                );
            }
            Subject::Key { kid } => {
                let known = self.keys.entry(kid.as_str().into()).or_insert(expires_at);
                *known = expires_at.max(*known);
            }
            Subject::Token { jti } => {
                let span = Span::after(expires_at);
                let known = self.tokens.entry(jti.as_str().into()).or_insert(span);
                *known = span.max(*known);
            }
            Subject::Tenant { tenant, not_before } => {
                let at = *not_before;
                restrict(
                    &mut self.tenants,
                    tenant.as_str(),
                    NotBefore { at, expires_at },
                );
            }
            Subject::Grant(id) => {
                let span = Span::after(expires_at);
                let known = self.grants.entry(*id).or_insert(span);
                *known = span.max(*known);
            }
            Subject::UserClaims { sub, not_before } => {
                let at = *not_before;
                restrict(&mut self.user_claims, sub, NotBefore { at, expires_at });
            }
            Subject::ClientClaims { client, not_before } => {
                let at = *not_before;
                restrict(
                    &mut self.client_claims,
                    client.as_str(),
                    NotBefore { at, expires_at },
                );
            }
            Subject::All { not_before } => {
                let new = NotBefore {
                    at: *not_before,
                    expires_at,
                };
                self.all = Some(self.all.map_or(new, |known| known.merge(new)));
            }
        }
    }

    /// What revokes `credential`, the widest first; none if nothing does. Started at the very moment
    /// of a "not before" counts as revoked.
    pub fn check(&self, credential: &Credential<'_>) -> Option<RevokedBy> {
        let started_at = credential.started_at;
        let covers = |known: &NotBefore| known.covers(started_at);
        if self.all.as_ref().is_some_and(covers) {
            return Some(RevokedBy::All);
        }
        if credential
            .tenant
            .and_then(|tenant| self.tenants.get(tenant))
            .is_some_and(covers)
        {
            return Some(RevokedBy::Tenant);
        }
        if credential
            .key
            .is_some_and(|kid| self.keys.contains_key(kid))
        {
            return Some(RevokedBy::Key);
        }
        if self.clients.get(credential.client).is_some_and(covers) {
            return Some(RevokedBy::Client);
        }
        if credential
            .subject
            .and_then(|sub| self.users.get(sub))
            .is_some_and(covers)
        {
            return Some(RevokedBy::User);
        }
        let mut grants = credential.grants.iter();
        if grants.any(|id| self.grants.contains_key(id)) {
            return Some(RevokedBy::Grant);
        }
        if credential
            .session
            .is_some_and(|id| self.sessions.contains_key(&id))
        {
            return Some(RevokedBy::Session);
        }
        if credential
            .token
            .is_some_and(|jti| self.tokens.contains_key(jti))
        {
            return Some(RevokedBy::Token);
        }
        None
    }

    /// Whether what a credential says of its user or its client, written at `told_at`, has changed since or
    /// at that moment: nothing of it may be believed before it has been asked for anew. A time in whole
    /// seconds is rounded down.
    pub fn is_outdated(&self, subject: Option<&str>, client: &str, told_at: Timestamp) -> bool {
        let covers = |known: &NotBefore| known.covers(told_at);
        self.client_claims.get(client).is_some_and(covers)
            || subject
                .and_then(|sub| self.user_claims.get(sub))
                .is_some_and(covers)
    }

    /// Forgets what expired at or before `now`; sessions and tokens up to four hours later than that.
    pub fn sweep(&mut self, now: Timestamp) {
        self.sessions.retain(|_, span| !span.is_over(now));
        self.users.retain(|_, known| known.expires_at > now);
        self.clients.retain(|_, known| known.expires_at > now);
        self.keys.retain(|_, expires_at| *expires_at > now);
        self.tokens.retain(|_, span| !span.is_over(now));
        self.tenants.retain(|_, known| known.expires_at > now);
        self.grants.retain(|_, span| !span.is_over(now));
        self.user_claims.retain(|_, known| known.expires_at > now);
        self.client_claims.retain(|_, known| known.expires_at > now);
        self.all = self.all.filter(|known| known.expires_at > now);
        // A wave of revocations should not hold its memory for ever.
        if self.sessions.capacity() / 8 > self.sessions.len() {
            self.sessions.shrink_to(self.sessions.len() * 2);
        }
        if self.tokens.capacity() / 8 > self.tokens.len() {
            self.tokens.shrink_to(self.tokens.len() * 2);
        }
    }

    /// Makes room for `sessions` more of them at once.
    pub(crate) fn reserve(&mut self, sessions: usize) {
        self.sessions.reserve(sessions);
    }

    /// How many revocations it holds.
    pub fn len(&self) -> usize {
        self.sessions.len()
            + self.users.len()
            + self.clients.len()
            + self.keys.len()
            + self.tokens.len()
            + self.tenants.len()
            + self.grants.len()
            + self.user_claims.len()
            + self.client_claims.len()
            + usize::from(self.all.is_some())
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How far clocks may disagree before an expired entry is missed.
pub(crate) const SKEW: Duration = Duration::from_secs(300);

fn restrict(map: &mut HashMap<Box<str>, NotBefore>, name: &str, new: NotBefore) {
    let known = map.entry(name.into()).or_insert(new);
    *known = known.merge(new);
}

#[cfg(test)]
mod tests;
