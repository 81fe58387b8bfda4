//! The audit record that every write carries.

use sealgate_audit::chain::{Hash, Record};
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

/// What kind of actor it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// A human.
    User,
    /// A service, job or workload: every client that is no agent.
    Machine,
    /// An AI client.
    Agent,
    /// Somebody with access to the machine.
    Operator,
    /// The control plane itself.
    System,
    /// Nobody known (yet).
    Anonymous,
}

impl ActorType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Machine,
        Self::Agent,
        Self::Operator,
        Self::System,
        Self::Anonymous,
    ];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Machine => "machine",
            Self::Agent => "agent",
            Self::Operator => "operator",
            Self::System => "system",
            Self::Anonymous => "anonymous",
        }
    }
}

/// By what somebody showed who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialType {
    /// A password.
    Password,
    /// A browser's sign-in at the control plane.
    Session,
    /// A one-time link: an invitation, or the first administrator's.
    Link,
    /// A client's secret.
    ClientSecret,
    /// A client's signed assertion (RFC 7523).
    PrivateKeyJwt,
    /// A public client's id and nothing else.
    None,
    /// A bootstrap that gives a machine its key.
    Bootstrap,
    /// Another issuer's word for a machine or a person (RFC 7523, 2.1).
    Assertion,
    /// An access token without proof of possession (RFC 6750).
    Bearer,
    /// An access token with a DPoP proof (RFC 9449).
    Dpop,
    /// The token under which a client registers itself or changes its registration.
    RegistrationToken,
    /// Access to the administration socket or to the data directory.
    LocalAccess,
}

impl CredentialType {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Password,
        Self::Session,
        Self::Link,
        Self::ClientSecret,
        Self::PrivateKeyJwt,
        Self::None,
        Self::Bootstrap,
        Self::Assertion,
        Self::Bearer,
        Self::Dpop,
        Self::RegistrationToken,
        Self::LocalAccess,
    ];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Session => "session",
            Self::Link => "link",
            Self::ClientSecret => "client_secret",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
            Self::Bootstrap => "bootstrap",
            Self::Assertion => "assertion",
            Self::Bearer => "bearer",
            Self::Dpop => "dpop",
            Self::RegistrationToken => "registration_token",
            Self::LocalAccess => "local_access",
        }
    }
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
    /// What kind of actor a client is, where that is known: a machine or an agent.
    pub actor_type: Option<ActorType>,
    /// What kind of credential was presented, good or not, where that is known.
    pub credential: Option<CredentialType>,
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
    /// The template of the route that was asked, below the issuer.
    pub route: Option<String>,
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
            actor_type: None,
            credential: None,
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
            route: None,
            trace: None,
            count: 1,
        }
    }

    /// What kind of actor it was: by who it was, and of a client as it says, where it does.
    pub fn actor_type(&self) -> Option<ActorType> {
        match &self.actor {
            AuditActor::Client(_) => self.actor_type,
            AuditActor::User(_) => Some(ActorType::User),
            AuditActor::Operator => Some(ActorType::Operator),
            AuditActor::System => Some(ActorType::System),
            AuditActor::Anonymous => Some(ActorType::Anonymous),
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
    /// What kind of actor; none in records of before that was kept.
    pub actor_type: Option<String>,
    /// By what the actor showed who they are, where that was known.
    pub credential: Option<String>,
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
    /// The template of the route that was asked.
    pub route: Option<String>,
    /// The trace id of the request.
    pub trace: Option<String>,
    /// How many acts it tells of.
    pub count: u32,
    /// The version of the policies in force.
    pub policy_version: Option<i64>,
    /// Its hash in the chain (docs/spec/audit-chain.md); none if what is stored is none.
    pub hash: Option<Hash>,
}

impl AuditRow {
    /// The hash of its content, as the chain has it.
    pub fn content(&self, scratch: &mut Vec<u8>) -> Hash {
        let record = Record {
            at: self.at.as_millis(),
            actor: &self.actor,
            actor_type: self.actor_type.as_deref(),
            credential: self.credential.as_deref(),
            through: self.through.as_ref().map(ClientId::as_str),
            through_session: self.through_session.as_ref().map(|id| &id.as_bytes()[..]),
            action: &self.action,
            outcome: &self.outcome,
            reason: &self.reason,
            user: self.user.as_ref().map(|id| &id.as_bytes()[..]),
            client: self.client.as_ref().map(ClientId::as_str),
            session: self.session.as_ref().map(|id| &id.as_bytes()[..]),
            object: self.object.as_deref(),
            network: self.network.as_deref(),
            route: self.route.as_deref(),
            trace: self.trace.as_deref(),
            count: i64::from(self.count),
            policy_version: self.policy_version,
        };
        record.content(scratch)
    }
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
    /// Only those about this session.
    pub session: Option<SessionId>,
    /// Only those with this reason code.
    pub reason: Option<String>,
    /// Only those of this route, by its template.
    pub route: Option<String>,
    /// Only those of this kind of actor.
    pub actor_type: Option<ActorType>,
    /// Only those by this kind of credential.
    pub credential: Option<CredentialType>,
    /// Only those of this request, by its trace id.
    pub trace: Option<String>,
    /// Only those of this time or later.
    pub since: Option<Timestamp>,
    /// Only those of before this time.
    pub until: Option<Timestamp>,
    /// Only those with a number above this, oldest first: for whoever follows.
    pub after: Option<i64>,
    /// Only those with a number below this: the last one already seen.
    pub before: Option<i64>,
}
