//! How sure it is that a route is not open to strangers.

use serde::{Deserialize, Serialize};

/// What is known of a route, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Evidence {
    /// No gate stands before it.
    Open,
    /// It could not be told; `reason` says why.
    Unresolved,
    /// It was declared public, for a reason.
    Public,
    /// A gate stands before it in the source.
    GatedStatic,
    /// A gate stands before it in the running application.
    Gated,
    /// Strangers, and what strangers forge, were seen to be denied.
    Denied,
}

impl Evidence {
    /// The name as JSON, the lock file and people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Unresolved => "UNRESOLVED",
            Self::Public => "PUBLIC",
            Self::GatedStatic => "GATED-STATIC",
            Self::Gated => "GATED",
            Self::Denied => "DENIED",
        }
    }

    /// Whether a gate is known to stand before the route.
    pub fn is_gated(self) -> bool {
        self >= Self::GatedStatic
    }
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
