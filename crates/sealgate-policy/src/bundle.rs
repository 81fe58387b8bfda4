//! The bundle: one version of everything that gates decide by besides credentials.

use sealgate_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cedar::PolicySource;
use crate::mapping::Mapping;

/// One version of the mapping and the policies, as the control plane keeps and signs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Its number: gapless, from 1.
    pub version: u64,
    /// When it was applied, by the control plane's clock; later than that of every version before.
    pub made_at: Timestamp,
    /// What claims give.
    pub mapping: Mapping,
    /// What actors may do, and what is declared of resources.
    pub policies: PolicySource,
}
