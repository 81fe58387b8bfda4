//! A plan: what would be made, changed and removed, member by member.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::risk::{Level, Risk};

/// What is done to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Remove,
}

/// What kind of thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `[client.ID]`
    Client,
    /// `[machine.ID]`
    Machine,
    /// `[resource."URI"]`
    Resource,
    /// `[role.NAME]`
    Role,
    /// `[scope.NAME]`
    Scope,
    /// `[keys.ALGORITHM]`
    Keys,
    /// `[[mapping]]`
    Mapping,
    /// `[policy]`
    Policy,
}

impl Kind {
    /// The word for it in a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Machine => "machine",
            Self::Resource => "resource",
            Self::Role => "role",
            Self::Scope => "scope",
            Self::Keys => "keys",
            Self::Mapping => "mapping",
            Self::Policy => "policy",
        }
    }
}

/// A line of a text that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", content = "text", rename_all = "snake_case")]
pub enum Line {
    /// It is there before and after.
    Same(String),
    /// It is there after.
    Added(String),
    /// It was there before.
    Removed(String),
}

/// How one member changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum FieldChange {
    /// One value in place of another; `null`: none.
    Value {
        /// The member.
        name: String,
        /// What it was.
        before: Value,
        /// What it is to be.
        after: Value,
    },
    /// A list without order.
    Set {
        /// The member.
        name: String,
        /// What is new in it.
        added: Vec<Value>,
        /// What is not in it any more.
        removed: Vec<Value>,
        /// How much stays.
        kept: usize,
    },
    /// A text, line by line.
    Text {
        /// What it is the text of.
        name: String,
        /// Its lines.
        lines: Vec<Line>,
    },
}

impl FieldChange {
    /// The member.
    pub fn name(&self) -> &str {
        match self {
            Self::Value { name, .. } | Self::Set { name, .. } | Self::Text { name, .. } => name,
        }
    }
}

/// What happens to one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is done.
    pub action: Action,
    /// To what kind of thing.
    pub kind: Kind,
    /// To which: its id, URI or name.
    pub id: String,
    /// Member by member.
    pub fields: Vec<FieldChange>,
    /// What it risks, the worst first.
    pub risks: Vec<Risk>,
    /// What else happens by it at once: what ends, what is made.
    pub effects: Vec<String>,
}

/// How much a plan does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Things to create.
    pub create: usize,
    /// Things to change.
    pub change: usize,
    /// Things to remove.
    pub remove: usize,
    /// Risks, the high ones among them.
    pub risks: usize,
    /// High risks.
    pub high: usize,
}

/// What would be done for a declaration to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The declaration's name.
    pub declaration: String,
    /// What would happen, by kind and id.
    pub changes: Vec<Change>,
    /// How many things there are that are left alone.
    pub left_alone: usize,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How much it does.
    pub fn summary(&self) -> Summary {
        let of = |action: Action| {
            let fits = |change: &&Change| change.action == action;
            self.changes.iter().filter(fits).count()
        };
        let risks = self.changes.iter().flat_map(|change| &change.risks);
        Summary {
            create: of(Action::Create),
            change: of(Action::Update),
            remove: of(Action::Remove),
            risks: risks.clone().count(),
            high: risks.filter(|risk| risk.level == Level::High).count(),
        }
    }
}
