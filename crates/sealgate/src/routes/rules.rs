//! `sealgate routes rules`: what findings are instances of.

use clap::Args;
use sealgate_inventory::Rule;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, Text};

/// Where each rule has its page.
const PAGES: &str = "https://github.com/sealgate/sealgate/blob/main/docs/reference/rules/";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The rule to explain, as in `open-route`
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

/// A rule, as programs read it.
#[derive(Serialize)]
struct Told {
    id: &'static str,
    severity: &'static str,
    title: &'static str,
    explanation: &'static str,
    broken: &'static str,
    fixed: &'static str,
    page: String,
}

impl From<&Rule> for Told {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id,
            severity: rule.severity.as_str(),
            title: rule.title,
            explanation: rule.explanation,
            broken: rule.broken,
            fixed: rule.fixed,
            page: format!("{PAGES}{}.md", rule.id),
        }
    }
}

/// Every rule, by its id.
pub(super) fn all() -> Vec<&'static Rule> {
    let mut rules = sealgate_inventory::rules::ALL.to_vec();
    rules.extend(sealgate_inventory::compare::rules::RULES);
    rules.extend(sealgate_routes::rules());
    rules.extend(sealgate_probe::rules::RULES);
    rules.sort_by_key(|rule| rule.id);
    rules
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let rules = all();
    let Some(id) = &arguments.rule else {
        let told: Vec<Told> = rules.into_iter().map(Told::from).collect();
        return output::print(json, &told, |told| list(told));
    };
    let Some(rule) = rules.into_iter().find(|rule| rule.id == id) else {
        let said = format!("there is no rule {id}");
        return Err(Failure::usage("rule_unknown", said).with_hint("see `sealgate routes rules`"));
    };
    output::print(json, &Told::from(rule), explained)
}

fn list(told: &[Told]) -> Text {
    let rows: Vec<[String; 3]> = told
        .iter()
        .map(|rule| [rule.id, rule.severity, rule.title].map(str::to_owned))
        .collect();
    output::table(
        ["RULE", "SEVERITY", "WHAT IS WRONG"],
        &rows,
        "There are no rules.",
    )
}

fn explained(rule: &Told) -> Text {
    let indented = |code: &str| -> String {
        let line = |line: &str| format!("    {line}").trim_end().to_owned() + "\n";
        code.trim().lines().map(line).collect()
    };
    let data = format!(
        "{} ({})\n{}\n\n{}\n\nBroken:\n\n{}\nFixed:\n\n{}\n{}\n",
        rule.id,
        rule.severity,
        rule.title,
        rule.explanation.trim(),
        indented(rule.broken),
        indented(rule.fixed),
        rule.page
    );
    Text {
        data,
        ..Text::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_an_id_of_its_own() {
        let ids: Vec<&str> = all().iter().map(|rule| rule.id).collect();
        let mut unique = ids.clone();
        unique.dedup();
        assert_eq!(ids, unique);
        assert!(ids.iter().all(|id| {
            id.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        }));
    }

    #[test]
    fn a_rule_is_explained_with_a_program_that_has_it() {
        let rule = &sealgate_inventory::compare::rules::ONLY_IN_SOURCE;
        insta::assert_snapshot!(explained(&rule.into()).data);
    }
}
