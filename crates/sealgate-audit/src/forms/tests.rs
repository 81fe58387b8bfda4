//! Each form of the same few records, and what holds for any record.

use proptest::prelude::*;
use sealgate_model::Timestamp;
use serde_json::Value;

use super::event::Schema;
use super::syslog::{DATAGRAM_LIMIT, Message, STREAM_LIMIT, Syslog};
use super::*;

fn act() -> Event {
    Event {
        user: Some("01928e2a-7c00-7000-8000-000000000001".to_owned()),
        network: Some("192.0.2.1".to_owned()),
        trace: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        id: "audit:17:9f86d081884c7d65".to_owned(),
        number: 17,
        action: "user.disable".to_owned(),
        outcome: Outcome::Denied,
        reason: Some("scope_missing".to_owned()),
        severity: Severity::Low,
        actor: Actor::of(ActorKind::Client, Some("robot".to_owned())),
        hash: Some("9f86d081884c7d659a2feaa0c55ad015".to_owned()),
        ..Event::test(
            "",
            "https://id.example/tenant",
            Timestamp::from_millis(1_795_338_305_123),
        )
    }
}

fn decision() -> Event {
    Event {
        id: "denied:4".to_owned(),
        number: 4,
        stream: Stream::Denied,
        action: "gate.decide".to_owned(),
        outcome: Outcome::Denied,
        reason: Some("policy_denied".to_owned()),
        severity: Severity::Low,
        actor: Actor::of(ActorKind::Agent, Some("planner".to_owned())),
        method: Some("POST".to_owned()),
        route: Some("/expenses/{id}".to_owned()),
        credential: Some("dpop_token".to_owned()),
        policy_version: Some(7),
        policies: Some("expenses.submit".to_owned()),
        status: Some(403),
        transport: Some("http".to_owned()),
        token: Some("01928e2a-7c00-7000-8000-0000000000bb".to_owned()),
        gate: Some(Gate {
            client: Some("expense-tracker".to_owned()),
            name: Some("expenses".to_owned()),
            instance: Some("01928e2a".to_owned()),
        }),
        count: 3,
        ..act()
    }
}

fn anomaly() -> Event {
    Event {
        id: "audit:18".to_owned(),
        number: 18,
        stream: Stream::Anomalies,
        action: "anomaly.raise".to_owned(),
        outcome: Outcome::Allowed,
        reason: Some("denied_burst".to_owned()),
        object: Some("01928e2a-7c00-7000-8000-0000000000aa".to_owned()),
        severity: Severity::High,
        actor: Actor::of(ActorKind::System, None),
        ..act()
    }
}

