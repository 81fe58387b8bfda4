//! A mapping read from a file that declares it, or from the JSON of a bundle: both say the same in the same words.

use std::collections::{BTreeMap, BTreeSet};

use sealgate_model::{ActorKind, ClaimValue};
use serde_json::{Map, Value};

use super::Mapping;
use super::condition::{Condition, Pattern};
use super::error::{MappingError, Step};
use super::limits::{
    CLAIMS_MOST, ISSUERS_MOST, NAME_BYTES_MOST, RULES_MOST, TEXT_BYTES_MOST, VALUES_MOST,
};
use super::path::ClaimPath;
use super::rule::{Counts, Give, IssuerSays, Rule, When, Whose};
use crate::error::PolicyError;

/// What the control plane's own roles and scopes begin with: nobody gets them by a mapping.
const RESERVED: &str = "sealgate:";
/// Scopes that mean something to issuers alone.
const OF_ISSUERS: [&str; 2] = ["openid", "offline_access"];

pub(super) type Read<T> = Result<T, MappingError>;

/// Reads what `document`, a whole declaring file, says of mappings: its tables `[[mapping]]` and `[mapping_of]`.
/// Its other tables are left alone.
///
/// # Errors
/// [`PolicyError::Mapping`], which knows the place in the file once it is told the text:
/// [`MappingError::located`].
pub fn read(document: &toml::Table) -> Result<Mapping, PolicyError> {
    let at = At::top();
    let rules = match document.get("mapping") {
        None => Vec::new(),
        Some(rules) => self::rules(&json(rules, &at.name("mapping"))?, &at.name("mapping"))?,
    };
    let of = match document.get("mapping_of") {
        None => BTreeMap::new(),
        Some(of) => self::of(&json(of, &at.name("mapping_of"))?, &at.name("mapping_of"))?,
    };
    Ok(Mapping::new(rules, of)?)
}

/// Reads the text of such a file. Errors say the line.
///
/// # Errors
/// [`PolicyError::Malformed`] where it is no TOML; as [`read`].
pub fn read_text(text: &str) -> Result<Mapping, PolicyError> {
    let document: toml::Table =
        toml::from_str(text).map_err(|error| PolicyError::Malformed(error.to_string()))?;
    read(&document).map_err(|error| match error {
        PolicyError::Mapping(error) => PolicyError::Mapping(error.located(text)),
        other => other,
    })
}

impl TryFrom<Value> for Mapping {
    type Error = MappingError;

    /// Reads a bundle's mapping.
    fn try_from(value: Value) -> Read<Self> {
        let at = At::top();
        let mut members = Members::of(&value, &at)?;
        let rules = members.take("rules", rules)?.unwrap_or_default();
        let of = members.take("of", of)?.unwrap_or_default();
        members.end()?;
        Self::new(rules, of)
    }
}

/// The way from the top of the file to what is being read.
#[derive(Clone)]
pub(super) struct At(Vec<Step>);

impl At {
    pub(super) const fn top() -> Self {
        Self(Vec::new())
    }

    pub(super) fn name(&self, name: &str) -> Self {
        self.step(Step::Name(name.to_owned()))
    }

    pub(super) fn number(&self, number: usize) -> Self {
        self.step(Step::Number(number))
    }

    fn step(&self, step: Step) -> Self {
        let mut way = self.0.clone();
        way.push(step);
        Self(way)
    }

    pub(super) fn wrong(&self, why: impl Into<String>) -> MappingError {
        self.error("mapping_malformed", why)
    }

    pub(super) fn too_many(&self, what: &str, most: usize) -> MappingError {
        self.error(
            "mapping_oversize",
            format!("there are more {what} than {most}"),
        )
    }

    pub(super) fn error(&self, code: &'static str, why: impl Into<String>) -> MappingError {
        MappingError {
            code,
            at: self.0.clone(),
            why: why.into(),
            place: None,
        }
    }
}

/// The members of an object, each taken once; what is left is not known.
struct Members<'a> {
    left: BTreeMap<&'a str, &'a Value>,
    at: At,
}

impl<'a> Members<'a> {
    fn of(value: &'a Value, at: &At) -> Read<Self> {
        let members = object(value, at)?;
        Ok(Self {
            left: members
                .iter()
                .map(|(name, value)| (name.as_str(), value))
                .collect(),
            at: at.clone(),
        })
    }

    fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value, &At) -> Read<T>,
    ) -> Read<Option<T>> {
        let found = self.left.remove(name);
        found
            .map(|value| read(value, &self.at.name(name)))
            .transpose()
    }

    fn end(self) -> Read<()> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(self.at.name(name).wrong("this is not known here")),
        }
    }
}

fn object<'a>(value: &'a Value, at: &At) -> Read<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| at.wrong("this is a table"))
}

