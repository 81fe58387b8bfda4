//! What a file declares of policies: its table `[policy]`, and the roles in `[role.NAME]`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::limits::{self, FILE_BYTES_MOST, FILES_MOST, ROUTES_MOST};
use super::source::{Action, PolicySource, ResourceKind};
use crate::error::PolicyError;

/// What the table `[policy]` says, before the files that it names are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// The files with policies, relative to the declaring file: `policies/*.cedar`.
    pub files: Vec<String>,
    /// The lock files of routes whose actions are known by them, relative to the declaring file.
    pub routes: Vec<String>,
    /// Everything else.
    source: PolicySource,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Section {
    files: Vec<String>,
    routes: Vec<String>,
    roles: BTreeSet<String>,
    actions: BTreeMap<String, Action>,
    resource: BTreeMap<String, ResourceKind>,
}

/// Reads what `document`, a whole declaring file, says of policies. Its other tables are left alone, but for
/// the names in `[role.NAME]`, which are the roles that policies may name.
///
/// # Errors
/// [`PolicyError::Malformed`] where the table is not as docs/reference/policy-schema.md says.
pub fn read(document: &toml::Table) -> Result<Declared, PolicyError> {
    let section = match document.get("policy") {
        None => Section::default(),
        Some(value) => value.clone().try_into::<Section>().map_err(|error| {
            let said = error.to_string();
            PolicyError::Malformed(format!("[policy]: {}", said.trim().replace('\n', " ")))
        })?,
    };
    let mut roles = section.roles;
    if let Some(toml::Value::Table(declared)) = document.get("role") {
        roles.extend(declared.keys().cloned());
    }
    for name in section.files.iter().chain(&section.routes) {
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(PolicyError::Malformed(format!(
                "[policy]: {name:?} is no name of a file"
            )));
        }
    }
    Ok(Declared {
        files: section.files,
        routes: section.routes,
        source: PolicySource {
            resources: section.resource,
            actions: section.actions,
            roles,
            ..PolicySource::default()
        },
    })
}

impl Declared {
    /// The source, with the text of the `files` that this names by their name, and that of the lock files.
    ///
    /// # Errors
    /// [`PolicyError::Oversize`] where there is more of it than is taken, and [`PolicyError::Malformed`] for a
    /// lock file that is none.
    pub fn with(
        self,
        files: BTreeMap<String, String>,
        locks: &BTreeMap<String, String>,
    ) -> Result<PolicySource, PolicyError> {
        let mut source = self.source;
        if locks.len() > FILES_MOST {
            return Err(PolicyError::Oversize("lock files", FILES_MOST));
        }
        for (name, text) in locks {
            routes_of(name, text, &mut source.routes)?;
        }
        source.files = files;
        limits::check(&source)?;
        Ok(source)
    }
}

/// Adds the routes of a lock file, each with the actions that it asks for.
fn routes_of(
    name: &str,
    text: &str,
    routes: &mut BTreeMap<String, BTreeSet<String>>,
) -> Result<(), PolicyError> {
    if text.len() > FILE_BYTES_MOST {
        return Err(PolicyError::Oversize(
            "bytes in a lock file",
            FILE_BYTES_MOST,
        ));
    }
    let malformed = || PolicyError::Malformed(format!("{name}: this is no lock file of routes"));
    let document: toml::Table = text.parse().map_err(|_| malformed())?;
    let applications = match document.get("route") {
        None => return Ok(()),
        Some(value) => value.as_table().ok_or_else(malformed)?,
    };
    for application in applications.values() {
        for (route, entry) in application.as_table().ok_or_else(malformed)? {
            let entry = entry.as_table().ok_or_else(malformed)?;
            let requires = entry.get("requires").and_then(toml::Value::as_str);
            // The action is among what else a route asks for, in words (docs/spec/lock-file.md).
            let words = requires.unwrap_or_default().split_whitespace();
            let more = words.filter_map(|word| word.strip_prefix("more="));
            let actions = more.flat_map(|more| more.split(','));
            let actions = actions.filter_map(|one| one.strip_prefix("action="));
            routes
                .entry(route.clone())
                .or_default()
                .extend(actions.map(str::to_owned));
            if routes.len() > ROUTES_MOST {
                return Err(PolicyError::Oversize("routes", ROUTES_MOST));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(text: &str) -> Result<Declared, PolicyError> {
        read(&text.parse().unwrap())
    }

    #[test]
    fn a_file_declares_resources_actions_and_roles_beside_other_things() {
        let declared = declared(
            r#"
            issuer = "https://id.example"
            [policy]
            files = ["policies/*.cedar"]
            routes = ["sealgate.routes.toml"]
            roles = ["admin"]
            [policy.actions]
            "expenses.list" = {}
            "expenses.approve" = { in = ["write"], actors = ["User"], context = { "reason?" = "String" } }
            [policy.resource.Expense]
            attributes = { owner = "User", amount = "decimal", "note?" = "String" }
            parents = ["Tenant"]
            actions = ["expenses.approve"]
            [role.approver]
            "#,
        )
        .unwrap();
        assert_eq!(declared.files, ["policies/*.cedar"]);
        let lock = r#"
            version = 1
            [route."app:app"."GET /expenses/{id}"]
            requires = "privileged actors=user roles=a more=acr=mfa,action=expenses.read"
            [route."app:app"."GET /health"]
            class = "public"
        "#;
        let locks = BTreeMap::from([("sealgate.routes.toml".to_owned(), lock.to_owned())]);
        let source = declared.with(BTreeMap::new(), &locks).unwrap();
        let roles: Vec<_> = source.roles.iter().map(String::as_str).collect();
        assert_eq!(roles, ["admin", "approver"]);
        assert!(source.routes["GET /expenses/{id}"].contains("expenses.read"));
        assert!(source.routes["GET /health"].is_empty());
        let text = serde_json::to_string(&source).unwrap();
        assert_eq!(serde_json::from_str::<PolicySource>(&text).unwrap(), source);
    }

    #[test]
    fn what_is_misspelt_is_refused_and_not_passed_over() {
        for text in [
            "[policy]\nfile = []",
            "[policy.resource.Expense]\nattribute = {}",
            "[policy.resource.Expense]\nattributes = { a = \"Strin g\" }",
            "[policy.actions]\na = { actor = [] }",
            "policy = 7",
        ] {
            let error = declared(text).unwrap_err();
            assert_eq!(error.code(), "policy_malformed", "{text}: {error}");
        }
        assert!(declared("[client.x]\na = 1").unwrap().files.is_empty());
    }
}
