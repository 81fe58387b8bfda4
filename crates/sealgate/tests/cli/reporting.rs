//! `sealgate report` on a control plane that is really there, and on files that are not what they should be.

use std::fs;

use serde_json::{Value, json};

use crate::harness::Home;

fn line<'a>(report: &'a Value, part: &str, id: &str) -> &'a Value {
    let parts = report["parts"].as_array().unwrap();
    let part = parts.iter().find(|one| one["id"] == part).unwrap();
    let lines = part["lines"].as_array().unwrap();
    lines.iter().find(|one| one["id"] == id).unwrap()
}

#[test]
fn a_report_claims_what_was_measured_and_nothing_else() {
    let home = Home::new();
    let server = home.serve(&[]);
    let done = home.run(&["report", "--json"]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["schema"], "sealgate-report/1");
    assert_eq!(report["facts"]["server"]["value"]["issuer"], server.url);
    // Loopback has no TLS, and nobody has drilled anything.
    assert_eq!(
        line(&report, "800-63-4", "63B-4 session secrets")["status"],
        "not_met"
    );
    assert_eq!(line(&report, "asvs", "3.5.1-3.5.3")["status"], "not_shown");
    assert_eq!(line(&report, "asvs", "10.4.6")["status"], "shown");
    assert_eq!(line(&report, "csf", "PR.AA-06")["status"], "not_shown");
    let keys = report["facts"]["keys"]["value"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["state"] == "active"), "{keys:?}");
    for (name, fact) in report["facts"].as_object().unwrap() {
        let is_given = matches!(name.as_str(), "lock_files" | "drills");
        if let Some(seen) = fact.get("seen") {
            let expected = if is_given { "not_shown" } else { "measured" };
            assert_eq!(seen, expected, "{name}: {fact}");
        }
    }
}

#[test]
fn drills_and_lock_files_that_are_given_are_shown() {
    let home = Home::new();
    let _server = home.serve(&[]);
    let folder = home.data().parent().unwrap().to_path_buf();
    let drills = folder.join("drills.json");
    let lock = folder.join("sealgate.routes.toml");
    let cases = json!([{ "id": "csrf", "verdict": "pass", "title": "more than is read" }]);
    let document = json!({
        "schema": "sealgate-drill/1", "target": "https://staging.example.com", "at": 1_795_392_000_000_u64,
        "cases": cases,
    });
    fs::write(&drills, document.to_string()).unwrap();
    fs::write(
        &lock,
        "version = 1\nlens = \"scan\"\n\n[route.\"main:app\".\"GET /health\"]\nclass = \"public\"\nevidence = \"OPEN\"\nreason = \"load <b>balancers</b> ask\"\nrisk = [\"reads\"]\n",
    )
    .unwrap();
    let (drills, lock) = (drills.to_str().unwrap(), lock.to_str().unwrap());
    let done = home.run(&[
        "report",
        "--format",
        "html",
        "--drills",
        drills,
        "--lock-file",
        lock,
    ]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(done.stdout.starts_with("<!doctype html>"));
    assert!(
        done.stdout
            .contains("the drill csrf passed on https://staging.example.com")
    );
    assert!(
        !done.stdout.contains("<b>balancers"),
        "text from a file is text"
    );
    let strict = home.run(&["report", "--strict"]);
    assert_eq!(strict.status, 1);
    assert!(
        strict.stdout.starts_with("# Evidence report"),
        "it is written all the same"
    );
    assert!(
        strict.stderr.contains("controls_not_met"),
        "{}",
        strict.stderr
    );
}

#[test]
fn a_file_that_was_given_and_cannot_be_read_is_an_error() {
    let home = Home::new();
    let folder = home.data().parent().unwrap().to_path_buf();
    let file = folder.join("drills.json");
    for (text, says) in [
        ("{", "drills_malformed"),
        (
            r#"{"schema":"other/1","target":"a","at":1,"cases":[]}"#,
            "sealgate-drill/1",
        ),
        (
            r#"{"schema":"sealgate-drill/1","target":"a","at":1,"cases":[{"id":"csrf","verdict":"fine"}]}"#,
            "fine",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let done = home.run(&["report", "--drills", file.to_str().unwrap()]);
        assert_eq!(done.status, 2, "{text}");
        assert!(done.stderr.contains(says), "{}", done.stderr);
        assert_eq!(done.stdout, "");
    }
    let done = home.run(&["report", "--lock-file", "/nowhere/sealgate.routes.toml"]);
    assert_eq!(done.status, 2);
    assert!(
        done.stderr.contains("lock_file_malformed"),
        "{}",
        done.stderr
    );
}
