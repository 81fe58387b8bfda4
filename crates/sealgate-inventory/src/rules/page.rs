//! The documentation page of a rule.

use std::fmt::Write as _;

use super::files;
use crate::{Rule, Severity};

/// The page of a rule in Markdown, as it stands in `docs/reference/rules`.
pub fn page(rule: &Rule) -> String {
    let severity = match rule.severity {
        Severity::Note => "A note: it fails nothing.",
        Severity::Warning => "A warning: `sealgate routes check` fails.",
        Severity::Error => "An error: `sealgate routes check` fails.",
    };
    let mut page = format!("# `{}`: {}\n\n{severity}\n\n", rule.id, rule.title);
    wrapped(&mut page, rule.explanation);
    for (heading, example) in [("Broken", rule.broken), ("Fixed", rule.fixed)] {
        let _ = writeln!(page, "\n## {heading}");
        let named = files(example);
        if named.is_empty() {
            block(&mut page, "python", example);
        }
        for (name, text) in named {
            let language = if name.ends_with("toml") {
                "toml"
            } else {
                "python"
            };
            let _ = writeln!(page, "\n`{name}`:");
            block(&mut page, language, text);
        }
    }
    page
}

fn block(page: &mut String, language: &str, text: &str) {
    let _ = writeln!(page, "\n```{language}\n{}\n```", text.trim_end());
}

/// Paragraphs in lines of at most 120 letters.
fn wrapped(page: &mut String, text: &str) {
    for (at, paragraph) in text.split("\n\n").enumerate() {
        if at > 0 {
            page.push('\n');
        }
        let mut length = 0;
        for word in paragraph.split_whitespace() {
            let letters = word.chars().count();
            if length > 0 && length + 1 + letters > 120 {
                page.push('\n');
                length = 0;
            } else if length > 0 {
                page.push(' ');
                length += 1;
            }
            page.push_str(word);
            length += letters;
        }
        page.push('\n');
    }
}
