//! What policies are made from: their text, and what is declared of actions and resources.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::kind::Attributes;

/// The text of the policies, and what is declared for them. It travels in the bundle as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySource {
    /// Each file's text, by its name.
    pub files: BTreeMap<String, String>,
    /// The kinds of resource that applications ask about, by their name in Cedar.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, ResourceKind>,
    /// The actions that are declared by themselves, by their name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub actions: BTreeMap<String, Action>,
    /// The routes that are known, written `GET /expenses/{id}`, each with the actions that it asks for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<String, BTreeSet<String>>,
    /// The roles that there are. Where none is declared, policies may name any.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
}

/// A kind of resource, `[policy.resource.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceKind {
    /// What policies may ask of it.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// What it may lie in: the names of other kinds.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub parents: BTreeSet<String>,
    /// What may be done with it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub actions: BTreeSet<String>,
}

/// An action, `[policy.actions]`. One that no kind of resource names is asked of routes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Action {
    /// The kinds of actor that it is for; where none is named, all of them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub actors: BTreeSet<String>,
    /// Further kinds of resource that it is done with, `Route` among them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub resources: BTreeSet<String>,
    /// The groups of actions that it belongs to.
    #[serde(rename = "in", skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// What an application tells beside the resource.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub context: Attributes,
}

impl PolicySource {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
