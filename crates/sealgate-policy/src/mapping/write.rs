//! A mapping written: as the JSON of a bundle, and as the tables of a file.

use sealgate_model::ClaimValue;
use serde_json::{Map, Value};

use super::Mapping;
use super::condition::{Condition, Pattern};
use super::rule::{Give, IssuerSays, Rule, When, Whose};

/// What a file says that declares this mapping: the tables `mapping` and `mapping_of`, those of both that say
/// something. It reads as the same mapping.
pub fn to_table(mapping: &Mapping) -> toml::Table {
    let mut table = toml::Table::new();
    for (name, file_name) in [("rules", "mapping"), ("of", "mapping_of")] {
        let value = mapping.to_value();
        if let Some(value) = value.get(name).and_then(toml) {
            table.insert(file_name.to_owned(), value);
        }
    }
    table
}

impl From<Mapping> for Value {
    fn from(mapping: Mapping) -> Self {
        mapping.to_value()
    }
}

impl Mapping {
    pub(super) fn to_value(&self) -> Value {
        let mut members = Map::new();
        let rules: Vec<Value> = self.rules().iter().map(rule).collect();
        put_list(&mut members, "rules", rules);
        let of = self.of().iter();
        let of: Map<String, Value> = of
            .map(|(whose, says)| (whose.to_string(), issuer(*says)))
            .collect();
        put_object(&mut members, "of", of);
        Value::Object(members)
    }
}

fn rule(rule: &Rule) -> Value {
    let mut members = Map::new();
    if let Some(name) = &rule.name {
        members.insert("name".to_owned(), Value::from(name.as_str()));
    }
    if rule.everybody {
        members.insert("everybody".to_owned(), Value::Bool(true));
    }
    put_object(&mut members, "when", when(&rule.when));
    put_object(&mut members, "give", give(&rule.give));
    Value::Object(members)
}

fn when(when: &When) -> Map<String, Value> {
    let mut members = Map::new();
    put_each(
        &mut members,
        "issuer",
        when.issuer
            .iter()
            .map(Whose::as_str)
            .map(Value::from)
            .collect(),
    );
    put_each(
        &mut members,
        "client",
        when.client.iter().map(pattern).collect(),
    );
    put_each(
        &mut members,
        "tenant",
        when.tenant.iter().map(pattern).collect(),
    );
    put_each(
        &mut members,
        "actor",
        when.actor
            .iter()
            .map(|kind| Value::from(kind.as_str()))
            .collect(),
    );
    for (name, asked) in [
        ("group", &when.group),
        ("scope", &when.scope),
        ("role", &when.role),
    ] {
        if !asked.is_empty() {
            members.insert(name.to_owned(), condition(asked));
        }
    }
    let claims = when
        .claim
        .iter()
        .map(|(path, asked)| (path.to_string(), condition(asked)));
    put_object(&mut members, "claim", claims.collect());
    members
}

fn give(give: &Give) -> Map<String, Value> {
    let texts = |list: &[String]| list.iter().map(|text| Value::from(text.as_str())).collect();
    let mut members = Map::new();
    put_list(&mut members, "roles", texts(&give.roles));
    put_list(&mut members, "scopes", texts(&give.scopes));
    if let Some(actor) = give.actor {
        members.insert("actor".to_owned(), Value::from(actor.as_str()));
    }
    members
}

fn issuer(says: IssuerSays) -> Value {
    let said = [
        ("roles", says.roles),
        ("scopes", says.scopes),
        ("actor", says.actor),
    ];
    let said = said.into_iter().filter_map(|(name, counts)| {
        counts.map(|counts| (name.to_owned(), Value::from(counts.as_str())))
    });
    Value::Object(said.collect())
}

fn condition(asked: &Condition) -> Value {
    let mut members = Map::new();
    put_each(&mut members, "any", asked.any.iter().map(pattern).collect());
    put_each(&mut members, "all", asked.all.iter().map(pattern).collect());
    put_each(&mut members, "is", asked.is.iter().map(literal).collect());
    put_each(&mut members, "has", asked.has.iter().map(literal).collect());
    if asked.present {
        members.insert("present".to_owned(), Value::Bool(true));
    }
    // What is asked most has the short form.
    if members.len() == 1
        && let Some(any) = members.remove("any")
    {
        return any;
    }
    Value::Object(members)
}

fn pattern(pattern: &Pattern) -> Value {
    match pattern {
        Pattern::Whole(value) => literal(value),
        Pattern::Prefix(prefix) => Value::String(format!("{prefix}*")),
    }
}

fn literal(value: &ClaimValue) -> Value {
    match value {
        ClaimValue::Flag(flag) => Value::Bool(*flag),
        ClaimValue::Number(number) => Value::from(*number),
        ClaimValue::Text(text) => Value::String(text.clone()),
    }
}

/// One value by itself, several as a list.
fn put_each(members: &mut Map<String, Value>, name: &str, mut values: Vec<Value>) {
    let value = match values.len() {
        0 => return,
        1 => values.remove(0),
        _ => Value::Array(values),
    };
    members.insert(name.to_owned(), value);
}

fn put_list(members: &mut Map<String, Value>, name: &str, values: Vec<Value>) {
    if !values.is_empty() {
        members.insert(name.to_owned(), Value::Array(values));
    }
}

fn put_object(members: &mut Map<String, Value>, name: &str, object: Map<String, Value>) {
    if !object.is_empty() {
        members.insert(name.to_owned(), Value::Object(object));
    }
}

/// Nothing for what TOML has no word for, which no mapping has in it.
fn toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => toml::Value::Boolean(*flag),
        Value::Number(number) => toml::Value::Integer(number.as_i64()?),
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(list) => toml::Value::Array(list.iter().filter_map(toml).collect()),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.filter_map(|(name, value)| Some((name.clone(), toml(value)?)));
            toml::Value::Table(members.collect())
        }
    })
}
