//! What receivers ask of a transmitter: streams (SSF 1.0, 8.1) and polls (RFC 8936). Members that are not
//! known are ignored; those that are have to be of their type.

use serde_json::{Map, Value};
use thiserror::Error;

use super::{SignalError, Subject};
use crate::json::{self, JsonFault, JsonLimits};

const LIMITS: JsonLimits = JsonLimits {
    bytes: 64 * 1024,
    depth: 8,
    values: 4096,
};

/// The longest of each text, in bytes.
const URI: usize = 512;
const URL: usize = 2000;
const HEADER: usize = 4096;
const STATE: usize = 4096;
/// How many event types may be asked for.
const EVENTS: usize = 64;
/// How many tokens one poll acknowledges or refuses.
const SETTLED: usize = 1000;
/// The longest description and reason that are kept, in characters; the rest is cut off.
const WORDS: usize = 200;

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RequestError {
    /// It is larger, deeper or has more in it than anything honest.
    #[error("the request is too large")]
    TooLarge,
    /// It is not JSON, a name stands twice in it, or a member is missing or not of its type.
    #[error("the request is malformed: {0}")]
    Malformed(&'static str),
    /// It asks for a delivery method that is not known.
    #[error("the delivery method is not supported")]
    Delivery,
    /// Its subject is none.
    #[error("{0}")]
    Subject(SignalError),
}

impl RequestError {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "signal_request_too_large",
            Self::Malformed(_) => "signal_request_malformed",
            Self::Delivery => "signal_delivery_unsupported",
            Self::Subject(_) => "signal_subject_malformed",
        }
    }
}

/// How a stream's signals are to be delivered (SSF 1.0, 6.1).
#[derive(Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The transmitter posts them (RFC 8935).
    Push {
        /// Where to.
        url: String,
        /// The `Authorization` header to send, a secret; none: as before, if the URL is.
        authorization: Option<Option<String>>,
    },
    /// The receiver polls (RFC 8936).
    Poll,
}

impl Delivery {
    /// The method's URI for push.
    pub const PUSH: &'static str = "urn:ietf:rfc:8935";
    /// The method's URI for poll.
    pub const POLL: &'static str = "urn:ietf:rfc:8936";

    fn read(value: &Value) -> Result<Self, RequestError> {
        let members = object(value)?;
        match members.get("method").and_then(Value::as_str) {
            Some(Self::POLL) => Ok(Self::Poll),
            Some(Self::PUSH) => Ok(Self::Push {
                url: text(members, "endpoint_url", URL)?.ok_or(RequestError::Malformed(
                    "a push delivery has an endpoint_url",
                ))?,
                authorization: match members.get("authorization_header") {
                    None => None,
                    Some(Value::Null) => Some(None),
                    Some(_) => Some(text(members, "authorization_header", HEADER)?),
                },
            }),
            Some(_) => Err(RequestError::Delivery),
            None => Err(RequestError::Malformed("a delivery has a method")),
        }
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Push { url, .. } => write!(f, "Push({url})"),
            Self::Poll => f.write_str("Poll"),
        }
    }
}

/// A stream as a receiver asks for it: to make one, change it or replace it. Of what the receiver has a say
/// in, `Some(None)` is `null`: it is taken away.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamRequest {
    /// Which stream.
    pub stream_id: Option<String>,
    /// The event types, by URI.
    pub events_requested: Option<Option<Vec<String>>>,
    /// How to deliver.
    pub delivery: Option<Option<Delivery>>,
    /// What the stream is for, in words.
    pub description: Option<Option<String>>,
    /// What the transmitter supplies and the receiver repeats: it has to be as it is.
    pub repeated: Map<String, Value>,
}

impl StreamRequest {
    /// What the transmitter supplies (SSF 1.0, 8.1.1), beside `stream_id`.
    pub const SUPPLIED: [&'static str; 6] = [
        "iss",
        "aud",
        "events_supported",
        "events_delivered",
        "min_verification_interval",
        "inactivity_timeout",
    ];

    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestError`], whichever applies first.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let value = parse(body)?;
        let members = object(&value)?;
        let nullable = |name| members.get(name).filter(|value| !value.is_null());
        let asked = |name| members.contains_key(name);
        let supplied = |(name, _): &(&String, &Value)| Self::SUPPLIED.contains(&name.as_str());
        Ok(Self {
            stream_id: text(members, "stream_id", URI)?,
            events_requested: asked("events_requested")
                .then(|| nullable("events_requested").map(events).transpose())
                .transpose()?,
            delivery: asked("delivery")
                .then(|| nullable("delivery").map(Delivery::read).transpose())
                .transpose()?,
            description: match nullable("description") {
                None => asked("description").then_some(None),
                Some(_) => Some(words(members, "description")?),
            },
            repeated: members
                .iter()
                .filter(supplied)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        })
    }
}

/// A change of a stream's status (SSF 1.0, 8.1.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRequest {
    /// Which stream.
    pub stream_id: String,
    /// The new status, as it was written.
    pub status: String,
    /// Why, in words.
    pub reason: Option<String>,
}

impl StatusRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestError`], whichever applies first.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let value = parse(body)?;
        let members = object(&value)?;
        Ok(Self {
            stream_id: stream_id(members)?,
            status: text(members, "status", URI)?
                .ok_or(RequestError::Malformed("status is missing"))?,
            reason: words(members, "reason")?,
        })
    }
}

