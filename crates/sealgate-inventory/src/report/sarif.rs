//! SARIF 2.1.0, which code hosts and editors show beside the code.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>, and what GitHub makes of it.

mod document;

use std::fmt::Write as _;

use document::{
    Artifact, BaseId, Configuration, Descriptor, Driver, Fingerprints, Invocation, Location, Log,
    Logical, Notification, Physical, Properties, Region, Related, Run, SarifResult, Suppression,
    Text, Tool,
};

use super::{View, by_severity, fingerprint, json};
use crate::accept::Because;
use crate::rules::page;
use crate::{Finding, Inventory, Place, Rule, Severity};

/// Where each rule is explained: the page `<id>.md` below.
const PAGES: &str = "https://github.com/sealgate/sealgate/blob/main/docs/reference/rules/";

/// What file names are relative to.
const ROOT: &str = "%SRCROOT%";

pub(super) fn render(inventory: &Inventory, view: &View<'_>) -> String {
    // What is accepted is told as suppressed: hosts close what is not told any more, and open it again later.
    let mut findings = by_severity(inventory);
    let failing = findings.len();
    findings.extend(inventory.accepted.iter().map(|one| &one.finding));
    let accepted = inventory.accepted.iter().map(|one| Some(&one.accepted));
    let accepted = std::iter::repeat_n(None, failing).chain(accepted);
    let fingerprints = fingerprint::of(&findings, view);
    let results = findings.iter().zip(fingerprints).zip(accepted).map(
        |((finding, fingerprint), accepted)| SarifResult {
            suppressions: accepted
                .map(|because| suppression(because, view))
                .into_iter()
                .collect(),
            ..result(finding, fingerprint, inventory, view)
        },
    );
    let notifications = inventory.notes.iter().map(|note| Notification {
        level: "note",
        message: Text::of(sentence(&note.text)),
        locations: note
            .place
            .iter()
            .map(|place| Location::at(physical(place, view)))
            .collect(),
    });
    json(&Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "sealgate routes",
                    semantic_version: view.version.to_owned(),
                    information_uri: "https://github.com/sealgate/sealgate",
                    rules: view.rules.iter().map(|rule| descriptor(rule)).collect(),
                },
            },
            original_uri_base_ids: [(
                ROOT,
                BaseId {
                    description: Text::of("The root of the repository.".to_owned()),
                },
            )]
            .into(),
            invocations: [Invocation {
                execution_successful: true,
                tool_execution_notifications: notifications.collect(),
            }],
            column_kind: "unicodeCodePoints",
            results: results.collect(),
        }],
    })
}

fn descriptor(rule: &Rule) -> Descriptor {
    Descriptor {
        id: rule.id,
        name: name(rule.id),
        short_description: Text::of(sentence(rule.title)),
        full_description: Text::of(rule.explanation.trim().to_owned()),
        help: Text {
            text: rule.explanation.trim().to_owned(),
            markdown: Some(page(rule)),
        },
        help_uri: format!("{PAGES}{}.md", rule.id),
        default_configuration: Configuration {
            level: rule.severity.as_str(),
        },
        properties: Properties {
            tags: ["security", "routes"],
            precision: "high",
            security_severity: match rule.severity {
                Severity::Error => "8.0",
                Severity::Warning => "5.0",
                Severity::Note => "2.0",
            },
        },
    }
}

/// `open-route` as `OpenRoute`: a name must not be the id.
fn name(id: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    id.split('-').map(word).collect()
}

fn result(
    finding: &Finding,
    fingerprint: String,
    inventory: &Inventory,
    view: &View<'_>,
) -> SarifResult {
    let mut message = sentence(&finding.message);
    if let Some(hint) = &finding.hint {
        message.push_str(" Hint: ");
        message.push_str(&sentence(hint));
    }
    let steps = finding
        .via
        .iter()
        .map(|step| (&step.place, step.text.clone()));
    let sibling = finding.sibling.iter().filter_map(|sibling| {
        let gates = sibling.gates.join(", ");
        let text = format!("Gated neighbour: {} has {gates}", sibling.route);
        Some((sibling.place.as_ref()?, text))
    });
    let related = steps
        .chain(sibling)
        .zip(1..)
        .map(|((place, text), id)| Related {
            id,
            message: Text::of(text),
            physical_location: physical(place, view),
        });
    SarifResult {
        rule_id: finding.rule.clone(),
        rule_index: view.rules.iter().position(|rule| rule.id == finding.rule),
        level: finding.severity.as_str(),
        message: Text::of(message),
        locations: vec![location(finding, inventory, view)],
        related_locations: related.collect(),
        partial_fingerprints: Fingerprints { fingerprint },
        suppressions: Vec::new(),
    }
}

fn suppression(because: &Because, view: &View<'_>) -> Suppression {
    Suppression {
        kind: if because.in_source {
            "inSource"
        } else {
            "external"
        },
        status: "accepted",
        justification: because.reason.clone(),
        location: because
            .place
            .as_ref()
            .map(|place| Location::at(physical(place, view))),
    }
}

/// Where it stands. Code hosts show nothing without a place, so that the application's counts where there is none.
fn location(finding: &Finding, inventory: &Inventory, view: &View<'_>) -> Location {
    let route = finding.route.as_ref();
    let app = || {
        let name = &route?.app;
        let app = inventory.apps.iter().find(|app| app.name == *name);
        app?.place.as_ref()
    };
    let place = finding.place.as_ref().or_else(app);
    let logical = route.map(|route| Logical {
        fully_qualified_name: format!("{} {route}", route.app),
        kind: "resource",
    });
    Location {
        physical_location: place.map(|place| physical(place, view)),
        logical_locations: logical.into_iter().collect(),
    }
}

fn physical(place: &Place, view: &View<'_>) -> Physical {
    let file = view.file(place);
    let (uri, uri_base_id) = if file.starts_with('/') {
        (format!("file://{}", encoded(&file)), None)
    } else {
        (encoded(&file), Some(ROOT))
    };
    Physical {
        artifact_location: Artifact { uri, uri_base_id },
        region: Region {
            start_line: place.line.max(1),
        },
    }
}

/// A path as a relative reference (RFC 3986 section 4.2).
fn encoded(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@+".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `text` with its full stop.
fn sentence(text: &str) -> String {
    let mut text = text.trim_end().to_owned();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}
