//! The test vectors of `docs/spec/revocation-feed.md`: this code writes them and behaves by them.
//!
//! With `SEALGATE_WRITE_VECTORS=1` the file is written anew; the change is then to be read in review.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_jose::{JwkSet, SigningKey, VerifyingKeys};
use sealgate_model::{Random, SessionId, Timestamp, Uptime};
use sealgate_revocation::{
    Action, Credential, Entry, Expected, Follower, MESSAGE_TYPE, Message, Publisher,
    SNAPSHOT_LIMIT, Subject,
};
use serde_json::{Value, json};

/// The private key of RFC 8037, appendix A.1: known to everyone, and good for nothing else.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const KID: &str = "rfc8037";
const ISSUER: &str = "https://id.example.com";
const CLIENT: &str = "expense-tracker";
const BOUND: u64 = 10_000;
const START: i64 = 1_795_000_000_000;
const EXPIRY: i64 = START + 86_400_000;
const FIRST: &str = "01928e2a-7c00-7000-8000-000000000001";
const SECOND: &str = "01928e2a-7c00-7000-8000-000000000002";
const THIRD: &str = "01928e2a-7c00-7000-8000-000000000003";
const TOKEN: &str = "f3b1c2a49d5e4f60";
const USER: &str = "01928e2a-7c00-7000-8000-0000000000aa";

/// Sixteen times 1, then sixteen times 2, and so on: message ids that can be read.
struct Counting(AtomicU8);
impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

fn server(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
}

fn up(millis: u64) -> Uptime {
    Uptime::from_elapsed(Duration::from_millis(millis))
}

fn entry(subject: Subject, reason: Option<&str>) -> Entry {
    Entry {
        subject,
        expires_at: Timestamp::from_millis(EXPIRY),
        reason: reason.map(str::to_owned),
    }
}

fn session(id: &str, reason: Option<&str>) -> Entry {
    entry(Subject::Session(id.parse().unwrap()), reason)
}

fn publisher(epoch: &str, seq: u64) -> Publisher {
    let epoch = epoch.parse().unwrap();
    Publisher::new(
        ISSUER.parse().unwrap(),
        CLIENT.parse().unwrap(),
        epoch,
        seq,
        server(-60_000),
    )
}

/// The messages by name, in the order the specification tells of them.
fn messages() -> Vec<(&'static str, Message)> {
    let random = Counting(AtomicU8::new(1));
    let everything = vec![
        session(FIRST, Some("logout")),
        entry(
            Subject::User {
                sub: USER.into(),
                not_before: server(-5_000),
            },
            Some("user_disabled"),
        ),
        entry(
            Subject::Client {
                client: "old-app".parse().unwrap(),
                not_before: server(-4_000),
            },
            None,
        ),
        entry(
            Subject::Key {
                kid: "2025-11".into(),
            },
            None,
        ),
        entry(Subject::Token { jti: TOKEN.into() }, None),
        entry(
            Subject::All {
                not_before: server(-90_000),
            },
            None,
        ),
    ];
    let mut stream = publisher("h7Qm-1", 41);
    let snapshot = stream.snapshot(everything, server(0), &random);
    let heartbeat = stream.heartbeat(server(1_000), &random);
    let mut batch = stream.revoked(
        vec![(44, session(SECOND, Some("admin")))],
        server(1_500),
        true,
        &random,
    );
    batch.push(stream.heartbeat(server(2_000), &random));
    batch.extend(stream.revoked(
        vec![(47, session(FIRST, None)), (48, session(THIRD, None))],
        server(8_000),
        true,
        &random,
    ));
    let later =
        publisher("h7Qm-1", 48).snapshot(vec![session(THIRD, None)], server(9_500), &random);
    let fork = publisher("h7Qm-2", 48).heartbeat(server(10_000), &random);
    let streamed = [
        "revoked",
        "heartbeat_after",
        "revoked_missing",
        "revoked_after_gap",
    ];
    let mut named = vec![("snapshot", snapshot), ("heartbeat", heartbeat)];
    named.extend(streamed.into_iter().zip(batch));
    named.extend([("snapshot_later", later), ("heartbeat_other_epoch", fork)]);
    named
}

