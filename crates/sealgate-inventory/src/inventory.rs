//! All ways into an application, as one way of looking saw them: the JSON that `scan` and `inspect` share.

use serde::{Deserialize, Serialize};

use crate::{Acceptance, Accepted, Callable, Finding, Place, Route};

/// The name and version of the JSON document. The number changes when a reader has to.
pub const SCHEMA: &str = "sealgate-routes/1";

/// Who looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lens {
    /// The source was read.
    Scan,
    /// The running application was asked.
    Inspect,
    /// Requests were sent.
    Probe,
}

/// Something that was not understood and is no route: a file with an error in it, an application that could
/// not be entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Where it stands, where that is known.
    pub place: Option<Place>,
    /// What it is, in one sentence without a full stop.
    pub text: String,
}

/// An application that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its name, as `module:name`, or `module:factory()`.
    pub name: String,
    /// Where it is made, where that is known.
    pub place: Option<Place>,
    /// Its middleware, from the outermost to the innermost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub middleware: Vec<Callable>,
    /// How many operations its OpenAPI document has, where it was asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openapi_operations: Option<usize>,
}

/// All ways into the applications that were looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// [`SCHEMA`].
    pub schema: String,
    /// Who looked.
    pub lens: Lens,
    /// At what: a path, `module:app`, or a URL.
    pub target: String,
    /// The applications.
    #[serde(default)]
    pub apps: Vec<App>,
    /// The ways in, by application, path and methods.
    pub routes: Vec<Route>,
    /// What a reviewer has to look at.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What was found as well, and is accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Accepted>,
    /// The comments in the code that accept findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acceptances: Vec<Acceptance>,
    /// What was not understood.
    #[serde(default)]
    pub notes: Vec<Note>,
}

impl Inventory {
    /// An inventory of nothing.
    pub fn new(lens: Lens, target: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            lens,
            target: target.into(),
            apps: Vec::new(),
            routes: Vec::new(),
            findings: Vec::new(),
            accepted: Vec::new(),
            acceptances: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Puts everything into the order that documents have, so that equal inventories are equal texts.
    pub fn sort(&mut self) {
        self.routes
            .sort_by_key(|route| (route.key(), route.kind, route.place()));
        self.findings
            .sort_by(|a, b| (&a.place, &a.rule, &a.message).cmp(&(&b.place, &b.rule, &b.message)));
        self.accepted.sort_by(|a, b| {
            let (a, b) = (&a.finding, &b.finding);
            (&a.place, &a.rule, &a.message).cmp(&(&b.place, &b.rule, &b.message))
        });
    }
}
