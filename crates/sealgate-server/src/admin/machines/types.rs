//! What is asked of service accounts.

use std::collections::BTreeMap;

use sealgate_model::{ClientId, Grant, Timestamp};
use sealgate_store::{
    Client, ClientAuthentication, ClientDetails, ClientKind, MachineIdentity, MachineProfile,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::extract::present;
use super::super::page::Limit;
use super::super::schemas::{
    AlgorithmWord, ClientIdText, GrantWord, KeySet, Millis, ScopeWord, UriText,
};

/// Whom of another issuer's workloads a service account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The issuer, which is trusted here.
    pub issuer: String,
    /// For each claim, by its name or by a JSON pointer (RFC 6901), the value that it must have; `*` at the end
    /// stands for any rest. All of them have to fit.
    pub claims: BTreeMap<String, String>,
}

impl From<MachineIdentity> for Identity {
    fn from(row: MachineIdentity) -> Self {
        let MachineIdentity { issuer, claims } = row;
        Self { issuer, claims }
    }
}

impl From<Identity> for MachineIdentity {
    fn from(given: Identity) -> Self {
        let Identity { issuer, claims } = given;
        Self { issuer, claims }
    }
}

/// A service account to be registered. It has no secret: it proves who it is by a key, which it can register by
/// itself with a bootstrap credential, or is vouched for by another issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMachine {
    /// Its `client_id`, which is none that reads as a UUID. It is never given again.
    #[schema(value_type = ClientIdText)]
    pub id: ClientId,
    /// The name people read, 1 to 100 bytes. Absent: its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Who answers for it: a person or a team, as they are reached, 1 to 200 bytes.
    #[schema(min_length = 1, max_length = 200)]
    pub owner: String,
    /// What it is for, 1 to 200 bytes.
    #[schema(min_length = 1, max_length = 200)]
    pub purpose: String,
    /// Where it runs: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    #[serde(default = "production")]
    #[schema(required = false, min_length = 1, max_length = 64)]
    pub environment: String,
    /// From when on it gets nothing any more: at most 400 days ahead.
    #[schema(value_type = Millis)]
    pub expires_at: Timestamp,
    /// The grants it may use: of `client_credentials`, token exchange and JWT bearer. Absent: the first. With
    /// identities the last is among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<GrantWord>>, max_items = 3)]
    pub grants: Option<Vec<Grant>>,
    /// The scopes it may ask for; none of those about a user.
    #[serde(default)]
    #[schema(value_type = Vec<ScopeWord>, max_items = 32)]
    pub scopes: Vec<String>,
    /// The resources it may ask tokens for.
    #[serde(default)]
    #[schema(value_type = Vec<UriText>, max_items = 32)]
    pub resources: Vec<String>,
    /// Its public keys. Not together with `jwks_uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<KeySet>)]
    pub jwks: Option<Value>,
    /// Where its public keys are: an https URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<UriText>)]
    pub jwks_uri: Option<String>,
    /// The identities of other issuers that are this service account; any one of them is enough.
    #[serde(default)]
    #[schema(max_items = 16)]
    pub identities: Vec<Identity>,
    /// Whether its tokens must be bound to a key (RFC 9449).
    #[serde(default)]
    pub require_dpop: bool,
    /// How long its access tokens live, in seconds. Absent: as long as everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 900)]
    pub access_lifetime: Option<u32>,
    /// The algorithm that signs its tokens. Absent: `EdDSA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AlgorithmWord>)]
    pub algorithm: Option<String>,
}

fn production() -> String {
    "production".to_owned()
}

impl NewMachine {
    /// A service account of which nothing else is said.
    pub fn of(id: ClientId, owner: String, purpose: String, expires_at: Timestamp) -> Self {
        Self {
            id,
            name: None,
            owner,
            purpose,
            environment: production(),
            expires_at,
            grants: None,
            scopes: Vec::new(),
            resources: Vec::new(),
            jwks: None,
            jwks_uri: None,
            identities: Vec::new(),
            require_dpop: false,
            access_lifetime: None,
            algorithm: None,
        }
    }

    /// The row that was asked for, not yet checked.
    pub(super) fn planned(self, now: Timestamp) -> Client {
        let usual = ClientDetails::default();
        let identities: Vec<MachineIdentity> =
            self.identities.into_iter().map(Into::into).collect();
        let first = if identities.is_empty() {
            Grant::ClientCredentials
        } else {
            Grant::JwtBearer
        };
        Client {
            name: self.name.unwrap_or_else(|| self.id.to_string()),
            id: self.id,
            kind: ClientKind::Confidential,
            secret_hash: None,
            redirect_uris: Vec::new(),
            logout_uris: Vec::new(),
            scopes: self.scopes,
            details: ClientDetails {
                authentication: ClientAuthentication::PrivateKeyJwt,
                jwks: self.jwks,
                jwks_uri: self.jwks_uri,
                grants: self.grants.unwrap_or_else(|| vec![first]),
                resources: self.resources,
                require_dpop: self.require_dpop,
                algorithm: self.algorithm.unwrap_or(usual.algorithm.clone()),
                access_lifetime: self.access_lifetime,
                machine: Some(MachineProfile {
                    owner: self.owner,
                    purpose: self.purpose,
                    environment: self.environment,
                    expires_at: self.expires_at,
                    identities,
                }),
                ..usual
            },
            created_at: now,
            disabled_at: None,
        }
    }
}

