//! The smallest value that a JSON schema takes.

use serde_json::{Map, Value, json};

/// Schemas may refer to themselves; what lies deeper is null.
const DEEPEST: usize = 8;

/// References that lead on to others, at most.
const HOPS: usize = 8;

/// The smallest value that `schema` takes, as far as that is told by the keywords that frameworks write.
pub(super) fn sample(document: &Value, schema: &Value) -> Value {
    value(document, schema, DEEPEST)
}

/// What a `$ref` within the document refers to; anything else is itself.
pub(super) fn resolved<'a>(document: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..HOPS {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let Some(pointer) = reference.and_then(|reference| reference.strip_prefix('#')) else {
            break;
        };
        match document.pointer(pointer) {
            Some(found) => schema = found,
            None => break,
        }
    }
    schema
}

fn value(document: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolved(document, schema);
    if depth == 0 {
        return Value::Null;
    }
    for given in ["const", "default", "example"] {
        if let Some(value) = schema.get(given).filter(|value| !value.is_null()) {
            return value.clone();
        }
    }
    for list in ["enum", "examples"] {
        if let Some(value) = schema[list].as_array().and_then(|values| values.first()) {
            return value.clone();
        }
    }
    for choice in ["anyOf", "oneOf"] {
        let choices = schema[choice].as_array().into_iter().flatten();
        let mut choices = choices.filter(|one| one["type"] != "null");
        if let Some(first) = choices.next() {
            return value(document, first, depth - 1);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return all(document, parts, depth);
    }
    match kind(schema) {
        "object" => object(document, schema, depth),
        "array" => {
            let least = schema["minItems"].as_u64().unwrap_or(0).min(16);
            let item = value(document, &schema["items"], depth - 1);
            Value::Array((0..least).map(|_| item.clone()).collect())
        }
        "integer" | "number" => json!(least(schema)),
        "boolean" => json!(false),
        "null" => Value::Null,
        _ => json!(text(schema)),
    }
}

fn kind(schema: &Value) -> &str {
    let named = match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null"),
        kind => kind.as_str(),
    };
    let implied = if schema.get("properties").is_some() {
        "object"
    } else {
        "string"
    };
    named.unwrap_or(implied)
}

fn all(document: &Value, parts: &[Value], depth: usize) -> Value {
    let mut whole = Map::new();
    let mut last = Value::Null;
    for part in parts {
        last = value(document, part, depth - 1);
        if let Value::Object(fields) = &last {
            whole.extend(fields.clone());
        }
    }
    if whole.is_empty() {
        last
    } else {
        Value::Object(whole)
    }
}

fn object(document: &Value, schema: &Value, depth: usize) -> Value {
    let required = schema["required"].as_array().into_iter().flatten();
    let names = required.filter_map(Value::as_str);
    let fields = names.map(|name| {
        let field = schema["properties"].get(name).unwrap_or(&Value::Null);
        (name.to_owned(), value(document, field, depth - 1))
    });
    Value::Object(fields.collect())
}

fn least(schema: &Value) -> i64 {
    let at = |key: &str| schema.get(key).and_then(Value::as_f64);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a bound beyond that is not met, which is seen"
    )]
    let whole = |bound: f64| bound.ceil() as i64;
    match (at("minimum"), at("exclusiveMinimum"), at("maximum")) {
        (Some(least), ..) => whole(least),
        (_, Some(below), _) => whole(below).saturating_add(1),
        (_, _, Some(most)) if most < 1.0 => whole(most),
        _ => 1,
    }
}

fn text(schema: &Value) -> String {
    let usual = match schema["format"].as_str() {
        Some("uuid") => "00000000-0000-4000-8000-000000000001",
        Some("date-time") => "2030-01-01T00:00:00Z",
        Some("date") => "2030-01-01",
        Some("time") => "00:00:00",
        Some("duration") => "P1D",
        Some("email") => "probe@example.com",
        Some("uri" | "url") => "https://example.com/",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        _ => "x",
    };
    let least = schema["minLength"].as_u64().unwrap_or(0).min(4_096);
    let least = usize::try_from(least).unwrap_or_default();
    format!("{usual}{}", "x".repeat(least.saturating_sub(usual.len())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn anything() -> impl Strategy<Value = Value> {
        let keyword = prop_oneof![
            Just("type"),
            Just("properties"),
            Just("required"),
            Just("items"),
            Just("anyOf"),
            Just("allOf"),
            Just("$ref"),
            Just("enum"),
            Just("minimum"),
            Just("minLength"),
            Just("minItems"),
        ];
        let leaf = prop_oneof![
            Just(json!("object")),
            Just(json!("array")),
            Just(json!("#")),
            Just(json!("#/items")),
            Just(json!(["name"])),
            Just(Value::Null),
            any::<f64>().prop_map(|number| json!(number)),
            any::<u64>().prop_map(|number| json!(number)),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::vec((keyword.clone(), inner), 0..4).prop_map(|fields| {
                    Value::Object(
                        fields
                            .into_iter()
                            .map(|(name, value)| (name.to_owned(), value))
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_schema_makes_it_fail_or_run_forever(schema in anything()) {
            let _ = sample(&schema, &schema);
        }
    }
}
