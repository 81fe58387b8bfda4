//! A plan as people read it: first how much it does, then each thing, marked and in words.

use std::fmt::Write as _;

use serde_json::Value;

use crate::change::{Action, Change, FieldChange, Line, Plan};
use crate::risk::Level;

/// Whether marks are painted, too. What they mean is said by the marks and words alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// No colours.
    Plain,
    /// Colours of a terminal.
    Colour,
}

/// The plan in words.
pub fn render(plan: &Plan, paint: Paint) -> String {
    let mut text = String::new();
    if plan.is_empty() {
        text.push_str("Nothing would change: the server is as it is declared.\n");
    } else {
        let all = plan.summary();
        let mut parts = Vec::new();
        for (count, what) in [
            (all.create, "to create"),
            (all.change, "to change"),
            (all.remove, "to remove"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let risks = match (all.risks, all.high) {
            (0, _) => "no risks".to_owned(),
            (1, 0) => "1 risk".to_owned(),
            (risks, 0) => format!("{risks} risks, none high"),
            (1, _) => "1 risk, and it is high".to_owned(),
            (risks, high) => format!("{risks} risks, {high} high"),
        };
        let _ = writeln!(text, "{}; {risks}.", parts.join(", "));
        text.push_str(&render_changes(&plan.changes, paint));
    }
    match plan.left_alone {
        0 => {}
        1 => text.push_str("\n1 thing that is not declared here is left alone.\n"),
        more => {
            let _ = writeln!(
                text,
                "\n{more} things that are not declared here are left alone."
            );
        }
    }
    text
}

/// Changes in words, each with a blank line before it.
pub fn render_changes(changes: &[Change], paint: Paint) -> String {
    let mut text = String::new();
    for change in changes {
        text.push('\n');
        one(&mut text, change, paint);
    }
    text
}

fn one(text: &mut String, change: &Change, paint: Paint) {
    let (mark, word) = match change.action {
        Action::Create => ('+', "create"),
        Action::Update => ('~', "change"),
        Action::Remove => ('-', "remove"),
    };
    let kind = change.kind.as_str();
    let name = if matches!(kind, "mapping" | "policy") {
        format!("the {kind}")
    } else {
        format!("{kind} {}", quoted(&change.id))
    };
    let _ = writeln!(
        text,
        "{}",
        painted(&format!("{mark} {word} {name}"), mark, paint)
    );
    let width = change
        .fields
        .iter()
        .map(|field| field.name().chars().count())
        .max()
        .unwrap_or(0)
        .min(24);
    for field in &change.fields {
        member(text, field, change.action, width, paint);
    }
    for risk in &change.risks {
        let (mark, word) = match risk.level {
            Level::Risk => ("!", "risk"),
            Level::High => ("!!", "HIGH RISK"),
        };
        let line = format!(
            "    {mark} {word} {}: {}",
            risk.code.as_str(),
            shown(&risk.said)
        );
        let _ = writeln!(text, "{}", painted(&line, '!', paint));
    }
    for effect in &change.effects {
        let _ = writeln!(text, "    > {}", shown(effect));
    }
}

fn member(text: &mut String, field: &FieldChange, action: Action, width: usize, paint: Paint) {
    match field {
        FieldChange::Value { name, after, .. } if action == Action::Create => {
            let _ = writeln!(text, "    {:<width$}  {}", shown(name), value(after));
        }
        FieldChange::Value {
            name,
            before,
            after,
        } => {
            let _ = writeln!(
                text,
                "    {:<width$}  {} -> {}",
                shown(name),
                value(before),
                value(after)
            );
        }
        FieldChange::Set {
            name,
            added,
            removed,
            kept,
        } => {
            let mut first = true;
            let mut line = |mark: char, one: &Value| {
                let name = if first { shown(name) } else { String::new() };
                first = false;
                let said = painted(&format!("{mark} {}", value(one)), mark, paint);
                let _ = writeln!(text, "    {name:<width$}  {said}");
            };
            for one in removed {
                line('-', one);
            }
            for one in added {
                line('+', one);
            }
            if *kept > 0 && action == Action::Update {
                let _ = writeln!(text, "    {:<width$}    ({kept} unchanged)", "");
            }
        }
        FieldChange::Text { name, lines } => {
            let _ = writeln!(text, "    {}", quoted(name));
            for line in lines {
                let (mark, said) = match line {
                    Line::Same(said) => (' ', said),
                    Line::Added(said) => ('+', said),
                    Line::Removed(said) => ('-', said),
                };
                let said = format!("      {mark} {}", shown(said));
                let _ = writeln!(text, "{}", painted(said.trim_end(), mark, paint));
            }
        }
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => quoted(text),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Object(map) if map.len() == 1 => {
            let parts = map
                .iter()
                .map(|(key, one)| format!("{} = {}", quoted(key), inner(one)));
            parts.collect()
        }
        other => inner(other),
    }
}

/// A value inside another.
fn inner(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().map(inner).collect();
            format!("[{}]", parts.join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let parts: Vec<String> = map
                .iter()
                .filter(|(_, one)| !one.is_null())
                .map(|(key, one)| format!("{} = {}", shown(key), inner(one)))
                .collect();
            format!("{{ {} }}", parts.join(", "))
        }
        other => shown(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text).replace('"', "\\\""))
}

/// Without the characters that could rewrite a terminal's screen or turn its text around.
fn shown(text: &str) -> String {
    let foul = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .flat_map(|c| {
            let escaped: Vec<char> = if foul(c) {
                format!("\\u{{{:x}}}", u32::from(c)).chars().collect()
            } else {
                vec![c]
            };
            escaped
        })
        .collect()
}

fn painted(text: &str, mark: char, paint: Paint) -> String {
    let colour = match (paint, mark) {
        (Paint::Plain, _) | (_, ' ') => return text.to_owned(),
        (_, '+') => 32,
        (_, '-') => 31,
        (_, '~') => 33,
        _ => 35,
    };
    format!("\u{1b}[{colour}m{text}\u{1b}[0m")
}
