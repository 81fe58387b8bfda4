//! Policies in Cedar: what they are written in, checked against and decided by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The text of the policies, and what is declared for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySource {
    /// Each file's text, by its name.
    pub files: BTreeMap<String, String>,
}
