//! The audit record that every write carries.

use sealgate_model::{ClientId, SessionId, Timestamp, UserId};
use serde::Serialize;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum AuditActor {
    /// A signed-in or signing-in user.
    User(UserId),
    /// An OAuth client at one of the endpoints.
    Client(ClientId),
    /// Somebody with access to the machine: the administration socket or the data directory.
    Operator,
    /// Nobody known (yet).
    Anonymous,
    /// The control plane itself, on a schedule or in its own defence.
    System,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was allowed and done.
    Allowed,
    /// It was refused.
    Denied,
}

impl Outcome {
    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }
}

/// An act, as handed to the write that does it. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// The client through which a user did it, by an access token.
    pub through: Option<ClientId>,
    /// The session that the access token belongs to.
    pub through_session: Option<SessionId>,
    /// What, as `noun.verb`: `session.revoke`, `user.disable`.
    pub action: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// Why, as a stable reason code; empty when there is nothing to add.
    pub reason: String,
    /// The user it was about.
    pub user: Option<UserId>,
    /// The client it was about.
    pub client: Option<ClientId>,
    /// The session it was about.
    pub session: Option<SessionId>,
    /// What else it was about, by its id: signing keys (several with a space between), a resource's URI,
    /// a token's `jti`, a device code, a tenant, an issuer of identities and its subject. The action tells which.
    pub object: Option<String>,
    /// The caller's network address, as text.
    pub network: Option<String>,
    /// The trace id of the request.
    pub trace: Option<String>,
    /// How many such acts this tells of: refusals that were counted together, or sessions that were
    /// revoked together.
    pub count: u32,
}

impl Audit {
    /// An allowed act with nothing else known of it; the fields are public to be filled in.
    pub fn allowed(at: Timestamp, actor: AuditActor, action: &'static str) -> Self {
        Self {
            at,
            actor,
            through: None,
            through_session: None,
            action,
            outcome: Outcome::Allowed,
            reason: String::new(),
            user: None,
            client: None,
            session: None,
            object: None,
            network: None,
            trace: None,
            count: 1,
        }
    }

    /// A refused act and its reason code.
    pub fn denied(at: Timestamp, actor: AuditActor, action: &'static str, reason: &str) -> Self {
        Self {
            outcome: Outcome::Denied,
            reason: reason.to_owned(),
            ..Self::allowed(at, actor, action)
        }
    }
}

/// An act as the store kept it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// The record's number: gapless, from 1.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who, as `kind` or `kind:id`.
    pub actor: String,
    /// The client through which a user did it.
    pub through: Option<ClientId>,
    /// The session that the user's access token belongs to.
    pub through_session: Option<SessionId>,
    /// What.
    pub action: String,
    /// `allowed` or `denied`.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// The user it was about.
    pub user: Option<UserId>,
    /// The client it was about.
    pub client: Option<ClientId>,
    /// The session it was about.
    pub session: Option<SessionId>,
    /// What else it was about.
    pub object: Option<String>,
    /// The caller's network address.
    pub network: Option<String>,
    /// The trace id of the request.
    pub trace: Option<String>,
    /// How many acts it tells of.
    pub count: u32,
}

/// Which records to list: those that fit everything that is named.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only this actor's, as records name it: `kind` or `kind:id`.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only this outcome.
    pub outcome: Option<Outcome>,
    /// Only those about this user.
    pub user: Option<UserId>,
    /// Only those about this client.
    pub client: Option<ClientId>,
    /// Only those of this request, by its trace id.
    pub trace: Option<String>,
    /// Only those of this time or later.
    pub since: Option<Timestamp>,
    /// Only those with a number below this: the last one already seen.
    pub before: Option<i64>,
}
