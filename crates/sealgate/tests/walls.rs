//! The walls between the rooms: who may stand on whom, and which crates stay pure.
//!
//! docs/architecture.md draws the same picture. A new edge is a decision: it is made here, in sight.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What each crate may build on, inside the workspace.
const EDGES: [(&str, &[&str]); 22] = [
    ("model", &[]),
    ("host", &["model"]),
    ("jose", &[]),
    ("session", &["model"]),
    ("revocation", &["model"]),
    // The one that maps memory which processes share. host: a hash.
    ("shared", &["model", "host", "revocation"]),
    ("oauth", &["model"]),
    // Pure: mappings, Cedar policies and the bundle of them.
    ("policy", &["model"]),
    // Pure: records, their chain, their forms for other systems, and the rules of anomalies.
    ("audit", &["model"]),
    // policy: what a file declares has policies in it.
    ("plan", &["model", "policy"]),
    ("report", &["model"]),
    // audit: the chain that the records of acts stand in.
    ("store", &["model", "audit"]),
    ("keys", &["model", "host", "jose", "session", "store"]),
    // oauth: scopes, and the DPoP nonces and replay memory that an endpoint and a resource share.
    (
        "gate",
        &[
            "model",
            "host",
            "jose",
            "session",
            "revocation",
            "shared",
            "oauth",
            "policy",
            "audit",
        ],
    ),
    ("tower", &["model", "gate"]),
    // gate, tower: the administration API is protected by their layer, as a customer's API would be.
    (
        "server",
        &[
            "model",
            "host",
            "jose",
            "session",
            "revocation",
            "oauth",
            "store",
            "keys",
            "gate",
            "tower",
            "policy",
            "audit",
            "plan",
        ],
    ),
    // jose: proofs and assertions. session: the vault is sealed. oauth: challenges, metadata, PKCE.
    ("agent", &["model", "host", "jose", "session", "oauth"]),
    ("inventory", &[]),
    // Reads source files; everything else of it is computation.
    ("routes", &["inventory"]),
    ("probe", &["inventory"]),
    // inventory: the lock file that the gate is held to as it starts.
    // agent, host: the client for agents, which is handed this machine's clock, randomness and network.
    ("python", &["model", "host", "gate", "inventory", "agent"]),
    // jose: a command that administers from elsewhere signs with its client's key.
    (
        "",
        &[
            "model",
            "host",
            "jose",
            "session",
            "store",
            "server",
            "agent",
            "inventory",
            "routes",
            "probe",
            "policy",
            "audit",
            "plan",
            "report",
        ],
    ),
];

/// Crates without input, output, tasks or a clock.
const PURE: [&str; 11] = [
    "policy",
    "audit",
    "plan",
    "report",
    "model",
    "jose",
    "session",
    "revocation",
    "oauth",
    "inventory",
    "probe",
];

/// What a pure crate may build on from outside: computation, and nothing that reaches out.
const PURE_LIBRARIES: [&str; 17] = [
    // askama: templates, filled in at build time. cedar-policy: decides by policies, of values alone.
    "askama",
    "cedar-policy",
    // arc-swap: a pointer that readers follow without a lock. siphasher: a keyed hash.
    "arc-swap",
    "aws-lc-rs",
    "base64",
    "minicbor",
    "serde",
    "serde_json",
    "sha3",
    "siphasher",
    "subtle",
    "thiserror",
    "toml",
    "url",
    "uuid",
    "zeroize",
    "jiff",
];

#[test]
fn crates_stand_only_on_those_below_them() {
    let allowed: BTreeMap<String, BTreeSet<String>> = EDGES
        .iter()
        .map(|(name, below)| (full(name), below.iter().map(|name| full(name)).collect()))
        .collect();
    let dependencies = dependencies();
    assert_eq!(
        dependencies.keys().collect::<Vec<_>>(),
        allowed.keys().collect::<Vec<_>>(),
        "a crate is missing here, or gone"
    );
    for (name, used) in &dependencies {
        for other in used
            .iter()
            .filter(|other| dependencies.contains_key(*other))
        {
            assert!(
                allowed[name].contains(other),
                "{name} must not build on {other}"
            );
        }
    }
}

#[test]
fn pure_crates_reach_for_nothing_outside() {
    let dependencies = dependencies();
    for name in PURE.map(full) {
        let ours = |other: &String| dependencies.contains_key(other);
        for other in dependencies[&name].iter().filter(|other| !ours(other)) {
            assert!(
                PURE_LIBRARIES.contains(&other.as_str()),
                "{name} is pure and must not use {other}"
            );
        }
    }
}

fn full(name: &str) -> String {
    if name.is_empty() {
        "sealgate".to_owned()
    } else {
        format!("sealgate-{name}")
    }
}

/// What each crate of the workspace uses, tests aside.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| (text(&package["name"]), used(package)))
        .collect()
}

fn used(package: &Value) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    dependencies
        .filter(|one| one["kind"].is_null())
        .map(|one| text(&one["name"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
