//! What was applied before: under one name, and under the others.

use sealgate_plan::{Others, State};
use sealgate_store::{AuditActor, Declarable, DeclarationRow};

/// What was applied last.
#[derive(Debug, Default)]
pub(crate) struct Last {
    /// Under the name that is asked for, with its row.
    pub(crate) own: Option<(State, DeclarationRow)>,
    /// Under the others.
    pub(crate) others: Others,
}

impl Last {
    /// Reads what is kept.
    ///
    /// # Errors
    /// Where it cannot be read by this version.
    pub(crate) fn read(rows: &Declarable, name: &str) -> Result<Self, String> {
        let mut last = Self::default();
        for row in &rows.declarations {
            let state: State = serde_json::from_str(&row.state)
                .map_err(|error| format!("the declaration {:?}: {error}", row.name))?;
            if row.name == name {
                last.own = Some((state, row.clone()));
            } else {
                last.others.insert(row.name.clone(), state);
            }
        }
        Ok(last)
    }
}

/// Who it was, as the audit log calls them.
pub(crate) fn author(actor: &AuditActor) -> String {
    match actor {
        AuditActor::User(id) => format!("user:{id}"),
        AuditActor::Client(id) => format!("client:{id}"),
        AuditActor::Operator => "operator".to_owned(),
        AuditActor::Anonymous => "anonymous".to_owned(),
        AuditActor::System => "system".to_owned(),
    }
}
