//! From what is declared, what is there and what was declared before, to what would be done.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::change::{Action, Change, FieldChange, Kind, Plan};
use crate::diff::{fields, lines};
use crate::error::PlanError;
use crate::policies::statements;
use crate::read::Declaration;
use crate::risk::{self, Found};
use crate::state::{Client, Policy, State};
use crate::words::Moment;

/// What a plan is made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// How long access tokens live where a client says nothing, in seconds.
    pub access: u64,
    /// How long sessions last where a client says nothing, in seconds.
    pub session: u64,
    /// How long a key signs where nothing is declared of it, in seconds; zero: until it is replaced on command.
    pub rotate_every: u64,
    /// The time.
    pub now: Moment,
}

/// What other declarations have declared, by their names.
pub type Others = BTreeMap<String, State>;

/// What would be done on a server that has `actual` for `declaration` to hold. `last` is what was declared under
/// its name before: of that, what is not declared any more goes. What nothing declares is left alone, unless
/// the declaration prunes. All states are settled.
///
/// # Errors
/// Where it contradicts what is there in a way that no change mends.
pub fn plan(
    declaration: &Declaration,
    actual: &State,
    last: Option<&State>,
    others: &Others,
    around: &Around,
) -> Result<Plan, PlanError> {
    contradictions(&declaration.state, actual, others)?;
    Ok(compare(declaration, actual, last, others, around))
}

/// The same of what contradicts nothing.
fn compare(
    declaration: &Declaration,
    actual: &State,
    last: Option<&State>,
    others: &Others,
    around: &Around,
) -> Plan {
    let declared = &declaration.state;
    let empty = State::default();
    let last = last.unwrap_or(&empty);
    let mut all = Compare {
        changes: Vec::new(),
        left_alone: 0,
    };
    macro_rules! things {
        ($kind:expr, $part:ident, $masked:expr, $usual:expr, $risks:expr) => {{
            let elsewhere: BTreeSet<&String> = others
                .values()
                .flat_map(|state| state.$part.keys())
                .collect();
            let scope = Scope {
                declared: &declared.$part,
                actual: &actual.$part,
                goes: &|id: &String| {
                    last.$part.contains_key(id) || (declaration.prune && !elsewhere.contains(id))
                },
            };
            all.things($kind, &scope, $masked, $usual, $risks);
        }};
    }
    things!(
        Kind::Client,
        client,
        |was: &Client, is: &Client| was.masked(is),
        |one: &Client| Some(Client::bare(&one.name, one.kind)),
        |id, was, is| risk::client(id, was, is, around)
    );
    things!(
        Kind::Machine,
        machine,
        |was: &crate::Machine, is: &crate::Machine| was.masked(is, around.now),
        |one: &crate::Machine| Some(one.usual()),
        |_, was, is| risk::machine(was, is, around)
    );
    things!(
        Kind::Resource,
        resource,
        |was: &crate::Resource, _: &crate::Resource| was.clone(),
        |one: &crate::Resource| Some(crate::Resource {
            name: one.name.clone(),
            client: None,
            scopes: BTreeMap::new(),
            status_list: false,
            agents: false,
            tools: BTreeMap::new(),
        }),
        |_, was, is| risk::resource(was, is)
    );
    things!(
        Kind::Role,
        role,
        |was: &crate::Word, _: &crate::Word| was.clone(),
        |_| None,
        |_, _, is: Option<&crate::Word>| gone(
            is.is_none(),
            "Nobody can be given it any more; whoever has it keeps it."
        )
    );
    things!(
        Kind::Scope,
        scope,
        |was: &crate::Word, _: &crate::Word| was.clone(),
        |_| None,
        |_, _, is: Option<&crate::Word>| gone(
            is.is_none(),
            "The consent page tells it by its name alone."
        )
    );
    things!(
        Kind::Keys,
        keys,
        |was: &crate::Schedule, _: &crate::Schedule| was.clone(),
        |_| None,
        |_, was, is| risk::schedule(was, is, around)
    );
    let holds_policy = others.values().any(|state| state.policy.is_some());
    let goes = last.policy.is_some() || (declaration.prune && !holds_policy);
    if declared.policy.is_some() || goes {
        all.changes
            .extend(policy(actual.policy.as_ref(), declared.policy.as_ref()));
    } else if actual.policy.is_some() {
        all.left_alone += 1;
    }
    Plan {
        declaration: declaration.name.clone(),
        changes: all.changes,
        left_alone: all.left_alone,
    }
}

