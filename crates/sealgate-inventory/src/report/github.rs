//! Workflow commands of GitHub Actions, one for each finding.
//!
//! The runner reads them from the lines of stdout, so that whatever could begin a line of its own is escaped:
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.

use std::fmt::Write as _;

use super::clean::clean;
use super::{View, accepted, by_severity, counted, plural};
use crate::{Finding, Inventory, Severity};

pub(super) fn render(inventory: &Inventory, view: &View<'_>) -> String {
    let mut out = String::new();
    for finding in by_severity(inventory) {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = Vec::new();
        if let Some(place) = &finding.place {
            properties.push(format!("file={}", property(&view.file(place))));
            properties.push(format!("line={}", place.line));
        }
        properties.push(format!("title={}", property(&finding.rule)));
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "::{command} {}::{}",
            properties.join(","),
            data(&words(finding, view))
        );
    }
    let counted = counted(inventory);
    let routes = plural(inventory.routes.len(), "route", "routes");
    let counted = if counted.is_empty() {
        "no findings".to_owned()
    } else {
        counted
    };
    let accepted = accepted(inventory).map_or_else(String::new, |accepted| format!(", {accepted}"));
    let _ = writeln!(out, "{routes}, {counted}{accepted}");
    out
}

/// What it says, on as many lines as it has to say.
fn words(finding: &Finding, view: &View<'_>) -> Vec<String> {
    let mut lines = vec![finding.message.clone()];
    for step in &finding.via {
        let file = view.file(&step.place);
        lines.push(format!("via {file}:{}: {}", step.place.line, step.text));
    }
    if let Some(sibling) = &finding.sibling {
        let gates = sibling.gates.join(", ");
        lines.push(format!("gated neighbour: {} has {gates}", sibling.route));
    }
    if let Some(hint) = &finding.hint {
        lines.push(format!("hint: {hint}"));
    }
    lines
}

fn data(lines: &[String]) -> String {
    let escaped: Vec<String> = lines
        .iter()
        .map(|line| clean(line).replace('%', "%25"))
        .collect();
    escaped.join("%0A")
}

fn property(text: &str) -> String {
    clean(text)
        .replace('%', "%25")
        .replace(':', "%3A")
        .replace(',', "%2C")
}
