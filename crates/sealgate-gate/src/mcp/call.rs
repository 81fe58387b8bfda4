//! What a message to an MCP server asks for: one JSON-RPC message, read with limits, and by rules that leave
//! no room for a second reading by whoever reads it again behind the gate.
//!
//! JSON allows what readers take in different ways: a name that is there twice, a byte order mark, another
//! encoding. What could be read otherwise is refused here.

mod about;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

pub(crate) use about::Reference;
use about::{Unambiguous, watched};

/// How deep a message may be nested. Readers that recurse take less than a thousand.
const DEPTH_MOST: usize = 100;

const COMPLETE: &str = "completion/complete";
const LISTEN: &str = "subscriptions/listen";

/// How long the id of a message may be that is repeated in an answer.
const ID_MOST: usize = 256;

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// Its id, to be repeated in an answer to it; `null` where it has none that could be.
    pub(crate) id: Value,
}

/// What a message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A request or notification.
    Method {
        /// Its method.
        method: String,
        /// The tool, prompt or resource that it is about, for methods that are about one.
        name: Option<String>,
    },
    /// `completion/complete`, with what is completed.
    Complete(Reference),
    /// `subscriptions/listen`, with the URIs of the resources that are watched.
    Listen(Vec<String>),
    /// The answer to a request of the server.
    Answer,
}

/// Why a message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not JSON, in UTF-8, of a reasonable depth.
    Json,
    /// It is more than one message. Protocol versions after 2025-03-26 have no batches.
    Batch,
    /// It is no JSON-RPC message, or can be read in more than one way.
    Message,
}

/// The method's member of `params` that says what it is about, if it is about one thing.
pub(crate) fn named_by(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Some("uri"),
        _ => None,
    }
}

impl Kind {
    /// Its method, if it has one.
    pub(crate) fn method(&self) -> Option<&str> {
        match self {
            Self::Method { method, .. } => Some(method),
            Self::Complete(_) => Some(COMPLETE),
            Self::Listen(_) => Some(LISTEN),
            Self::Answer => None,
        }
    }

    fn of(method: String, params: Params) -> Result<Self, Unread> {
        match method.as_str() {
            COMPLETE => {
                return Reference::read(params.reference.as_ref()).map(Self::Complete);
            }
            LISTEN => return watched(params.notifications.as_ref()).map(Self::Listen),
            _ => {}
        }
        let name = match named_by(&method) {
            None => None,
            Some("name") => Some(params.name),
            Some(_) => Some(params.uri),
        };
        let name = match name {
            None => None,
            Some(Some(Member::Text(name))) => Some(name),
            Some(_) => return Err(Unread::Message),
        };
        Ok(Self::Method { method, name })
    }
}

impl Message {
    /// Reads the message in `body`.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Unread> {
        let text = str::from_utf8(body).map_err(|_| Unread::Json)?;
        if !is_shallow(body) {
            return Err(Unread::Json);
        }
        let start = text.trim_start_matches([' ', '\t', '\r', '\n']);
        let is_object = start.starts_with('{');
        if !is_object {
            // What it is can be said of JSON only.
            serde_json::from_str::<IgnoredAny>(text).map_err(|_| Unread::Json)?;
            let is_array = start.starts_with('[');
            return Err(if is_array {
                Unread::Batch
            } else {
                Unread::Message
            });
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let envelope = match reader.deserialize_map(EnvelopeVisitor) {
            Ok(envelope) => envelope,
            // A repeated name is an error of data, and good JSON.
            Err(error) if error.is_data() => return Err(Unread::Message),
            Err(_) => return Err(Unread::Json),
        };
        reader.end().map_err(|_| Unread::Json)?;
        envelope.message()
    }
}

