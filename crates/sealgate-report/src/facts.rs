//! What was looked at. Each part says when and how, or why it was not looked at.

use sealgate_model::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that was looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub enum Seen<T> {
    /// It was found.
    Measured {
        /// When.
        at: Timestamp,
        /// By which command or file, so that a reader can look again.
        by: String,
        /// What.
        value: T,
    },
    /// It was not, and nothing is known of it.
    NotShown {
        /// Why, and what would show it.
        why: String,
    },
}

impl<T> Seen<T> {
    /// What was found, if it was.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Measured { value, .. } => Some(value),
            Self::NotShown { .. } => None,
        }
    }
}

/// Everything a report is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// When the report was begun.
    pub taken_at: Timestamp,
    /// The version of the program that made it.
    pub version: String,
    /// How the control plane is set, and what it offers.
    pub server: Seen<ServerFacts>,
    /// Accounts of people.
    pub accounts: Seen<AccountFacts>,
    /// Clients that are no service accounts.
    pub clients: Seen<Vec<ClientFact>>,
    /// Service accounts.
    pub machines: Seen<Vec<MachineFact>>,
    /// Signing keys.
    pub keys: Seen<Vec<KeyFact>>,
    /// Gates that follow the feed.
    pub gates: Seen<Vec<GateFact>>,
    /// Whether every gate answered for what is revoked.
    pub receipt: Seen<ReceiptFacts>,
    /// Lock files of routes that were given.
    pub lock_files: Seen<Vec<ServiceRoutes>>,
    /// The policy in force.
    pub policy: Seen<PolicyFacts>,
    /// Whether the server is as it was declared.
    pub state: Seen<StateFacts>,
    /// The audit log.
    pub audit: Seen<AuditFacts>,
    /// Decisions that gates reported.
    pub decisions: Seen<DecisionFacts>,
    /// Where records go.
    pub sinks: Seen<Vec<SinkFact>>,
    /// What should worry somebody.
    pub anomalies: Seen<Vec<AnomalyFact>>,
    /// When each kind of act was last done.
    pub acts: Seen<Vec<ActFact>>,
    /// Drills whose reports were given.
    pub drills: Seen<Vec<DrillFact>>,
}

/// How the control plane is set, and what it offers. Spans are in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// The issuer identifier.
    pub issuer: String,
    /// The server's version.
    pub version: String,
    /// Access and ID tokens live so long.
    pub access_lifetime: u64,
    /// Authorization codes live so long.
    pub code_lifetime: u64,
    /// A session lasts so long, whatever its activity.
    pub session_lifetime: u64,
    /// A session without renewal lasts so long.
    pub idle_lifetime: u64,
    /// A signing key signs for so long; none: until somebody rotates it.
    pub rotate_every: Option<u64>,
    /// Whether the administration API is on the network.
    pub admin_on_network: bool,
    /// `response_types_supported`.
    pub response_types: Vec<String>,
    /// `grant_types_supported`.
    pub grants: Vec<String>,
    /// `code_challenge_methods_supported`.
    pub challenge_methods: Vec<String>,
    /// `token_endpoint_auth_methods_supported`.
    pub client_authentication: Vec<String>,
    /// `acr_values_supported`: how people can prove who they are.
    pub acr: Vec<String>,
    /// `dpop_signing_alg_values_supported`.
    pub dpop_algorithms: Vec<String>,
    /// Whether authorization requests can be pushed.
    pub pushed_requests: bool,
}

/// Accounts of people, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFacts {
    /// All.
    pub total: usize,
    /// Those that are disabled.
    pub disabled: usize,
    /// Those that are not, and administer.
    pub administrators: usize,
}

/// A client that people sign in to, or that acts for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientFact {
    /// Its id.
    pub id: String,
    /// How it proves who it is: `none`, `secret` or `private_key_jwt`.
    pub authentication: String,
    /// Since when its secret is the same, at most.
    pub secret_since: Option<Timestamp>,
    /// Whether it is an AI agent.
    pub agent: bool,
    /// Whether it is disabled.
    pub disabled: bool,
    /// Redirect URIs that are neither https nor loopback.
    pub open_redirects: usize,
}

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineFact {
    /// Its client id.
    pub id: String,
    /// Who answers for it.
    pub owner: String,
    /// Where it runs.
    pub environment: String,
    /// Its end.
    pub expires_at: Timestamp,
    /// When it last got a token; none: never.
    pub used_at: Option<Timestamp>,
    /// What it may and has not used for a while, or never.
    pub unused: Vec<String>,
    /// Whether another issuer vouches for it, in place of a key of its own.
    pub federated: bool,
}

