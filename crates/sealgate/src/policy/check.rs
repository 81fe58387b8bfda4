//! `sealgate policy check`: whether policies are sound, and say what was meant, without asking anybody.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use sealgate_policy::PolicyError;
use sealgate_policy::cedar::{self, Finding, Level, PolicySource, Span};
use serde::Serialize;

use super::source;
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::screen::clean;

/// Characters of a line that are shown.
const SHOWN_MOST: usize = 160;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing found, or warnings alone; 1 errors were found; 2 a file cannot be read."
)]
pub(crate) struct Arguments {
    /// The file that declares policies
    #[arg(value_name = "FILE", default_value = "sealgate.toml")]
    file: PathBuf,
    /// Exit with 1 for warnings too
    #[arg(long)]
    strict: bool,
}

/// What was looked at, and found.
#[derive(Serialize)]
struct Checked {
    files: usize,
    policies: usize,
    errors: usize,
    warnings: usize,
    findings: Vec<Finding>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let document = source::document(&arguments.file)?;
    let policies = source::policies(&document, &arguments.file)?;
    let findings = cedar::analyse(&policies).map_err(|error: PolicyError| {
        Failure::refused(
            error.code(),
            format!("{}: {error}", arguments.file.display()),
        )
    })?;
    let of = |level| findings.iter().filter(|one| one.level == level).count();
    let (errors, warnings) = (of(Level::Error), of(Level::Warning));
    let checked = Checked {
        files: policies.files.len(),
        policies: cedar::count(&policies),
        errors,
        warnings,
        findings,
    };
    output::print(json, &checked, |checked| told(checked, &policies))?;
    if errors > 0 || (arguments.strict && warnings > 0) {
        return Err(Failure::told());
    }
    Ok(())
}

fn told(checked: &Checked, policies: &PolicySource) -> Text {
    let mut data = String::new();
    for finding in &checked.findings {
        data.push_str(&diagnostic(finding, &policies.files));
        data.push('\n');
    }
    let many = |count: usize, one: &str, more: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    };
    let _ = writeln!(
        data,
        "{} in {}: {}, {}.",
        many(checked.policies, "policy", "policies"),
        many(checked.files, "file", "files"),
        many(checked.errors, "error", "errors"),
        many(checked.warnings, "warning", "warnings"),
    );
    Text {
        data,
        ..Text::default()
    }
}

/// A finding with the line that it is about.
pub(super) fn diagnostic(finding: &Finding, files: &BTreeMap<String, String>) -> String {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let mut text = format!("{level}[{}]: {}\n", finding.code, clean(&finding.message));
    let mut margin = 0;
    if let Some(span) = &finding.span {
        let number = span.line.to_string();
        margin = number.len();
        let _ = writeln!(
            text,
            "{:margin$}--> {}:{}:{}",
            "",
            clean(&span.file),
            span.line,
            span.column
        );
        if let Some(excerpt) = excerpt(span, files) {
            let blank = format!("{:margin$} |", "");
            let _ = write!(
                text,
                "{blank}\n{number} | {}\n{blank} {}\n",
                excerpt.0, excerpt.1
            );
        }
    }
    let mut note = |name: &str, said: &str| {
        let _ = writeln!(text, "{:margin$} = {name}: {}", "", clean(said));
    };
    if let Some(policy) = &finding.policy {
        note("policy", policy);
    }
    if let Some(hint) = &finding.hint {
        note("hint", hint);
    }
    text
}

/// The line that is meant, and what stands below it to mark the place.
fn excerpt(span: &Span, files: &BTreeMap<String, String>) -> Option<(String, String)> {
    let line = files
        .get(&span.file)?
        .lines()
        .nth(span.line.checked_sub(1)?)?;
    let spaced = line.replace('\t', " ");
    let shown: String = clean(&spaced).chars().take(SHOWN_MOST).collect();
    let before = span.column.saturating_sub(1);
    let room = shown.chars().count().saturating_sub(before);
    if room == 0 && !shown.is_empty() {
        return Some((shown, String::new()));
    }
    let mark = "^".repeat(span.length.clamp(1, room.max(1)));
    Some((shown, format!("{}{mark}", " ".repeat(before))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_told_with_the_line_that_they_are_about() {
        let declared: toml::Table = r#"
            [policy]
            roles = ["approver"]
            [policy.actions]
            "expenses.list" = {}
            [policy.resource.Expense]
            attributes = { amount = "Long" }
            actions = ["expenses.approve"]
        "#
        .parse()
        .unwrap();
        let text = "@id(\"approve\")\npermit (\n  principal in Role::\"aprover\",\n  action == \
                    Action::\"expenses.approve\",\n  resource\n)\nwhen {\n\tresource.amount < 100 };\n";
        let files = BTreeMap::from([("policies/expenses.cedar".to_owned(), text.to_owned())]);
        let policies = cedar::read(&declared).unwrap();
        let policies = policies.with(files, &BTreeMap::new()).unwrap();
        let findings = cedar::analyse(&policies).unwrap();
        let checked = Checked {
            files: 1,
            policies: 1,
            errors: 1,
            warnings: 1,
            findings,
        };
        insta::assert_snapshot!(told(&checked, &policies).data);
    }
}
