use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn subject(value: &Value) -> Result<Subject, SignalError> {
    Subject::read(value)
}

/// The examples of RFC 9493 and of the Shared Signals Framework 1.0.
fn examples() -> Vec<Value> {
    vec![
        json!({ "format": "account", "uri": "acct:example.user@service.example.com" }),
        json!({ "format": "email", "email": "user@example.com" }),
        json!({ "format": "iss_sub", "iss": "https://issuer.example.com/", "sub": "145234573" }),
        json!({ "format": "opaque", "id": "11112222333344445555" }),
        json!({ "format": "phone_number", "phone_number": "+12065550100" }),
        json!({ "format": "did", "url": "did:example:123456/did/url/path?versionId=1" }),
        json!({ "format": "uri", "uri": "urn:uuid:4e851e98-83c4-4743-a5da-150ecb53042f" }),
        json!({ "format": "jwt_id", "iss": "https://idp.example.com/123456789/", "jti": "B70BA622" }),
        json!({
            "format": "saml_assertion_id", "issuer": "https://idp.example.com/123456789/",
            "assertion_id": "_8e8dc5f69a98cc4c1ff3427e5ce34606fd672f91e6",
        }),
        json!({ "format": "ip-addresses", "ip-addresses": ["10.29.37.75", "2001:db8::8a2e:370:7334"] }),
        json!({
            "format": "aliases",
            "identifiers": [
                { "format": "email", "email": "user@example.com" },
                { "format": "phone_number", "phone_number": "+12065550100" },
            ],
        }),
    ]
}

fn complex() -> Value {
    json!({
        "format": "complex",
        "user": { "format": "iss_sub", "iss": "https://id.example", "sub": "1" },
        "session": { "format": "opaque", "id": "s1" },
    })
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "expenses", "iat": 1_615_305_159, "jti": "a", "txn": "8675309",
        "sub_id": complex(),
        "events": { uris::SESSION_REVOKED: {
            "event_timestamp": 1_615_304_991, "initiating_entity": "policy",
            "reason_admin": { "en": "Landspeed Policy Violation: C076E82F" },
            "reason_user": { "en": "Access attempt from multiple regions.", "es-410": "Intento" },
        } },
    })
}

#[test]
fn every_format_is_read_and_written_as_its_specification_shows_it() {
    for example in examples().into_iter().chain([complex()]) {
        let read = subject(&example).unwrap();
        assert_eq!(read.to_json(), example);
        assert_eq!(Subject::parse(example.to_string().as_bytes()), Ok(read));
    }
}

#[test]
fn an_identifier_has_the_members_of_its_format_and_no_others() {
    for example in examples() {
        let mut more = example.clone();
        more["more"] = json!("x");
        assert!(subject(&more).is_err(), "{more}");
        for name in example.as_object().unwrap().keys() {
            let mut less = example.clone();
            less.as_object_mut().unwrap().remove(name);
            assert!(subject(&less).is_err(), "{less}");
            for wrong in [json!(null), json!(1), json!(""), json!({}), json!([])] {
                let mut changed = example.clone();
                changed[name] = wrong;
                assert!(subject(&changed).is_err(), "{changed}");
            }
        }
    }
    for wrong in [
        json!({ "format": "phone", "phone_number": "+12065550100" }),
        json!({ "format": "complex" }),
        json!({ "format": "complex", "user": { "format": "complex" } }),
        json!({ "format": "complex", "user": "ada" }),
        json!({ "format": "email", "email": "a\nb" }),
        json!({ "format": "email", "email": "a".repeat(1025) }),
        json!({ "format": "ip-addresses", "ip-addresses": ["10.0.0.256"] }),
        json!({ "format": "aliases", "identifiers": [{ "format": "aliases", "identifiers": [
            { "format": "email", "email": "a@b.c" },
        ] }] }),
        json!([]),
    ] {
        assert_eq!(
            subject(&wrong).map_err(SignalError::code),
            Err("set_subject_malformed"),
            "{wrong}"
        );
    }
}

