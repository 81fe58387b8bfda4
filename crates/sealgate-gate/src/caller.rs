//! Who passed the gate, and with what: what later checks, records and onward calls need to know.

use std::sync::Arc;

use sealgate_model::{Actor, Secret, SessionId, Timestamp};
use sealgate_revocation::Credential;

/// Who passed the gate, and with what.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Arc<Actor>,
    /// With what.
    pub credential: Arc<CredentialInfo>,
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
}

impl CredentialKind {
    /// The word for it in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Bearer => "bearer",
            Self::Dpop => "dpop",
        }
    }
}

/// A credential that was accepted, without what made it one.
#[derive(Debug)]
pub struct CredentialInfo {
    /// How it was presented.
    pub kind: CredentialKind,
    /// The session that it belongs to.
    pub session: Option<SessionId>,
    /// The user it speaks for (`sub`), if any.
    pub subject: Option<String>,
    /// The client it was given to.
    pub client: String,
    /// The key that signed it.
    pub key: Option<String>,
    /// Its own id (`jti`), when it is a token.
    pub token: Option<String>,
    /// When the trust it carries began.
    pub started_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// What a token for another resource is had for, on the caller's behalf (RFC 8693): the session's
    /// refresh token, or the access token itself.
    pub(crate) subject_token: Option<Secret>,
}

impl CredentialInfo {
    /// The credential as revocations know it.
    pub(crate) fn revocable(&self) -> Credential<'_> {
        Credential {
            session: self.session,
            subject: self.subject.as_deref(),
            client: &self.client,
            key: self.key.as_deref(),
            token: self.token.as_deref(),
            started_at: self.started_at,
        }
    }
}