/// Whether brackets are nested as deep as is taken, at most.
fn is_shallow(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEPTH_MOST {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// The members of a message that say what it is.
#[derive(Default)]
struct Envelope {
    version: Option<Member>,
    id: Option<Member>,
    method: Option<Member>,
    params: Option<Params>,
    result: bool,
    error: bool,
}

impl Envelope {
    fn message(self) -> Result<Message, Unread> {
        if !matches!(&self.version, Some(Member::Text(version)) if version == "2.0") {
            return Err(Unread::Message);
        }
        let id = match self.id {
            None | Some(Member::Null) => Value::Null,
            Some(Member::Text(id)) if id.len() <= ID_MOST => Value::String(id),
            Some(Member::Number(id)) => Value::Number(id),
            Some(_) => return Err(Unread::Message),
        };
        let is_answer = self.result || self.error;
        let kind = match self.method {
            // Both at once would be a request to one reader, and an answer to another.
            Some(_) if is_answer => return Err(Unread::Message),
            Some(Member::Text(method)) if !method.is_empty() => {
                Kind::of(method, self.params.unwrap_or_default())?
            }
            None if is_answer => Kind::Answer,
            _ => return Err(Unread::Message),
        };
        Ok(Message { kind, id })
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON-RPC message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let mut envelope = Envelope::default();
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            seen.note::<A::Error>(&key)?;
            match &*key {
                "jsonrpc" => envelope.version = Some(map.next_value_seed(MemberSeed)?),
                "id" => envelope.id = Some(map.next_value_seed(MemberSeed)?),
                "method" => envelope.method = Some(map.next_value_seed(MemberSeed)?),
                "params" => envelope.params = Some(map.next_value_seed(ParamsSeed)?),
                "result" => {
                    envelope.result = true;
                    map.next_value::<IgnoredAny>()?;
                }
                "error" => {
                    envelope.error = true;
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

/// The names of members that count. One that is there twice has one value to some readers and the other to
/// others.
#[derive(Default)]
struct Seen(Vec<&'static str>);

impl Seen {
    fn note<E: serde::de::Error>(&mut self, key: &str) -> Result<(), E> {
        const COUNTING: [&str; 10] = [
            "jsonrpc",
            "id",
            "method",
            "params",
            "result",
            "error",
            "name",
            "uri",
            "ref",
            "notifications",
        ];
        let Some(key) = COUNTING.into_iter().find(|counting| *counting == key) else {
            return Ok(());
        };
        if self.0.contains(&key) {
            return Err(E::duplicate_field(key));
        }
        self.0.push(key);
        Ok(())
    }
}

/// The members of `params` that say what a message is about. What is no object has none.
#[derive(Default)]
struct Params {
    name: Option<Member>,
    uri: Option<Member>,
    reference: Option<Value>,
    notifications: Option<Value>,
}

struct ParamsSeed;

impl<'de> DeserializeSeed<'de> for ParamsSeed {
    type Value = Params;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Params, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ParamsSeed {
    type Value = Params;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the parameters of a method: an object or nothing")
    }

    fn visit_unit<E>(self) -> Result<Params, E> {
        Ok(Params::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Params, A::Error> {
        let mut params = Params::default();
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            seen.note::<A::Error>(&key)?;
            match &*key {
                "name" => params.name = Some(map.next_value_seed(MemberSeed)?),
                "uri" => params.uri = Some(map.next_value_seed(MemberSeed)?),
                "ref" => params.reference = Some(map.next_value_seed(Unambiguous)?),
                "notifications" => params.notifications = Some(map.next_value_seed(Unambiguous)?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(params)
    }
}

/// The value of a member that should be a text or a number.
#[derive(Debug, Clone, PartialEq)]
enum Member {
    Null,
    Text(String),
    Number(Number),
    Other,
}

struct MemberSeed;

impl<'de> DeserializeSeed<'de> for MemberSeed {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MemberSeed {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Member, E> {
        Ok(Member::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Member, E> {
        Ok(Member::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Member, E> {
        Ok(Number::from_f64(value).map_or(Member::Other, Member::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Member, E> {
        Ok(Member::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Member, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }
}

#[cfg(test)]
mod tests;
