//! Records as OpenTelemetry logs: `ExportLogsServiceRequest` of OTLP 1.x, as Protocol Buffers and as JSON.
//!
//! Attributes have the names of the semantic conventions where there is one, and `sealgate.` before them otherwise.

mod protobuf;

use serde_json::{Value, json};

use super::event::{Event, Severity};
use super::text;

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    Text(String),
    Number(i64),
}

type Attribute = (&'static str, Held);

/// Records as an `ExportLogsServiceRequest` in Protocol Buffers: `application/x-protobuf`. `observed` is when they
/// are sent.
pub fn request(events: &[Event], observed: sealgate_model::Timestamp) -> Vec<u8> {
    protobuf::request(events, observed)
}

/// How many records a receiver refused of those it took (`ExportLogsServiceResponse`). Zero if it says nothing of it.
pub fn refused(answer: &[u8]) -> u64 {
    protobuf::refused(answer)
}

/// One record as a line of OTLP in JSON, as the file exporter of the OpenTelemetry Collector writes it. In ASCII,
/// without an end of line.
pub fn line(event: &Event) -> String {
    text::json(&json!({ "resourceLogs": [{
        "resource": { "attributes": written(&resource(event)) },
        "scopeLogs": [{
            "scope": { "name": SCOPE, "version": env!("CARGO_PKG_VERSION") },
            "logRecords": [record(event)],
        }],
    }] }))
}

/// The name of the instrumentation scope.
const SCOPE: &str = "sealgate.records";

fn record(event: &Event) -> Value {
    let (number, word) = severity(event.severity);
    let at = nanos(event.time).to_string();
    let mut record = json!({
        // 64-bit numbers are text in the JSON of Protocol Buffers.
        "timeUnixNano": at,
        "observedTimeUnixNano": at,
        "severityNumber": number,
        "severityText": word,
        "eventName": name(event),
        "body": { "stringValue": event.sentence() },
        "attributes": written(&attributes(event)),
    });
    if let Some(trace) = trace(event) {
        // OTLP writes ids in hexadecimal, unlike other bytes.
        record["traceId"] = hex(&trace).into();
    }
    record
}

fn written(attributes: &[Attribute]) -> Value {
    let each = attributes.iter().map(|(key, held)| {
        let value = match held {
            Held::Text(text) => json!({ "stringValue": text }),
            Held::Number(number) => json!({ "intValue": number.to_string() }),
        };
        json!({ "key": key, "value": value })
    });
    Value::Array(each.collect())
}

/// Who tells: the control plane.
fn resource(event: &Event) -> Vec<Attribute> {
    let text = |text: &str| Held::Text(text.to_owned());
    vec![
        ("service.name", text("sealgate")),
        ("service.version", text(env!("CARGO_PKG_VERSION"))),
        ("sealgate.issuer", text(&event.issuer)),
    ]
}

/// The event's name: one name for one shape of attributes.
fn name(event: &Event) -> String {
    format!("sealgate.{}", event.action)
}

/// `SeverityNumber` and the word for it.
const fn severity(severity: Severity) -> (i64, &'static str) {
    match severity {
        Severity::Info => (9, "INFO"),
        Severity::Low => (10, "INFO2"),
        Severity::Medium => (13, "WARN"),
        Severity::High => (17, "ERROR"),
    }
}

fn nanos(at: sealgate_model::Timestamp) -> u64 {
    u64::try_from(at.as_millis())
        .unwrap_or(0)
        .saturating_mul(1_000_000)
}

/// The trace id's bytes; none if there is none, or it is the invalid one of zeros.
fn trace(event: &Event) -> Option<[u8; 16]> {
    let text = event.trace.as_deref().filter(|text| text.len() == 32)?;
    let number = u128::from_str_radix(text, 16).ok()?;
    (number != 0).then(|| number.to_be_bytes())
}

fn hex(bytes: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}

fn attributes(event: &Event) -> Vec<Attribute> {
    let mut all = Vec::with_capacity(24);
    let mut text = |name, value: Option<&str>| {
        if let Some(value) = value {
            all.push((name, Held::Text(value.to_owned())));
        }
    };
    let (through, gate) = (event.through.as_ref(), event.gate.as_ref());
    text("log.record.uid", Some(&event.id));
    text("sealgate.stream", Some(event.stream.as_str()));
    text("sealgate.action", Some(&event.action));
    text("sealgate.outcome", Some(event.outcome.as_str()));
    text("sealgate.reason", event.reason.as_deref());
    text("sealgate.actor.kind", Some(event.actor.known().as_str()));
    text("enduser.id", event.actor.id.as_deref());
    text("user.id", event.user.as_deref());
    text("session.id", event.session.as_deref());
    text("client.address", event.network.as_deref());
    text("http.request.method", event.method.as_deref());
    text("http.route", event.route.as_deref());
    text("sealgate.client", event.client.as_deref());
    text("sealgate.object", event.object.as_deref());
    text("sealgate.credential", event.credential.as_deref());
    text(
        "sealgate.through.client",
        through.and_then(|one| one.client.as_deref()),
    );
    text(
        "sealgate.through.session",
        through.and_then(|one| one.session.as_deref()),
    );
    text(
        "sealgate.gate.client",
        gate.and_then(|one| one.client.as_deref()),
    );
    text(
        "sealgate.gate.name",
        gate.and_then(|one| one.name.as_deref()),
    );
    text(
        "sealgate.gate.instance",
        gate.and_then(|one| one.instance.as_deref()),
    );
    text("sealgate.hash", event.hash.as_deref());
    text("sealgate.policies", event.policies.as_deref());
    text("sealgate.transport", event.transport.as_deref());
    text("sealgate.token", event.token.as_deref());
    let mut number = |name, value: Option<i64>| {
        if let Some(value) = value {
            all.push((name, Held::Number(value)));
        }
    };
    number("sealgate.number", Some(event.number));
    number(
        "sealgate.count",
        Some(i64::try_from(event.count).unwrap_or(i64::MAX)),
    );
    number("sealgate.policy.version", event.policy_version);
    number("http.response.status_code", event.status.map(i64::from));
    all
}