/// What a gate is handed, when, and what it must make of it. Times are local, in milliseconds.
fn scenario() -> Value {
    json!([
        {"input": "snapshot", "message": "snapshot", "sent_at": 50_000, "at": 50_020, "action": "continue",
         "fresh_until": 60_000, "revoked": [FIRST], "not_revoked": [SECOND, THIRD],
         "tokens_revoked": [TOKEN], "tokens_not_revoked": [KID]},
        {"input": "message", "message": "heartbeat", "at": 51_030, "action": "continue", "fresh_until": 61_000},
        {"input": "message", "message": "heartbeat", "at": 58_000, "action": "ignore feed_replayed", "fresh_until": 61_000},
        {"input": "message", "message": "revoked", "at": 58_100, "action": "continue", "fresh_until": 61_500,
         "revoked": [FIRST, SECOND], "not_revoked": [THIRD]},
        {"input": "message", "message": "revoked", "at": 58_110, "action": "ignore feed_duplicate", "fresh_until": 61_500},
        {"input": "message", "message": "revoked_after_gap", "at": 58_200, "action": "resync feed_gap", "fresh_until": 61_500,
         "revoked": [FIRST, SECOND, THIRD], "not_revoked": []},
        {"input": "message", "message": "heartbeat_after", "at": 58_300, "action": "ignore feed_resyncing", "fresh_until": 61_500},
        {"input": "snapshot", "message": "snapshot", "sent_at": 59_000, "at": 59_020,
         "action": "resync feed_snapshot_old", "fresh_until": 61_500},
        {"input": "snapshot", "message": "snapshot_later", "sent_at": 59_500, "at": 59_520, "action": "continue",
         "fresh_until": 69_500, "revoked": [FIRST, SECOND, THIRD], "not_revoked": []},
        {"input": "message", "message": "heartbeat_other_epoch", "at": 60_000, "action": "resync feed_epoch_other",
         "fresh_until": 69_500},
        {"input": "reset", "at": 60_010, "action": "resync feed_reset", "fresh_until": 69_500},
    ])
}

/// Payloads that a reader must refuse, and by which reason code.
fn refused() -> Vec<Value> {
    let sound = serde_json::to_value(&messages()[2].1).unwrap();
    let event = "/events/urn:sealgate:event:revoked";
    let changes = [
        (
            "another issuer",
            "/iss",
            json!("https://id.example.org"),
            "feed_issuer_wrong",
        ),
        (
            "another client",
            "/aud",
            json!("other-app"),
            "feed_audience_wrong",
        ),
        (
            "an audience that is a list",
            "/aud",
            json!([CLIENT]),
            "feed_message_malformed",
        ),
        (
            "a number as text",
            "/seq",
            json!("44"),
            "feed_message_malformed",
        ),
        (
            "a number beyond 2^53 - 1",
            "/seq",
            json!(1_u64 << 53),
            "feed_message_malformed",
        ),
        (
            "a revocation that moves no number",
            "/prev",
            json!(44),
            "feed_message_malformed",
        ),
        ("no event", "/events", json!({}), "feed_message_malformed"),
        (
            "an unknown event",
            "/events",
            json!({"urn:example:event": {}}),
            "feed_message_malformed",
        ),
        (
            "a heartbeat that moves the number",
            "/events",
            json!({"urn:sealgate:event:heartbeat": {}}),
            "feed_message_malformed",
        ),
        (
            "an unknown kind of subject",
            &format!("{event}/subject"),
            json!({"kind": "planet", "id": "x"}),
            "feed_message_malformed",
        ),
        (
            "a user without not_before",
            &format!("{event}/subject"),
            json!({"kind": "user", "sub": USER}),
            "feed_message_malformed",
        ),
        (
            "a token without jti",
            &format!("{event}/subject"),
            json!({"kind": "token"}),
            "feed_message_malformed",
        ),
    ];
    let mut all = Vec::new();
    for (name, place, value, reason) in changes {
        let mut claims = sound.clone();
        *claims.pointer_mut(place).unwrap() = value;
        all.push(json!({"name": name, "claims": claims, "reason": reason}));
    }
    for (name, claim) in [("a subject claim", "sub"), ("an expiry claim", "exp")] {
        let mut claims = sound.clone();
        claims[claim] = json!(1);
        all.push(json!({"name": name, "claims": claims, "reason": "feed_message_malformed"}));
    }
    all
}

fn document() -> Value {
    let seed: [u8; 32] = URL_SAFE_NO_PAD.decode(SEED).unwrap().try_into().unwrap();
    let key = SigningKey::from_seed(KID, &seed).unwrap();
    let messages: Vec<_> = messages()
        .into_iter()
        .map(|(name, message)| {
            let claims = serde_json::to_value(&message).unwrap();
            json!({"name": name, "jws": key.sign(MESSAGE_TYPE, &message).unwrap(), "claims": claims})
        })
        .collect();
    json!({
        "specification": "docs/spec/revocation-feed.md",
        "issuer": ISSUER,
        "client_id": CLIENT,
        "staleness_bound": BOUND,
        "signing_seed": SEED,
        "jwks": {"keys": [key.public_jwk()]},
        "messages": messages,
        "scenario": scenario(),
        "refused": refused(),
    })
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
    let mut follower = Follower::new(Duration::from_millis(
        vectors["staleness_bound"].as_u64().unwrap(),
    ));
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
        let members = [
            ("revoked", true),
            ("not_revoked", false),
            ("tokens_revoked", true),
            ("tokens_not_revoked", false),
        ];
        for (member, revoked) in members {
            for id in step[member].as_array().into_iter().flatten() {
                let id = id.as_str().unwrap();
                let is_token = member.starts_with("tokens");
                let session: Option<SessionId> = (!is_token).then(|| id.parse().unwrap());
                let credential = Credential {
                    tenant: None,
                    grants: &[],
                    session,
                    subject: None,
                    client: CLIENT,
                    key: None,
                    token: is_token.then_some(id),
                    started_at: server(-1_000),
                };
                assert_eq!(
                    follower.check(&credential).is_some(),
                    revoked,
                    "{step} {id}"
                );
            }
        }
    }
}
