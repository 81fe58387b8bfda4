//! The lock file `sealgate.routes.toml`: what was reviewed of every way into an application.
//!
//! The format is specified in `docs/spec/lock-file.md`. It is written to be read in a pull request: in order,
//! one small block for each route, and nothing in it that changes when nothing about the routes does.

mod error;
mod merge;
mod read;
pub mod requirement;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use error::{LockError, LockProblem};
pub(crate) use merge::{is_seen, moves};
pub use merge::{kept, renew, renew_only};
pub use read::read;

use crate::{Config, Evidence, Inventory, Kind, Lens, Level, Methods, Place, Risk, Route};
use crate::{RouteKey, Strength};

/// The version of the format that is read and written.
pub const LOCK_VERSION: i64 = 1;
/// The name that the file has where nobody says another.
pub const LOCK_FILE: &str = "sealgate.routes.toml";
/// The longest lock file that is read, in bytes.
pub const LOCK_BYTES_MAX: usize = 16 << 20;
/// The most routes that are read.
pub const LOCK_ROUTES_MAX: usize = 20_000;

/// Whom a route is meant for, in the order of how much is asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// For strangers.
    Public,
    /// For whoever has a valid credential.
    User,
    /// For machines and agents.
    Internal,
    /// For those who have a role, or something else that only some have.
    Privileged,
}

impl Class {
    /// The name as the lock file and people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::User => "user",
            Self::Internal => "internal",
            Self::Privileged => "privileged",
        }
    }

    /// The class that a gated route is given when nobody says another.
    pub fn of(strength: &Strength) -> Self {
        if strength.level == Level::Privileged {
            Self::Privileged
        } else if is_for_programs(strength) {
            Self::Internal
        } else {
            Self::User
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether machines and agents alone may pass.
pub(crate) fn is_for_programs(strength: &Strength) -> bool {
    !strength.actors.is_empty() && !strength.actors.contains(&crate::Actor::User)
}

/// What was reviewed of one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The application.
    pub app: String,
    /// The path.
    pub path: String,
    /// The methods.
    pub methods: Methods,
    /// What kind of way in it is.
    pub kind: Kind,
    /// What serves it, as `module:qualname`.
    pub endpoint: Option<String>,
    /// Whom it is meant for. None: nobody has said, and nothing stands before it that would tell.
    pub class: Option<Class>,
    /// What somebody could do with it.
    pub risk: Vec<Risk>,
    /// What its gates ask for, all together.
    pub strength: Strength,
    /// Its gates.
    pub gates: BTreeSet<String>,
    /// What was known of it.
    pub evidence: Evidence,
    /// Why it is public.
    pub reason: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it may be public.
    pub expires: Option<Date>,
    /// The comment directly above its block: whole lines, each with its `#`.
    pub comment: Vec<String>,
    /// The line of its block, from 1, where it was read from a text; else 0.
    pub line: u32,
}

impl Entry {
    /// What it is about.
    pub fn key(&self) -> RouteKey {
        RouteKey {
            app: self.app.clone(),
            path: self.path.clone(),
            methods: self.methods.to_string(),
        }
    }

    /// Whether people declared the route public in the lock file itself, not in the source or configuration.
    pub fn is_declared_here(&self) -> bool {
        self.class == Some(Class::Public) && self.evidence != Evidence::Public
    }

    /// Whether it says that strangers may call the route, wherever that was declared.
    pub fn is_public(&self) -> bool {
        self.class == Some(Class::Public) || self.evidence == Evidence::Public
    }

    /// Whether it says that the route was behind a gate.
    pub(crate) fn is_reviewed_gated(&self) -> bool {
        self.evidence.is_gated() && !self.is_declared_here()
    }

    fn sort_key(&self) -> (&str, &str, &Methods) {
        (&self.app, &self.path, &self.methods)
    }
}

/// What was reviewed of all routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockFile {
    /// The name of the file, for findings; [`LOCK_FILE`] if nobody said another.
    pub file: String,
    /// The strongest way of looking that it was written from.
    pub lens: Lens,
    /// The routes, by application, path and methods.
    pub entries: Vec<Entry>,
}

impl LockFile {
    /// A lock file of these entries.
    pub fn new(lens: Lens, mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        Self {
            file: LOCK_FILE.to_owned(),
            lens,
            entries,
        }
    }

    /// The same, with the name of the file it came from.
    #[must_use]
    pub fn with_file(mut self, file: impl Into<String>) -> Self {
        self.file = file.into();
        self
    }

    /// What it says of these applications alone: for whoever looked at no others, and knows it.
    #[must_use]
    pub fn only(mut self, wanted: impl Fn(&str) -> bool) -> Self {
        self.entries.retain(|entry| wanted(&entry.app));
        self
    }

    /// Whether it declares a route public, with all its methods, and what says so.
    pub fn public_entry(&self, route: &Route) -> Option<&Entry> {
        let methods = Methods::of(route);
        self.at(&route.app, &route.path)
            .iter()
            .find(|entry| entry.methods.cover_all(&methods) && entry.is_public())
    }

    /// The entries at one path.
    pub(crate) fn at(&self, app: &str, path: &str) -> &[Entry] {
        let place = |entry: &Entry| (entry.app.as_str(), entry.path.as_str()).cmp(&(app, path));
        let from = self.entries.partition_point(|entry| place(entry).is_lt());
        let entries = self.entries.get(from..).unwrap_or_default();
        let length = entries.partition_point(|entry| place(entry).is_eq());
        entries.get(..length).unwrap_or_default()
    }

    /// Where an entry stands.
    pub(crate) fn place(&self, entry: &Entry) -> Option<Place> {
        (entry.line > 0).then(|| Place {
            file: self.file.clone(),
            line: entry.line,
        })
    }

    /// The file's text: what [`read()`] reads, and the same for the same content.
    pub fn to_text(&self) -> String {
        text::whole(self)
    }
}

/// The text of the lock file for what was seen, keeping what people wrote into the previous one.
///
/// It never makes a route public, and never lowers a class: what is open stays without a class until people
/// give it one, and [`crate::drift::compare`] goes on reporting it.
pub fn write(inventory: &Inventory, previous: Option<&LockFile>, config: &Config) -> String {
    renew(inventory, previous, config).to_text()
}
