//! The test vectors of `docs/spec/revocation-feed.md`: this code writes them and behaves by them.
//!
//! With `SEALGATE_WRITE_VECTORS=1` the file is written anew; the change is then to be read in review.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod written;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sealgate_jose::{JwkSet, VerifyingKeys};
use sealgate_model::{Timestamp, Uptime};
use sealgate_revocation::{
    Action, Credential, Expected, Follower, MESSAGE_TYPE, Message, SNAPSHOT_LIMIT, View,
};
use serde_json::Value;

use crate::written::{CLIENT, document, server};

fn up(millis: u64) -> Uptime {
    Uptime::from_elapsed(Duration::from_millis(millis))
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/revocation-feed.json")
}

fn vectors() -> Value {
    serde_json::from_slice(&std::fs::read(path()).unwrap()).unwrap()
}

fn expected(vectors: &Value) -> Expected {
    Expected {
        issuer: text(vectors, "issuer").parse().unwrap(),
        client: text(vectors, "client_id").parse().unwrap(),
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap()
}

#[test]
fn the_vectors_are_what_this_code_writes() {
    if std::env::var_os("SEALGATE_WRITE_VECTORS").is_some() {
        let json = serde_json::to_string_pretty(&document()).unwrap();
        std::fs::write(path(), json + "\n").unwrap();
    }
    assert_eq!(vectors(), document());
}

#[test]
fn every_message_verifies_and_reads_as_its_claims() {
    let vectors = vectors();
    let keys = JwkSet::parse(vectors["jwks"].to_string().as_bytes()).unwrap();
    let keys = VerifyingKeys::from_jwks(&keys);
    for vector in vectors["messages"].as_array().unwrap() {
        let verified = keys
            .verify_up_to(SNAPSHOT_LIMIT, text(vector, "jws"), &[MESSAGE_TYPE])
            .unwrap();
        let message = Message::parse(&verified.payload, &expected(&vectors)).unwrap();
        assert_eq!(
            serde_json::to_value(message).unwrap(),
            vector["claims"],
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn every_refused_payload_is_refused_for_its_reason() {
    let vectors = vectors();
    for vector in vectors["refused"].as_array().unwrap() {
        let refusal = Message::parse(vector["claims"].to_string().as_bytes(), &expected(&vectors));
        let code = refusal.map(|_| ()).map_err(|error| error.code());
        assert_eq!(code, Err(text(vector, "reason")), "{}", vector["name"]);
    }
}

#[test]
fn a_gate_lives_through_the_scenario_as_told() {
    let vectors = vectors();
    let mut follower = Follower::new(
        Arc::new(View::new()),
        Duration::from_millis(vectors["staleness_bound"].as_u64().unwrap()),
    );
    for step in vectors["scenario"].as_array().unwrap() {
        let at = up(step["at"].as_u64().unwrap());
        let named = |vector: &&Value| vector["name"] == step["message"];
        let message = vectors["messages"]
            .as_array()
            .unwrap()
            .iter()
            .find(named)
            .map(|vector| {
                Message::parse(vector["claims"].to_string().as_bytes(), &expected(&vectors))
                    .unwrap()
            });
        let action = match (text(step, "input"), message) {
            ("snapshot", Some(message)) => {
                follower.snapshot(&message, up(step["sent_at"].as_u64().unwrap()), at)
            }
            ("message", Some(message)) => follower.message(&message, at),
            ("reset", None) => follower.reset(),
            other => panic!("{other:?}"),
        };
        let action = match action {
            Action::Continue => "continue".to_owned(),
            Action::Resync(reason) => format!("resync {}", reason.code()),
            Action::Ignore(reason) => format!("ignore {}", reason.code()),
        };
        assert_eq!(action, text(step, "action"), "{step}");
        let fresh_until = step["fresh_until"].as_u64().unwrap();
        assert!(
            follower.is_fresh(up(fresh_until)) && !follower.is_fresh(up(fresh_until + 1)),
            "{step}"
        );
        judge(&follower, step);
    }
}

/// Whether everything that the step names is as it says.
fn judge(follower: &Follower, step: &Value) {
    let nothing = Credential {
        tenant: None,
        grants: &[],
        session: None,
        subject: None,
        client: CLIENT,
        key: None,
        token: None,
        started_at: server(-1_000),
    };
    for (suffix, revoked) in [("revoked", true), ("not_revoked", false)] {
        for what in ["", "tokens_", "grants_", "tenants_"] {
            let named = &step[format!("{what}{suffix}")];
            for id in named.as_array().into_iter().flatten() {
                let id = id.as_str().unwrap();
                let grants: Vec<_> = id.parse().into_iter().collect();
                let credential = match what {
                    "" => Credential {
                        session: Some(id.parse().unwrap()),
                        ..nothing
                    },
                    "tokens_" => Credential {
                        token: Some(id),
                        ..nothing
                    },
                    "grants_" => Credential {
                        grants: &grants,
                        ..nothing
                    },
                    _ => Credential {
                        tenant: Some(id),
                        ..nothing
                    },
                };
                let found = follower.check(&credential).is_some();
                assert_eq!(found, revoked, "{step} {id}");
            }
        }
    }
    for told in step["outdated"].as_array().into_iter().flatten() {
        let told_at = Timestamp::from_millis(told["told_at"].as_i64().unwrap());
        let client = told["client_id"].as_str().unwrap_or("another");
        let outdated = follower
            .view()
            .is_outdated(told["sub"].as_str(), client, told_at);
        assert_eq!(Some(outdated), told["outdated"].as_bool(), "{told}");
    }
    if let Some(millis) = step["policies_not_before"].as_i64() {
        let known = follower.view().read().policy_not_before();
        assert_eq!(known, Some(Timestamp::from_millis(millis)));
    }
}
