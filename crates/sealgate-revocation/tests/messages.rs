//! Reading and writing messages.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use proptest::prelude::*;
use sealgate_model::{GrantId, SessionId, Timestamp};
use sealgate_revocation::{
    Entry, Event, Expected, MESSAGE_LIMIT, Message, MessageError, SNAPSHOT_LIMIT, Sessions, Subject,
};
use serde_json::{Value, json};

fn expected() -> Expected {
    Expected {
        issuer: "https://id.example".parse().unwrap(),
        client: "app".parse().unwrap(),
    }
}

fn parse(value: &Value) -> Result<Message, MessageError> {
    Message::parse(value.to_string().as_bytes(), &expected())
}

fn revoked() -> Value {
    json!({
        "iss": "https://id.example", "aud": "app", "iat": 1_800_000_000, "jti": "a1", "epoch": "e-1",
        "seq": 7, "prev": 5, "as_of": 1_800_000_000_123_u64,
        "events": {"urn:sealgate:event:revoked": {
            "subject": {"kind": "session", "sid": "01890a5d-ac96-774b-bcce-b302099a8057"},
            "expires_at": 1_800_086_400_000_u64, "reason": "logout",
        }},
    })
}

fn event(value: &mut Value) -> &mut Value {
    &mut value["events"]["urn:sealgate:event:revoked"]
}

#[test]
fn a_message_reads_back_as_it_was_written() {
    let message = parse(&revoked()).unwrap();
    assert_eq!(message.entries().len(), 1);
    assert_eq!(serde_json::to_value(&message).unwrap(), revoked());
}

#[test]
fn claims_that_are_not_understood_are_ignored() {
    let mut message = revoked();
    message["txn"] = json!({"later": "versions"});
    assert!(parse(&message).is_ok());
}

#[test]
fn every_kind_of_subject_has_one_form() {
    let subjects = [
        (
            json!({"kind": "session", "sid": "01890a5d-ac96-774b-bcce-b302099a8057"}),
            false,
        ),
        (json!({"kind": "user", "sub": "u1"}), true),
        (json!({"kind": "client", "client_id": "other"}), true),
        (json!({"kind": "key", "kid": "k1"}), false),
        (json!({"kind": "token", "jti": "t1"}), false),
        (json!({"kind": "tenant", "tenant": "acme"}), true),
        (
            json!({"kind": "grant", "grant_id": "01890a5d-ac96-774b-bcce-b302099a8057"}),
            false,
        ),
        (json!({"kind": "user_claims", "sub": "u1"}), true),
        (json!({"kind": "client_claims", "client_id": "other"}), true),
        (json!({"kind": "all"}), true),
    ];
    for (subject, timed) in subjects {
        for not_before in [None, Some(json!(5)), Some(Value::Null)] {
            let sound = timed == not_before.is_some() && not_before != Some(Value::Null);
            let mut message = revoked();
            event(&mut message)["subject"] = subject.clone();
            if let Some(moment) = not_before.clone() {
                event(&mut message)["not_before"] = moment;
            }
            assert_eq!(parse(&message).is_ok(), sound, "{subject} {not_before:?}");
        }
    }
}

#[test]
fn a_message_of_another_issuer_or_for_another_client_is_refused() {
    let mut message = revoked();
    message["iss"] = json!("https://id.example/");
    assert_eq!(parse(&message), Err(MessageError::WrongIssuer));
    let mut message = revoked();
    message["aud"] = json!("app2");
    assert_eq!(parse(&message), Err(MessageError::WrongAudience));
}