/// How what was declared as `last` is not so any more on a server that has `actual`, whoever changed it.
pub fn drift(last: &State, actual: &State, around: &Around) -> Vec<Change> {
    // What is there takes the part of what is wanted: then removed is what is not there any more.
    let mut seen = State {
        policy: last
            .policy
            .as_ref()
            .map(|_| actual.policy.clone().unwrap_or_default()),
        ..State::default()
    };
    macro_rules! seen {
        ($($part:ident),*) => {$(
            for id in last.$part.keys() {
                if let Some(one) = actual.$part.get(id) {
                    seen.$part.insert(id.clone(), one.clone());
                }
            }
        )*};
    }
    seen!(client, machine, resource, role, scope, keys);
    for (id, one) in &mut seen.client {
        if let Some(was) = last.client.get(id) {
            *one = one.masked(was);
        }
    }
    for (id, one) in &mut seen.machine {
        if let Some(was) = last.machine.get(id) {
            *one = one.masked(was, around.now);
        }
    }
    let declaration = Declaration {
        name: String::new(),
        prune: false,
        state: seen,
    };
    let mut changes = compare(&declaration, last, Some(last), &Others::new(), around).changes;
    // It has happened: what it risks still stands, and what it ended has ended.
    for change in &mut changes {
        change.effects.clear();
        if change.action == Action::Remove {
            change.risks.clear();
        }
    }
    changes
}

/// What no change mends.
fn contradictions(declared: &State, actual: &State, others: &Others) -> Result<(), PlanError> {
    for (id, client) in &declared.client {
        if actual.machine.contains_key(id) || declared.machine.contains_key(id) {
            return Err(PlanError::Crossed(id.clone()));
        }
        if actual
            .client
            .get(id)
            .is_some_and(|was| was.kind != client.kind)
        {
            return Err(PlanError::KindChanged(id.clone()));
        }
    }
    if let Some(id) = declared
        .machine
        .keys()
        .find(|id| actual.client.contains_key(*id))
    {
        return Err(PlanError::Crossed(id.clone()));
    }
    for (by, other) in others {
        macro_rules! twice {
            ($($part:ident: $kind:expr),*) => {$(
                if let Some(id) = declared.$part.keys().find(|id| other.$part.contains_key(*id)) {
                    let what = format!("{} {id:?}", $kind.as_str());
                    return Err(PlanError::DeclaredElsewhere { what, by: by.clone() });
                }
            )*};
        }
        twice!(client: Kind::Client, machine: Kind::Machine, resource: Kind::Resource,
            role: Kind::Role, scope: Kind::Scope, keys: Kind::Keys);
        if declared.policy.is_some() && other.policy.is_some() {
            let what = "the policy".to_owned();
            return Err(PlanError::DeclaredElsewhere {
                what,
                by: by.clone(),
            });
        }
    }
    Ok(())
}

fn gone(gone: bool, said: &str) -> Found {
    let mut found = Found::default();
    if gone {
        found.effect(said);
    }
    found
}

/// Things of one kind, as declared and as they are.
struct Scope<'a, T> {
    declared: &'a BTreeMap<String, T>,
    actual: &'a BTreeMap<String, T>,
    /// Whether one that is not declared goes.
    goes: &'a dyn Fn(&String) -> bool,
}

struct Compare {
    changes: Vec<Change>,
    left_alone: usize,
}

impl Compare {
    fn things<T: Clone + PartialEq + Serialize>(
        &mut self,
        kind: Kind,
        scope: &Scope<'_, T>,
        masked: impl Fn(&T, &T) -> T,
        usual: impl Fn(&T) -> Option<T>,
        risks: impl Fn(&str, Option<&T>, Option<&T>) -> Found,
    ) {
        let ids: BTreeSet<&String> = scope.declared.keys().chain(scope.actual.keys()).collect();
        for id in ids {
            let (was, is) = (scope.actual.get(id), scope.declared.get(id));
            let (action, was) = match (was, is) {
                (None, Some(_)) => (Action::Create, None),
                (Some(was), Some(is)) => (Action::Update, Some(masked(was, is))),
                (Some(was), None) if (scope.goes)(id) => (Action::Remove, Some(was.clone())),
                _ => {
                    self.left_alone += usize::from(was.is_some());
                    continue;
                }
            };
            if was.as_ref() == is {
                continue;
            }
            let usual = is.and_then(&usual);
            let told = match action {
                Action::Remove => Vec::new(),
                _ => fields(was.as_ref(), is, usual.as_ref()),
            };
            self.changes
                .push(change(action, kind, id, told, risks(id, was.as_ref(), is)));
        }
    }
}

