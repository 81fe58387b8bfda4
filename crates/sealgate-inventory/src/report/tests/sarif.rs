//! What SARIF 2.1.0 and the hosts that show it require.

use serde_json::Value;

use super::{sample, shown, view};
use crate::report::{Format, NoSources, View, render};

fn log() -> Value {
    serde_json::from_str(&shown(Format::Sarif)).unwrap()
}

#[test]
fn everything_that_sarif_requires_is_there() {
    let log = log();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert!(driver["name"].is_string());
    assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
    for rule in driver["rules"].as_array().unwrap() {
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[text]["text"].as_str().unwrap().is_empty());
        }
        let id = rule["id"].as_str().unwrap();
        assert!(
            rule["helpUri"]
                .as_str()
                .unwrap()
                .ends_with(&format!("/{id}.md"))
        );
    }
    for result in run["results"].as_array().unwrap() {
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        if let Some(index) = result["ruleIndex"].as_u64() {
            let index = usize::try_from(index).unwrap();
            assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
        }
        let related = result["relatedLocations"].as_array().into_iter().flatten();
        for location in result["locations"]
            .as_array()
            .unwrap()
            .iter()
            .chain(related)
        {
            let physical = &location["physicalLocation"];
            assert!(physical["region"]["startLine"].as_u64().unwrap() >= 1);
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.starts_with('/') && !uri.contains([' ', '\\']), "{uri}");
        }
    }
}

#[test]
fn a_fingerprint_stays_when_lines_move_and_tells_findings_apart() {
    let fingerprints = |inventory: &crate::Inventory, prefix: &str| -> Vec<String> {
        let view = View {
            prefix,
            ..view(&NoSources)
        };
        let log: Value = serde_json::from_str(&render(inventory, Format::Sarif, &view)).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap().iter();
        results
            .map(|one| {
                one["partialFingerprints"]["sealgateRoutes/v1"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    let mut inventory = sample::inventory();
    inventory.findings.push(inventory.findings[1].clone());
    let before = fingerprints(&inventory, "");
    for finding in &mut inventory.findings {
        finding.place.as_mut().unwrap().line += 40;
        finding.hint = None;
    }
    assert_eq!(fingerprints(&inventory, ""), before);
    assert_ne!(fingerprints(&inventory, "other/"), before);
    let different: std::collections::BTreeSet<&String> = before.iter().collect();
    assert_eq!(different.len(), before.len());
}

#[test]
fn a_finding_without_a_place_is_shown_at_its_application() {
    let mut inventory = sample::inventory();
    inventory.findings[1].place = None;
    let log: Value =
        serde_json::from_str(&render(&inventory, Format::Sarif, &view(&NoSources))).unwrap();
    let location = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "app/main.py");
    assert_eq!(location["region"]["startLine"], 5);
}

#[test]
fn files_outside_of_the_repository_have_absolute_addresses() {
    let mut inventory = sample::inventory();
    inventory.findings[1].place = Some(sample::place("/usr/lib/python 3/x.py", 1));
    let log: Value =
        serde_json::from_str(&render(&inventory, Format::Sarif, &view(&NoSources))).unwrap();
    let location = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        location["artifactLocation"],
        serde_json::json!({"uri": "file:///usr/lib/python%203/x.py"})
    );
}
