//! Small applications that are put together in the ways in which real ones are, with the table that is true of
//! each. The tables are written by hand: they say what a reader who knows the framework would say.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sealgate_inventory::{Config, Level, Route, Strength};

/// A row: application, methods, path, kind, evidence, gates, strength, and a part of the reason.
type Row = Vec<String>;
type Key = (String, String, String);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/idioms")
}

fn strength(strength: &Strength) -> String {
    let mut text = match strength.level {
        Level::None => "none",
        Level::User => "user",
        Level::Privileged => "privileged",
    }
    .to_owned();
    for (name, set) in [
        ("roles", &strength.roles),
        ("scopes", &strength.scopes),
        ("any", &strength.any_of),
    ] {
        if !set.is_empty() {
            let all: Vec<&str> = set.iter().map(String::as_str).collect();
            write!(text, " {name}={}", all.join(",")).unwrap();
        }
    }
    text
}

fn row(route: &Route) -> Row {
    let mut names = Vec::new();
    for gate in &route.gates {
        if !names.contains(&gate.name) {
            names.push(gate.name.clone());
        }
    }
    vec![
        route.app.clone(),
        route.methods_text(),
        route.path.clone(),
        format!("{:?}", route.kind).to_lowercase(),
        route.evidence.to_string(),
        names.join(", "),
        strength(&route.strength),
        route.reason.clone().unwrap_or_default(),
    ]
}

fn key(row: &Row) -> Key {
    (row[0].clone(), row[2].clone(), row[1].clone())
}

fn expected(folder: &Path) -> BTreeMap<Key, Row> {
    let text = fs::read_to_string(folder.join("expected.txt")).unwrap();
    let mut rows = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let row: Row = line.split('|').map(|cell| cell.trim().to_owned()).collect();
        assert_eq!(row.len(), 8, "a row has eight cells: {line}");
        assert!(
            rows.insert(key(&row), row).is_none(),
            "the row is there twice: {line}"
        );
    }
    rows
}

/// What is expected and not there with `-`, what is there and not expected with `+`.
fn difference(folder: &Path) -> String {
    let inventory = sealgate_routes::scan(folder, &Config::default(), &|_| {}).unwrap();
    let found: BTreeMap<Key, Row> = inventory
        .routes
        .iter()
        .map(row)
        .map(|row| (key(&row), row))
        .collect();
    let expected = expected(folder);
    let keys: BTreeSet<&Key> = found.keys().chain(expected.keys()).collect();
    let mut text = String::new();
    for key in keys {
        let (before, after) = (expected.get(key), found.get(key));
        if let (Some(before), Some(after)) = (before, after)
            && before[..7] == after[..7]
            && after[7].contains(&before[7])
        {
            continue;
        }
        for (sign, row) in [('-', before), ('+', after)] {
            if let Some(row) = row {
                writeln!(text, "{sign} {}", row.join(" | ")).unwrap();
            }
        }
    }
    text
}

#[test]
fn each_idiom_gives_the_table_that_is_true_of_it() {
    let mut wrong = String::new();
    let mut known = 0;
    let mut folders: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    for folder in folders {
        known += 1;
        let difference = difference(&folder);
        if !difference.is_empty() {
            writeln!(
                wrong,
                "{}:\n{difference}",
                folder.file_name().unwrap().display()
            )
            .unwrap();
        }
    }
    assert!(known >= 10, "{known} applications were found");
    assert!(wrong.is_empty(), "\n{wrong}");
}
