//! What policies that can be read and are sound say all the same, and surely was not meant.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cedar_policy::{ActionConstraint, PrincipalConstraint, ResourceConstraint};

use super::finding::Finding;
use super::rules::Rule;
use super::schema::quoted;
use super::shape::{ACTORS, Applies, ROUTE};
use super::source::PolicySource;

/// Everything that is found beyond what Cedar's validator tells. What nothing permits is told where `rules` are all
/// that there are.
pub(super) fn look(
    source: &PolicySource,
    rules: &[Rule],
    actions: &BTreeMap<String, Applies>,
    is_whole: bool,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen: HashMap<String, &Rule> = HashMap::new();
    for rule in rules {
        found.extend(everybody(rule));
        found.extend(names(source, rule));
        found.extend(unasked(source, rule, actions));
        if let Some(first) = seen.get(&meaning(rule)) {
            found.push(duplicate(rule, first));
        } else {
            found.extend(shadow(rule, rules, actions));
            seen.insert(meaning(rule), rule);
        }
    }
    if !is_whole {
        return found;
    }
    found.extend(
        actions
            .iter()
            .filter_map(|(name, action)| denied(name, action, actions, rules)),
    );
    found
}

/// Whether it always holds where its scope does.
fn is_unconditional(rule: &Rule) -> bool {
    let is_void = |condition: &super::text::Condition| {
        let says = |text| {
            condition
                .parts
                .iter()
                .all(|part| &rule.text[part.clone()] == text)
        };
        says(if condition.negated { "false" } else { "true" })
    };
    !rule.policy.has_non_scope_constraint() || rule.anatomy.conditions.iter().all(is_void)
}

fn everybody(rule: &Rule) -> Option<Finding> {
    let policy = &rule.policy;
    let any_actor = policy.principal_constraint() == PrincipalConstraint::Any;
    let any_resource = policy.resource_constraint() == ResourceConstraint::Any;
    if !rule.permits() || !any_actor || !is_unconditional(rule) {
        return None;
    }
    let finding = if any_resource && policy.action_constraint() == ActionConstraint::Any {
        let message = "this permits everybody to do everything";
        Finding::error("permits_everything", message)
            .hint("name the action, and who may: `principal in Role::\"…\"`, or a `when`")
    } else if any_resource {
        let message = "this permits every actor that the gate lets in, with any resource";
        Finding::warning("permits_everybody", message)
            .hint("name who may, or say in a `when` what has to hold")
    } else {
        return None;
    };
    Some(finding.at(rule.span.clone()).of(&rule.id))
}

/// Roles and routes that a policy names and nobody has declared.
fn names(source: &PolicySource, rule: &Rule) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for uid in rule.policy.entity_literals() {
        let (kind, id) = (uid.type_name().to_string(), AsRef::<str>::as_ref(uid.id()));
        let (code, what, known): (_, _, Vec<&str>) = match kind.as_str() {
            "Role" if !source.roles.is_empty() && !source.roles.contains(id) => (
                "role_unknown",
                "role",
                source.roles.iter().map(String::as_str).collect(),
            ),
            ROUTE if !source.routes.is_empty() && !source.routes.contains_key(id) => (
                "route_unknown",
                "route",
                source.routes.keys().map(String::as_str).collect(),
            ),
            _ => continue,
        };
        let message = format!("there is no {what} {id:?}");
        if found.iter().any(|other| other.message == message) {
            continue;
        }
        let literal = format!("{kind}::{}", quoted(id));
        let span = match rule.text.find(&literal) {
            Some(at) => rule.place(source, at, at + literal.len()),
            None => rule.span.clone(),
        };
        let mut finding = Finding::error(code, message).at(span).of(&rule.id);
        finding.hint = Some(match nearest(id, &known) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("declare it, or name one of {}", listed(&known)),
        });
        found.push(finding);
    }
    found
}

/// What a `forbid` names that may never be there, so that it forbids nothing: a route or a role that nothing is known
/// to be called, or a route that does not ask the policies for what is forbidden.
fn unasked(
    source: &PolicySource,
    rule: &Rule,
    actions: &BTreeMap<String, Applies>,
) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    if rule.permits() {
        return found;
    }
    for uid in rule.policy.entity_literals() {
        let (kind, id) = (uid.type_name().to_string(), AsRef::<str>::as_ref(uid.id()));
        let asks = |asked: &BTreeSet<String>| {
            let is_about = |name: &String| rule.is_about(name, &groups_of(name, actions));
            asked.iter().any(is_about)
        };
        let finding = match (kind.as_str(), source.routes.get(id)) {
            (ROUTE, None) if source.routes.is_empty() => Finding::error(
                "route_unchecked",
                format!("nobody knows whether there is a route {id:?}: if there is none, this forbids nothing"),
            )
            .hint("name the lock file of the routes: routes = [\"sealgate.routes.toml\"] in [policy]"),
            (ROUTE, Some(asked)) if !asks(asked) => Finding::warning(
                "route_not_asked",
                format!("the route {id:?} asks for no action that this is about: the gate does not look at it there"),
            )
            .hint("give the route the action, as in gate.user(action=\"…\")"),
            ("Role", _) if source.roles.is_empty() => Finding::warning(
                "role_unchecked",
                format!("nobody knows whether there is a role {id:?}: if there is none, this forbids nothing"),
            )
            .hint("declare the roles: roles = [\"…\"] in [policy], or [role.NAME]"),
            _ => continue,
        };
        if !found.iter().any(|other| other.message == finding.message) {
            found.push(finding.at(rule.span.clone()).of(&rule.id));
        }
    }
    found
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 5 {
        format!("{shown}, …")
    } else {
        shown
    }
}

