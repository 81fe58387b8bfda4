//! Sealgate's own dependencies: `gate.user`, `gate.machine(scopes=[...])`, `gate.public("...")`.

use std::collections::BTreeSet;

use sealgate_inventory::{Actor, Level, Strength, is_everyday_scope};

use super::judgement::{Judgement, Verdict};
use super::tree::texts;
use crate::evaluate::value::{Arguments, Value};
use crate::framework::MCP_DOOR;

/// What one of Sealgate's dependencies asks for.
#[derive(Clone, Default)]
struct Mark {
    actors: BTreeSet<Actor>,
    optional: bool,
    strength: Strength,
}

/// What Sealgate's own dependency does; `None` for anything else.
pub(super) fn judge(value: &Value<'_>) -> Option<Judgement> {
    if let Some(reason) = public(value) {
        let mut found = Judgement::not_gate("sealgate:Gate.public", "it marks the route as public");
        found.public = Some(reason.into());
        return Some(found);
    }
    let mark = mark(value)?;
    if mark.optional {
        let mut found = Judgement::not_gate(
            "sealgate:Gate.optional",
            "it lets in whoever brings nothing",
        );
        // Beside another mark it asks something of those who are there.
        if mark.strength != Strength::default() {
            found.takes_scopes = true;
            found.strength = mark.strength;
            found.strength.actors = mark.actors;
            found.strength.level = found.strength.level.max(Level::User);
        }
        return Some(found);
    }
    Some(judged(mark))
}

/// The gate that asks for what `mark` says.
fn judged(mark: Mark) -> Judgement {
    let name = match mark.actors.iter().collect::<Vec<_>>()[..] {
        [Actor::User] => "sealgate:Gate.user",
        [Actor::Machine] => "sealgate:Gate.machine",
        [Actor::Agent] => "sealgate:Gate.agent",
        _ => "sealgate:Gate.actor",
    };
    let mut found = Judgement::new(name, Verdict::Gate);
    found.credential = true;
    found.statuses.extend([401, 403]);
    found.takes_scopes = true;
    found.strength = mark.strength;
    found.strength.actors = mark.actors;
    found.strength.level = found.strength.level.max(Level::User);
    found
}

/// The door that `gate.mcp(...)` mounts; `None` for anything else. Each message may ask for more.
pub(super) fn mcp_door(value: &Value<'_>) -> Option<Judgement> {
    let Value::Made(made) = value else {
        return None;
    };
    if &*made.callee != MCP_DOOR {
        return None;
    }
    let requires = made.arguments.keyword("requires").and_then(mark);
    let mut found = requires.unwrap_or_else(|| of([Actor::User, Actor::Machine, Actor::Agent]));
    let mut base = made.arguments.clone();
    base.keywords.retain(|(name, _)| &**name == "scopes");
    ask(&mut found, &base);
    Some(judged(found))
}

/// The reason of `gate.public("reason")`.
fn public(value: &Value<'_>) -> Option<String> {
    let Value::Made(made) = value else {
        return None;
    };
    let ours =
        made.callee.starts_with("sealgate.") && made.callee.ends_with(".public") && made.called;
    if !ours {
        return None;
    }
    let reason = made.arguments.get(0, "reason").and_then(Value::as_str);
    Some(reason.unwrap_or("the reason is not known").to_owned())
}

fn mark(value: &Value<'_>) -> Option<Mark> {
    let Value::Made(made) = value else {
        return None;
    };
    if &*made.callee == "operator.or_" {
        let mut sides = made.arguments.positional.iter().map(mark);
        let (left, right) = (sides.next()??, sides.next()??);
        let mut both = left;
        both.actors.extend(right.actors);
        both.optional |= right.optional;
        return Some(both);
    }
    // `(gate.user | gate.machine)(scopes=[...])`
    if &*made.callee == "operator.or_()" {
        let mut found = mark(made.of.as_ref()?)?;
        ask(&mut found, &made.arguments);
        return Some(found);
    }
    if !made.callee.starts_with("sealgate.") {
        return None;
    }
    let path = made.callee.trim_end_matches("()");
    let mut found = match path.rsplit('.').next()? {
        "user" => of([Actor::User]),
        "machine" => of([Actor::Machine]),
        "agent" => of([Actor::Agent]),
        "actor" => of([Actor::User, Actor::Machine, Actor::Agent]),
        "optional" => Mark {
            optional: true,
            ..of([Actor::User, Actor::Machine, Actor::Agent])
        },
        _ => return None,
    };
    // `gate.user(scopes=["a"])(roles=["b"])`: what was asked before stays asked.
    if made.callee.ends_with("()")
        && let Some(before) = made.of.as_ref().and_then(mark)
    {
        found = before;
    }
    if made.called {
        ask(&mut found, &made.arguments);
    }
    Some(found)
}

fn of<const N: usize>(actors: [Actor; N]) -> Mark {
    Mark {
        actors: actors.into(),
        ..Mark::default()
    }
}

fn ask(mark: &mut Mark, arguments: &Arguments<'_>) {
    let strength = &mut mark.strength;
    for (name, value) in &arguments.keywords {
        let asked = texts(value);
        let everyday = asked.iter().any(|scope| is_everyday_scope(scope));
        let some = !asked.is_empty();
        let privileged = match &**name {
            "scopes" => {
                let more = asked.iter().any(|scope| !is_everyday_scope(scope));
                strength.scopes.extend(asked);
                more
            }
            "roles" => {
                strength.roles.extend(asked);
                some
            }
            // Of a group with a scope that everybody has, everybody has one.
            "any_scopes" => {
                strength.any_of.extend(group("scope", &asked));
                some && !everyday
            }
            "any_roles" => {
                strength.any_of.extend(group("role", &asked));
                some
            }
            "action" => {
                strength
                    .more
                    .extend(asked.iter().map(|action| format!("action={action}")));
                some
            }
            "stale" => false,
            name => {
                let value = match value {
                    Value::Int(number) => number.to_string(),
                    _ => asked.join("|"),
                };
                strength.more.insert(format!("{name}={value}"));
                false
            }
        };
        if privileged {
            strength.level = Level::Privileged;
        }
    }
}

/// One entry for what one of is enough.
fn group(kind: &str, names: &[String]) -> Option<String> {
    let names: BTreeSet<String> = names.iter().map(|name| format!("{kind}:{name}")).collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join("|"))
}
