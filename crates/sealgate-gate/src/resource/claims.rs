//! What an access token says, in this product's words, whoever issued it: what it is held against, and
//! whom it makes of whoever presents it.

use std::sync::Arc;
use std::time::Duration;

use sealgate_jose::{Expect, Verified};
use sealgate_model::{Actor, Agent, GrantId, Machine, Secret, SessionId, Timestamp, User};

use super::judged::Judged;
use crate::caller::{Caller, CredentialInfo, CredentialKind};
use crate::denial::Denial;
use crate::policy::Remembered;

/// How one issuer writes its access tokens.
pub(crate) trait ClaimsMap: Send + Sync {
    /// What their header must be like.
    fn expect(&self) -> Expect<'_>;

    /// Reads the claims of a token that is verified. Whatever is there has its type, or the token is refused.
    /// The error is for the log and holds no value of the token.
    fn read(&self, verified: &Verified) -> Result<TokenClaims, &'static str>;
}

/// The claims of a token, each as it must be; [`Self::check`] holds them against this resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenClaims {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    /// Whom it is about.
    pub(crate) subject: Subject,
    /// The client that it was given to.
    pub(crate) client: String,
    /// Its own id; only another provider's may have none.
    pub(crate) token: Option<String>,
    pub(crate) issued_at: Timestamp,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) expires_at: Timestamp,
    /// The session that it belongs to.
    pub(crate) session: Option<SessionId>,
    pub(crate) scopes: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) tenant: Option<String>,
    /// The delegations that it stands on, the first one first.
    pub(crate) grants: Vec<GrantId>,
    /// Who acts for the subject, nearest first (`act`, RFC 8693, 4.1).
    pub(crate) acting: Vec<Acting>,
    /// The thumbprint of the key that it is bound to (RFC 9449, 6.1).
    pub(crate) bound_to: Option<String>,
}

/// Whom a token is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A human.
    User {
        id: String,
        email: Option<String>,
        name: Option<String>,
        acr: Option<String>,
        authenticated_at: Option<Timestamp>,
    },
    /// A service, job or workload, for itself.
    Machine { id: String },
    /// An AI client, for itself.
    Agent { id: String },
}

/// One of those who act for the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acting {
    pub(crate) id: String,
    /// Whether it is an AI client.
    pub(crate) is_agent: bool,
}

/// What the claims must agree with.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) audiences: &'a [String],
    pub(crate) leeway: Duration,
    /// Whether it is the issuer where users sign in, whose revocations are known.
    pub(crate) signs_in: bool,
    /// Whether it is the control plane whose mapping is applied.
    pub(crate) own: bool,
    /// The MCP server that is asked, if it is one.
    pub(crate) server: Option<&'a str>,
}

impl TokenClaims {
    /// Whether the token is of this issuer and for this resource: what never changes about it.
    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<(), Denial> {
        if self.issuer != expected.issuer {
            return Err(Denial::TokenIssuer);
        }
        let is_ours = |audience: &String| expected.audiences.contains(audience);
        if self.audiences.iter().any(is_ours) {
            Ok(())
        } else {
            Err(Denial::TokenAudience)
        }
    }

    /// What is to be known of `token`, of which these are the claims, signed by key `kid`.
    pub(super) fn judged(self, token: &str, kid: &str, expected: &Expected<'_>) -> Judged {
        let leeway = expected.leeway;
        let client = self.client.clone();
        let acting = self.acting.iter().map(|acting| acting.id.clone());
        let earliest = self
            .not_before
            .map_or(self.issued_at, |not_before| not_before.max(self.issued_at));
        let credential = CredentialInfo {
            kind: match self.bound_to {
                Some(_) => CredentialKind::Dpop,
                None => CredentialKind::Bearer,
            },
            issuer: self.issuer.clone(),
            session: self.session,
            subject: match &self.subject {
                Subject::User { id, .. } => Some(id.clone()),
                Subject::Machine { .. } | Subject::Agent { .. } => None,
            },
            acting: acting.filter(|acting| *acting != client).collect(),
            key: Some(kid.to_owned()).filter(|kid| !kid.is_empty()),
            token: self.token.clone(),
            tenant: self.tenant.clone(),
            grants: self.grants.clone(),
            started_at: self.issued_at,
            told_at: self.issued_at,
            expires_at: self.expires_at + leeway,
            subject_token: Some(Secret::new(token)),
            subject_token_until: self.expires_at,
            signs_in: expected.signs_in,
            server: expected.server.map(str::to_owned),
            client,
        };
        Judged {
            from: earliest - leeway,
            bound_to: self.bound_to.clone(),
            caller: Caller {
                actor: Arc::new(self.into_actor()),
                credential: Arc::new(credential),
                mapping: None,
                decided_by: None,
            },
            own: expected.own,
            mapped: Remembered::default(),
        }
    }

    /// Of several agents in a row, it is the nearest who calls; those behind it passed the call on to it.
    fn into_actor(self) -> Actor {
        let (id, email, name, acr, authenticated_at) = match self.subject {
            Subject::Machine { id } => {
                return Actor::Machine(Machine {
                    id,
                    client: self.client,
                    scopes: self.scopes,
                    roles: self.roles,
                    tenant: self.tenant,
                });
            }
            Subject::Agent { id } => {
                return Actor::Agent(Agent {
                    id,
                    scopes: self.scopes,
                    roles: self.roles,
                    tenant: self.tenant,
                    user: None,
                    via: Vec::new(),
                });
            }
            Subject::User {
                id,
                email,
                name,
                acr,
                authenticated_at,
            } => (id, email, name, acr, authenticated_at),
        };
        let mut user = User {
            id,
            email,
            name,
            scopes: self.scopes,
            roles: self.roles,
            tenant: self.tenant,
            acr,
            authenticated_at,
            client: Some(self.client),
            via: Vec::new(),
        };
        let ids = |acting: &[Acting]| acting.iter().map(|acting| acting.id.clone()).collect();
        let Some(at) = self.acting.iter().position(|acting| acting.is_agent) else {
            user.via = ids(&self.acting);
            return Actor::User(user);
        };
        user.via = ids(&self.acting[at + 1..]);
        Actor::Agent(Agent {
            id: self.acting[at].id.clone(),
            scopes: user.scopes.clone(),
            roles: user.roles.clone(),
            tenant: user.tenant.clone(),
            via: ids(&self.acting[..at]),
            user: Some(Box::new(user)),
        })
    }
}
