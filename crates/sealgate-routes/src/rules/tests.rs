//! Every rule finds its broken example and leaves its fixed one alone.

use std::fs;

use sealgate_inventory::{Config, Finding};

use super::rules;

fn findings(program: &str) -> Vec<Finding> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.py"), program).unwrap();
    let inventory = crate::scan(folder.path(), &Config::default(), &|_| {}).unwrap();
    assert!(
        !inventory.apps.is_empty(),
        "the example has no application:\n{program}"
    );
    inventory.findings
}

#[test]
fn every_rule_finds_its_broken_example() {
    for rule in rules() {
        let found = findings(rule.broken);
        let of_rule: Vec<_> = found
            .iter()
            .filter(|finding| finding.rule == rule.id)
            .collect();
        assert!(
            !of_rule.is_empty(),
            "{} is not found; found were {found:#?}",
            rule.id
        );
        for finding in of_rule {
            assert!(
                finding.place.as_ref().is_some_and(|place| place.line > 0),
                "{finding:?}"
            );
            assert_eq!(finding.severity, rule.severity);
        }
    }
}

#[test]
fn every_rule_leaves_its_fixed_example_alone() {
    for rule in rules() {
        let found = findings(rule.fixed);
        assert!(
            found.iter().all(|finding| finding.rule != rule.id),
            "{}: {found:#?}",
            rule.id
        );
    }
}

#[test]
fn ids_are_unique_and_in_order() {
    let ids: Vec<&str> = rules().map(|rule| rule.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted);
}

#[test]
fn findings_of_the_examples_read_well() {
    let all: Vec<String> = rules()
        .flat_map(|rule| {
            let found = findings(rule.broken)
                .into_iter()
                .filter(|finding| finding.rule == rule.id);
            found
                .map(|finding| format!("{}: {}", finding.rule, finding.message))
                .collect::<Vec<_>>()
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}
