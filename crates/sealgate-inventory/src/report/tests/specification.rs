//! The page that documents the JSON is true.

use serde_json::Value;

use crate::{Inventory, SCHEMA};

const PAGE: &str = include_str!("../../../../../docs/spec/route-inventory.md");

fn examples() -> Vec<&'static str> {
    let blocks = PAGE.split("```json\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

/// Every name of a field, wherever it stands.
fn names(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                into.push(name.clone());
                // What stands in there has names of the application's.
                if name != "held" {
                    names(value, into);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| names(value, into)),
        _ => {}
    }
}

#[test]
fn the_example_is_what_is_written_and_what_is_read() {
    let [example] = examples()[..] else {
        panic!("the page has one example");
    };
    let inventory: Inventory = serde_json::from_str(example).unwrap();
    assert_eq!(inventory.schema, SCHEMA);
    let written = serde_json::to_value(&inventory).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(example).unwrap());
    let mut sorted = inventory.clone();
    sorted.sort();
    assert_eq!(sorted, inventory, "a document is in order");
}

#[test]
fn every_field_is_in_the_example_and_is_told() {
    let mut shown = Vec::new();
    names(&serde_json::from_str(examples()[0]).unwrap(), &mut shown);
    let mut sample = Vec::new();
    let whole = serde_json::to_value(super::sample::inventory()).unwrap();
    names(&whole, &mut sample);
    for name in sample.iter().chain(&shown) {
        assert!(shown.contains(name), "{name} is not in the example");
        assert!(
            PAGE.contains(&format!("| `{name}` |")),
            "{name} is not told"
        );
    }
    let rows = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    for name in rows.filter(|name| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }) {
        let value = format!("\"{name}\"");
        assert!(
            shown.iter().any(|one| one == name) || examples()[0].contains(&value) || is_value(name),
            "{name} is told and does not exist"
        );
    }
}

/// Whether it is a value of one of the fields, which an example need not all have.
fn is_value(name: &str) -> bool {
    let quoted = format!("\"{name}\"");
    serde_json::from_str::<crate::Kind>(&quoted).is_ok()
        || serde_json::from_str::<crate::Placement>(&quoted).is_ok()
}
