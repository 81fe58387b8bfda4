//! What is answered of service accounts.

use sealgate_model::{ClientId, Grant, Issuer, Timestamp};
use sealgate_store::Offboarded;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::schemas::{AlgorithmWord, ClientIdText, GrantWord, KeySet, Millis};
use super::types::Identity;

/// Where a service account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MachineState {
    /// It can be used.
    Active,
    /// Its time is over: it gets nothing.
    Expired,
    /// An administrator disabled it: it gets nothing.
    Disabled,
    /// It ended for good.
    Offboarded,
}

impl MachineState {
    /// The word for it in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Disabled => "disabled",
            Self::Offboarded => "offboarded",
        }
    }
}

/// Something that a service account may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MachineUse {
    /// The scope or the resource.
    pub name: String,
    /// Since when it may.
    #[schema(value_type = Millis)]
    pub since: Timestamp,
    /// When it last got a token with it, to the hour; none: never.
    #[schema(value_type = Option<Millis>)]
    pub last_used_at: Option<Timestamp>,
    /// Whether it has been without use for so long that it should be taken away.
    pub unused: bool,
}

/// A bootstrap credential that was not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenBootstrap {
    /// When it was made.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// Until when it is good.
    #[schema(value_type = Millis)]
    pub expires_at: Timestamp,
}

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MachineView {
    /// `client_id`.
    #[schema(value_type = ClientIdText)]
    pub id: ClientId,
    /// The name people read.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub purpose: String,
    /// Where it runs.
    pub environment: String,
    /// Where it stands.
    pub state: MachineState,
    /// From when on it gets nothing any more.
    #[schema(value_type = Millis)]
    pub expires_at: Timestamp,
    /// Whole days until then; none once it is over.
    pub days_left: Option<u32>,
    /// The grants it may use.
    #[schema(value_type = Vec<GrantWord>)]
    pub grants: Vec<Grant>,
    /// The scopes it may ask for.
    pub scopes: Vec<MachineUse>,
    /// The resources it may ask tokens for.
    pub resources: Vec<MachineUse>,
    /// Its public keys.
    #[schema(value_type = Option<KeySet>)]
    pub jwks: Option<Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// The identities of other issuers that are this service account.
    pub identities: Vec<Identity>,
    /// Whether its tokens must be bound to a key.
    pub require_dpop: bool,
    /// How long its access tokens live, in seconds; none: as long as everybody's.
    pub access_lifetime: Option<u32>,
    /// The algorithm that signs its tokens.
    #[schema(value_type = AlgorithmWord)]
    pub algorithm: String,
    /// When it last proved who it is or got a token, to the hour; none: never.
    #[schema(value_type = Option<Millis>)]
    pub last_used_at: Option<Timestamp>,
    /// Whether it may more than it uses: one of its scopes or resources is unused.
    pub over_privileged: bool,
    /// The bootstrap credential that waits to be used.
    pub bootstrap: Option<OpenBootstrap>,
    /// The resources that it serves.
    pub serves: Vec<String>,
    /// The clients that name it as the one that may act for their users.
    #[schema(value_type = Vec<ClientIdText>)]
    pub may_act_of: Vec<ClientId>,
    /// When it was registered.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// When it was disabled, if it is.
    #[schema(value_type = Option<Millis>)]
    pub disabled_at: Option<Timestamp>,
    /// When it was offboarded, if it was.
    #[schema(value_type = Option<Millis>)]
    pub offboarded_at: Option<Timestamp>,
}

/// Service accounts, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Machines {
    /// At most `limit` service accounts.
    pub machines: Vec<MachineView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<ClientIdText>)]
    pub next: Option<ClientId>,
}

/// A bootstrap credential, told here and never again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedBootstrap {
    /// The service account.
    #[schema(value_type = ClientIdText)]
    pub id: ClientId,
    /// The credential.
    pub credential: String,
    /// Until when it is good.
    #[schema(value_type = Millis)]
    pub expires_at: Timestamp,
    /// Where it is to be posted.
    pub endpoint: String,
    /// The issuer.
    #[schema(value_type = String)]
    pub issuer: Issuer,
}

impl std::fmt::Debug for CreatedBootstrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CreatedBootstrap({})", self.id)
    }
}

/// What ended with a service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// Keys that it could prove itself by; at a `jwks_uri` one is counted.
    pub keys: u64,
    /// Identities of other issuers.
    pub identities: u64,
    /// Bootstrap credentials that had not been used.
    pub bootstraps: u64,
    /// Delegations by which it acted for users, and those under them.
    pub delegations: u64,
    /// Sessions of users on it.
    pub sessions: u64,
}

/// A service account that has ended for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OffboardedMachine {
    /// The service account.
    pub machine: MachineView,
    /// Whether it had ended before; then only what was left over ended now.
    pub again: bool,
    /// What ended with it, beside every token.
    pub ended: Ended,
    /// The resources that it served: nobody does now.
    pub served: Vec<String>,
    /// The clients that name it as the one that may act for their users. They still do, and so nobody may.
    #[schema(value_type = Vec<ClientIdText>)]
    pub may_act_of: Vec<ClientId>,
}

impl OffboardedMachine {
    pub(super) fn of(machine: MachineView, done: Offboarded) -> Self {
        let (keys, identities) = if done.again {
            (0, 0)
        } else {
            let set = machine.jwks.as_ref().and_then(|set| set["keys"].as_array());
            let keys = set.map_or(0, Vec::len) + usize::from(machine.jwks_uri.is_some());
            (keys, machine.identities.len())
        };
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Self {
            again: done.again,
            ended: Ended {
                keys: count(keys),
                identities: count(identities),
                bootstraps: done.bootstraps,
                delegations: done.delegations,
                sessions: done.sessions,
            },
            served: done.served,
            may_act_of: done.may_act_of,
            machine,
        }
    }
}
