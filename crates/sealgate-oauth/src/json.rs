//! JSON from outside, read strictly: limits first, no name twice in an object (RFC 8259, 4 lets a
//! reader take either, and two readers then take different ones).

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How much a text may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsonLimits {
    /// Bytes of the text.
    pub(crate) bytes: usize,
    /// Objects and arrays inside one another.
    pub(crate) depth: usize,
    /// Values altogether, nested ones included.
    pub(crate) values: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonFault {
    /// A limit was reached.
    TooLarge,
    /// Not JSON, or a name stands twice.
    Malformed,
}

/// Reads one JSON text.
pub(crate) fn parse(text: &[u8], limits: JsonLimits) -> Result<Value, JsonFault> {
    if text.len() > limits.bytes {
        return Err(JsonFault::TooLarge);
    }
    let budget = Cell::new(Budget {
        values: limits.values,
        exhausted: false,
    });
    let mut reader = serde_json::Deserializer::from_slice(text);
    let seed = Strict {
        depth: limits.depth,
        budget: &budget,
    };
    let value = seed.deserialize(&mut reader);
    match value.and_then(|value| reader.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(_) if budget.get().exhausted => Err(JsonFault::TooLarge),
        Err(_) => Err(JsonFault::Malformed),
    }
}

/// Reads one JSON value out of a reader that has its own limit on bytes, as strictly.
pub(crate) fn strict<'de, D: Deserializer<'de>>(
    reader: D,
    limits: JsonLimits,
) -> Result<Value, D::Error> {
    let budget = Cell::new(Budget {
        values: limits.values,
        exhausted: false,
    });
    let seed = Strict {
        depth: limits.depth,
        budget: &budget,
    };
    seed.deserialize(reader)
}

#[derive(Clone, Copy)]
struct Budget {
    values: usize,
    exhausted: bool,
}

#[derive(Clone, Copy)]
struct Strict<'b> {
    depth: usize,
    budget: &'b Cell<Budget>,
}

impl Strict<'_> {
    fn exhausted<E: serde::de::Error>(self) -> E {
        let budget = self.budget.get();
        self.budget.set(Budget {
            exhausted: true,
            ..budget
        });
        E::custom("too large")
    }

    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.exhausted()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        let budget = self.budget.get();
        let Some(values) = budget.values.checked_sub(1) else {
            return Err(self.exhausted());
        };
        self.budget.set(Budget { values, ..budget });
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inside)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inside)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: JsonLimits = JsonLimits {
        bytes: 64,
        depth: 3,
        values: 8,
    };

    fn read(text: &str) -> Result<Value, JsonFault> {
        parse(text.as_bytes(), LIMITS)
    }

    #[test]
    fn a_text_within_its_limits_is_read_as_it_stands() {
        let text = r#"{"a":[1,-2,0.5,"x",null,true]}"#;
        assert_eq!(read(text), Ok(serde_json::from_str(text).unwrap()));
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":{"b":1,"\u0062":2}}"#] {
            assert_eq!(read(text), Err(JsonFault::Malformed), "{text}");
        }
    }

    #[test]
    fn a_text_may_be_as_deep_as_the_limit() {
        assert!(read("[[[1]]]").is_ok());
    }

    #[test]
    fn what_is_too_much_is_told_apart_from_what_is_wrong() {
        for (text, fault) in [
            (format!("\"{}\"", "a".repeat(63)), JsonFault::TooLarge),
            ("[[[[]]]]".into(), JsonFault::TooLarge),
            ("[1,2,3,4,5,6,7,8]".into(), JsonFault::TooLarge),
            ("[1,2".into(), JsonFault::Malformed),
            ("1 2".into(), JsonFault::Malformed),
            ("{\"a\":1e999}".into(), JsonFault::Malformed),
            ("{a:1}".into(), JsonFault::Malformed),
            (String::new(), JsonFault::Malformed),
            ("\u{feff}{}".into(), JsonFault::Malformed),
        ] {
            assert_eq!(read(&text), Err(fault), "{text}");
        }
        assert_eq!(parse(b"\"\xff\"", LIMITS), Err(JsonFault::Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_as_another_reader_reads_them_or_refused(
            text in "[\\[\\]{}\",:0-9a-c\\\\ -]{0,70}"
        ) {
            if let Ok(value) = read(&text) {
                prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
            }
        }
    }
}