/// What a policy says, without its annotations.
fn meaning(rule: &Rule) -> String {
    let mut document = rule.policy.to_json().unwrap_or_default();
    if let Some(fields) = document.as_object_mut() {
        fields.remove("annotations");
    }
    document.to_string()
}

fn duplicate(rule: &Rule, first: &Rule) -> Finding {
    let message = format!("this says what {:?} says already", first.id);
    let at = &first.span;
    Finding::warning("policy_duplicate", message)
        .at(rule.span.clone())
        .of(&rule.id)
        .hint(format!(
            "that one is at {}:{}:{}: take one of them away",
            at.file, at.line, at.column
        ))
}

/// A policy that changes no answer, because another one without a condition has a scope that holds wherever its
/// own does.
fn shadow(rule: &Rule, rules: &[Rule], actions: &BTreeMap<String, Applies>) -> Option<Finding> {
    let wider = rules.iter().find(|other| {
        other.id != rule.id
            && is_unconditional(other)
            && (!other.permits() || rule.permits())
            && covers(other, rule, actions)
            // Of two that cover each other the first one counts.
            && !(other.permits() == rule.permits()
                && is_unconditional(rule)
                && covers(rule, other, actions)
                && other.span > rule.span)
    })?;
    let (message, hint) = match (rule.permits(), wider.permits()) {
        (true, true) => (
            format!("{:?} permits all of this already", wider.id),
            "what this asks for has no effect: take it away, or narrow the other one",
        ),
        (true, false) => (
            format!("{:?} forbids all of this", wider.id),
            "this permits nothing: a forbid wins",
        ),
        (false, _) => (
            format!("{:?} forbids all of this already", wider.id),
            "take it away, or narrow the other one",
        ),
    };
    Some(
        Finding::warning("policy_shadowed", message)
            .at(rule.span.clone())
            .of(&rule.id)
            .hint(hint),
    )
}

/// Whether the scope of `wide` holds wherever that of `narrow` does.
fn covers(wide: &Rule, narrow: &Rule, actions: &BTreeMap<String, Applies>) -> bool {
    let (wide, narrow) = (&wide.policy, &narrow.policy);
    let principal = match wide.principal_constraint() {
        PrincipalConstraint::Any => true,
        constraint => constraint == narrow.principal_constraint(),
    };
    let resource = match wide.resource_constraint() {
        ResourceConstraint::Any => true,
        constraint => constraint == narrow.resource_constraint(),
    };
    let named = |constraint: &ActionConstraint| match constraint {
        ActionConstraint::Any => None,
        ActionConstraint::Eq(uid) => Some(vec![uid.clone()]),
        ActionConstraint::In(uids) => Some(uids.clone()),
    };
    let action = match (
        named(&wide.action_constraint()),
        named(&narrow.action_constraint()),
    ) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.iter().all(|uid| {
            let groups = actions
                .get(AsRef::<str>::as_ref(uid.id()))
                .map(|action| &action.groups);
            wide.iter().any(|other| {
                let other_id: &str = other.id().as_ref();
                other == uid || groups.is_some_and(|groups| groups.contains(other_id))
            })
        }),
    };
    principal && resource && action
}

/// An action that is always denied.
fn denied(
    name: &str,
    action: &Applies,
    actions: &BTreeMap<String, Applies>,
    rules: &[Rule],
) -> Option<Finding> {
    if action.resources.is_empty() {
        return None;
    }
    let groups = groups_of(name, actions);
    let permitted = rules.iter().any(|rule| {
        let for_some = ACTORS
            .iter()
            .any(|actor| action.actors.contains(*actor) && rule.is_for(actor));
        rule.permits() && rule.is_about(name, &groups) && for_some
    });
    if permitted {
        return None;
    }
    let message = format!("no policy permits {name:?}: it is always denied");
    let hint = "write a permit for it, or take it out of what is declared";
    Some(Finding::warning("action_never_permitted", message).hint(hint))
}

fn groups_of(name: &str, actions: &BTreeMap<String, Applies>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        for group in actions
            .get(&name)
            .into_iter()
            .flat_map(|action| &action.groups)
        {
            if !found.contains(group) {
                found.push(group.clone());
                waiting.push(group.clone());
            }
        }
    }
    found
}

/// The name that is spelled most like `name`, if any is.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let most = (name.chars().count() / 3).clamp(1, 3);
    let near = known.iter().map(|other| (distance(name, other), *other));
    near.filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, other)| other)
}

/// How many characters have to be changed, added or taken away.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, one) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let changed = before + usize::from(one != *other);
            before = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}
