//! Ways in which real gates have failed, each as a small application. `# finds: RULE` marks the line of a finding,
//! and `# expect: METHODS PATH EVIDENCE` says what is known of a route.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::path::{Path, PathBuf};

use sealgate_inventory::{Config, Inventory};

fn programs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mechanisms");
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.sort();
    assert!(all.len() >= 11, "{all:?}");
    all
}

fn scan(program: &Path) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(program, folder.path().join("main.py")).unwrap();
    sealgate_routes::scan(folder.path(), &Config::default(), &|_| {}).unwrap()
}

#[test]
fn each_mechanism_is_found_where_it_stands_and_nothing_else_is() {
    let mut wrong = Vec::new();
    for program in programs() {
        let text = fs::read_to_string(&program).unwrap();
        let mut expected: Vec<(u32, String)> = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            if let Some((_, rule)) = text.split_once("# finds: ") {
                expected.push((line, rule.trim().to_owned()));
            }
        }
        let inventory = scan(&program);
        let mut found: Vec<(u32, String)> = inventory
            .findings
            .iter()
            .map(|finding| {
                (
                    finding.place.as_ref().map_or(0, |place| place.line),
                    finding.rule.clone(),
                )
            })
            .collect();
        found.sort();
        if found != expected {
            let name = program.file_name().unwrap().display();
            wrong.push(format!(
                "{name}: expected {expected:?}, found {found:?}\n{:#?}",
                inventory.findings
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn routes_behind_a_broken_gate_have_the_evidence_that_is_true() {
    let mut wrong = Vec::new();
    for program in programs() {
        let text = fs::read_to_string(&program).unwrap();
        let inventory = scan(&program);
        let mut expectations = 0;
        for expectation in text
            .lines()
            .filter_map(|line| line.strip_prefix("# expect: "))
        {
            expectations += 1;
            let (key, evidence) = expectation.rsplit_once(' ').unwrap();
            let route = inventory
                .routes
                .iter()
                .find(|route| route.key().to_string() == key);
            let found = route.map_or("nothing".to_owned(), |route| route.evidence.to_string());
            if found != evidence {
                wrong.push(format!(
                    "{}: {key} is {found}, not {evidence}",
                    program.file_name().unwrap().display()
                ));
            }
        }
        assert!(expectations > 0, "{} expects nothing", program.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