#[test]
fn malformed_messages_are_refused() {
    let changes = [
        ("/aud", json!(["app"])),
        ("/iat", json!(1_800_000_000.5)),
        ("/iat", json!("1800000000")),
        ("/iat", json!(-1)),
        ("/jti", json!("")),
        ("/jti", json!(5)),
        ("/epoch", json!("")),
        ("/epoch", json!("a.b")),
        ("/epoch", json!("x".repeat(129))),
        ("/seq", json!("7")),
        ("/seq", json!(7.0)),
        ("/seq", json!(5)),
        ("/seq", json!(4)),
        ("/seq", json!(1_u64 << 53)),
        ("/prev", json!(-1)),
        ("/as_of", json!(-1)),
        ("/as_of", json!(1_u64 << 53)),
        ("/events", json!({})),
        ("/events", json!({"urn:sealgate:event:other": {}})),
        ("/events", json!({"urn:sealgate:event:heartbeat": {}})),
        (
            "/events/urn:sealgate:event:revoked/subject",
            json!({"kind": "tenant", "id": "t"}),
        ),
        (
            "/events/urn:sealgate:event:revoked/subject",
            json!({"kind": "tenant", "tenant": ""}),
        ),
        (
            "/events/urn:sealgate:event:revoked/subject",
            json!({"kind": "grant", "grant_id": "01890A5D-AC96-774B-BCCE-B302099A8057"}),
        ),
        (
            "/events/urn:sealgate:event:revoked/subject",
            json!({"kind": "grant", "grant_id": "g1"}),
        ),
        (
            "/events/urn:sealgate:event:revoked/subject",
            json!({"kind": "session", "sid": "not-an-id"}),
        ),
        (
            "/events/urn:sealgate:event:revoked/subject",
            json!({"kind": "token", "jti": ""}),
        ),
        (
            "/events/urn:sealgate:event:revoked/subject",
            json!({"kind": "token", "jti": "x".repeat(256)}),
        ),
        (
            "/events/urn:sealgate:event:revoked/subject",
            json!({"kind": "token", "jti": "a\nb"}),
        ),
        ("/events/urn:sealgate:event:revoked/reason", json!("")),
        (
            "/events/urn:sealgate:event:revoked/expires_at",
            json!("soon"),
        ),
    ];
    for (place, value) in changes {
        let mut message = revoked();
        *message.pointer_mut(place).unwrap() = value.clone();
        let refusal = parse(&message).map(|_| ()).map_err(|error| error.code());
        assert_eq!(refusal, Err("feed_message_malformed"), "{place} = {value}");
    }
}

#[test]
fn every_claim_is_required() {
    for claim in [
        "iss", "aud", "iat", "jti", "epoch", "seq", "prev", "as_of", "events",
    ] {
        let mut message = revoked();
        message.as_object_mut().unwrap().remove(claim);
        assert!(parse(&message).is_err(), "{claim}");
    }
}

#[test]
fn sub_and_exp_have_no_place_in_a_message() {
    for (claim, value) in [
        ("sub", json!("u1")),
        ("exp", json!(1)),
        ("sub", Value::Null),
        ("exp", Value::Null),
    ] {
        let mut message = revoked();
        message[claim] = value;
        assert!(parse(&message).is_err(), "{claim}");
    }
}

#[test]
fn unknown_members_of_an_event_are_refused() {
    let mut message = revoked();
    event(&mut message)["unless"] = json!("friday");
    assert!(parse(&message).is_err());
    let mut message = revoked();
    event(&mut message)["subject"]["grant"] = json!("g");
    assert!(parse(&message).is_err());
    let mut message = revoked();
    event(&mut message)["subject"] = json!({"kind": "all", "tenant": "t"});
    event(&mut message)["not_before"] = json!(5);
    assert!(parse(&message).is_err());
}

#[test]
fn two_events_or_a_claim_told_twice_are_refused() {
    let mut message = revoked();
    message["events"]["urn:sealgate:event:heartbeat"] = json!({});
    assert!(parse(&message).is_err());
    let twice = revoked()
        .to_string()
        .replacen("\"seq\":7", "\"seq\":7,\"seq\":8", 1);
    assert!(twice.contains("\"seq\":8"));
    assert!(Message::parse(twice.as_bytes(), &expected()).is_err());
}

