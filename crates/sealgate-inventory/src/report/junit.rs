//! `JUnit`'s XML: a test case for each route, and a failed one for each finding.
//!
//! A second finding of a route gets a test case of its own, since readers look at one failure for each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::clean::is_foul;
use super::{View, by_severity};
use crate::{Finding, Inventory, Place, RouteKey, Severity};

/// The suite of findings that are about no route.
const ELSEWHERE: &str = "sealgate";

struct Case<'a> {
    name: String,
    place: Option<Place>,
    finding: Option<&'a Finding>,
}

pub(super) fn render(inventory: &Inventory, view: &View<'_>) -> String {
    let suites = suites(inventory);
    let all = || suites.values().flatten();
    let failed = |case: &&Case<'_>| case.finding.is_some_and(fails);
    // Writing to a String cannot fail, here and below.
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"sealgate routes\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
        all().count(),
        all().filter(failed).count()
    );
    for (suite, cases) in &suites {
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\">",
            escaped(suite),
            cases.len(),
            cases.iter().filter(failed).count()
        );
        for case in cases {
            write_case(suite, case, view, &mut out);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn suites(inventory: &Inventory) -> BTreeMap<&str, Vec<Case<'_>>> {
    let mut about: BTreeMap<&RouteKey, Vec<&Finding>> = BTreeMap::new();
    let findings = by_severity(inventory);
    for finding in &findings {
        if let Some(route) = &finding.route {
            about.entry(route).or_default().push(finding);
        }
    }
    let mut suites: BTreeMap<&str, Vec<Case<'_>>> = BTreeMap::new();
    for route in &inventory.routes {
        let key = route.key();
        // The first route of a key has its findings: those of one key are one way in.
        let mut found = about.remove(&key).unwrap_or_default().into_iter();
        let cases = suites.entry(&route.app).or_default();
        cases.push(Case {
            name: key.to_string(),
            place: route.place(),
            finding: found.next(),
        });
        cases.extend(found.map(more));
    }
    let known = |finding: &&&Finding| finding.route.is_some();
    // Routes that are gone have findings all the same.
    for (key, found) in about {
        let cases = suites.entry(&key.app).or_default();
        cases.extend(found.into_iter().map(more));
    }
    let rest: Vec<Case<'_>> = findings
        .iter()
        .filter(|finding| !known(finding))
        .map(|finding| more(finding))
        .collect();
    if !rest.is_empty() {
        suites.entry(ELSEWHERE).or_default().extend(rest);
    }
    suites
}

fn more(finding: &Finding) -> Case<'_> {
    let name = match &finding.route {
        Some(route) => format!("{route} ({})", finding.rule),
        None => format!("{}: {}", finding.rule, finding.message),
    };
    Case {
        name,
        place: finding.place.clone(),
        finding: Some(finding),
    }
}

fn fails(finding: &Finding) -> bool {
    finding.severity > Severity::Note
}

fn write_case(suite: &str, case: &Case<'_>, view: &View<'_>, out: &mut String) {
    let _ = write!(
        out,
        "    <testcase classname=\"{}\" name=\"{}\"",
        escaped(suite),
        escaped(&case.name)
    );
    if let Some(place) = &case.place {
        let file = escaped(&view.file(place));
        let _ = write!(out, " file=\"{file}\" line=\"{}\"", place.line);
    }
    let Some(finding) = case.finding else {
        out.push_str("/>\n");
        return;
    };
    let text = escaped(&words(finding, view));
    if fails(finding) {
        let _ = writeln!(
            out,
            ">\n      <failure type=\"{}\" message=\"{}\">{text}</failure>\n    </testcase>",
            escaped(&finding.rule),
            escaped(&finding.message)
        );
    } else {
        let _ = writeln!(
            out,
            ">\n      <system-out>{text}</system-out>\n    </testcase>"
        );
    }
}

fn words(finding: &Finding, view: &View<'_>) -> String {
    let mut lines = vec![format!(
        "{}[{}]: {}",
        finding.severity.as_str(),
        finding.rule,
        finding.message
    )];
    if let Some(place) = &finding.place {
        lines.push(format!("at {}:{}", view.file(place), place.line));
    }
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
    lines.join("\n")
}

/// XML has no way to write most control characters, and readers print what they read.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\n' => out.push_str("&#10;"),
            c if is_foul(c) => out.push('\u{fffd}'),
            // GitHub's runner takes `##[` for a command wherever it stands.
            '[' if out.ends_with("##") => out.push_str("&#91;"),
            c => out.push(c),
        }
    }
    out
}
