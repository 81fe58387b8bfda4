//! What there is, as a file that declares it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::state::{Client, ClientKind, Machine, Policy, State};

/// The name of the lock file that routes are written to.
const ROUTES: &str = "policies/routes.toml";

/// A declared file and those that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub text: String,
    /// The files that it names, by their name relative to it.
    pub files: BTreeMap<String, String>,
}

/// A file that declares `state` under the name `declaration`. What is as it is by default is left out, and so are
/// the keys that service accounts have registered: they replace them by themselves.
pub fn write(state: &State, declaration: &str) -> Written {
    let mut text = String::new();
    if declaration != crate::read::DEFAULT_NAME {
        let _ = writeln!(text, "declaration = {}\n", quoted(declaration));
    }
    for (id, client) in &state.client {
        section(&mut text, "client", id, &slim_client(client));
    }
    for (id, machine) in &state.machine {
        section(&mut text, "machine", id, &slim_machine(id, machine));
    }
    for (uri, resource) in &state.resource {
        section(&mut text, "resource", uri, &without_nothing(resource));
    }
    for (name, word) in &state.role {
        section(&mut text, "role", name, &members(word));
    }
    for (name, word) in &state.scope {
        section(&mut text, "scope", name, &members(word));
    }
    for (name, schedule) in &state.keys {
        section(&mut text, "keys", name, &members(schedule));
    }
    let mut files = BTreeMap::new();
    if let Some(policy) = &state.policy {
        policies(&mut text, policy, state, &mut files);
    }
    Written { text, files }
}

fn members<T: Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Without members that say nothing.
fn without_nothing<T: Serialize>(value: &T) -> Map<String, Value> {
    let mut map = members(value);
    map.retain(|_, value| !is_nothing(value));
    map
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Without what `usual` says of it anyway.
fn beside<T: Serialize>(value: &T, usual: &T, always: &[&str]) -> Map<String, Value> {
    let (mut map, usual) = (members(value), members(usual));
    map.retain(|name, value| {
        always.contains(&name.as_str()) || (usual.get(name) != Some(value) && !value.is_null())
    });
    map
}

fn slim_client(client: &Client) -> Map<String, Value> {
    let mut usual = Client::bare(&client.name, client.kind);
    if client.kind == ClientKind::Confidential
        && (client.jwks.is_some() || client.jwks_uri.is_some())
    {
        usual.authentication = Some(crate::Authentication::PrivateKeyJwt);
    }
    beside(client, &usual, &["name", "kind"])
}

fn slim_machine(id: &str, machine: &Machine) -> Map<String, Value> {
    let mut usual = machine.usual();
    usual.name = Some(id.to_owned());
    let mut slim = beside(machine, &usual, &["owner", "purpose", "expires_at"]);
    slim.remove("jwks");
    slim
}

fn policies(
    text: &mut String,
    policy: &Policy,
    state: &State,
    files: &mut BTreeMap<String, String>,
) {
    let source = &policy.policies;
    if !source.is_empty() {
        let mut table = Map::new();
        let names: Vec<Value> = source.files.keys().cloned().map(Value::String).collect();
        table.insert("files".to_owned(), Value::Array(names));
        files.extend(source.files.clone());
        if !source.routes.is_empty() {
            table.insert("routes".to_owned(), Value::Array(vec![ROUTES.into()]));
            files.insert(ROUTES.to_owned(), locked(&source.routes));
        }
        let own = source
            .roles
            .iter()
            .filter(|role| !state.role.contains_key(*role));
        let own: Vec<Value> = own.cloned().map(Value::String).collect();
        table.insert("roles".to_owned(), Value::Array(own));
        table.insert(
            "actions".to_owned(),
            Value::Object(members(&source.actions)),
        );
        table.insert(
            "resource".to_owned(),
            Value::Object(members(&source.resources)),
        );
        table.retain(|_, value| !is_nothing(value));
        table_of(text, "[policy]", &table);
    }
    let mapping = sealgate_policy::mapping::to_table(&policy.mapping);
    if !mapping.is_empty() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&mapping.to_string());
    }
}

/// A lock file that names routes and the actions that they ask for, and nothing else of them.
fn locked(routes: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut text = "version = 1\n".to_owned();
    for (route, actions) in routes {
        let words: Vec<String> = actions.iter().map(|one| format!("action={one}")).collect();
        let _ = writeln!(text, "\n[route.\"policies\".{}]", quoted(route));
        let _ = writeln!(text, "requires = {}", quoted(&words.join(" ")));
    }
    text
}

fn section(text: &mut String, kind: &str, id: &str, members: &Map<String, Value>) {
    table_of(text, &format!("[{kind}.{}]", key(id)), members);
}

fn table_of(text: &mut String, head: &str, members: &Map<String, Value>) {
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
    let _ = writeln!(text, "{head}");
    for (name, value) in members {
        let _ = writeln!(text, "{} = {}", key(name), inline(value, true));
    }
}

/// A key as it is written: bare where it may be.
fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if bare { name.to_owned() } else { quoted(name) }
}

/// A value on one line; a list or table at the top of several parts on more.
fn inline(value: &Value, top: bool) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().map(|one| inline(one, false)).collect();
            let line = format!("[{}]", parts.join(", "));
            if top && line.len() > 90 {
                format!("[\n    {},\n]", parts.join(",\n    "))
            } else {
                line
            }
        }
        Value::Object(map) => {
            let parts: Vec<String> = map
                .iter()
                .filter(|(_, one)| !one.is_null())
                .map(|(name, one)| format!("{} = {}", key(name), inline(one, false)))
                .collect();
            if parts.is_empty() {
                "{}".to_owned()
            } else {
                format!("{{ {} }}", parts.join(", "))
            }
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
