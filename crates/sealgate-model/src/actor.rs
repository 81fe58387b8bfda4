//! Who calls.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The kinds of actor, which are never mixed: each has its own credentials and boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A human.
    User,
    /// A service, job or workload.
    Machine,
    /// An AI client, acting for a user or for itself.
    Agent,
}

impl ActorKind {
    /// The word for it, in records and error texts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Machine => "machine",
            Self::Agent => "agent",
        }
    }
}

/// Who passed the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A human.
    User(User),
    /// A service, job or workload.
    Machine(Machine),
    /// An AI client.
    Agent(Agent),
}

/// A human who passed the gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The issuer's stable id for the user (`sub`, OpenID Connect Core 1.0, 2).
    pub id: String,
    /// The e-mail address, when the issuer gave one.
    pub email: Option<String>,
    /// The name to show, when the issuer gave one.
    pub name: Option<String>,
    /// The scopes granted to the session or token.
    pub scopes: Vec<String>,
    /// The roles the issuer says the user has.
    pub roles: Vec<String>,
    /// The organisation the user belongs to, when the issuer gave one.
    pub tenant: Option<String>,
    /// How the user proved who they are (`acr`, OpenID Connect Core 1.0, 2).
    pub acr: Option<String>,
    /// When the user last did.
    pub authenticated_at: Option<Timestamp>,
    /// The client through which the user calls.
    pub client: Option<String>,
    /// The services that pass the call on for the user, nearest first (`act`, RFC 8693, 4.1).
    pub via: Vec<String>,
}

/// A service, job or workload that passed the gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// The issuer's stable id for it (`sub`).
    pub id: String,
    /// Its client, which is mostly its id too.
    pub client: String,
    /// The scopes granted to its token.
    pub scopes: Vec<String>,
    /// The roles the issuer says it has.
    pub roles: Vec<String>,
    /// The organisation it belongs to, when the issuer gave one.
    pub tenant: Option<String>,
}

/// An AI client that passed the gate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agent {
    /// The issuer's stable id for it: its client.
    pub id: String,
    /// The scopes granted to its token.
    pub scopes: Vec<String>,
    /// The roles the token carries: those of the user, when it acts for one.
    pub roles: Vec<String>,
    /// The organisation it belongs to or acts in, when the issuer gave one.
    pub tenant: Option<String>,
    /// The user for whom it acts; none when it acts for itself.
    pub user: Option<Box<User>>,
    /// The services that pass the call on for the agent, nearest first (`act`, RFC 8693, 4.1).
    pub via: Vec<String>,
}

impl Actor {
    /// What kind of actor it is.
    pub const fn kind(&self) -> ActorKind {
        match self {
            Self::User(_) => ActorKind::User,
            Self::Machine(_) => ActorKind::Machine,
            Self::Agent(_) => ActorKind::Agent,
        }
    }

    /// The issuer's stable id for it.
    pub fn id(&self) -> &str {
        match self {
            Self::User(user) => &user.id,
            Self::Machine(machine) => &machine.id,
            Self::Agent(agent) => &agent.id,
        }
    }

    /// What it was granted.
    pub fn scopes(&self) -> &[String] {
        match self {
            Self::User(user) => &user.scopes,
            Self::Machine(machine) => &machine.scopes,
            Self::Agent(agent) => &agent.scopes,
        }
    }

    /// The roles that it has.
    pub fn roles(&self) -> &[String] {
        match self {
            Self::User(user) => &user.roles,
            Self::Machine(machine) => &machine.roles,
            Self::Agent(agent) => &agent.roles,
        }
    }

    /// The organisation it belongs to or acts in.
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::User(user) => user.tenant.as_deref(),
            Self::Machine(machine) => machine.tenant.as_deref(),
            Self::Agent(agent) => agent.tenant.as_deref(),
        }
    }

    /// The human in it: the user, or the one for whom an agent acts.
    pub fn human(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Machine(_) => None,
            Self::Agent(agent) => agent.user.as_deref(),
        }
    }
}
