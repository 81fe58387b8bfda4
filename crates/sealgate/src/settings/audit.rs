//! What is kept of acts, and for how long.

use std::time::Duration;

use sealgate_server::AuditPolicy;
use sealgate_store::NetworkDetail;
use serde::{Deserialize, Serialize};

use super::Span;

/// The records of acts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Records {
    pub(crate) network: Detail,
    /// Zero: for ever.
    pub(crate) keep_allowed: Span,
    /// Zero: for ever.
    pub(crate) keep_denied: Span,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            network: Detail::Full,
            keep_allowed: Span(Duration::ZERO),
            keep_denied: Span(Duration::ZERO),
        }
    }
}

/// How much of addresses is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Detail {
    #[default]
    Full,
    Prefix,
    None,
}

impl Records {
    /// What the control plane is told.
    pub(crate) fn policy(&self) -> AuditPolicy {
        let kept = |span: Span| Some(span.0).filter(|span| *span > Duration::ZERO);
        AuditPolicy {
            network: match self.network {
                Detail::Full => NetworkDetail::Full,
                Detail::Prefix => NetworkDetail::Prefix,
                Detail::None => NetworkDetail::None,
            },
            keep_allowed: kept(self.keep_allowed),
            keep_denied: kept(self.keep_denied),
        }
    }
}
