//! The types of attributes, as they are declared.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How deep types may be nested.
const DEPTH_MOST: usize = 8;

/// The longest name of a type, an attribute or an action, in bytes.
pub(crate) const NAME_MOST: usize = 128;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `String`.
    Text,
    /// `Long`: an integer of 64 bits.
    Long,
    /// `Bool`.
    Bool,
    /// `decimal`: four digits after the point.
    Decimal,
    /// `ipaddr`: an address or a network.
    Ip,
    /// `datetime`: a moment, to the millisecond.
    Moment,
    /// `duration`: a time, to the millisecond.
    Duration,
    /// `Set<…>`.
    Set(Box<Kind>),
    /// The name of a kind of actor or resource: one of them, by its id.
    Entity(String),
    /// A table of further attributes.
    Record(Attributes),
}

/// A declared attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// What its value is.
    pub kind: Kind,
    /// Whether it is always there.
    pub required: bool,
}

/// Attributes by their name. In files the name of one that may be missing ends in `?`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(pub BTreeMap<String, Attribute>);

impl Attributes {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many types are within each other here, at most.
    fn depth(&self) -> usize {
        let depths = self.0.values().map(|attribute| attribute.kind.depth());
        depths.max().unwrap_or(0)
    }
}

impl Kind {
    fn depth(&self) -> usize {
        match self {
            Self::Set(of) => 1 + of.depth(),
            Self::Record(attributes) => 1 + attributes.depth(),
            _ => 1,
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text.trim();
        let mut sets = 0;
        while let Some(within) = rest.strip_prefix("Set<") {
            let within = within.strip_suffix('>');
            rest = within
                .ok_or_else(|| format!("{text:?} lacks a \">\""))?
                .trim();
            sets += 1;
            if sets >= DEPTH_MOST {
                return Err(format!("{text:?} is nested too deep"));
            }
        }
        let mut kind = match rest {
            "String" => Self::Text,
            "Long" => Self::Long,
            "Bool" | "Boolean" => Self::Bool,
            "decimal" => Self::Decimal,
            "ipaddr" => Self::Ip,
            "datetime" => Self::Moment,
            "duration" => Self::Duration,
            name if is_type_name(name) => Self::Entity(name.to_owned()),
            _ => {
                return Err(format!(
                    "{text:?} is no type: write String, Long, Bool, decimal, ipaddr, datetime, duration, \
                     Set<…> of one, or the name of a kind of actor or resource"
                ));
            }
        };
        for _ in 0..sets {
            kind = Self::Set(Box::new(kind));
        }
        Ok(kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("String"),
            Self::Long => f.write_str("Long"),
            Self::Bool => f.write_str("Bool"),
            Self::Decimal => f.write_str("decimal"),
            Self::Ip => f.write_str("ipaddr"),
            Self::Moment => f.write_str("datetime"),
            Self::Duration => f.write_str("duration"),
            Self::Set(of) => write!(f, "Set<{of}>"),
            Self::Entity(name) => f.write_str(name),
            Self::Record(_) => f.write_str("record"),
        }
    }
}

/// Whether `name` can be that of a type: as an identifier of Cedar, and none of its words.
pub(crate) fn is_type_name(name: &str) -> bool {
    const WORDS: [&str; 21] = [
        "true",
        "false",
        "if",
        "then",
        "else",
        "in",
        "is",
        "like",
        "has",
        "principal",
        "action",
        "resource",
        "context",
        "permit",
        "forbid",
        "when",
        "unless",
        "Set",
        "Record",
        "Entity",
        "Extension",
    ];
    let mut characters = name.chars();
    let begins = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    begins
        && name.len() <= NAME_MOST
        && characters.all(|one| one.is_ascii_alphanumeric() || one == '_')
        && !WORDS.contains(&name)
        && !name.starts_with("__")
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Record(attributes) => attributes.serialize(serializer),
            other => serializer.collect_str(other),
        }
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, attribute) in &self.0 {
            let mark = if attribute.required { "" } else { "?" };
            map.serialize_entry(&format!("{name}{mark}"), &attribute.kind)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attributes = deserializer.deserialize_map(AttributesVisitor)?;
        // The reader of the text around this has a limit of its own, so that it ends before the stack does.
        if attributes.depth() > DEPTH_MOST {
            return Err(D::Error::custom("attributes are nested too deep"));
        }
        Ok(attributes)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type, such as \"String\", or a table of attributes")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Kind, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Kind, A::Error> {
        AttributesVisitor.visit_map(map).map(Kind::Record)
    }
}

struct AttributesVisitor;

impl<'de> Visitor<'de> for AttributesVisitor {
    type Value = Attributes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of attributes and their types")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
        let mut attributes = BTreeMap::new();
        while let Some((key, kind)) = map.next_entry::<String, Kind>()? {
            let (name, required) = match key.strip_suffix('?') {
                Some(name) => (name, false),
                None => (key.as_str(), true),
            };
            if name.is_empty() || name.len() > NAME_MOST || name.chars().any(char::is_control) {
                return Err(A::Error::custom(format!(
                    "{key:?} is no name of an attribute"
                )));
            }
            let attribute = Attribute { kind, required };
            if attributes.insert(name.to_owned(), attribute).is_some() {
                return Err(A::Error::custom(format!("{name:?} is declared twice")));
            }
        }
        Ok(Attributes(attributes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_reads_as_it_is_written() {
        for text in [
            "String",
            "Long",
            "Bool",
            "decimal",
            "ipaddr",
            "datetime",
            "duration",
            "User",
            "Set<Set<Expense>>",
        ] {
            assert_eq!(text.parse::<Kind>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "Set<String",
            "Set<>",
            "a b",
            "1x",
            "when",
            "Ü",
            "__cedar",
        ] {
            assert!(text.parse::<Kind>().is_err(), "{text}");
        }
        let deep = format!("{}String{}", "Set<".repeat(9), ">".repeat(9));
        assert!(deep.parse::<Kind>().is_err());
    }

    #[test]
    fn attributes_come_back_as_they_went() {
        let text = r#"{"amount":"decimal","note?":"String","place?":{"city":"String"}}"#;
        let attributes: Attributes = serde_json::from_str(text).unwrap();
        assert!(!attributes.0["note"].required && attributes.0["amount"].required);
        assert_eq!(serde_json::to_string(&attributes).unwrap(), text);
        for broken in [
            r#"{"a":"String","a?":"Long"}"#,
            r#"{"?":"String"}"#,
            r#"{"a":7}"#,
            r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":"Long"}}}}}}}}}"#,
        ] {
            assert!(
                serde_json::from_str::<Attributes>(broken).is_err(),
                "{broken}"
            );
        }
    }
}
