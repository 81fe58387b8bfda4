//! Who passed the gate, and with what: what later checks, records and onward calls need to know.

use std::sync::Arc;

use sealgate_model::{Actor, GrantId, Secret, SessionId, Timestamp};
use sealgate_policy::mapping::MappingMark;
use sealgate_revocation::Credential;

/// Who passed the gate, and with what.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Arc<Actor>,
    /// With what.
    pub credential: Arc<CredentialInfo>,
    /// The mapping by which the actor has these roles and scopes; none: as the issuer tells them.
    pub mapping: Option<Arc<MappingMark>>,
    /// The policies that let them in, or did not, by their ids with commas between: for records. As many of them are
    /// told as there is room for.
    pub decided_by: Option<Arc<str>>,
}

impl Caller {
    /// `actor` of `issuer` as a test of an application puts it there: no revocation and no end of time
    /// reaches it.
    pub fn for_test(actor: Actor, issuer: &str) -> Self {
        let client = match &actor {
            Actor::User(user) => user.client.as_deref(),
            Actor::Machine(machine) => Some(&*machine.client),
            Actor::Agent(agent) => Some(&*agent.id),
        };
        let credential = CredentialInfo {
            kind: CredentialKind::Test,
            issuer: issuer.to_owned(),
            session: None,
            subject: actor.human().map(|user| user.id.clone()),
            client: client.unwrap_or("test").to_owned(),
            key: None,
            token: None,
            tenant: None,
            grants: Vec::new(),
            started_at: Timestamp::from_seconds(0),
            told_at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(253_402_300_799),
            subject_token: None,
            subject_token_until: Timestamp::from_seconds(0),
            acting: Vec::new(),
            signs_in: true,
            server: None,
        };
        Self {
            actor: Arc::new(actor),
            credential: Arc::new(credential),
            mapping: None,
            decided_by: None,
        }
    }
}

/// How a credential is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A sealed session in a cookie.
    Session,
    /// A bearer token (RFC 6750).
    Bearer,
    /// A token bound to a key that the caller has proven to hold (RFC 9449).
    Dpop,
    /// Not at all: a test of the application put the actor there.
    Test,
}

impl CredentialKind {
    /// The word for it in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Bearer => "bearer",
            Self::Dpop => "dpop",
            Self::Test => "test",
        }
    }
}

/// A credential that was accepted, without what made it one.
#[derive(Debug)]
pub struct CredentialInfo {
    /// How it was presented.
    pub kind: CredentialKind,
    /// Who vouches for it. Ids are one issuer's: two issuers may give two actors the same.
    pub issuer: String,
    /// The session that it belongs to.
    pub session: Option<SessionId>,
    /// The user it speaks for (`sub`), if any.
    pub subject: Option<String>,
    /// The client it was given to.
    pub client: String,
    /// The further clients that act for the user with it (`act`, RFC 8693, 4.1).
    pub acting: Vec<String>,
    /// The key that signed it.
    pub key: Option<String>,
    /// Its own id (`jti`), when it is a token.
    pub token: Option<String>,
    /// The organisation it was given for, if any.
    pub tenant: Option<String>,
    /// The delegations that it stands on, the first one first.
    pub grants: Vec<GrantId>,
    /// When the trust it carries began.
    pub started_at: Timestamp,
    /// As of when the issuer told what it says of its user and its client, by the issuer's clock.
    pub told_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// What a token for another resource is had for, on the caller's behalf (RFC 8693): the session's
    /// refresh token, or the access token itself.
    pub(crate) subject_token: Option<Secret>,
    /// Until when that is surely the newest: a refresh token is replaced when its session is renewed, and
    /// one that was replaced must not be presented. Of an access token its end.
    pub(crate) subject_token_until: Timestamp,
    /// Whether the issuer where users sign in vouches for it, and not a further one.
    pub(crate) signs_in: bool,
    /// The MCP server that it was judged for; nothing where it was for the application itself.
    pub(crate) server: Option<String>,
}

impl CredentialInfo {
    /// About how many bytes it takes up.
    pub(crate) fn size(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let acting: usize = self
            .acting
            .iter()
            .map(|id| id.len() + size_of::<String>())
            .sum();
        let token = self.subject_token.as_ref();
        token.map_or(0, |token| token.expose().len())
            + text(&self.subject)
            + text(&self.key)
            + text(&self.token)
            + self.client.len()
            + self.issuer.len()
            + text(&self.tenant)
            + text(&self.server)
            + self.grants.len() * size_of::<GrantId>()
            + acting
    }

    /// The credential as revocations know it, after the further clients that act by it: it ends with any of them.
    pub(crate) fn grounds(&self) -> impl Iterator<Item = Credential<'_>> {
        let acting = self.acting.iter().map(|client| Credential {
            tenant: None,
            grants: &[],
            session: None,
            subject: None,
            client,
            key: None,
            token: None,
            started_at: self.started_at,
        });
        acting.chain([self.revocable()])
    }

    /// The credential as revocations know it.
    pub(crate) fn revocable(&self) -> Credential<'_> {
        Credential {
            tenant: self.tenant.as_deref(),
            grants: &self.grants,
            session: self.session,
            subject: self.subject.as_deref(),
            client: &self.client,
            key: self.key.as_deref(),
            token: self.token.as_deref(),
            started_at: self.started_at,
        }
    }
}
