//! The report that people read: what was found, then what is known of how many routes.

use std::fmt::Write as _;

use super::clean::clean;
use super::excerpt::Excerpt;
use super::{View, accepted, by_severity, counted, plural, table};
use crate::{Finding, Inventory, Note, Severity};

/// How many of the things that were not understood are told, unless all are asked for.
const FEW: usize = 10;

pub(super) fn render(inventory: &Inventory, view: &View<'_>) -> String {
    let paint = Paint(view.color);
    let mut out = String::new();
    let mut before = None;
    for finding in by_severity(inventory) {
        // Several findings about one line show it once.
        let again = finding.place.is_some() && before == finding.place.as_ref();
        tell(finding, again, view, paint, &mut out);
        out.push('\n');
        before = finding.place.as_ref();
    }
    not_understood(&inventory.notes, view, &mut out);
    if view.all {
        accepted_ones(inventory, view, &mut out);
        out.push_str(&table::routes(inventory, view));
    }
    out.push_str(&table::coverage(inventory));
    out.push('\n');
    out.push_str(&verdict(inventory, paint));
    out
}

fn tell(finding: &Finding, again: bool, view: &View<'_>, paint: Paint, out: &mut String) {
    let word = finding.severity.as_str();
    let head = paint.severity(
        finding.severity,
        &format!("{word}[{}]", clean(&finding.rule)),
    );
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "{head}: {}", paint.bold(&clean(&finding.message)));
    let excerpt = finding
        .place
        .as_ref()
        .filter(|_| !again)
        .and_then(|place| Excerpt::of(place, view.sources));
    let width = excerpt.as_ref().map_or(1, Excerpt::width);
    if let Some(place) = &finding.place {
        let file = clean(&view.file(place));
        let _ = writeln!(
            out,
            "{:width$}{} {file}:{}",
            "",
            paint.dim("-->"),
            place.line
        );
    }
    let bar = paint.dim("|");
    if let Some(excerpt) = excerpt {
        let _ = writeln!(out, "{:width$} {bar}", "");
        for (number, line) in &excerpt.lines {
            let number_text = paint.dim(&format!("{number:>width$}"));
            let _ = writeln!(out, "{}", format!("{number_text} {bar} {line}").trim_end());
            if *number == excerpt.line {
                let (start, length) = excerpt.mark;
                let carets = paint.severity(finding.severity, &"^".repeat(length));
                let _ = writeln!(out, "{:width$} {bar} {:start$}{carets}", "", "");
            }
        }
        let _ = writeln!(out, "{:width$} {bar}", "");
    }
    let mut said = |label: &str, text: &str| {
        let equals = paint.dim("=");
        let _ = writeln!(out, "{:width$} {equals} {label}{text}", "");
    };
    for (index, step) in finding.via.iter().enumerate() {
        let label = if index == 0 { "via: " } else { "     " };
        let file = clean(&view.file(&step.place));
        said(
            label,
            &format!("{file}:{}: {}", step.place.line, clean(&step.text)),
        );
    }
    if let Some(sibling) = &finding.sibling {
        let mut text = clean(&sibling.route.to_string());
        if let Some(place) = &sibling.place {
            let _ = write!(text, " at {}:{}", clean(&view.file(place)), place.line);
        }
        if !sibling.gates.is_empty() {
            let _ = write!(text, " has {}", clean(&sibling.gates.join(", ")));
        }
        said("gated neighbour: ", &text);
    }
    if let Some(hint) = &finding.hint {
        said("hint: ", &clean(hint));
    }
}

fn not_understood(notes: &[Note], view: &View<'_>, out: &mut String) {
    if notes.is_empty() {
        return;
    }
    let shown = if view.all { notes.len() } else { FEW };
    out.push_str("Notes:\n");
    for note in notes.iter().take(shown) {
        let text = clean(&note.text);
        let _ = match &note.place {
            Some(place) => {
                writeln!(out, "  {}:{}: {text}", clean(&view.file(place)), place.line)
            }
            None => writeln!(out, "  {text}"),
        };
    }
    if let Some(more @ 1..) = notes.len().checked_sub(shown) {
        let _ = writeln!(out, "  and {more} more, with --all");
    }
    out.push('\n');
}

fn accepted_ones(inventory: &Inventory, view: &View<'_>, out: &mut String) {
    if inventory.accepted.is_empty() {
        return;
    }
    out.push_str("Accepted:\n");
    for one in &inventory.accepted {
        let finding = &one.finding;
        let place = finding.place.as_ref().map_or_else(String::new, |place| {
            format!("{}:{}: ", clean(&view.file(place)), place.line)
        });
        let said = clean(&format!(
            "{}: {} ({})",
            finding.rule, finding.message, one.accepted.reason
        ));
        let _ = writeln!(out, "  {place}{said}");
    }
    out.push('\n');
}

fn verdict(inventory: &Inventory, paint: Paint) -> String {
    let counted = counted(inventory);
    let accepted = accepted(inventory);
    if counted.is_empty() {
        let more = accepted.map_or_else(String::new, |accepted| format!(" {accepted}."));
        return format!("{}{more}\n", paint.bold("No findings."));
    }
    let more = accepted.map_or_else(String::new, |accepted| format!("; {accepted}"));
    let worst = inventory.findings.iter().map(|one| one.severity).max();
    let text = plural(inventory.findings.len(), "finding", "findings");
    let text = paint.severity(worst.unwrap_or(Severity::Note), &text);
    format!("{text}: {counted}{more}. `sealgate routes rules RULE` explains a rule.\n")
}

/// Colours, or none. They repeat what words say.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("34", text)
    }

    fn severity(self, severity: Severity, text: &str) -> String {
        let code = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;36",
        };
        self.with(code, text)
    }
}
