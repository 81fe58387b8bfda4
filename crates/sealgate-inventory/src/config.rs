//! What people say of their routes: `[tool.sealgate.routes]` in `pyproject.toml`, or a file of its own.

mod accept;
mod classes;
mod error;
mod pattern;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::civil::Date;

pub use accept::{AcceptEntry, FilePattern};
pub use classes::{ClassRules, InternalRule, PrivilegedRule, PublicRule};
pub use error::{ConfigError, ConfigProblem};
pub use pattern::RoutePattern;

use crate::{Route, Strength};

/// The longest configuration that is read, in bytes. Other tools keep their tables in `pyproject.toml` too.
pub const CONFIG_BYTES_MAX: usize = 4 << 20;

/// A route that is public, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicEntry {
    /// Which routes.
    pub route: RoutePattern,
    /// Of this application only.
    pub app: Option<String>,
    /// Why strangers may call it. Not blank.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it counts.
    pub expires: Option<Date>,
    /// Its line in the configuration, from 1.
    pub line: u32,
}

/// A callable that was named as a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedGate {
    /// The callable, as `module:qualname`.
    pub name: String,
    /// What it asks for, where that was said. None: to be found out, and [`crate::Level::User`] at least.
    pub strength: Option<Strength>,
}

/// What people say of their routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from, if the reader said so.
    pub file: Option<String>,
    /// Only these applications. Empty: all that are found.
    pub apps: Vec<String>,
    /// Callables that are gates, whatever they look like inside; by name.
    pub gates: Vec<NamedGate>,
    /// Callables that never are.
    pub not_gates: BTreeSet<String>,
    /// Whether gates are found by what they do.
    pub infer: bool,
    /// Files that are not read, besides tests, virtual environments and hidden folders.
    pub exclude: Vec<String>,
    /// Paths that strangers are sent to instead of being let in.
    pub login_paths: Vec<String>,
    /// Routes that are public.
    pub public: Vec<PublicEntry>,
    /// Findings that are accepted.
    pub accept: Vec<AcceptEntry>,
    /// What a class of routes has to have.
    pub classes: ClassRules,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file: None,
            apps: Vec::new(),
            gates: Vec::new(),
            not_gates: BTreeSet::new(),
            infer: true,
            exclude: Vec::new(),
            login_paths: vec!["/login".to_owned(), "/auth/login".to_owned()],
            public: Vec::new(),
            accept: Vec::new(),
            classes: ClassRules::default(),
        }
    }
}

impl Config {
    /// The table `[tool.sealgate.routes]` of a `pyproject.toml`; without one, the default.
    pub fn from_pyproject(text: &str) -> Result<Self, ConfigError> {
        read::pyproject(text)
    }

    /// A file with the same keys at its top.
    pub fn from_text(text: &str) -> Result<Self, ConfigError> {
        read::own_file(text)
    }

    /// The same, with the name of the file it came from, which findings show.
    #[must_use]
    pub fn with_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// What declares a route public, if anything does; the first that means it.
    pub fn public_entry(&self, route: &Route) -> Option<&PublicEntry> {
        self.public.iter().find(|entry| entry.covers(route))
    }

    /// The gate of this name, if it was named.
    pub fn named_gate(&self, name: &str) -> Option<&NamedGate> {
        self.gates.iter().find(|gate| gate.name == name)
    }

    /// Whether it was said that this callable is no gate.
    pub fn is_not_gate(&self, name: &str) -> bool {
        self.not_gates.contains(name)
    }

    /// Whether an application is looked at.
    pub fn wants_app(&self, name: &str) -> bool {
        self.apps.is_empty() || self.apps.iter().any(|app| app == name)
    }
}

impl PublicEntry {
    /// Whether it means a route.
    pub fn covers(&self, route: &Route) -> bool {
        self.app.as_ref().is_none_or(|app| *app == route.app) && self.route.matches(route)
    }
}
