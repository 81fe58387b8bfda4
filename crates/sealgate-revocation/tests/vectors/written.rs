//! What the vectors hold.

use std::sync::atomic::{AtomicU8, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_jose::SigningKey;
use sealgate_model::{Random, Timestamp};
use sealgate_revocation::{Entry, MESSAGE_TYPE, Message, Publisher, Sessions, Subject};
use serde_json::{Value, json};

/// The private key of RFC 8037, appendix A.1: known to everyone, and good for nothing else.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const KID: &str = "rfc8037";
const ISSUER: &str = "https://id.example.com";
pub(super) const CLIENT: &str = "expense-tracker";
const BOUND: u64 = 10_000;
const START: i64 = 1_795_000_000_000;
const EXPIRY: i64 = START + 86_400_000;
const FIRST: &str = "01928e2a-7c00-7000-8000-000000000001";
const SECOND: &str = "01928e2a-7c00-7000-8000-000000000002";
const THIRD: &str = "01928e2a-7c00-7000-8000-000000000003";
const TOKEN: &str = "f3b1c2a49d5e4f60";
const GRANT: &str = "01928e2a-7c00-7000-8000-0000000000dd";
const NONCE: &str = "k7Zb0yQwVtqVtqLJ3F2hXg";
const USER: &str = "01928e2a-7c00-7000-8000-0000000000aa";

/// Sixteen times 1, then sixteen times 2, and so on: message ids that can be read.
struct Counting(AtomicU8);
impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

pub(super) fn server(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis)
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
            Subject::Tenant {
                tenant: "acme".parse().unwrap(),
                not_before: server(-1_000),
            },
            Some("admin"),
        ),
        entry(Subject::Grant(GRANT.parse().unwrap()), None),
        entry(
            Subject::UserClaims {
                sub: USER.into(),
                not_before: server(-3_000),
            },
            Some("roles_changed"),
        ),
        entry(
            Subject::ClientClaims {
                client: CLIENT.parse().unwrap(),
                not_before: server(-7_000),
            },
            None,
        ),
        entry(
            Subject::All {
                not_before: server(-90_000),
            },
            None,
        ),
        entry(
            Subject::Policy {
                not_before: server(-2_000),
            },
            Some("policy_applied"),
        ),
    ];
    let mut stream = publisher("h7Qm-1", 41);
    let snapshot = stream.snapshot(everything, Vec::new(), None, server(0), &random);
    let heartbeat = stream.heartbeat(server(1_000), &random);
    let mut batch = stream.revoked(
        vec![(44, session(SECOND, Some("admin")))],
        server(1_500),
        true,
        &random,
    );
    batch.push(Message {
        ack: true,
        ..stream.heartbeat(server(2_000), &random)
    });
    batch.extend(stream.revoked(
        vec![(47, session(FIRST, None)), (48, session(THIRD, None))],
        server(8_000),
        true,
        &random,
    ));
    let told = Sessions {
        expires_at: Timestamp::from_millis(EXPIRY),
        ids: [FIRST, SECOND].map(|id| id.parse().unwrap()).to_vec(),
    };
    let later = publisher("h7Qm-1", 48).snapshot(
        vec![session(THIRD, None)],
        vec![told],
        Some(NONCE.to_owned()),
        server(9_500),
        &random,
    );
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
         "tokens_revoked": [TOKEN], "tokens_not_revoked": [KID], "grants_revoked": [GRANT],
         "grants_not_revoked": [FIRST], "tenants_revoked": ["acme"], "tenants_not_revoked": ["other"],
         "outdated": [
            {"sub": USER, "told_at": START - 3_000, "outdated": true},
            {"sub": USER, "told_at": START - 2_999, "outdated": false},
            {"sub": TOKEN, "told_at": START - 3_000, "outdated": false},
            {"client_id": CLIENT, "told_at": START - 7_000, "outdated": true},
            {"client_id": CLIENT, "told_at": START - 6_999, "outdated": false}],
         "policies_not_before": START - 2_000},
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

/// What makes a sound revocation malformed: why, where, and what stands there.
fn faults() -> Vec<(&'static str, &'static str, Value)> {
    let subject = "/events/urn:sealgate:event:revoked/subject";
    let heartbeat = "urn:sealgate:event:heartbeat";
    vec![
        ("an audience that is a list", "/aud", json!([CLIENT])),
        ("a number as text", "/seq", json!("44")),
        ("a number beyond 2^53 - 1", "/seq", json!(1_u64 << 53)),
        ("a revocation that moves no number", "/prev", json!(44)),
        ("a nonce that is not plain", "/nonce", json!("a b")),
        ("an ack that is no boolean", "/ack", json!(1)),
        ("a subject claim", "/sub", json!(1)),
        ("an expiry claim", "/exp", json!(1)),
        ("no event", "/events", json!({})),
        (
            "an unknown event",
            "/events",
            json!({"urn:example:event": {}}),
        ),
        (
            "a heartbeat that moves the number",
            "/events",
            json!({heartbeat: {}}),
        ),
        (
            "an unknown kind of subject",
            subject,
            json!({"kind": "planet", "id": "x"}),
        ),
        (
            "a user without not_before",
            subject,
            json!({"kind": "user", "sub": USER}),
        ),
        (
            "a tenant without not_before",
            subject,
            json!({"kind": "tenant", "tenant": "acme"}),
        ),
        (
            "changed claims without not_before",
            subject,
            json!({"kind": "user_claims", "sub": USER}),
        ),
        (
            "a delegation whose id is no UUID",
            subject,
            json!({"kind": "grant", "grant_id": TOKEN}),
        ),
        ("a token without jti", subject, json!({"kind": "token"})),
        (
            "policies without not_before",
            subject,
            json!({"kind": "policy"}),
        ),
    ]
}

/// Payloads that a reader must refuse, and by which reason code.
fn refused() -> Vec<Value> {
    let claims_of = |name| {
        let messages = messages();
        let (_, message) = messages.iter().find(|(known, _)| *known == name).unwrap();
        serde_json::to_value(message).unwrap()
    };
    let with = |mut claims: Value, place: &str, value: Value| {
        let (parent, member) = place.rsplit_once('/').unwrap();
        claims.pointer_mut(parent).unwrap()[member] = value;
        claims
    };
    let sound = claims_of("revoked");
    let mut all = Vec::new();
    let mut refuse = |name: &str, claims: Value, reason: &str| {
        all.push(json!({"name": name, "claims": claims, "reason": reason}));
    };
    let issuer = with(sound.clone(), "/iss", json!("https://id.example.org"));
    refuse("another issuer", issuer, "feed_issuer_wrong");
    let audience = with(sound.clone(), "/aud", json!("other-app"));
    refuse("another client", audience, "feed_audience_wrong");
    for (name, place, value) in faults() {
        let claims = with(sound.clone(), place, value);
        refuse(name, claims, "feed_message_malformed");
    }
    let snapshot = claims_of("snapshot_later");
    for (name, ids) in [
        ("a group of no session", ""),
        ("a group with a part of an id", "AZKOKg"),
    ] {
        let mut claims = snapshot.clone();
        claims["events"]["urn:sealgate:event:snapshot"]["sessions"][0]["ids"] = json!(ids);
        refuse(name, claims, "feed_message_malformed");
    }
    all
}

pub(super) fn document() -> Value {
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
