//! What changes of resources, key schedules, policies and mappings risk.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Code, Found};
use crate::plan::Around;
use crate::policies::{Effect, Statement};
use crate::state::{Resource, Schedule};
use crate::words::Span;

/// The role of administrators.
const ADMIN: &str = "admin";

/// What the name begins with of what a mapping says of an issuer.
pub(crate) const WORDS_OF: &str = "words of ";

/// What becoming `after` risks.
pub(crate) fn resource(before: Option<&Resource>, after: Option<&Resource>) -> Found {
    let mut found = Found::default();
    let Some(after) = after else {
        found.risk(
            Code::Removal,
            "Nobody gets tokens for it any more; those that there are stay good until they expire.",
        );
        return found;
    };
    if after.agents && !before.is_some_and(|one| one.agents) {
        found.risk(
            Code::ResourceOpenToAgents,
            "Clients that no administrator registered may ask their users for it.",
        );
    }
    let Some(before) = before else {
        return found;
    };
    let mut more = after.scopes.keys();
    if before.agents
        && after.agents
        && let Some(scope) = more.find(|scope| !before.scopes.contains_key(*scope))
    {
        found.risk(
            Code::ResourceOpenToAgents,
            format!(
                "Clients that no administrator registered may ask their users for {scope}, too."
            ),
        );
    }
    if before.status_list && !after.status_list {
        found.risk(
            Code::LifetimeLonger,
            "Its tokens have no place in a status list any more: whoever verifies them by it takes them until they expire.",
        );
    }
    let gone: Vec<&str> = before
        .scopes
        .keys()
        .filter(|scope| !after.scopes.contains_key(*scope))
        .map(String::as_str)
        .collect();
    if !gone.is_empty() {
        let list = gone.join(", ");
        found.effect(format!(
            "The consent page tells nothing of these any more: {list}."
        ));
    }
    if before.client != after.client {
        match &after.client {
            Some(client) => found.risk(
                Code::MayAct,
                format!("The client {client} serves it: it hears of revocations for it, may introspect its tokens, and can exchange them if it may exchange any."),
            ),
            None => found.effect("Nobody hears of revocations for it any more."),
        }
    }
    found
}

/// What keeping keys by `after` risks; none: by the setting `keys.rotate_every`.
pub(crate) fn schedule(
    before: Option<&Schedule>,
    after: Option<&Schedule>,
    around: &Around,
) -> Found {
    // Never on its own is longer than any span.
    let length = |span: u64| if span == 0 { u64::MAX } else { span };
    let span = |one: Option<&Schedule>| one.map_or(around.rotate_every, |one| one.rotate_every.0);
    let (was, is) = (span(before), span(after));
    let mut found = Found::default();
    if length(is) > length(was) {
        let said = if is == 0 {
            format!(
                "A key is replaced on command only, no longer every {}.",
                Span(was)
            )
        } else {
            format!(
                "A key signs for {}, and was replaced every {}.",
                Span(is),
                Span(was)
            )
        };
        found.risk(Code::KeyScheduleLonger, said);
    }
    if after.is_none() {
        found.effect("The setting keys.rotate_every counts again.");
    }
    found
}

/// What other policies permit that these did not.
pub(crate) fn policies(before: &[Statement], after: &[Statement]) -> Found {
    let mut found = Found::default();
    let same = |all: &[Statement], one: &Statement| {
        all.iter()
            .any(|other| other.effect == one.effect && other.meaning == one.meaning)
    };
    let by_id = |all: &[Statement], id: &str| all.iter().any(|other| other.id == id);
    for one in after.iter().filter(|one| !same(before, one)) {
        match one.effect {
            Effect::Permit if by_id(before, &one.id) => found.risk(
                Code::PolicyPermits,
                format!(
                    "The policy {:?} permits something else than before.",
                    one.id
                ),
            ),
            Effect::Permit => found.risk(
                Code::PolicyPermits,
                format!("The policy {:?} is new and permits.", one.id),
            ),
            Effect::Forbid if !by_id(before, &one.id) => found.effect(format!(
                "The policy {:?} is new and forbids: whoever it is about is refused at once.",
                one.id
            )),
            Effect::Forbid => {}
        }
    }
    for one in before.iter().filter(|one| !same(after, one)) {
        match one.effect {
            Effect::Forbid if by_id(after, &one.id) => found.risk(
                Code::ForbidRemoved,
                format!(
                    "The policy {:?} forbids something else than before.",
                    one.id
                ),
            ),
            Effect::Forbid => found.risk(
                Code::ForbidRemoved,
                format!("The policy {:?} forbids no more.", one.id),
            ),
            Effect::Permit if !by_id(after, &one.id) => found.effect(format!(
                "The policy {:?} permits no more: whom it let in is refused at once.",
                one.id
            )),
            Effect::Permit => {}
        }
    }
    found
}

/// Marks that `told` is declared otherwise, beside the text of policies: the members that decide what a policy is about.
pub(crate) fn declarations(found: &mut Found, told: &[&str]) {
    let decide = ["actions", "resources"];
    if told.iter().any(|name| decide.contains(name)) {
        found.risk(
            Code::PolicyPermits,
            "Actions or resources are declared otherwise: the same policies may permit more, or forbid less.",
        );
    }
}

/// The issuers that rules name by their URLs: what those tell of roles by themselves does not count beside.
fn named(rules: &[Value]) -> BTreeSet<&str> {
    let mut named = BTreeSet::new();
    for rule in rules {
        match &rule["when"]["issuer"] {
            Value::String(one) => drop(named.insert(one.as_str())),
            Value::Array(list) => named.extend(list.iter().filter_map(Value::as_str)),
            _ => {}
        }
    }
    named.retain(|one| one.contains("://"));
    named
}

/// What rules of a mapping give that those before did not. Rules only add, so that fewer of them risk nothing, but
/// where an issuer's own words count again.
pub(crate) fn mapping(added: &[Value], removed: &[Value], after: &[Value]) -> Found {
    let mut found = Found::default();
    let known = named(after);
    for issuer in named(removed)
        .into_iter()
        .filter(|one| !known.contains(one))
    {
        found.risk(
            Code::MappingGivesMore,
            format!(
                "No rule names {issuer} any more: roles that it tells by itself may count again."
            ),
        );
    }
    let own_words = |one: &Value| {
        let mut names = one.as_object().into_iter().flat_map(|map| map.keys());
        names.any(|name| name.starts_with(WORDS_OF))
    };
    if removed.iter().any(own_words) && !added.iter().any(own_words) {
        found.risk(
            Code::MappingGivesMore,
            "What was said of an issuer's own words is not said any more: they may count again.",
        );
    }
    for rule in added {
        let mut words = Vec::new();
        collect(rule.get("give").unwrap_or(rule), &mut words);
        if words.iter().any(|word| word == ADMIN) {
            found.risk(
                Code::RoleAdministration,
                "A rule of the mapping gives the role admin, which is that of administrators.",
            );
        }
        if words.iter().any(|word| word.starts_with("sealgate:")) {
            found.risk(
                Code::AdministrationScope,
                "A rule of the mapping gives a scope of the administration.",
            );
        }
        found.risk(
            Code::MappingGivesMore,
            "A rule of the mapping is new or changed: whoever it fits gets what it gives, everywhere.",
        );
    }
    if !removed.is_empty() {
        found
            .effect("What rules gave that are not there any more is taken from everybody at once.");
    }
    found
}

/// Every text in what a rule gives.
fn collect(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(text) => words.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|one| collect(one, words)),
        Value::Object(map) => map.values().for_each(|one| collect(one, words)),
        _ => {}
    }
}
