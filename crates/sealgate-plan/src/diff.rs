//! Two values of one kind, member by member.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::change::{FieldChange, Line};

/// The longest texts that are compared line by line, in lines of both together.
const MOST_LINES: usize = 2000;

/// How `after` differs from `before`; of one that there was not before, what it says of itself beside `usual`.
pub(crate) fn fields<T: Serialize>(
    before: Option<&T>,
    after: Option<&T>,
    usual: Option<&T>,
) -> Vec<FieldChange> {
    let (before, after, usual) = (members(before), members(after), members(usual));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_by_key(|name| rank(name));
    names.dedup();
    let get = |map: &Map<String, Value>, name: &String| map.get(name).cloned().unwrap_or_default();
    let created = before.is_empty();
    names
        .into_iter()
        .filter_map(|name| {
            let (was, is) = (get(&before, name), get(&after, name));
            let silent = created
                && usual.get(name) == Some(&is)
                && !matches!(name.as_str(), "kind" | "name");
            (was != is && !silent).then(|| field(name, was, is))
        })
        .filter(|field| !is_nothing(field))
        .collect()
}

/// What people look for first stands first.
fn rank(name: &str) -> (usize, &str) {
    const FIRST: [&str; 8] = [
        "name",
        "kind",
        "owner",
        "purpose",
        "description",
        "authentication",
        "redirect_uris",
        "scopes",
    ];
    let place = FIRST.iter().position(|known| *known == name);
    (place.unwrap_or(FIRST.len()), name)
}

fn members<T: Serialize>(value: Option<&T>) -> Map<String, Value> {
    match value.map(serde_json::to_value) {
        Some(Ok(Value::Object(map))) => map,
        _ => Map::new(),
    }
}

/// Nothing in place of nothing: an empty list of something that is made, say.
fn is_nothing(field: &FieldChange) -> bool {
    match field {
        FieldChange::Value { before, after, .. } => before == after,
        FieldChange::Set { added, removed, .. } => added.is_empty() && removed.is_empty(),
        FieldChange::Text { lines, .. } => lines.is_empty(),
    }
}

fn field(name: &str, before: Value, after: Value) -> FieldChange {
    match (list(&before), list(&after)) {
        (Some(was), Some(is)) if before.is_array() || after.is_array() => FieldChange::Set {
            name: name.to_owned(),
            added: without(&is, &was),
            removed: without(&was, &is),
            kept: was.iter().filter(|one| is.contains(one)).count(),
        },
        _ if before.is_object() || after.is_object() => entries(name, &before, &after),
        _ => FieldChange::Value {
            name: name.to_owned(),
            before,
            after,
        },
    }
}

/// A table of names, as the set of what they say.
fn entries(name: &str, before: &Value, after: &Value) -> FieldChange {
    let pairs = |value: &Value| -> Vec<Value> {
        let map = value.as_object().cloned().unwrap_or_default();
        map.into_iter()
            .map(|(key, value)| Value::Object(Map::from_iter([(key, value)])))
            .collect()
    };
    let (was, is) = (pairs(before), pairs(after));
    FieldChange::Set {
        name: name.to_owned(),
        added: without(&is, &was),
        removed: without(&was, &is),
        kept: was.iter().filter(|one| is.contains(one)).count(),
    }
}

fn list(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(list) => Some(list.clone()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

fn without(all: &[Value], other: &[Value]) -> Vec<Value> {
    all.iter()
        .filter(|one| !other.contains(one))
        .cloned()
        .collect()
}

/// How the lines of one text become those of another (longest common subsequence).
pub(crate) fn lines(before: &str, after: &str) -> Vec<Line> {
    let (was, is): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let owned = |line: &&str| (*line).to_owned();
    if was.len() + is.len() > MOST_LINES {
        let removed = was.iter().map(|line| Line::Removed(owned(line)));
        let added = is.iter().map(|line| Line::Added(owned(line)));
        return removed.chain(added).collect();
    }
    // longest[i][j]: of was[i..] and is[j..].
    let mut longest = vec![vec![0_u32; is.len() + 1]; was.len() + 1];
    for i in (0..was.len()).rev() {
        for j in (0..is.len()).rev() {
            longest[i][j] = if was[i] == is[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut all) = (0, 0, Vec::new());
    while i < was.len() || j < is.len() {
        if i < was.len() && j < is.len() && was[i] == is[j] {
            all.push(Line::Same(owned(&was[i])));
            (i, j) = (i + 1, j + 1);
        } else if i < was.len() && (j == is.len() || longest[i + 1][j] >= longest[i][j + 1]) {
            all.push(Line::Removed(owned(&was[i])));
            i += 1;
        } else {
            all.push(Line::Added(owned(&is[j])));
            j += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_changes_line_by_line() {
        let changed = lines("a\nb\nc\n", "a\nx\nc\nd\n");
        let marks: Vec<char> = changed
            .iter()
            .map(|line| match line {
                Line::Same(_) => ' ',
                Line::Added(_) => '+',
                Line::Removed(_) => '-',
            })
            .collect();
        assert_eq!(marks.iter().collect::<String>(), " -+ +");
    }

    #[test]
    fn a_long_text_is_told_whole() {
        let long = "x\n".repeat(1500);
        let changed = lines(&long, &long);
        assert_eq!(changed.len(), 3000);
    }
}
