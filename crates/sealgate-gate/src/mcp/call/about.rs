//! What a message is about where that is no name in its `params`: what it completes, or what it watches.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Unread;

/// What a `completion/complete` is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A prompt, by its name.
    Prompt(String),
    /// A resource, by its URI, or by the template of several.
    Resource(String),
}

impl Reference {
    /// Reads the member `ref`. Its type says which other member counts; without it, readers may choose.
    pub(super) fn read(value: Option<&Value>) -> Result<Self, Unread> {
        let text = |member| value?.get(member)?.as_str().map(str::to_owned);
        let found = match text("type").as_deref() {
            Some("ref/prompt") => text("name").map(Self::Prompt),
            Some("ref/resource") => text("uri").map(Self::Resource),
            _ => None,
        };
        found.ok_or(Unread::Message)
    }
}

/// The URIs of resources in the member `notifications` of a `subscriptions/listen`. The official SDK takes them
/// by either name.
pub(super) fn watched(value: Option<&Value>) -> Result<Vec<String>, Unread> {
    let members = match value {
        None => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(Unread::Message),
    };
    let mut uris = Vec::new();
    for name in ["resourceSubscriptions", "resource_subscriptions"] {
        let items = match members.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => items,
            Some(_) => return Err(Unread::Message),
        };
        for item in items {
            uris.push(item.as_str().ok_or(Unread::Message)?.to_owned());
        }
    }
    Ok(uris)
}

/// Reads a value in which no object has a member twice.
pub(super) struct Unambiguous;

impl<'de> DeserializeSeed<'de> for Unambiguous {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            read.push(item);
        }
        Ok(Value::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut read = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Self)?;
            if read.insert(name, value).is_some() {
                return Err(serde::de::Error::custom("a member is there twice"));
            }
        }
        Ok(Value::Object(read))
    }
}
