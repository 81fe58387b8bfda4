//! Resources as JSON.

use sealgate_model::{ClientId, Timestamp};
use sealgate_store::Resource;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::extract::present;
use super::super::page::Limit;
use super::super::schemas::{ClientIdText, Millis, ScopeWord, UriText};

/// A scope in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeText {
    /// The scope.
    #[schema(value_type = ScopeWord)]
    pub name: String,
    /// What it allows, as users read it on the consent page: at most 200 bytes.
    #[schema(min_length = 1, max_length = 200)]
    pub description: String,
}

/// What an AI agent can call at a resource, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolText {
    /// Its name, as the protocol has it.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._/-]{1,128}$")]
    pub name: String,
    /// What it does, as users read it on the consent page: at most 200 bytes.
    #[schema(min_length = 1, max_length = 200)]
    pub description: String,
    /// The scopes that it takes, all of them; each is one of the resource's.
    #[serde(default)]
    #[schema(value_type = Vec<ScopeWord>, max_items = 8)]
    pub scopes: Vec<String>,
}

impl From<sealgate_store::ToolText> for ToolText {
    fn from(row: sealgate_store::ToolText) -> Self {
        Self {
            name: row.name,
            description: row.description,
            scopes: row.scopes,
        }
    }
}

/// A resource to register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewResource {
    /// Its identifier: an absolute URI without fragment, at most 512 bytes, compared exactly.
    #[schema(value_type = UriText)]
    pub uri: String,
    /// The name people read on the consent page, 1 to 100 bytes.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The client that serves it, and so may introspect its tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ClientIdText>)]
    pub client: Option<ClientId>,
    /// Its scopes, in words.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub scopes: Vec<ScopeText>,
    /// Whether its tokens have a place in a status list, for verifiers that follow no feed. Each token is
    /// then stored until it expires.
    #[serde(default)]
    pub status_list: bool,
    /// Whether clients that no administrator registered may ask their users for it.
    #[serde(default)]
    pub agents: bool,
    /// What AI agents can call there, in words.
    #[serde(default)]
    #[schema(max_items = 256)]
    pub tools: Vec<ToolText>,
}

/// What to change about a resource. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourcePatch {
    /// The name people read on the consent page, 1 to 100 bytes.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// The client that serves it; `null`: none.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<ClientIdText>)]
    pub client: Option<Option<ClientId>>,
    /// All its scopes from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<ScopeText>, required = false, max_items = 64)]
    pub scopes: Option<Vec<ScopeText>>,
    /// Whether tokens that are issued from now on have a place in a status list.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = bool, required = false)]
    pub status_list: Option<bool>,
    /// Whether clients that no administrator registered may ask their users for it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = bool, required = false)]
    pub agents: Option<bool>,
    /// All that AI agents can call there from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<ToolText>, required = false, max_items = 256)]
    pub tools: Option<Vec<ToolText>>,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResourceView {
    /// Its identifier.
    pub uri: String,
    /// The name people read on the consent page.
    pub name: String,
    /// The client that serves it.
    #[schema(value_type = Option<ClientIdText>)]
    pub client: Option<ClientId>,
    /// Its scopes, in words.
    pub scopes: Vec<ScopeText>,
    /// Whether its tokens have a place in a status list.
    pub status_list: bool,
    /// Whether clients that no administrator registered may ask their users for it.
    pub agents: bool,
    /// What AI agents can call there, in words.
    pub tools: Vec<ToolText>,
    /// When it was registered.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
}

impl From<Resource> for ResourceView {
    fn from(row: Resource) -> Self {
        let text = |scope: sealgate_store::ScopeText| ScopeText {
            name: scope.name,
            description: scope.description,
        };
        Self {
            uri: row.uri,
            name: row.name,
            client: row.client,
            scopes: row.scopes.into_iter().map(text).collect(),
            status_list: row.status_list,
            agents: row.agents,
            tools: row.tools.into_iter().map(ToolText::from).collect(),
            created_at: row.created_at,
        }
    }
}

/// Which resources to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListResources {
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = String, required = false)]
    pub after: Option<String>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Which resource.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichResource {
    /// Its identifier.
    pub uri: String,
}

/// Resources, by URI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resources {
    /// At most `limit` resources.
    pub resources: Vec<ResourceView>,
    /// What to give as `after` for more; none at the end.
    pub next: Option<String>,
}