/// A signing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFact {
    /// Its id.
    pub kid: String,
    /// Its JWA algorithm.
    pub algorithm: String,
    /// `next`, `active` or `retiring`.
    pub state: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came into its state.
    pub changed_at: Timestamp,
}

/// A gate that follows the feed, and what it reported of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateFact {
    /// The application, by its client.
    pub client: String,
    /// The gate's name.
    pub name: String,
    /// Its version, if it reported one.
    pub version: Option<String>,
    /// The policy that it decides by, if it reported one.
    pub policy_version: Option<u64>,
    /// Its staleness bound, in milliseconds, if it told.
    pub bound: Option<u64>,
    /// What it does when its view is not fresh, if it told.
    pub on_stale: Option<String>,
    /// When it was last heard of.
    pub heard_at: Option<Timestamp>,
    /// Its routes, if it reported them.
    pub routes: Option<RouteFacts>,
}

/// The routes of an application, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteFacts {
    /// All.
    pub total: usize,
    /// Those behind a gate.
    pub gated: usize,
    /// Those that are public for a reason that was given.
    pub public: Vec<PublicRoute>,
    /// Those that nobody marked: closed to all but users, or to everybody.
    pub unmarked: usize,
    /// Those that were not understood.
    pub unresolved: usize,
    /// Whether the table is as the lock file says; none: there is no lock file.
    pub as_reviewed: Option<bool>,
}

/// A route that is open to everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicRoute {
    /// Method and path.
    pub route: String,
    /// Why, if somebody said.
    pub reason: Option<String>,
}

/// What a lock file says of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRoutes {
    /// The file.
    pub file: String,
    /// The routes in it.
    pub routes: RouteFacts,
}

/// Whether every gate answered for what is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptFacts {
    /// The number up to which they were asked.
    pub seq: u64,
    /// How long they were waited for, in milliseconds.
    pub waited: u64,
    /// Whether all have applied it, or refuse by now.
    pub complete: bool,
    /// Each gate.
    pub gates: Vec<ReceiptGate>,
}

/// What one gate answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptGate {
    /// Its application and name.
    pub gate: String,
    /// `applied`, `silent` or `behind`.
    pub state: String,
}

/// The policy in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFacts {
    /// Its version; 0: none was ever applied.
    pub version: u64,
    /// When it was applied.
    pub made_at: Option<Timestamp>,
    /// Who applied it.
    pub by: Option<String>,
}

/// Whether the server is as it was declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFacts {
    /// When a file was last applied; none: never.
    pub applied_at: Option<Timestamp>,
    /// What was changed outside of it since.
    pub drift: Vec<String>,
}

/// The audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFacts {
    /// How many records were verified.
    pub records: u64,
    /// When the first of them was written.
    pub first_at: Option<Timestamp>,
    /// How many signed checkpoints were verified.
    pub checkpoints: u64,
    /// When the last checkpoint was signed.
    pub checkpoint_at: Option<Timestamp>,
    /// What verification found.
    pub findings: Vec<String>,
}

/// Decisions that gates reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionFacts {
    /// Whether any allowed one is on record.
    pub allowed: bool,
    /// Whether any denied one is on record.
    pub denied: bool,
    /// When the newest was made.
    pub newest_at: Option<Timestamp>,
}

/// A place where records go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkFact {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How it is doing: `active`, `failing`, `paused`.
    pub state: String,
}

/// Something that should worry somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnomalyFact {
    /// The rule.
    pub rule: String,
    /// Its severity.
    pub severity: String,
    /// What it is, in a sentence.
    pub title: String,
    /// Since when.
    pub since: Timestamp,
    /// `open` or `acknowledged`.
    pub state: String,
}

/// When something was last done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActFact {
    /// The action in the audit log.
    pub action: String,
    /// When it was last done; none: not in the records that are kept.
    pub last_at: Option<Timestamp>,
}

/// What came of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillVerdict {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// There is nothing to drill.
    NotApplicable,
    /// It could not be run.
    CouldNotRun,
}

/// A drill, as its report tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillFact {
    /// Its id, such as `logout-replay`.
    pub id: String,
    /// What came of it.
    pub verdict: DrillVerdict,
    /// When.
    pub at: Timestamp,
    /// On what.
    pub target: String,
}