fn change(action: Action, kind: Kind, id: &str, fields: Vec<FieldChange>, found: Found) -> Change {
    let Found { mut risks, effects } = found;
    risks.sort_by(|a, b| (b.level, a.code).cmp(&(a.level, b.code)));
    risks.dedup();
    Change {
        action,
        kind,
        id: id.to_owned(),
        fields,
        risks,
        effects,
    }
}

/// The changes of what gates decide by.
fn policy(before: Option<&Policy>, after: Option<&Policy>) -> Vec<Change> {
    let none = Policy::default();
    let (before, after) = (before.unwrap_or(&none), after.unwrap_or(&none));
    let action = |was_none: bool, is_none: bool| match (was_none, is_none) {
        (true, _) => Action::Create,
        (false, true) => Action::Remove,
        (false, false) => Action::Update,
    };
    let mut changes = Vec::new();
    if before.mapping != after.mapping {
        let (was, is) = (rules(&before.mapping), rules(&after.mapping));
        let added: Vec<Value> = is
            .iter()
            .filter(|one| !was.contains(one))
            .cloned()
            .collect();
        let removed: Vec<Value> = was
            .iter()
            .filter(|one| !is.contains(one))
            .cloned()
            .collect();
        let field = FieldChange::Set {
            name: "rules".to_owned(),
            kept: was.iter().filter(|one| is.contains(one)).count(),
            added: added.clone(),
            removed: removed.clone(),
        };
        let action = action(was.is_empty(), is.is_empty());
        let found = risk::mapping(&added, &removed, &is);
        changes.push(change(action, Kind::Mapping, "mapping", vec![field], found));
    }
    if before.policies != after.policies {
        let (was, is) = (
            statements(&before.policies.files),
            statements(&after.policies.files),
        );
        let mut told = Vec::new();
        let ids: BTreeSet<&String> = was.iter().chain(&is).map(|one| &one.id).collect();
        for id in ids {
            let text = |all: &[crate::policies::Statement]| {
                let found = all.iter().filter(|one| one.id == *id);
                found
                    .map(|one| one.text.as_str())
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            let (old, new) = (text(&was), text(&is));
            if old != new {
                told.push(FieldChange::Text {
                    name: id.clone(),
                    lines: lines(&old, &new),
                });
            }
        }
        let declared = declarations(before, after);
        let action = action(
            before.policies == none.policies,
            after.policies == none.policies,
        );
        let mut found = risk::policies(&was, &is);
        if !was.is_empty() && !is.is_empty() {
            let names: Vec<&str> = declared.iter().map(FieldChange::name).collect();
            risk::declarations(&mut found, &names);
        }
        told.extend(declared);
        changes.push(change(action, Kind::Policy, "policies", told, found));
    }
    changes
}

/// What is declared for policies beside their text.
fn declarations(before: &Policy, after: &Policy) -> Vec<FieldChange> {
    let part = |policy: &Policy| {
        let mut value = serde_json::to_value(&policy.policies).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.remove("files");
        }
        value
    };
    fields(Some(&part(before)), Some(&part(after)), None)
}

/// What a mapping says, one by one: its rules, and what it says of issuers' own words.
fn rules(mapping: &sealgate_policy::mapping::Mapping) -> Vec<Value> {
    let value = serde_json::to_value(mapping).unwrap_or_default();
    let rules = value["rules"].as_array().cloned().unwrap_or_default();
    let of = value["of"].as_object().cloned().unwrap_or_default();
    let of = of.into_iter().map(|(issuer, says)| {
        Value::Object(
            [(format!("{}{issuer}", risk::WORDS_OF), says)]
                .into_iter()
                .collect(),
        )
    });
    rules.into_iter().chain(of).collect()
}