fn pretty(line: &str) -> String {
    let value: Value = serde_json::from_str(line).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn records_in_every_form() {
    for (name, event) in [
        ("act", act()),
        ("decision", decision()),
        ("anomaly", anomaly()),
    ] {
        let shown = [
            jsonl::line(&event),
            Syslog::default().line(&event),
            pretty(&ocsf::line(&event)),
            pretty(&otel::line(&event)),
        ];
        insta::assert_snapshot!(name, shown.join("\n\n"));
    }
}

/// `tests/interop/test_exports.py` holds these lines against the schema of OCSF.
#[test]
fn every_action_in_ocsf() {
    let mut lines = String::new();
    for (action, _) in super::actions::PLACES {
        let bare = Event {
            action: (*action).to_owned(),
            ..Event::test("1", "https://id.example", act().time)
        };
        let full = Event {
            action: (*action).to_owned(),
            ..decision()
        };
        for event in [bare, full] {
            lines.push_str(&ocsf::line(&event));
            lines.push('\n');
        }
    }
    insta::assert_snapshot!("every_action_in_ocsf", lines);
}

#[test]
fn a_delivery_is_one_document() {
    let records = [jsonl::line(&act()), jsonl::line(&decision())];
    let body = webhook::body(&records, "jsonl", act().time);
    let read: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(read["type"], "sealgate.records");
    assert_eq!(read["timestamp"], "2026-11-22T09:05:05.123Z");
    assert_eq!(read["data"]["records"][1]["route"], "/expenses/{id}");
}

#[test]
fn a_severity_has_its_priority_and_the_facility_is_that_of_audits() {
    for (severity, priority) in [
        (Severity::Info, "<110>1 "),
        (Severity::Low, "<109>1 "),
        (Severity::Medium, "<108>1 "),
        (Severity::High, "<107>1 "),
    ] {
        let line = Syslog::default().line(&Event { severity, ..act() });
        assert!(line.starts_with(priority), "{line}");
    }
}

#[test]
fn text_that_is_not_ascii_has_its_mark_and_other_text_has_none() {
    let plain = Syslog::default().line(&act());
    assert!(plain.is_ascii());
    let event = Event {
        object: Some("größe".to_owned()),
        ..act()
    };
    let (_, message) = {
        let line = Syslog::default().line(&event);
        let at = line.rfind("] ").unwrap();
        (line[..at].to_owned(), line[at + 2..].to_owned())
    };
    assert!(message.starts_with("\u{feff}client robot: "), "{message}");
    let json = Syslog {
        message: Message::Jsonl,
        ..Syslog::default()
    };
    assert!(json.line(&event).ends_with('}'));
    assert!(!json.line(&event).contains('\u{feff}'));
}

#[test]
fn what_does_not_fit_into_a_datagram_is_left_out_whole() {
    let event = Event {
        object: Some("x".repeat(5000)),
        ..act()
    };
    let form = Syslog {
        message: Message::Jsonl,
        limit: DATAGRAM_LIMIT,
        ..Syslog::default()
    };
    let line = form.line(&event);
    assert!(line.len() <= DATAGRAM_LIMIT);
    // Half a document is no document: the sentence stands there.
    assert!(
        line.contains("] client robot: user.disable denied"),
        "{line}"
    );
}

#[test]
fn a_line_that_is_too_long_or_of_another_shape_is_no_record() {
    let code = |line: &str| jsonl::read(line).unwrap_err().code();
    assert_eq!(code(&" ".repeat(70_000)), "record_malformed");
    assert_eq!(code("{}"), "record_malformed");
    let other = jsonl::line(&act()).replace("record/1", "record/2");
    assert_eq!(code(&other), "record_malformed");
    let more = jsonl::line(&act()).replacen('{', "{\"secret\":1,", 1);
    assert_eq!(code(&more), "record_malformed");
}

#[test]
fn a_line_of_the_audit_log_is_one_of_its_chain_and_what_was_changed_is_not() {
    use crate::chain::Line;
    let hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let event = Event {
        hash: Some(hash.to_owned()),
        id: format!("audit:17:{}", &hash[..16]),
        through: Some(Through {
            client: Some("app".to_owned()),
            session: None,
        }),
        ..act()
    };
    let Ok(Line::Record(record)) = Line::parse(&jsonl::line(&event)) else {
        panic!("it is a record");
    };
    assert_eq!((record.number, record.actor.as_str()), (17, "client:robot"));
    assert_eq!(record.reason, "scope_missing");
    assert_eq!(record.at, event.time);
    for changed in [
        Event {
            id: "audit:18".to_owned(),
            ..event.clone()
        },
        Event {
            severity: Severity::Info,
            ..event.clone()
        },
        Event {
            stream: Stream::Denied,
            ..event.clone()
        },
        Event {
            token: Some("x".to_owned()),
            ..event.clone()
        },
        Event {
            user: Some("ada".to_owned()),
            ..event.clone()
        },
        Event {
            hash: Some("9f".to_owned()),
            ..event.clone()
        },
        decision(),
    ] {
        assert!(Line::parse(&jsonl::line(&changed)).is_err(), "{changed:?}");
    }
}

/// The published schema knows the members that are written, and no others.
#[test]
fn the_published_schema_is_that_of_the_lines() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/record.schema.json"
    );
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let full = Event {
        through: Some(Through {
            client: Some("app".to_owned()),
            session: Some("s".to_owned()),
        }),
        client: Some("app".to_owned()),
        session: Some("s".to_owned()),
        object: Some("o".to_owned()),
        actor: Actor {
            of_type: Some("agent".to_owned()),
            ..decision().actor
        },
        ..decision()
    };
    let keys = |value: &Value| -> Vec<String> {
        let members = value.as_object().unwrap();
        let mut keys: Vec<String> = members.keys().cloned().collect();
        keys.sort();
        keys
    };
    let written = serde_json::to_value(&full).unwrap();
    let known = &schema["properties"];
    assert_eq!(keys(&written), keys(known));
    for inner in ["actor", "through", "gate"] {
        assert_eq!(
            keys(&written[inner]),
            keys(&known[inner]["properties"]),
            "{inner}"
        );
    }
    assert_eq!(known["schema"]["const"], SCHEMA);
    let words = |of: &Value| -> Vec<String> { serde_json::from_value(of["enum"].clone()).unwrap() };
    assert_eq!(words(&known["stream"]), Stream::ALL.map(Stream::as_str));
    assert_eq!(words(&known["outcome"]), ["allowed", "denied"]);
    assert_eq!(words(&known["severity"]), ["info", "low", "medium", "high"]);
    let kinds = words(&known["actor"]["properties"]["kind"]);
    assert!(
        kinds
            .iter()
            .all(|word| ActorKind::from_word(word).is_some())
            && kinds.len() == 7
    );
    let least = Event::test("1", "https://id.example", act().time);
    let least = serde_json::to_value(&least).unwrap();
    let required: Vec<String> = serde_json::from_value(schema["required"].clone()).unwrap();
    assert_eq!(keys(&least), required);
}

