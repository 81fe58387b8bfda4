//! Every action that the control plane records has a place in OCSF. It is read from the source, so that nobody has to
//! remember it: text of the form `noun.verb` is an action, or it is named here as something else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sealgate_audit::forms::is_known;

/// Where records are written.
const WRITERS: [&str; 3] = ["server", "store", "keys"];

/// Text of that form which is no action: columns, spans, scopes, settings, files.
const OTHERS: [&str; 23] = [
    "admin.sock",
    "agents.lifetime",
    "clients.id",
    "device_codes.user_code",
    "identity_issuers.issuer",
    "identity_links.issuer",
    "identity_links.user_id",
    "keys.ml_dsa",
    "kubernetes.io",
    "master.key",
    "otel.status_code",
    "password.wait",
    "password.work",
    "resources.uri",
    "revocation.witness",
    "signing_keys.algorithm",
    "signing_keys.kid",
    "ssf.manage",
    "ssf.read",
    "transmitters.issuer",
    "users.email_key",
    "users.id",
    "witness.new",
];

/// What names of files and hosts end with.
const ENDINGS: [&str; 9] = [
    "html", "db", "example", "test", "json", "toml", "org", "pem", "jsonl",
];

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
            let text = fs::read_to_string(&path).unwrap();
            // Tests stand at the end of a file.
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            found.push(code.to_owned());
        }
    }
}

/// The texts between quotes that have the form of an action.
fn candidates(code: &str, found: &mut BTreeSet<String>) {
    let is_word = |word: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        (2..=32).contains(&word.len()) && word.bytes().all(fits)
    };
    for line in code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
    {
        for text in line.split('"').skip(1).step_by(2) {
            let Some((noun, verb)) = text.split_once('.') else {
                continue;
            };
            if is_word(noun) && is_word(verb) && !ENDINGS.contains(&verb) {
                found.insert(text.to_owned());
            }
        }
    }
}

#[test]
fn no_action_is_without_a_place() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut code = Vec::new();
    for name in WRITERS {
        sources(&crates.join(format!("sealgate-{name}/src")), &mut code);
    }
    let mut found = BTreeSet::new();
    for code in &code {
        candidates(code, &mut found);
    }
    assert!(
        found.len() > 80,
        "actions are looked for where they are: {found:?}"
    );
    let missing: Vec<_> = found
        .iter()
        .filter(|text| !is_known(text) && !OTHERS.contains(&text.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "put these into crates/sealgate-audit/src/forms/actions.rs, or into OTHERS if they are no actions: {missing:?}"
    );
}