#[test]
fn subjects_match_as_the_framework_says() {
    let read = |value: Value| subject(&value).unwrap();
    let tenant = read(json!({ "format": "complex", "tenant": { "format": "opaque", "id": "t" } }));
    let both = read(json!({
        "format": "complex", "tenant": { "format": "opaque", "id": "t" },
        "user": { "format": "email", "email": "a@b.c" },
    }));
    let other = read(json!({
        "format": "complex", "tenant": { "format": "opaque", "id": "u" },
        "user": { "format": "email", "email": "a@b.c" },
    }));
    let simple = read(json!({ "format": "email", "email": "a@b.c" }));
    assert!(tenant.matches(&both) && both.matches(&tenant) && both.matches(&both));
    assert!(!tenant.matches(&other) && !both.matches(&other));
    assert!(simple.matches(&simple) && !simple.matches(&both) && !both.matches(&simple));
}

#[test]
fn a_token_is_read_and_written() {
    let set = Set::read(&claims()).unwrap();
    assert_eq!(set.to_json(), claims());
    assert_eq!(Set::parse(claims().to_string().as_bytes()).unwrap(), set);
    let again: Set = serde_json::from_value(claims()).unwrap();
    assert_eq!(again, set);
}

#[test]
fn what_is_no_token_of_ours_is_refused_with_its_reason() {
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        Set::read(&claims).map_err(SignalError::code)
    };
    let event = |uri: &str, members: Value| with("events", json!({ uri: members }));
    for (refused, code) in [
        (with("sub", json!("1")), "set_claim_forbidden"),
        (with("exp", json!(null)), "set_claim_forbidden"),
        (with("events", json!({})), "set_not_one_event"),
        (with("events", json!([])), "set_not_one_event"),
        (
            with("events", json!({ uris::SESSION_REVOKED: {}, "urn:x": {} })),
            "set_not_one_event",
        ),
        (with("iss", json!("")), "set_malformed"),
        (with("aud", json!([])), "set_malformed"),
        (with("aud", json!(1)), "set_malformed"),
        (with("iat", json!("1")), "set_malformed"),
        (with("iat", json!(1.5)), "set_malformed"),
        (with("jti", json!("a".repeat(1025))), "set_malformed"),
        (with("txn", json!(null)), "set_malformed"),
        (with("sub_id", json!(null)), "set_subject_malformed"),
        (event(uris::SESSION_REVOKED, json!(null)), "set_malformed"),
        (
            event(uris::SESSION_REVOKED, json!({ "initiating_entity": "me" })),
            "set_event_malformed",
        ),
        (
            event(uris::SESSION_REVOKED, json!({ "reason_admin": "because" })),
            "set_event_malformed",
        ),
        (
            event(uris::SESSION_REVOKED, json!({ "event_timestamp": "now" })),
            "set_event_malformed",
        ),
        (
            event(uris::TOKEN_CLAIMS_CHANGE, json!({ "claims": {} })),
            "set_event_malformed",
        ),
        (
            event(
                uris::CREDENTIAL_CHANGE,
                json!({ "credential_type": "password", "change_type": "stolen" }),
            ),
            "set_event_malformed",
        ),
        (
            event(uris::STREAM_UPDATED, json!({ "status": "gone" })),
            "set_event_malformed",
        ),
    ] {
        assert_eq!(refused, Err(code));
    }
    let twice = claims().to_string().replacen('{', r#"{"jti":"b","#, 1);
    assert_eq!(
        Set::parse(twice.as_bytes()).map_err(SignalError::code),
        Err("set_malformed")
    );
    assert!(serde_json::from_str::<Set>(&twice).is_err());
    let inside = claims()
        .to_string()
        .replace(r#""id":"s1""#, r#""id":"s1","id":"s2""#);
    assert!(serde_json::from_str::<Set>(&inside).is_err());
}

#[test]
fn an_event_of_before_names_its_subject_inside() {
    let mut old = claims();
    let subject = old.as_object_mut().unwrap().remove("sub_id").unwrap();
    assert!(Set::read(&old).is_err());
    old["events"][uris::SESSION_REVOKED]["subject"] = subject;
    let read = Set::read(&old).unwrap();
    assert_eq!(read.subject, Set::read(&claims()).unwrap().subject);
}

#[test]
fn unknown_events_and_members_are_no_fault() {
    let mut other = claims();
    other["events"] = json!({ "urn:example:event": { "anything": [1] } });
    other["more"] = json!({ "b": 1 });
    let read = Set::read(&other).unwrap();
    assert_eq!(read.event, Event::Other("urn:example:event".to_owned()));
}

#[test]
fn a_stream_is_asked_for_and_null_takes_away() {
    let read = |value: Value| StreamRequest::parse(value.to_string().as_bytes());
    let asked = read(json!({
        "delivery": {
            "method": Delivery::PUSH, "endpoint_url": "https://rp.example/events",
            "authorization_header": "Bearer s3cret",
        },
        "events_requested": ["urn:a", "urn:b", "urn:a"], "description": "for\n us", "iss": "x", "more": 1,
    }))
    .unwrap();
    assert_eq!(
        asked.delivery,
        Some(Some(Delivery::Push {
            url: "https://rp.example/events".into(),
            authorization: Some(Some("Bearer s3cret".into())),
        }))
    );
    assert!(!format!("{asked:?}").contains("s3cret"));
    let events = vec!["urn:a".to_owned(), "urn:b".to_owned()];
    assert_eq!(asked.events_requested, Some(Some(events)));
    assert_eq!(asked.description, Some(Some("for  us".into())));
    assert_eq!(asked.repeated.len(), 1);
    let away = json!({ "stream_id": "s", "events_requested": null, "description": null });
    let away = read(away).unwrap();
    assert_eq!(away.events_requested, Some(None));
    assert_eq!((away.description, away.delivery), (Some(None), None));
    assert_eq!(read(json!({})).unwrap(), StreamRequest::default());
    for (wrong, code) in [
        (json!([]), "signal_request_malformed"),
        (json!({ "delivery": {} }), "signal_request_malformed"),
        (
            json!({ "delivery": { "method": "urn:x" } }),
            "signal_delivery_unsupported",
        ),
        (
            json!({ "delivery": { "method": Delivery::PUSH } }),
            "signal_request_malformed",
        ),
        (
            json!({ "delivery": { "method": Delivery::PUSH, "endpoint_url": "https://a",
                "authorization_header": "a\r\nb" } }),
            "signal_request_malformed",
        ),
        (
            json!({ "events_requested": "urn:a" }),
            "signal_request_malformed",
        ),
        (
            json!({ "events_requested": [1] }),
            "signal_request_malformed",
        ),
        (json!({ "description": 1 }), "signal_request_malformed"),
        (json!({ "stream_id": 1 }), "signal_request_malformed"),
    ] {
        assert_eq!(
            read(wrong.clone()).map_err(RequestError::code),
            Err(code),
            "{wrong}"
        );
    }
    assert_eq!(
        StreamRequest::parse(br#"{"stream_id":"a","stream_id":"b"}"#).map_err(RequestError::code),
        Err("signal_request_malformed")
    );
    let much = format!("[{}]", "1,".repeat(40_000));
    assert_eq!(
        StreamRequest::parse(much.as_bytes()).map_err(RequestError::code),
        Err("signal_request_too_large")
    );
}

#[test]
fn a_poll_says_what_was_received_and_what_not() {
    let read = |value: Value| PollRequest::parse(value.to_string().as_bytes());
    let poll = read(json!({
        "maxEvents": 3, "returnImmediately": true, "ack": ["a", "b"],
        "setErrs": { "c": { "err": "invalid_request", "description": "what?" } },
    }))
    .unwrap();
    assert_eq!(
        poll,
        PollRequest {
            max_events: Some(3),
            return_immediately: true,
            acknowledged: vec!["a".into(), "b".into()],
            refused: vec![("c".into(), "invalid_request".into())],
        }
    );
    assert_eq!(read(json!({})).unwrap(), PollRequest::default());
    for wrong in [
        json!({ "maxEvents": -1 }),
        json!({ "maxEvents": "1" }),
        json!({ "returnImmediately": 1 }),
        json!({ "ack": "a" }),
        json!({ "ack": [1] }),
        json!({ "ack": vec!["a"; 1001] }),
        json!({ "setErrs": [] }),
        json!({ "setErrs": { "a": "no" } }),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn the_other_requests_name_their_stream() {
    let status = json!({ "stream_id": "s", "status": "paused", "reason": "a" }).to_string();
    assert_eq!(
        StatusRequest::parse(status.as_bytes()).unwrap().status,
        "paused"
    );
    let subject = json!({ "stream_id": "s", "subject": complex(), "verified": true }).to_string();
    assert!(SubjectRequest::parse(subject.as_bytes()).is_ok());
    let verify = json!({ "stream_id": "s", "state": "x\ny" }).to_string();
    let verify = VerificationRequest::parse(verify.as_bytes()).unwrap();
    assert_eq!(verify.state.as_deref(), Some("x\ny"));
    assert!(StatusRequest::parse(br#"{"status":"paused"}"#).is_err());
    assert!(StatusRequest::parse(br#"{"stream_id":"s"}"#).is_err());
    assert!(SubjectRequest::parse(br#"{"stream_id":"s"}"#).is_err());
    let wrong = json!({ "stream_id": "s", "subject": { "format": "phone" } }).to_string();
    assert_eq!(
        SubjectRequest::parse(wrong.as_bytes()).map_err(RequestError::code),
        Err("signal_subject_malformed")
    );
    assert!(VerificationRequest::parse(br#"{"stream_id":"s","state":1}"#).is_err());
}

fn word() -> impl Strategy<Value = String> {
    "[a-z]{1,8}"
}

fn id() -> impl Strategy<Value = SubjectId> {
    prop_oneof![
        word().prop_map(SubjectId::Email),
        word().prop_map(SubjectId::Opaque),
        (word(), word()).prop_map(|(iss, sub)| SubjectId::IssSub { iss, sub }),
        proptest::collection::vec(word().prop_map(SubjectId::Uri), 1..4)
            .prop_map(SubjectId::Aliases),
        any::<std::net::IpAddr>().prop_map(|ip| SubjectId::IpAddresses(vec![ip])),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let circumstances = (
        proptest::option::of(0..1_i64 << 40),
        proptest::option::of(proptest::sample::select(&Initiator::ALL[..])),
        proptest::option::of(proptest::collection::btree_map(word(), word(), 1..3)),
    )
        .prop_map(|(at, initiator, reason_admin)| Circumstances {
            at,
            initiator,
            reason_admin,
            reason_user: None,
        })
        .boxed();
    prop_oneof![
        circumstances.clone().prop_map(Event::SessionRevoked),
        (word(), circumstances.clone()).prop_map(|(credential_type, circumstances)| {
            Event::CredentialChange {
                credential_type,
                change_type: "update".to_owned(),
                circumstances,
            }
        }),
        (word(), word(), circumstances).prop_map(|(name, value, circumstances)| {
            Event::TokenClaimsChange {
                claims: [(name, value.into())].into_iter().collect(),
                circumstances,
            }
        }),
        proptest::option::of(word()).prop_map(|state| Event::Verification { state }),
        proptest::option::of(word()).prop_map(|reason| Event::AccountDisabled { reason }),
        Just(Event::AccountEnabled),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        iss in word(), aud in word(), jti in word(), iat in any::<i64>(), txn in proptest::option::of(word()),
        user in id(), session in proptest::option::of(id()), event in any_event(),
    ) {
        let subject = match session {
            None => Subject::Simple(user),
            Some(session) => {
                Subject::Complex(ComplexSubject::of([("user", user), ("session", session)]))
            }
        };
        let set = Set { iss, aud: crate::Audience::One(aud), iat, jti, txn, subject, event };
        let text = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(Set::parse(text.as_bytes()).unwrap(), set);
    }

    #[test]
    fn no_bytes_make_a_reader_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Set::parse(&bytes);
        let _ = Subject::parse(&bytes);
        let _ = StreamRequest::parse(&bytes);
        let _ = PollRequest::parse(&bytes);
    }

    #[test]
    fn matching_does_not_depend_on_who_asks(a in id(), b in id(), c in id(), d in id()) {
        let one = Subject::Complex(ComplexSubject::of([("user", a), ("session", b)]));
        let other = Subject::Complex(ComplexSubject::of([("user", c), ("device", d)]));
        prop_assert_eq!(one.matches(&other), other.matches(&one));
    }
}
