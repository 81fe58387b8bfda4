//! What was declared in a file and applied as one, and what a server is compared with it by.

use sealgate_model::{ClientId, SecretHash, Timestamp};

use super::clients::{Client, Resource};
use super::machines::Offboarded;
use super::policies::{NewPolicy, PolicyVersion};

/// A name, and what it means in words for people: a role or a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredWord {
    /// The name.
    pub name: String,
    /// What it means.
    pub description: String,
}

/// How long keys of an algorithm sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySchedule {
    /// The JWA name.
    pub algorithm: String,
    /// In seconds; zero: until they are replaced on command.
    pub rotate_every: u64,
}

/// A declaration as it was applied last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclarationRow {
    /// Its name.
    pub name: String,
    /// What it declared, in JSON. It holds no secret.
    pub state: String,
    /// When it was applied.
    pub applied_at: Timestamp,
    /// By whom, as audit records name actors.
    pub applied_by: String,
}

/// Everything that can be declared as of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declarable {
    /// Clients that an administrator registered, service accounts among them, by id.
    pub clients: Vec<Client>,
    /// Resources by URI.
    pub resources: Vec<Resource>,
    /// Roles by name.
    pub roles: Vec<DeclaredWord>,
    /// Scopes by name.
    pub scopes: Vec<DeclaredWord>,
    /// Key schedules by algorithm.
    pub schedules: Vec<KeySchedule>,
    /// The version of the policies that count.
    pub policy: Option<PolicyVersion>,
    /// What those say.
    pub document: Option<String>,
    /// Declarations by name.
    pub declarations: Vec<DeclarationRow>,
}

/// One change of many that are made in one transaction.
#[derive(Debug, Clone)]
pub enum DeclaredChange {
    /// As [`crate::Store::client_create`], or [`crate::MachineStore::machine_create`].
    Create(Box<Client>),
    /// As [`crate::Store::client_update`], or [`crate::MachineStore::machine_update`].
    Update(Box<(Client, Client)>),
    /// As [`crate::Store::client_set_secret`]: the client with the scopes that it has by then.
    Secret(ClientId, Vec<String>, SecretHash),
    /// As [`crate::Store::client_disable`].
    Disable(ClientId),
    /// As [`crate::Store::client_enable`].
    Enable(ClientId),
    /// As [`crate::Store::client_remove`].
    Remove(ClientId),
    /// As [`crate::MachineStore::machine_offboard`].
    Offboard(ClientId),
    /// As [`crate::Store::resource_create`].
    ResourceCreate(Box<Resource>),
    /// As [`crate::Store::resource_update`].
    ResourceUpdate(Box<(Resource, Resource)>),
    /// As [`crate::Store::resource_remove`].
    ResourceRemove(String),
    /// A role is described.
    Role(DeclaredWord),
    /// A role is not described any more.
    RoleRemove(String),
    /// A scope is described.
    Scope(DeclaredWord),
    /// A scope is not described any more.
    ScopeRemove(String),
    /// Keys of an algorithm have a schedule of their own.
    Schedule(KeySchedule),
    /// They have none any more.
    ScheduleRemove(String),
    /// As [`crate::PolicyStore::policy_apply`].
    Policy(NewPolicy),
}

/// What came of applying a declaration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// How many sessions of users ended with clients.
    pub sessions: u64,
    /// Service accounts that ended, and what ended with each.
    pub offboarded: Vec<(ClientId, Offboarded)>,
    /// The version of the policies, if there is a new one.
    pub policy: Option<PolicyVersion>,
    /// Whether rows are left to be ended that open nothing any more: the next start ends them.
    pub unfinished: bool,
}