/// What a file says, as JSON has it. Times and fractions have no place in a mapping.
fn json(value: &toml::Value, at: &At) -> Read<Value> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text.clone()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::Bool(*flag),
        toml::Value::Float(_) | toml::Value::Datetime(_) => {
            return Err(at.wrong("a value is a text, an integer, true or false"));
        }
        toml::Value::Array(list) => {
            let values = list.iter().enumerate();
            let values = values.map(|(number, value)| json(value, &at.number(number)));
            Value::Array(values.collect::<Read<_>>()?)
        }
        toml::Value::Table(table) => {
            let members = table.iter();
            let members =
                members.map(|(name, value)| Ok((name.clone(), json(value, &at.name(name))?)));
            Value::Object(members.collect::<Read<_>>()?)
        }
    })
}

fn rules(value: &Value, at: &At) -> Read<Vec<Rule>> {
    let list = value
        .as_array()
        .ok_or_else(|| at.wrong("write each rule as [[mapping]]"))?;
    if list.len() > RULES_MOST {
        return Err(at.too_many("rules", RULES_MOST));
    }
    let rules = list.iter().enumerate();
    rules
        .map(|(number, value)| rule(value, &at.number(number)))
        .collect()
}

fn rule(value: &Value, at: &At) -> Read<Rule> {
    let mut members = Members::of(value, at)?;
    let rule = Rule {
        name: members.take("name", name)?,
        everybody: members.take("everybody", flag)?.unwrap_or_default(),
        when: members.take("when", when)?.unwrap_or_default(),
        give: members.take("give", give)?.unwrap_or_default(),
    };
    members.end()?;
    Ok(rule)
}

fn when(value: &Value, at: &At) -> Read<When> {
    let mut members = Members::of(value, at)?;
    let when = When {
        issuer: members
            .take("issuer", |value, at| each(value, at, whose))?
            .unwrap_or_default(),
        client: members
            .take("client", |value, at| each(value, at, pattern))?
            .unwrap_or_default(),
        tenant: members
            .take("tenant", |value, at| each(value, at, pattern))?
            .unwrap_or_default(),
        actor: members
            .take("actor", |value, at| each(value, at, kind))?
            .map(BTreeSet::from_iter)
            .unwrap_or_default(),
        group: members.take("group", condition)?.unwrap_or_default(),
        scope: members.take("scope", condition)?.unwrap_or_default(),
        role: members.take("role", condition)?.unwrap_or_default(),
        claim: members.take("claim", claims)?.unwrap_or_default(),
    };
    members.end()?;
    Ok(when)
}

fn give(value: &Value, at: &At) -> Read<Give> {
    let mut members = Members::of(value, at)?;
    let give = Give {
        roles: members
            .take("roles", |value, at| each(value, at, role))?
            .unwrap_or_default(),
        scopes: members
            .take("scopes", |value, at| each(value, at, scope))?
            .unwrap_or_default(),
        actor: members.take("actor", kind)?,
    };
    members.end()?;
    Ok(give)
}

fn of(value: &Value, at: &At) -> Read<BTreeMap<Whose, IssuerSays>> {
    let issuers = object(value, at)?;
    if issuers.len() > ISSUERS_MOST {
        return Err(at.too_many("issuers", ISSUERS_MOST));
    }
    let one = |(name, value): (&String, &Value)| {
        let at = at.name(name);
        let whose = whose(&Value::String(name.clone()), &at)?;
        if whose == Whose::Anybody {
            return Err(at.wrong("say it of each issuer by itself"));
        }
        let mut members = Members::of(value, &at)?;
        let says = IssuerSays {
            roles: members.take("roles", counts)?,
            scopes: members.take("scopes", counts)?,
            actor: members.take("actor", counts)?,
        };
        members.end()?;
        Ok((whose, says))
    };
    issuers.iter().map(one).collect()
}

/// One value, or a list of some; each once.
fn each<T: PartialEq>(
    value: &Value,
    at: &At,
    one: impl Fn(&Value, &At) -> Read<T>,
) -> Read<Vec<T>> {
    let Value::Array(list) = value else {
        return Ok(vec![one(value, at)?]);
    };
    if list.is_empty() {
        return Err(at.wrong("an empty list fits nothing: name a value, or leave it out"));
    }
    if list.len() > VALUES_MOST {
        return Err(at.too_many("values", VALUES_MOST));
    }
    let mut all = Vec::with_capacity(list.len());
    for (number, value) in list.iter().enumerate() {
        let at = at.number(number);
        let value = one(value, &at)?;
        if all.contains(&value) {
            return Err(at.wrong("this is there twice"));
        }
        all.push(value);
    }
    Ok(all)
}

fn text<'a>(value: &'a Value, at: &At) -> Read<&'a str> {
    let text = value.as_str().ok_or_else(|| at.wrong("this is a text"))?;
    if text.is_empty() || text.len() > TEXT_BYTES_MOST || text.contains(char::is_control) {
        return Err(at.wrong("a text has 1 to 255 bytes and no control characters"));
    }
    Ok(text)
}

fn name(value: &Value, at: &At) -> Read<String> {
    let name = text(value, at)?;
    if name.len() > NAME_BYTES_MOST {
        return Err(at.wrong("a name has at most 100 bytes"));
    }
    Ok(name.to_owned())
}

fn flag(value: &Value, at: &At) -> Read<bool> {
    value
        .as_bool()
        .ok_or_else(|| at.wrong("this is true or false"))
}