#[test]
fn every_stream_and_kind_has_one_word_in_options_and_in_json() {
    for stream in Stream::ALL {
        assert_eq!(serde_json::to_value(stream).unwrap(), stream.as_str());
    }
    assert_eq!(Stream::of_action("anomaly.raise"), Stream::Anomalies);
    assert_eq!(Stream::of_action("anomalies"), Stream::Acts);
    for words in ["operator", "user:a", "client:b", "anonymous", "system"] {
        let actor = Actor::from_words(words);
        assert_eq!(
            serde_json::to_value(actor.kind).unwrap(),
            actor.kind.as_str()
        );
        assert_eq!(actor.id.as_deref(), words.split_once(':').map(|(_, id)| id));
    }
    assert_eq!(Actor::from_words("robot:1").id.as_deref(), Some("robot:1"));
}

fn some() -> impl Strategy<Value = Option<String>> {
    // Ends of lines, quotes and brackets are likelier than chance would have them.
    prop::option::of(prop_oneof![
        any::<String>(),
        "[\\n\\r\\t\\]\\[\"\\\\= <>\u{0}\u{7f}\u{85}\u{2028}\u{202e}a-z]{0,40}",
        Just("] [evil@1 a=\"b\"]\n<13>1 - - - - - -".to_owned()),
    ])
}