/// A subject to be told of, or not (SSF 1.0, 8.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRequest {
    /// Which stream.
    pub stream_id: String,
    /// Which subject.
    pub subject: Subject,
}

impl SubjectRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestError`], whichever applies first.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let value = parse(body)?;
        let members = object(&value)?;
        match members.get("verified") {
            None | Some(Value::Bool(_)) => {}
            Some(_) => return Err(RequestError::Malformed("verified is no boolean")),
        }
        let subject = members
            .get("subject")
            .ok_or(RequestError::Malformed("subject is missing"))?;
        Ok(Self {
            stream_id: stream_id(members)?,
            subject: Subject::read(subject).map_err(RequestError::Subject)?,
        })
    }
}

/// A verification to be sent (SSF 1.0, 8.1.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationRequest {
    /// Which stream.
    pub stream_id: String,
    /// What the event is to carry.
    pub state: Option<String>,
}

impl VerificationRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestError`], whichever applies first.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let value = parse(body)?;
        let members = object(&value)?;
        let state = match members.get("state") {
            None | Some(Value::Null) => None,
            Some(Value::String(state)) if state.len() <= STATE => Some(state.clone()),
            Some(_) => return Err(RequestError::Malformed("state is no text, or too long")),
        };
        Ok(Self {
            stream_id: stream_id(members)?,
            state,
        })
    }
}

/// A poll (RFC 8936, 2.4).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PollRequest {
    /// How many tokens at most; none: as many as the transmitter likes.
    pub max_events: Option<u64>,
    /// Whether to answer at once although there is nothing.
    pub return_immediately: bool,
    /// The tokens that were received, by `jti`.
    pub acknowledged: Vec<String>,
    /// The tokens that were received and are not understood, by `jti`, with the receiver's error code.
    pub refused: Vec<(String, String)>,
}

impl PollRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestError`], whichever applies first.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let value = parse(body)?;
        let members = object(&value)?;
        let flag = match members.get("returnImmediately") {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => return Err(RequestError::Malformed("returnImmediately is no boolean")),
        };
        let max_events = match members.get("maxEvents") {
            None => None,
            Some(number) => {
                let number = number.as_u64();
                Some(number.ok_or(RequestError::Malformed("maxEvents is no whole number"))?)
            }
        };
        Ok(Self {
            max_events,
            return_immediately: flag,
            acknowledged: acknowledged(members)?,
            refused: refused(members)?,
        })
    }
}

fn acknowledged(members: &Map<String, Value>) -> Result<Vec<String>, RequestError> {
    let wrong = RequestError::Malformed("ack is a list of up to 1000 texts");
    let Some(list) = members.get("ack") else {
        return Ok(Vec::new());
    };
    let list = list.as_array().filter(|list| list.len() <= SETTLED);
    let texts = list.ok_or(wrong)?.iter().map(Value::as_str);
    texts
        .map(|text| text.map(str::to_owned).ok_or(wrong))
        .collect()
}

fn refused(members: &Map<String, Value>) -> Result<Vec<(String, String)>, RequestError> {
    let wrong = RequestError::Malformed("setErrs is an object of up to 1000 errors");
    let Some(errors) = members.get("setErrs") else {
        return Ok(Vec::new());
    };
    let errors = errors
        .as_object()
        .filter(|errors| errors.len() <= SETTLED)
        .ok_or(wrong)?;
    let read = errors.iter().map(|(jti, error)| {
        let code = error.get("err").and_then(Value::as_str).ok_or(wrong)?;
        Ok((jti.clone(), code.to_owned()))
    });
    read.collect()
}

fn parse(body: &[u8]) -> Result<Value, RequestError> {
    json::parse(body, LIMITS).map_err(|fault| match fault {
        JsonFault::TooLarge => RequestError::TooLarge,
        JsonFault::Malformed => RequestError::Malformed("not JSON, or a name stands twice"),
    })
}

fn object(value: &Value) -> Result<&Map<String, Value>, RequestError> {
    value
        .as_object()
        .ok_or(RequestError::Malformed("no object"))
}

/// A text without control characters, if it is there.
fn text(
    members: &Map<String, Value>,
    name: &'static str,
    longest: usize,
) -> Result<Option<String>, RequestError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text))
            if (1..=longest).contains(&text.len()) && !text.contains(char::is_control) =>
        {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(RequestError::Malformed(name)),
    }
}

fn stream_id(members: &Map<String, Value>) -> Result<String, RequestError> {
    text(members, "stream_id", URI)?.ok_or(RequestError::Malformed("stream_id is missing"))
}

/// Words for people: control characters become spaces, and what is too long is cut off.
fn words(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, RequestError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => {
            let plain = |c: char| if c.is_control() { ' ' } else { c };
            Ok(Some(text.chars().map(plain).take(WORDS).collect()))
        }
        Some(_) => Err(RequestError::Malformed(name)),
    }
}

fn events(value: &Value) -> Result<Vec<String>, RequestError> {
    let wrong = RequestError::Malformed("events_requested is a list of up to 64 URIs");
    let list = value.as_array().filter(|list| list.len() <= EVENTS);
    let mut kept: Vec<String> = Vec::new();
    for uri in list.ok_or(wrong)? {
        let uri = uri.as_str().filter(|uri| (1..=URI).contains(&uri.len()));
        let uri = uri.ok_or(wrong)?;
        if !kept.iter().any(|known| known == uri) {
            kept.push(uri.to_owned());
        }
    }
    Ok(kept)
}
