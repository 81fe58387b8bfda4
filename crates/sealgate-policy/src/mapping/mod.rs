//! The mapping: from what a credential tells to roles, scopes and the kind of actor.

use serde::{Deserialize, Serialize};

/// The rules of a mapping, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mapping {}
