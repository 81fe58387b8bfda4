//! What a version says, in parts that people read: the mapping, what is declared, and each file of policies.

use sealgate_policy::{Document, mapping};

/// The parts of a document by their names, in the order in which they are read.
pub(super) fn parts(document: &Document) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    let mapping = toml::to_string_pretty(&mapping::to_table(&document.mapping));
    push(&mut parts, "mapping", mapping.unwrap_or_default());
    let mut declared = document.policies.clone();
    let files = std::mem::take(&mut declared.files);
    let declared = serde_json::to_value(&declared).unwrap_or_default();
    let declared = declared.as_object().filter(|members| {
        let empty =
            |value: &serde_json::Value| value.as_object().is_some_and(serde_json::Map::is_empty);
        members.values().any(|value| !empty(value))
    });
    let declared = declared.and_then(|members| serde_json::to_string_pretty(members).ok());
    push(
        &mut parts,
        "resources, actions, routes and roles",
        declared.unwrap_or_default(),
    );
    for (name, text) in files {
        push(&mut parts, &name, text);
    }
    parts
}

fn push(parts: &mut Vec<(String, String)>, name: &str, text: String) {
    if !text.trim().is_empty() {
        parts.push((name.to_owned(), text));
    }
}
