//! The page of the configuration is true.

use std::fmt::Write as _;

use super::*;

const PAGE: &str = include_str!("../../../../../docs/reference/route-config.md");

/// The cells of the table whose first column is headed so.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let from = PAGE.split(&format!("| {heading} |")).nth(1).unwrap();
    let rows = from
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

fn keys(heading: &str) -> Vec<&'static str> {
    let mut keys: Vec<&str> = table(heading)
        .iter()
        .map(|row| row[0].trim_matches('`'))
        .collect();
    keys.sort_unstable();
    keys
}

/// What the reader knows, from what it says of a key that it does not.
fn known(text: &str) -> Vec<String> {
    let detail = Config::from_text(text).unwrap_err().detail;
    let (_, expected) = detail.split_once("expected one of ").unwrap();
    let mut keys: Vec<String> = expected
        .split(", ")
        .map(|key| key.trim_matches('`').to_owned())
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn every_key_is_told_and_no_other() {
    for (heading, text) in [
        ("key", "unknown = 1\n"),
        ("key of `public`", "[[public]]\nunknown = 1\n"),
        ("key of `accept`", "[[accept]]\nunknown = 1\n"),
        ("key of `gate`", "[gate.\"a:b\"]\nunknown = 1\n"),
        ("key of `classes`", "[classes]\nunknown = 1\n"),
    ] {
        assert_eq!(keys(heading), known(text), "{heading}");
    }
}

#[test]
fn what_is_told_as_the_default_is_the_default() {
    let of_table = |head: &str, rows: Vec<Vec<&'static str>>| {
        let mut text = head.to_owned();
        for row in rows {
            let (key, default) = (row[0].trim_matches('`'), row[2].trim_matches('`'));
            if let "none" | "see there" = default {
                continue;
            }
            let quote = if default.starts_with('[') || default == "true" {
                ""
            } else {
                "\""
            };
            writeln!(text, "{key} = {quote}{default}{quote}").unwrap();
        }
        Config::from_text(&text).unwrap()
    };
    assert_eq!(of_table("", table("key")), Config::default());
    assert_eq!(
        of_table("[classes]\n", table("key of `classes`")),
        Config::default()
    );
    let gate = of_table("[gate.\"a:b\"]\n", table("key of `gate`"));
    assert_eq!(gate, Config::from_text("[gate.\"a:b\"]\n").unwrap());
}

#[test]
fn its_examples_are_read() {
    let blocks: Vec<&str> = PAGE
        .split("```toml\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap())
        .collect();
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        let config = Config::from_pyproject(block).unwrap();
        assert_ne!(config, Config::default(), "{block}");
    }
}
