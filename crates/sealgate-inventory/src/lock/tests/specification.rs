//! The specification says what the program does.

use super::*;
use crate::risk;
use crate::rules;

const PAGE: &str = include_str!("../../../../../docs/spec/lock-file.md");

#[test]
fn the_example_is_as_it_is_written() {
    let example = PAGE.split("```toml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    assert_eq!(read(example).unwrap().to_text(), example);
}

#[test]
fn the_table_of_rules_is_complete() {
    let rows: Vec<String> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once(" | "))
        .filter_map(|(id, rest)| Some((id.strip_suffix('`')?, rest.split_once(" |")?.0)))
        .filter(|(_, severity)| ["error", "warning", "note"].contains(severity))
        .map(|(id, severity)| format!("{id} {severity}"))
        .collect();
    let expected: Vec<String> = rules::ALL
        .iter()
        .map(|rule| format!("{} {:?}", rule.id, rule.severity).to_lowercase())
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_words_of_risks_are_all_there() {
    let words = |heading: &str| -> String {
        let from = PAGE.split(&format!("- `{heading}`: ")).nth(1).unwrap();
        let end = from.find("\n- ").unwrap_or(from.len());
        from[..end].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(words("administers"), risk::ADMINISTERS.join(", "));
    let pairs: Vec<String> = risk::SECRET_PAIRS
        .iter()
        .map(|(first, second)| format!("{first} {second}"))
        .collect();
    let expected = format!(
        "{}; and in a row: {}",
        risk::SECRETS.join(", "),
        pairs.join(", ")
    );
    assert_eq!(words("secrets"), expected);
}
