//! The schema of Cedar that is made from actors, routes and what is declared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::kind::{Attributes, Kind, is_type_name};
use super::shape::{self, Applies, ROUTE};
use super::source::PolicySource;

/// What is there without being declared.
pub(crate) const BUILT_IN: &str = r#"// Who calls. An actor lies in its roles and in its tenant: `principal in Role::"approver"`.
entity Role;
entity Tenant;
entity Client;

entity User in [Role, Tenant] = {
  "id": String,
  "roles": Set<String>,
  "scopes": Set<String>,
  "tenant"?: Tenant,
  "client"?: Client,
  "acr"?: String,
  "authenticated_at"?: datetime,
  "email"?: String,
  "via": Set<Client>,
};

entity Machine in [Role, Tenant] = {
  "id": String,
  "client": Client,
  "roles": Set<String>,
  "scopes": Set<String>,
  "tenant"?: Tenant,
};

entity Agent in [Role, Tenant] = {
  "id": String,
  "client": Client,
  "roles": Set<String>,
  "scopes": Set<String>,
  "tenant"?: Tenant,
  "user"?: User,
  "via": Set<Client>,
};

// A route, by its method and its path as the application writes it: `Route::"GET /expenses/{id}"`.
entity Route = {
  "method": String,
  "path": String,
};
"#;

/// The schema of `source` in Cedar's own language.
pub fn schema(source: &PolicySource) -> String {
    schema_of(source, &shape::actions(source))
}

pub(crate) fn schema_of(source: &PolicySource, actions: &BTreeMap<String, Applies>) -> String {
    let mut text = BUILT_IN.to_owned();
    for (name, kind) in &source.resources {
        text.push('\n');
        let _ = write!(text, "entity {name}");
        if !kind.parents.is_empty() {
            let _ = write!(text, " in [{}]", list(&kind.parents));
        }
        if !kind.attributes.is_empty() {
            text.push_str(" = ");
            record(&mut text, &kind.attributes, &[], "");
        }
        text.push_str(";\n");
    }
    for (name, action) in actions {
        let _ = write!(text, "\naction {}", quoted(name));
        if !action.groups.is_empty() {
            let groups: Vec<String> = action.groups.iter().map(|name| quoted(name)).collect();
            let _ = write!(text, " in [{}]", groups.join(", "));
        }
        if !action.resources.is_empty() {
            let _ = write!(
                text,
                " appliesTo {{\n  principal: [{}],\n  resource: [{}],\n  context: ",
                list(&action.actors),
                list(&action.resources)
            );
            record(
                &mut text,
                &action.context,
                &[
                    "\"credential\": String",
                    "\"issuer\": String",
                    "\"now\": datetime",
                ],
                "  ",
            );
            text.push_str(",\n}");
        }
        text.push_str(";\n");
    }
    text
}

fn record(text: &mut String, attributes: &Attributes, first: &[&str], indent: &str) {
    text.push_str("{\n");
    for line in first {
        let _ = writeln!(text, "{indent}  {line},");
    }
    for (name, attribute) in &attributes.0 {
        let mark = if attribute.required { "" } else { "?" };
        let _ = write!(text, "{indent}  {}{mark}: ", quoted(name));
        match &attribute.kind {
            Kind::Record(within) => record(text, within, &[], &format!("{indent}  ")),
            kind => {
                let _ = write!(text, "{kind}");
            }
        }
        text.push_str(",\n");
    }
    let _ = write!(text, "{indent}}}");
}

/// Names of types. What is no name was found by [`shape::check`] and must not change the text around it.
fn list(names: &BTreeSet<String>) -> String {
    let names = names
        .iter()
        .filter(|name| *name == ROUTE || is_type_name(name));
    names.cloned().collect::<Vec<_>>().join(", ")
}

/// `text` as a string of Cedar.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for one in text.chars() {
        match one {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(one);
            }
            one if one.is_control() || one == '\u{2028}' || one == '\u{2029}' => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(one));
            }
            one => quoted.push(one),
        }
    }
    quoted.push('"');
    quoted
}
