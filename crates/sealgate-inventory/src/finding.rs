//! Something that a reviewer has to look at.

use serde::{Deserialize, Serialize};

use crate::{Place, RouteKey, Step};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; fails nothing.
    Note,
    /// Likely wrong. Fails, like an error.
    Warning,
    /// Wrong, or a way in.
    Error,
}

/// The nearest neighbour that does it right.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sibling {
    /// The neighbour.
    pub route: RouteKey,
    /// Where it is written.
    pub place: Option<Place>,
    /// The gates it has.
    pub gates: Vec<String>,
}

/// Something that a reviewer has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The id of its rule.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, in one sentence without a full stop.
    pub message: String,
    /// Where it stands, where that is known.
    pub place: Option<Place>,
    /// The route that it is about, if it is about one.
    pub route: Option<RouteKey>,
    /// What to do, in one sentence without a full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How the application leads to the route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Step>,
    /// The nearest neighbour that does it right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sibling: Option<Sibling>,
}