/// What to change about a service account. What is absent stays; `null` takes away what there need not be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MachinePatch {
    /// The name people read, 1 to 100 bytes.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Who answers for it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    pub owner: Option<String>,
    /// What it is for.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    pub purpose: Option<String>,
    /// Where it runs.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 64)]
    pub environment: Option<String>,
    /// From when on it gets nothing any more.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Millis, required = false)]
    pub expires_at: Option<Timestamp>,
    /// All grants from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<GrantWord>, required = false, max_items = 3)]
    pub grants: Option<Vec<Grant>>,
    /// All scopes from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<ScopeWord>, required = false, max_items = 32)]
    pub scopes: Option<Vec<String>>,
    /// All resources from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<UriText>, required = false, max_items = 32)]
    pub resources: Option<Vec<String>>,
    /// Its public keys.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<KeySet>)]
    pub jwks: Option<Option<Value>>,
    /// Where its public keys are.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<UriText>)]
    pub jwks_uri: Option<Option<String>>,
    /// All identities from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<Identity>, required = false, max_items = 16)]
    pub identities: Option<Vec<Identity>>,
    /// Whether its tokens must be bound to a key.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = bool, required = false)]
    pub require_dpop: Option<bool>,
    /// How long its access tokens live, in seconds.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 900)]
    pub access_lifetime: Option<Option<u32>>,
    /// The algorithm that signs its tokens.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = AlgorithmWord, required = false)]
    pub algorithm: Option<String>,
}

impl MachinePatch {
    /// Changes `client` as this says, not yet checked.
    pub(super) fn apply(self, client: &mut Client) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut client.name, self.name);
        set(&mut client.scopes, self.scopes);
        let details = &mut client.details;
        set(&mut details.grants, self.grants);
        set(&mut details.resources, self.resources);
        set(&mut details.jwks, self.jwks);
        set(&mut details.jwks_uri, self.jwks_uri);
        set(&mut details.require_dpop, self.require_dpop);
        set(&mut details.access_lifetime, self.access_lifetime);
        set(&mut details.algorithm, self.algorithm);
        if let Some(machine) = &mut details.machine {
            set(&mut machine.owner, self.owner);
            set(&mut machine.purpose, self.purpose);
            set(&mut machine.environment, self.environment);
            set(&mut machine.expires_at, self.expires_at);
            let identities = self.identities;
            let identities = identities.map(|all| all.into_iter().map(Into::into).collect());
            set(&mut machine.identities, identities);
        }
    }
}

/// For how many days something has to be without use to count as unused, 1 to 3650.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct UnusedFor(u32);

impl UnusedFor {
    /// The days.
    pub(crate) const fn days(self) -> u32 {
        self.0
    }
}

impl Default for UnusedFor {
    fn default() -> Self {
        Self(90)
    }
}

impl TryFrom<u32> for UnusedFor {
    type Error = &'static str;

    fn try_from(days: u32) -> Result<Self, Self::Error> {
        if (1..=3650).contains(&days) {
            Ok(Self(days))
        } else {
            Err("unused_for is 1 to 3650 days")
        }
    }
}

impl From<UnusedFor> for u32 {
    fn from(days: UnusedFor) -> Self {
        days.0
    }
}

/// Which service accounts to list, and how.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListMachines {
    /// Those that were offboarded too.
    #[serde(default)]
    #[param(required = false)]
    pub all: bool,
    /// After how many days without use a scope or resource counts as unused.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 3650)]
    pub unused_for: UnusedFor,
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub after: Option<ClientId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// How to show a service account.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichUses {
    /// After how many days without use a scope or resource counts as unused.
    #[serde(default)]
    #[param(value_type = u32, required = false, minimum = 1, maximum = 3650)]
    pub unused_for: UnusedFor,
}

/// What a bootstrap credential is to be like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BootstrapOptions {
    /// For how many seconds it is good; never longer than the service account.
    #[serde(default = "hour")]
    #[schema(required = false, minimum = 300, maximum = 86_400)]
    pub lifetime: u32,
    /// Whether the key stands beside those that the service account has; else it takes their place.
    #[serde(default)]
    #[schema(required = false)]
    pub keep_keys: bool,
}

const fn hour() -> u32 {
    3600
}

impl Default for BootstrapOptions {
    fn default() -> Self {
        Self {
            lifetime: hour(),
            keep_keys: false,
        }
    }
}