#[test]
fn only_a_revocation_moves_the_number() {
    let mut message = revoked();
    for kind in ["heartbeat", "snapshot"] {
        let payload = if kind == "snapshot" {
            json!({"entries": []})
        } else {
            json!({})
        };
        message["events"] = json!({ format!("urn:sealgate:event:{kind}"): payload });
        message["prev"] = json!(5);
        assert!(parse(&message).is_err());
        message["prev"] = json!(7);
        assert!(parse(&message).is_ok());
    }
}

fn snapshot() -> Value {
    let mut message = revoked();
    message["prev"] = json!(7);
    message["nonce"] = json!("q8-_Zx");
    message["events"] = json!({"urn:sealgate:event:snapshot": {
        "entries": [],
        "sessions": [{"expires_at": 1_800_086_400_000_u64, "ids": "AQEBAQEBAQEBAQEBAQEBAQICAgICAgICAgICAgICAgI"}],
    }});
    message
}

#[test]
fn many_sessions_are_told_side_by_side() {
    let message = parse(&snapshot()).unwrap();
    let ids = [[1; 16], [2; 16]].map(SessionId::from_bytes);
    let expires_at = Timestamp::from_seconds(1_800_086_400);
    assert_eq!(
        message.sessions(),
        [Sessions {
            expires_at,
            ids: ids.to_vec()
        }]
    );
    assert_eq!(serde_json::to_value(&message).unwrap(), snapshot());
}

#[test]
fn sessions_that_are_no_whole_number_of_ids_are_refused() {
    let group = "/events/urn:sealgate:event:snapshot/sessions/0";
    let whole = "AQEBAQEBAQEBAQEBAQEBAQ";
    let padded = format!("{whole}==");
    let changes = [
        ("ids", json!("")),
        ("ids", json!("AQEB")),
        ("ids", json!(padded)),
        ("ids", json!("AQEBAQEBAQEBAQEBAQEBA+")),
        // The last bits belong to no byte, and have to be zero.
        ("ids", json!("AQEBAQEBAQEBAQEBAQEBAR")),
        ("ids", json!([whole])),
        ("ids", Value::Null),
        ("expires_at", json!(-1)),
        ("expires_at", json!(1_u64 << 53)),
        ("until", json!(5)),
    ];
    for (member, value) in changes {
        let mut message = snapshot();
        message.pointer_mut(group).unwrap()[member] = value.clone();
        let refusal = parse(&message).map(|_| ()).map_err(|error| error.code());
        assert_eq!(refusal, Err("feed_message_malformed"), "{member} = {value}");
    }
    let mut message = snapshot();
    message["events"]["urn:sealgate:event:snapshot"]["sessions"] = Value::Null;
    assert!(parse(&message).is_err());
}

#[test]
fn a_nonce_is_plain_text_or_absent() {
    for (nonce, sound) in [
        (json!("x".repeat(128)), true),
        (json!("x".repeat(129)), false),
        (json!(""), false),
        (json!("a b"), false),
        (json!("a.b"), false),
        (json!(5), false),
        (Value::Null, false),
    ] {
        let mut message = snapshot();
        message["nonce"] = nonce.clone();
        assert_eq!(parse(&message).is_ok(), sound, "{nonce}");
    }
    let mut message = snapshot();
    message.as_object_mut().unwrap().remove("nonce");
    assert_eq!(parse(&message).unwrap().nonce, None);
}

#[test]
fn a_message_may_ask_for_an_answer() {
    let mut message = revoked();
    assert!(!parse(&message).unwrap().ack);
    message["ack"] = json!(true);
    assert!(parse(&message).unwrap().ack);
    for nonsense in [json!("true"), json!(1), Value::Null] {
        message["ack"] = nonsense;
        assert!(parse(&message).is_err());
    }
}

#[test]
fn a_message_over_its_limit_is_refused() {
    let mut message = revoked();
    message["padding"] = json!("x".repeat(MESSAGE_LIMIT));
    assert_eq!(
        parse(&message),
        Err(MessageError::TooLong {
            limit: MESSAGE_LIMIT
        })
    );
    let huge = vec![b' '; SNAPSHOT_LIMIT + 1];
    assert_eq!(
        Message::parse(&huge, &expected()),
        Err(MessageError::TooLong {
            limit: SNAPSHOT_LIMIT
        })
    );
}

