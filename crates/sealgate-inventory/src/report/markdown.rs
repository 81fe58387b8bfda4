//! A comment on a pull request.
//!
//! Whoever writes the code that is looked at could write into the comment: foreign text stands in code, or with every
//! mark of Markdown escaped, and mentions nobody.

use std::fmt::Write as _;

use super::clean::clean;
use super::excerpt::Excerpt;
use super::{View, accepted, by_severity, counted, plural, table};
use crate::{Finding, Inventory};

/// Characters after which only the number of further findings is told: GitHub takes 65,536.
const MOST: usize = 50_000;

pub(super) fn render(inventory: &Inventory, view: &View<'_>) -> String {
    let counted = counted(inventory);
    let mut out = if counted.is_empty() {
        "### Routes: no findings\n".to_owned()
    } else {
        format!("### Routes: {counted}\n")
    };
    coverage(inventory, &mut out);
    if let Some(accepted) = accepted(inventory) {
        let _ = writeln!(out, "\n{accepted}.");
    }
    let findings = by_severity(inventory);
    for (index, finding) in findings.iter().enumerate() {
        if out.chars().count() > MOST {
            let more = plural(findings.len() - index, "finding more", "findings more");
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(out, "\n{more}, which the command's other formats show.");
            break;
        }
        tell(finding, view, &mut out);
    }
    out
}

fn coverage(inventory: &Inventory, out: &mut String) {
    let counts = table::counts(inventory);
    let columns = table::columns(&counts);
    out.push_str("\n| application | routes |");
    for index in &columns {
        let _ = write!(out, " {} |", table::EVIDENCE[*index]);
    }
    out.push_str("\n| --- | --- |");
    out.push_str(&" --- |".repeat(columns.len()));
    for (app, row) in &counts {
        let total: usize = row.iter().sum();
        let _ = write!(out, "\n| {} | {total} |", code(&app.replace('|', "¦")));
        for index in &columns {
            let _ = write!(out, " {} |", row[*index]);
        }
    }
    out.push('\n');
}

fn tell(finding: &Finding, view: &View<'_>, out: &mut String) {
    let _ = writeln!(
        out,
        "\n**{}** {}: {}\n",
        finding.severity.as_str(),
        code(&finding.rule),
        prose(&finding.message)
    );
    let at = |file: &str, line: u32| code(&format!("{file}:{line}"));
    if let Some(place) = &finding.place {
        let _ = writeln!(out, "- at {}", at(&view.file(place), place.line));
    }
    for step in &finding.via {
        let place = at(&view.file(&step.place), step.place.line);
        let _ = writeln!(out, "- via {place}: {}", code(&step.text));
    }
    if let Some(sibling) = &finding.sibling {
        let gates: Vec<String> = sibling.gates.iter().map(|gate| code(gate)).collect();
        let route = code(&sibling.route.to_string());
        let _ = writeln!(out, "- gated neighbour: {route} has {}", gates.join(", "));
    }
    if let Some(hint) = &finding.hint {
        let _ = writeln!(out, "- hint: {}", prose(hint));
    }
    let excerpt = finding.place.as_ref();
    if let Some(excerpt) = excerpt.and_then(|place| Excerpt::of(place, view.sources)) {
        let lines: Vec<&str> = excerpt
            .lines
            .iter()
            .map(|(_, line)| line.as_str())
            .collect();
        let text = lines.join("\n");
        let fence = "`".repeat(longest_run(&text).max(2) + 1);
        let _ = writeln!(out, "\n{fence}python\n{text}\n{fence}");
    }
}

/// `text` as code, which no mark in it ends.
fn code(text: &str) -> String {
    let text = clean(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    // A space beside the fence is not part of the code, if there is one on both sides.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// `text` as nothing but words, and what stands in a pair of backticks in it as code.
fn prose(text: &str) -> String {
    let text = clean(text);
    let parts: Vec<&str> = text.split('`').collect();
    // Marks come in pairs, so that what is between two of them is every second part.
    if parts.len().is_multiple_of(2) || parts.iter().skip(1).step_by(2).any(|part| part.is_empty())
    {
        return words(&text);
    }
    let part = |(index, part): (usize, &&str)| match index % 2 {
        0 => words(part),
        _ => code(part),
    };
    parts.iter().enumerate().map(part).collect()
}

fn words(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            // These read the same in any place.
            '.' | ',' | '/' | '\'' | '"' | '-' | '{' | '}' | ';' | '?' | '=' => out.push(c),
            // An escaped @ still mentions, and an escaped # still refers.
            '@' | '#' => {
                out.push(c);
                out.push('\u{2060}');
            }
            c if c.is_ascii_punctuation() => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
