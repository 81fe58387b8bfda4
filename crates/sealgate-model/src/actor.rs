//! Who calls.

use serde::{Deserialize, Serialize};

/// The kinds of actor, which are never mixed: each has its own credentials and boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A human.
    User,
    /// A service, job or workload.
    Machine,
    /// An AI client, acting for a user or for itself.
    Agent,
}

/// A human who passed the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The issuer's stable id for the user (`sub`, OpenID Connect Core, 2).
    pub id: String,
    /// The e-mail address, when the issuer gave one.
    pub email: Option<String>,
    /// The name to show, when the issuer gave one.
    pub name: Option<String>,
    /// The scopes granted to the session.
    pub scopes: Vec<String>,
    /// The roles the issuer says the user has.
    pub roles: Vec<String>,
}