prop_compose! {
    fn any_event()(
        texts in prop::collection::vec(some(), 14),
        number: i64,
        at in -8_000_000_000_000_i64..250_000_000_000_000,
        kind in 0usize..7,
        denied: bool,
        count: u64,
        action in 0usize..super::actions::PLACES.len(),
        own_action in prop::option::of(any::<String>()),
        version: Option<i64>,
    ) -> Event {
        let text = |at: usize| texts[at].clone();
        let kinds = ["user", "machine", "agent", "client", "operator", "anonymous", "system"];
        Event {
            schema: Schema::One,
            id: text(0).unwrap_or_default(),
            stream: Stream::ALL[action % 4],
            number,
            time: Timestamp::from_millis(at),
            issuer: text(1).unwrap_or_default(),
            action: own_action.unwrap_or_else(|| super::actions::PLACES[action].0.to_owned()),
            outcome: if denied { Outcome::Denied } else { Outcome::Allowed },
            reason: text(2),
            severity: if denied { Severity::High } else { Severity::Info },
            actor: Actor { of_type: text(4), ..Actor::of(ActorKind::from_word(kinds[kind]).unwrap(), text(3)) },
            through: text(4).map(|client| Through { client: Some(client), session: text(5) }),
            user: text(6),
            client: text(7),
            session: text(8),
            object: text(9),
            network: text(10),
            trace: text(11),
            credential: text(12),
            method: text(13),
            route: text(5),
            policy_version: version,
            policies: text(10),
            status: version.map(|version| u16::try_from((version % 1000).unsigned_abs()).unwrap()),
            transport: text(11),
            token: text(12),
            gate: text(6).map(|name| Gate { client: text(7), name: Some(name), instance: text(8) }),
            count,
            hash: text(9),
        }
    }
}

/// What UTF-8 begins with.
const MARK: char = '\u{feff}';

/// Reads a message as RFC 5424, 6, describes it: the header's fields, the structured data, and the message.
#[expect(clippy::type_complexity, reason = "header, structured data, message")]
fn parsed(line: &str) -> Option<(Vec<&str>, Vec<(String, String)>, &str)> {
    let mut header = Vec::new();
    let mut rest = line;
    for _ in 0..6 {
        let (field, after) = rest.split_once(' ')?;
        header.push(field);
        rest = after;
    }
    rest = rest.strip_prefix("[sealgate@32473")?;
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(' ') {
        let (name, after) = after.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next()? {
                (_, '\\') => value.push(chars.next()?.1),
                (at, '"') => break at,
                (_, ']') => return None,
                (_, char) => value.push(char),
            }
        };
        parameters.push((name.to_owned(), value));
        rest = &after[end + 1..];
    }
    Some((header, parameters, rest.strip_prefix(']')?))
}

proptest! {
    #[test]
    fn no_text_breaks_a_line_of_json_and_it_comes_back(event in any_event()) {
        let line = jsonl::line(&event);
        prop_assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        prop_assert_eq!(jsonl::read(&line).unwrap(), event.clone());
        for line in [ocsf::line(&event), otel::line(&event)] {
            prop_assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert!(serde_json::from_str::<Value>(&line).unwrap().is_object());
        }
        prop_assert!(!otel::request(&[event], Timestamp::from_millis(0)).is_empty());
    }

    #[test]
    fn no_text_breaks_a_syslog_message(event in any_event(), small: bool, json: bool) {
        let limit = if small { DATAGRAM_LIMIT } else { STREAM_LIMIT };
        let message = if json { Message::Ocsf } else { Message::Sentence };
        let line = Syslog { message, limit, ..Syslog::default() }.line(&event);
        prop_assert!(line.len() <= limit, "{} bytes", line.len());
        prop_assert!(!line.chars().any(|char| char != MARK && super::text::is_hidden(char)));
        prop_assert!(line.matches(MARK).count() <= 1);
        let (header, parameters, _) = parsed(&line).expect("it can be read");
        prop_assert!(header[1..].iter().all(|field| field.bytes().all(|byte| byte.is_ascii_graphic())));
        let names: std::collections::BTreeSet<_> = parameters.iter().map(|(name, _)| name).collect();
        prop_assert_eq!(names.len(), parameters.len(), "a field twice");
        let outcome = parameters.iter().find(|(name, _)| name == "outcome").unwrap();
        prop_assert_eq!(outcome.1.as_str(), event.outcome.as_str());
        let counted = syslog::octet_counted(&line);
        let (length, rest) = counted.split_once(' ').unwrap();
        prop_assert_eq!(length.parse::<usize>().unwrap(), rest.len());
    }

    #[test]
    fn any_line_can_be_tried(line in any::<String>()) {
        let _ = jsonl::read(&line);
    }
}
