//! Each rule about source has its page, and the index of pages names every rule there is.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use sealgate_inventory::rules::page;
use sealgate_inventory::{Rule, Severity, compare, rules};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/rules")
}

/// Compares a page with what is written, or writes it when `SEALGATE_WRITE_PAGES` is set.
fn holds(name: &str, text: &str) {
    let file = folder().join(name);
    if env::var_os("SEALGATE_WRITE_PAGES").is_some() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&file, text).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(written, text, "{name}: run with SEALGATE_WRITE_PAGES=1");
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn table(text: &mut String, heading: &str, about: &str, rules: &BTreeMap<&str, &Rule>) {
    use std::fmt::Write as _;
    let _ = write!(
        text,
        "\n## {heading}\n\n{about}\n\n| Rule | Severity | What is wrong |\n|---|---|---|\n"
    );
    for (id, rule) in rules {
        let _ = writeln!(
            text,
            "| [`{id}`]({id}.md) | {} | {} |",
            word(rule.severity),
            rule.title
        );
    }
}

fn by_id<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> BTreeMap<&'r str, &'r Rule> {
    rules.into_iter().map(|rule| (rule.id, rule)).collect()
}

/// The index: the rules of this crate, those of the inventory, and the pages that are of neither.
fn index() -> String {
    let mut text = "# Rules\n\nWhat `sealgate routes` finds, by what it looks at. Each page says why it matters, \
                    and shows a program that has\nit and the same program without it.\n"
        .to_owned();
    let source = by_id(sealgate_routes::rules());
    let about = "Found by `sealgate routes scan` and `check` in the source, without running it.";
    table(&mut text, "Gates and routes in the source", about, &source);
    let covered = by_id(rules::ALL.iter().copied());
    let about = "Found by `sealgate routes check`: routes without a gate, and what differs from the lock file.";
    table(&mut text, "Coverage and drift", about, &covered);
    let compared = by_id(compare::rules::RULES.iter().copied());
    let about = "Found by `sealgate routes inspect`, which compares the running application with its source.";
    table(
        &mut text,
        "Source and running application",
        about,
        &compared,
    );
    let known = |name: &str| {
        source.contains_key(name) || covered.contains_key(name) || compared.contains_key(name)
    };
    let mut others: BTreeMap<String, String> = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "README" || known(&name) {
            continue;
        }
        let page = fs::read_to_string(&path).unwrap();
        let title = page.lines().next().unwrap_or_default();
        let title = title.split_once("`: ").map_or(title, |(_, title)| title);
        let severity = page.lines().nth(2).unwrap_or_default();
        let severity = ["error", "warning", "note"]
            .into_iter()
            .find(|word| severity.to_lowercase().contains(word));
        others.insert(name, format!("{} | {title}", severity.unwrap_or("error")));
    }
    text.push_str("\n## Answers of a running application\n\nFound by `sealgate routes probe`, which sends requests.\n\n");
    text.push_str("| Rule | Severity | What is wrong |\n|---|---|---|\n");
    for (id, row) in others {
        use std::fmt::Write as _;
        let _ = writeln!(text, "| [`{id}`]({id}.md) | {row} |");
    }
    text
}

#[test]
fn each_rule_about_source_has_its_page() {
    for rule in sealgate_routes::rules() {
        holds(&format!("{}.md", rule.id), &page(rule));
    }
}

#[test]
fn the_index_names_every_rule() {
    holds("README.md", &index());
}
