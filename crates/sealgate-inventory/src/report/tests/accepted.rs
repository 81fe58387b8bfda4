//! What is accepted is told apart from what fails.

use super::{sample, view};
use crate::accept::{Accepted, Because};
use crate::report::{Format, NoSources, View, render};

fn because(in_source: bool) -> Because {
    Because {
        reason: "only the [load balancer](x) asks | so".to_owned(),
        in_source,
        place: Some(sample::place("pyproject.toml", 7)),
        owner: Some("platform".to_owned()),
        expires: None,
    }
}

/// The sample, of which the warnings are accepted.
fn inventory() -> crate::Inventory {
    let mut inventory = sample::inventory();
    let warnings = inventory.findings.split_off(2);
    inventory.accepted = warnings
        .into_iter()
        .zip([false, true])
        .map(|(finding, in_source)| Accepted {
            finding,
            accepted: because(in_source),
        })
        .collect();
    inventory
}

#[test]
fn it_is_counted_and_with_all_it_is_told() {
    let text = |all, format| {
        let view = View {
            all,
            ..view(&NoSources)
        };
        render(&inventory(), format, &view)
    };
    let whole = text(true, Format::Text);
    let (_, accepted) = whole.split_once("Accepted:\n").unwrap();
    let (accepted, _) = accepted.split_once("\n\n").unwrap();
    let last = |text: String| text.lines().last().unwrap().to_owned();
    let markdown: String = text(false, Format::Markdown)
        .lines()
        .take(8)
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(
        [
            accepted.to_owned(),
            last(text(false, Format::Text)),
            last(text(false, Format::Github)),
            markdown,
        ]
        .join("\n--\n")
    );
}

#[test]
fn code_hosts_read_it_as_suppressed() {
    let text = render(&inventory(), Format::Sarif, &view(&NoSources));
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let suppressed: Vec<String> = results
        .iter()
        .map(|result| format!("{} {}", result["ruleId"], result["suppressions"]))
        .collect();
    insta::assert_snapshot!(suppressed.join("\n"));
}

#[test]
fn accepting_a_finding_changes_no_fingerprint() {
    let prints = |inventory: &crate::Inventory| -> std::collections::BTreeSet<String> {
        let text = render(inventory, Format::Sarif, &view(&NoSources));
        let log: serde_json::Value = serde_json::from_str(&text).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        let print = |result: &serde_json::Value| result["partialFingerprints"].to_string();
        results.iter().map(print).collect()
    };
    assert_eq!(prints(&inventory()), prints(&sample::inventory()));
}