fn entry() -> impl Strategy<Value = Entry> {
    let time = (0..4_000_000_000_000_i64).prop_map(Timestamp::from_millis);
    let subject = prop_oneof![
        any::<[u8; 16]>().prop_map(|id| Subject::Session(SessionId::from_bytes(id))),
        ("[ -~]{1,255}", time.clone())
            .prop_map(|(sub, not_before)| Subject::User { sub, not_before }),
        ("[A-Za-z0-9._-]{1,128}", time.clone()).prop_map(|(id, not_before)| Subject::Client {
            client: id.parse().unwrap(),
            not_before
        }),
        "[ -~]{1,255}".prop_map(|kid| Subject::Key { kid }),
        "[ -~]{1,255}".prop_map(|jti| Subject::Token { jti }),
        any::<[u8; 16]>().prop_map(|id| Subject::Grant(GrantId::from_bytes(id))),
        ("[a-z0-9]{1,30}", time.clone()).prop_map(|(id, not_before)| Subject::Tenant {
            tenant: id.parse().unwrap(),
            not_before
        }),
        ("[ -~]{1,255}", time.clone())
            .prop_map(|(sub, not_before)| Subject::UserClaims { sub, not_before }),
        ("[A-Za-z0-9._-]{1,128}", time.clone()).prop_map(|(id, not_before)| {
            Subject::ClientClaims {
                client: id.parse().unwrap(),
                not_before,
            }
        }),
        time.clone()
            .prop_map(|not_before| Subject::Policy { not_before }),
        time.clone()
            .prop_map(|not_before| Subject::All { not_before }),
    ];
    let reason = proptest::option::of("[a-z_]{1,30}");
    (subject, time, reason).prop_map(|(subject, expires_at, reason)| Entry {
        subject,
        expires_at,
        reason,
    })
}

fn sessions() -> impl Strategy<Value = Sessions> {
    let ids = proptest::collection::vec(any::<[u8; 16]>().prop_map(SessionId::from_bytes), 1..9);
    let time = (0..4_000_000_000_000_i64).prop_map(Timestamp::from_millis);
    (time, ids).prop_map(|(expires_at, ids)| Sessions { expires_at, ids })
}

proptest! {
    #[test]
    fn whatever_is_written_reads_back(
        entries in proptest::collection::vec(entry(), 0..20), sessions in proptest::collection::vec(sessions(), 0..4),
        nonce in proptest::option::of("[A-Za-z0-9_-]{1,128}"), ack: bool, seq in 0..1_u64 << 53,
    ) {
        let message = Message {
            issuer: "https://id.example".into(),
            audience: "app".into(),
            issued_at: 1,
            id: "a1".into(),
            epoch: "e".parse().unwrap(),
            seq,
            prev: seq,
            as_of: Timestamp::from_millis(1),
            nonce,
            ack,
            event: Event::Snapshot { entries, sessions },
        };
        let json = serde_json::to_vec(&message).unwrap();
        prop_assert_eq!(Message::parse(&json, &expected()), Ok(message));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Message::parse(&bytes, &expected()).is_err());
    }

    #[test]
    fn no_change_of_a_byte_makes_the_reader_panic(place in 0..350_usize, byte: u8) {
        let mut json = revoked().to_string().into_bytes();
        let place = place % json.len();
        json[place] = byte;
        if let Ok(message) = Message::parse(&json, &expected()) {
            prop_assert_eq!(message.audience, "app");
        }
    }

    #[test]
    fn no_change_of_a_snapshots_byte_makes_the_reader_panic(place in 0..400_usize, byte: u8) {
        let mut json = snapshot().to_string().into_bytes();
        let place = place % json.len();
        json[place] = byte;
        if let Ok(message) = Message::parse(&json, &expected()) {
            let again = serde_json::to_vec(&message).unwrap();
            prop_assert_eq!(Message::parse(&again, &expected()), Ok(message));
        }
    }
}
