//! Records as syslog messages (RFC 5424), and their framing on connections (RFC 6587, RFC 5425).

use std::fmt::Write as _;

use super::event::{Event, Severity};
use super::{jsonl, ocsf, text};

/// The number in the name of the structured data unless an operator gives their own: the one that IANA keeps for examples
/// (RFC 5612). Sealgate has none of its own, and this one collides with no vendor's.
pub const ENTERPRISE: u32 = 32_473;

/// The longest message on a connection, in bytes: what common receivers take without cutting.
pub const STREAM_LIMIT: usize = 8 * 1024;

/// The longest message in a datagram, in bytes (RFC 5426, 3.2: receivers should take it).
pub const DATAGRAM_LIMIT: usize = 2 * 1024;

/// "Log audit" (RFC 5424, table 1).
const FACILITY: u8 = 13;

/// What text in UTF-8 begins with that is not ASCII (RFC 5424, 6.4).
const MARK: &str = "\u{feff}";

/// The longest value of a parameter, in bytes before it is escaped.
const VALUE: usize = 512;

/// What stands in a message after the structured data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// A sentence.
    Sentence,
    /// The record in the form of JSON Lines.
    Jsonl,
    /// The record as an OCSF event.
    Ocsf,
}

/// What does not change from one message to the next.
#[derive(Debug, Clone, Copy)]
pub struct Syslog {
    /// The private enterprise number in the name of the structured data.
    pub enterprise: u32,
    /// What stands after the structured data.
    pub message: Message,
    /// The longest message, in bytes.
    pub limit: usize,
}

impl Default for Syslog {
    fn default() -> Self {
        Self {
            enterprise: ENTERPRISE,
            message: Message::Sentence,
            limit: STREAM_LIMIT,
        }
    }
}

impl Syslog {
    /// One message: a line without control characters, and without an end of line. Within the limit; where not
    /// everything fits, parameters are left out from the end, JSON makes room for the sentence, and the sentence is cut.
    pub fn line(&self, event: &Event) -> String {
        let host = host(&event.issuer);
        let priority = FACILITY * 8 + severity(event.severity);
        let mut line = format!(
            "<{priority}>1 {} {host} sealgate - {} ",
            text::time(event.time),
            printable(&event.action, 32),
        );
        // Writing to a String cannot fail.
        let _ = write!(line, "[sealgate@{}", self.enterprise);
        for (name, value) in parameters(event) {
            let written = format!(" {name}=\"{}\"", escaped(text::clip(&value, VALUE)));
            if line.len() + written.len() < self.limit {
                line.push_str(&written);
            }
        }
        line.push(']');
        let room = self.limit.saturating_sub(line.len() + 1);
        let message = self.message(event, room);
        if !message.is_empty() {
            line.push(' ');
            line.push_str(&message);
        }
        line
    }

    fn message(&self, event: &Event, room: usize) -> String {
        let document = match self.message {
            Message::Sentence => None,
            Message::Jsonl => Some(jsonl::line(event)),
            Message::Ocsf => Some(ocsf::line(event)),
        };
        // Half a document is none.
        if let Some(document) = document.filter(|document| document.len() <= room) {
            return document;
        }
        let said = event.sentence();
        if said.is_ascii() {
            return text::clip(&said, room).to_owned();
        }
        // RFC 5424, 6.4: UTF-8 that is not ASCII begins with its mark.
        match room.checked_sub(MARK.len()) {
            Some(room) => format!("{MARK}{}", text::clip(&said, room)),
            None => String::new(),
        }
    }
}

/// A message for a connection with its length before it (RFC 6587, 3.4.1; RFC 5425, 4.3).
pub fn octet_counted(line: &str) -> String {
    format!("{} {line}", line.len())
}

/// A message for a connection with a line feed behind it (RFC 6587, 3.4.2). There is none within it.
pub fn newline_ended(line: &str) -> String {
    format!("{line}\n")
}

const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 6,
        Severity::Low => 5,
        Severity::Medium => 4,
        Severity::High => 3,
    }
}

/// The host of an issuer, as HOSTNAME (RFC 5424, 6.2.4).
fn host(issuer: &str) -> String {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    printable(host, 255)
}

/// A field of the header: visible ASCII, or the sign that there is none.
fn printable(text: &str, limit: usize) -> String {
    let kept: String = text
        .chars()
        .filter(char::is_ascii_graphic)
        .take(limit)
        .collect();
    if kept.is_empty() {
        "-".to_owned()
    } else {
        kept
    }
}

/// A parameter's value (RFC 5424, 6.3.3).
fn escaped(value: &str) -> String {
    let mut written = String::with_capacity(value.len());
    for char in text::visible(value).chars() {
        if matches!(char, '"' | '\\' | ']') {
            written.push('\\');
        }
        written.push(char);
    }
    written
}

/// What stands in the structured data, the weightiest first.
fn parameters(event: &Event) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("id", event.id.clone()),
        ("stream", event.stream.as_str().to_owned()),
        ("number", event.number.to_string()),
        ("action", event.action.clone()),
        ("outcome", event.outcome.as_str().to_owned()),
    ];
    let mut tell = |name, value: Option<&String>| {
        if let Some(value) = value {
            all.push((name, value.clone()));
        }
    };
    tell("reason", event.reason.as_ref());
    tell("actor", Some(&event.actor.known().as_str().to_owned()));
    tell("actorId", event.actor.id.as_ref());
    tell("network", event.network.as_ref());
    tell("user", event.user.as_ref());
    tell("client", event.client.as_ref());
    tell("session", event.session.as_ref());
    tell("method", event.method.as_ref());
    tell("route", event.route.as_ref());
    tell("trace", event.trace.as_ref());
    tell("credential", event.credential.as_ref());
    let through = event.through.as_ref();
    tell("throughClient", through.and_then(|one| one.client.as_ref()));
    tell(
        "throughSession",
        through.and_then(|one| one.session.as_ref()),
    );
    let version = event.policy_version.map(|version| version.to_string());
    tell("policyVersion", version.as_ref());
    let gate = event.gate.as_ref();
    tell("gateClient", gate.and_then(|one| one.client.as_ref()));
    tell("gate", gate.and_then(|one| one.name.as_ref()));
    tell("gateInstance", gate.and_then(|one| one.instance.as_ref()));
    tell("policies", event.policies.as_ref());
    tell(
        "status",
        event.status.map(|status| status.to_string()).as_ref(),
    );
    tell("token", event.token.as_ref());
    tell("count", Some(&event.count.to_string()));
    tell("hash", event.hash.as_ref());
    tell("object", event.object.as_ref());
    all
}
