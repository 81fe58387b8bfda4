//! What is declared, put together: each action with whom it is for and what it is done with.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::kind::{Attributes, Kind, NAME_MOST, is_type_name};
use super::source::PolicySource;

/// The kind of resource that a route is.
pub(crate) const ROUTE: &str = "Route";
/// The kinds of actor.
pub(crate) const ACTORS: [&str; 3] = ["User", "Machine", "Agent"];
/// What else there is without being declared.
const BUILT_IN: [&str; 3] = ["Role", "Tenant", "Client"];
/// What every action's context has, and none may declare again.
pub(crate) const CONTEXT: [&str; 3] = ["credential", "issuer", "now"];
/// Names that mean something else in a schema.
const TAKEN: [&str; 11] = [
    "String", "Long", "Bool", "Boolean", "decimal", "ipaddr", "datetime", "duration", "Action",
    "entity", "type",
];

/// An action, whoever declared it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Applies {
    /// The kinds of actor.
    pub(crate) actors: BTreeSet<String>,
    /// The kinds of resource; none for what is only a group of actions.
    pub(crate) resources: BTreeSet<String>,
    /// The groups that it belongs to.
    pub(crate) groups: BTreeSet<String>,
    /// What an application tells beside the resource.
    pub(crate) context: Attributes,
}

/// Every action of `source`, by its name.
pub(crate) fn actions(source: &PolicySource) -> BTreeMap<String, Applies> {
    let mut actions: BTreeMap<String, Applies> = BTreeMap::new();
    let mut groups = BTreeSet::new();
    for (name, declared) in &source.actions {
        let action = actions.entry(name.clone()).or_default();
        action.actors.clone_from(&declared.actors);
        action.resources.clone_from(&declared.resources);
        action.groups.clone_from(&declared.groups);
        action.context.clone_from(&declared.context);
        groups.extend(declared.groups.iter().cloned());
    }
    for (kind, resource) in &source.resources {
        for name in &resource.actions {
            let action = actions.entry(name.clone()).or_default();
            action.resources.insert(kind.clone());
        }
    }
    for name in source.routes.values().flatten() {
        let action = actions.entry(name.clone()).or_default();
        action.resources.insert(ROUTE.to_owned());
    }
    for group in &groups {
        actions.entry(group.clone()).or_default();
    }
    for (name, action) in &mut actions {
        if action.resources.is_empty() && !groups.contains(name) {
            action.resources.insert(ROUTE.to_owned());
        }
        if action.actors.is_empty() {
            action.actors = ACTORS.map(str::to_owned).into();
        }
    }
    actions
}

/// What is wrong with what `source` declares, whatever its policies are.
pub(crate) fn check(source: &PolicySource, actions: &BTreeMap<String, Applies>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut wrong = |message: String| found.push(Finding::error("declaration_wrong", message));
    for (name, kind) in &source.resources {
        let place = format!("policy.resource.{name}");
        if !is_type_name(name) || is_taken(name) {
            wrong(format!(
                "{place}: {name:?} cannot be the name of a kind of resource"
            ));
        }
        check_types(source, &place, &kind.attributes, &mut wrong);
        for parent in &kind.parents {
            let can_hold = is_known(source, parent) && parent != "Role" && parent != ROUTE;
            if !can_hold {
                wrong(format!("{place}.parents: nothing can lie in {parent:?}"));
            }
        }
    }
    for (name, action) in actions {
        let place = format!("policy.actions.{name:?}");
        if !is_action_name(name) {
            wrong(format!(
                "{place}: {name:?} is no name of an action: write letters, digits and \"._:/-\""
            ));
        }
        for actor in action
            .actors
            .iter()
            .filter(|actor| !ACTORS.contains(&actor.as_str()))
        {
            wrong(format!(
                "{place}.actors: {actor:?} is no kind of actor: write User, Machine or Agent"
            ));
        }
        for kind in &action.resources {
            if kind != ROUTE && !source.resources.contains_key(kind) {
                wrong(format!(
                    "{place}.resources: there is no kind of resource {kind:?}"
                ));
            }
        }
        let place = format!("{place}.context");
        check_types(source, &place, &action.context, &mut wrong);
        for (attribute, declared) in &action.context.0 {
            if CONTEXT.contains(&attribute.as_str()) {
                wrong(format!(
                    "{place}: {attribute:?} is always there, and is not declared"
                ));
            } else if declared.required && action.resources.contains(ROUTE) {
                wrong(format!(
                    "{place}: {attribute:?} is not told where a route asks: write \"{attribute}?\""
                ));
            }
        }
    }
    found
}

fn is_taken(name: &str) -> bool {
    ACTORS.contains(&name) || BUILT_IN.contains(&name) || TAKEN.contains(&name) || name == ROUTE
}

fn is_known(source: &PolicySource, name: &str) -> bool {
    ACTORS.contains(&name)
        || BUILT_IN.contains(&name)
        || name == ROUTE
        || source.resources.contains_key(name)
}

/// Whether `name` can be that of an action. It is one word wherever it is written.
pub fn is_action_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_MOST
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte))
}

fn check_types(
    source: &PolicySource,
    place: &str,
    attributes: &Attributes,
    wrong: &mut impl FnMut(String),
) {
    for (name, attribute) in &attributes.0 {
        let mut kind = &attribute.kind;
        while let Kind::Set(of) = kind {
            kind = of;
        }
        match kind {
            Kind::Entity(entity) if !is_known(source, entity) => {
                wrong(format!("{place}.{name}: there is no type {entity:?}"));
            }
            Kind::Record(within) => {
                check_types(source, &format!("{place}.{name}"), within, wrong);
            }
            _ => {}
        }
    }
}