fn kind(value: &Value, at: &At) -> Read<ActorKind> {
    let kinds = [ActorKind::User, ActorKind::Machine, ActorKind::Agent];
    let text = value.as_str().unwrap_or_default();
    let found = kinds.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| at.wrong("an actor is user, machine or agent"))
}

fn counts(value: &Value, at: &At) -> Read<Counts> {
    match value.as_str() {
        Some("told") => Ok(Counts::Told),
        Some("mapped") => Ok(Counts::Mapped),
        _ => Err(at.wrong("this is told or mapped")),
    }
}

fn whose(value: &Value, at: &At) -> Read<Whose> {
    match text(value, at)? {
        "own" => Ok(Whose::Own),
        "*" => Ok(Whose::Anybody),
        // Part of an issuer's identifier is nobody's: what begins like it may be anybody's host.
        issuer if issuer.contains('*') => {
            Err(at.wrong("an issuer is named whole; `*` alone is every issuer that gates believe"))
        }
        issuer if issuer.starts_with("https://") || issuer.starts_with("http://") => {
            Ok(Whose::Issuer(issuer.to_owned()))
        }
        _ => Err(at.wrong("an issuer is own, * or the URL that its credentials name")),
    }
}

fn role(value: &Value, at: &At) -> Read<String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    let role = value.as_str().unwrap_or_default();
    if !(1..=64).contains(&role.len()) || !role.bytes().all(allowed) {
        return Err(at.wrong("a role is 1 to 64 of A-Z a-z 0-9 - _ . :"));
    }
    unreserved(role, at)
}

/// A scope as OAuth has it (RFC 6749, 3.3).
fn scope(value: &Value, at: &At) -> Read<String> {
    let allowed = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    let scope = value.as_str().unwrap_or_default();
    if !(1..=TEXT_BYTES_MOST).contains(&scope.len()) || !scope.bytes().all(allowed) {
        return Err(
            at.wrong("a scope is 1 to 255 printable characters without space, quote and backslash")
        );
    }
    if OF_ISSUERS.contains(&scope) {
        return Err(at.wrong("this scope means something to issuers alone"));
    }
    unreserved(scope, at)
}

fn unreserved(name: &str, at: &At) -> Read<String> {
    if name.starts_with(RESERVED) {
        return Err(at.wrong(
            "what begins with sealgate: is the control plane's own, and no mapping gives it",
        ));
    }
    Ok(name.to_owned())
}

fn literal(value: &Value, at: &At) -> Read<ClaimValue> {
    match value {
        Value::Bool(flag) => Ok(ClaimValue::Flag(*flag)),
        Value::Number(number) => number
            .as_i64()
            .map(ClaimValue::Number)
            .ok_or_else(|| at.wrong("a number is an integer of 64 bits")),
        Value::String(_) => Ok(ClaimValue::Text(text(value, at)?.to_owned())),
        _ => Err(at.wrong("a value is a text, an integer, true or false")),
    }
}

fn pattern(value: &Value, at: &At) -> Read<Pattern> {
    let ClaimValue::Text(text) = literal(value, at)? else {
        return literal(value, at).map(Pattern::Whole);
    };
    let prefix = text.strip_suffix('*');
    if prefix.unwrap_or(&text).contains('*') {
        return Err(at.wrong("a `*` stands at the end alone; `is` and `has` take it as it is"));
    }
    Ok(match prefix {
        Some(prefix) => Pattern::Prefix(prefix.to_owned()),
        None => Pattern::Whole(ClaimValue::Text(text)),
    })
}

fn condition(value: &Value, at: &At) -> Read<Condition> {
    if !value.is_object() {
        return Ok(Condition::any(each(value, at, pattern)?));
    }
    let mut members = Members::of(value, at)?;
    let condition = Condition {
        any: members
            .take("any", |value, at| each(value, at, pattern))?
            .unwrap_or_default(),
        all: members
            .take("all", |value, at| each(value, at, pattern))?
            .unwrap_or_default(),
        is: members
            .take("is", |value, at| each(value, at, literal))?
            .unwrap_or_default(),
        has: members
            .take("has", |value, at| each(value, at, literal))?
            .unwrap_or_default(),
        present: match members.take("present", flag)? {
            Some(false) => {
                return Err(at
                    .name("present")
                    .wrong("conditions are positive: nothing is asked to be missing"));
            }
            present => present.is_some(),
        },
    };
    members.end()?;
    if condition.is_empty() {
        return Err(at.wrong("say any, all, is, has or present = true"));
    }
    Ok(condition)
}

fn claims(value: &Value, at: &At) -> Read<BTreeMap<ClaimPath, Condition>> {
    let members = object(value, at)?;
    if members.len() > CLAIMS_MOST {
        return Err(at.too_many("claims", CLAIMS_MOST));
    }
    let mut claims = BTreeMap::new();
    for (name, value) in members {
        let at = at.name(name);
        let path = ClaimPath::parse(name).map_err(|why| at.wrong(why))?;
        if claims.insert(path, condition(value, &at)?).is_some() {
            return Err(at.wrong("the same claim is there under another spelling"));
        }
    }
    Ok(claims)
}
