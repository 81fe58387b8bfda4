//! A strength as one text that people read and programs read back: `user scopes=expenses:read`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::{Actor, Level, Strength};

/// Why a text is no requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not written as a requirement is")]
pub struct NoRequirement;

/// The text of a strength. Equal strengths have equal texts, and different ones different texts.
pub fn text(strength: &Strength) -> String {
    let mut text = level_name(strength.level).to_owned();
    let actors = strength.actors.iter().copied().map(actor_name);
    list(&mut text, "actors", actors);
    let lists = [
        ("scopes", &strength.scopes),
        ("roles", &strength.roles),
        ("any_of", &strength.any_of),
        ("more", &strength.more),
    ];
    for (key, values) in lists {
        list(&mut text, key, values.iter().map(String::as_str));
    }
    text
}

/// Reads what [`text`] writes, and nothing else.
pub fn parse(requirement: &str) -> Result<Strength, NoRequirement> {
    let (level, mut rest) = requirement.split_once(' ').unwrap_or((requirement, ""));
    let mut strength = Strength {
        level: level_of(level).ok_or(NoRequirement)?,
        ..Strength::default()
    };
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or(NoRequirement)?;
        let (values, after) = values(after)?;
        match key {
            "actors" => {
                for value in values {
                    let actor = actor_of(&value).ok_or(NoRequirement)?;
                    strength.actors.insert(actor);
                }
            }
            "scopes" => strength.scopes = values,
            "roles" => strength.roles = values,
            "any_of" => strength.any_of = values,
            "more" => strength.more = values,
            _ => return Err(NoRequirement),
        }
        rest = after;
    }
    // One strength has one text: no other order, nothing twice, no quotes that are not needed.
    if text(&strength) == requirement {
        Ok(strength)
    } else {
        Err(NoRequirement)
    }
}

/// The name of a level.
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::None => "none",
        Level::User => "user",
        Level::Privileged => "privileged",
    }
}

/// The name of a kind of actor.
pub fn actor_name(actor: Actor) -> &'static str {
    match actor {
        Actor::User => "user",
        Actor::Machine => "machine",
        Actor::Agent => "agent",
    }
}

fn level_of(name: &str) -> Option<Level> {
    [Level::None, Level::User, Level::Privileged]
        .into_iter()
        .find(|level| level_name(*level) == name)
}

fn actor_of(name: &str) -> Option<Actor> {
    [Actor::User, Actor::Machine, Actor::Agent]
        .into_iter()
        .find(|actor| actor_name(*actor) == name)
}

fn list<'a>(text: &mut String, key: &str, values: impl Iterator<Item = &'a str>) {
    for (at, value) in values.enumerate() {
        if at == 0 {
            let _ = write!(text, " {key}=");
        } else {
            text.push(',');
        }
        if is_bare(value) {
            text.push_str(value);
        } else {
            let _ = write!(text, "'{}'", value.replace('\'', "''"));
        }
    }
}

fn is_bare(value: &str) -> bool {
    let separates = |c: char| c.is_whitespace() || c.is_control() || c == ',' || c == '\'';
    !value.is_empty() && !value.contains(separates)
}

/// The values up to the next space, and what comes after it.
fn values(mut text: &str) -> Result<(BTreeSet<String>, &str), NoRequirement> {
    let mut values = BTreeSet::new();
    loop {
        let (value, after) = if let Some(quoted) = text.strip_prefix('\'') {
            unquote(quoted)?
        } else {
            let end = text.find([',', ' ']).unwrap_or(text.len());
            let (value, after) = text.split_at(end);
            (value.to_owned(), after)
        };
        values.insert(value);
        if after.is_empty() {
            return Ok((values, ""));
        } else if let Some(next) = after.strip_prefix(',') {
            text = next;
        } else {
            let after = after.strip_prefix(' ').ok_or(NoRequirement)?;
            return Ok((values, after));
        }
    }
}

/// A value up to its closing quote, where two quotes are one, and what comes after it.
fn unquote(mut text: &str) -> Result<(String, &str), NoRequirement> {
    let mut value = String::new();
    loop {
        let (part, after) = text.split_once('\'').ok_or(NoRequirement)?;
        value.push_str(part);
        let Some(next) = after.strip_prefix('\'') else {
            return Ok((value, after));
        };
        value.push('\'');
        text = next;
    }
}
