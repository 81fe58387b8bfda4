//! Actors, resources and values, as they are written on a command line.

use std::collections::BTreeMap;
use std::str::FromStr;

use sealgate_model::{Actor, Agent, Machine, User};
use sealgate_policy::cedar::{Kind, Resource, Value};
use serde_json::Value as Json;

use crate::failure::Failure;

const WRONG: &str = "an actor is user:ID, machine:ID or agent:ID, and behind commas roles=A+B, scopes=A+B, tenant=NAME, \
                     client=ID, acr=NAME or user=ID";

/// An actor.
#[derive(Debug, Clone)]
pub(super) struct Who(Actor);

impl Who {
    pub(super) const fn actor(&self) -> &Actor {
        &self.0
    }
}

impl FromStr for Who {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, rest) = text.split_once(':').ok_or(WRONG)?;
        let mut parts = rest.split(',');
        let id = parts.next().filter(|id| !id.is_empty()).ok_or(WRONG)?;
        let mut told: BTreeMap<&str, &str> = BTreeMap::new();
        for part in parts {
            let (name, value) = part.split_once('=').ok_or(WRONG)?;
            if value.is_empty() || told.insert(name, value).is_some() {
                return Err(WRONG);
            }
        }
        let id = id.to_owned();
        let mut one = |name| told.remove(name).map(str::to_owned);
        let names = |text: Option<String>| -> Vec<String> {
            let text = text.unwrap_or_default();
            text.split('+')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let (roles, scopes, tenant) = (names(one("roles")), names(one("scopes")), one("tenant"));
        let actor = match kind {
            "user" => Actor::User(User {
                acr: one("acr"),
                client: one("client"),
                id,
                roles,
                scopes,
                tenant,
                ..User::default()
            }),
            "machine" => Actor::Machine(Machine {
                client: one("client").unwrap_or_else(|| id.clone()),
                id,
                roles,
                scopes,
                tenant,
            }),
            "agent" => Actor::Agent(Agent {
                user: one("user").map(|id| {
                    Box::new(User {
                        id,
                        // What an agent has of roles are those of its user.
                        roles: roles.clone(),
                        tenant: tenant.clone(),
                        ..User::default()
                    })
                }),
                id,
                roles,
                scopes,
                tenant,
                ..Agent::default()
            }),
            _ => return Err(WRONG),
        };
        if told.is_empty() {
            Ok(Self(actor))
        } else {
            Err(WRONG)
        }
    }
}

/// `NAME=VALUE`.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) value: String,
}

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// A resource: `Expense:e1`, `Expense::"e1"`, or the name of a route.
pub(super) fn resource(text: &str) -> Result<Resource, Failure> {
    let wrong = || {
        let said = format!("{text:?} is no resource");
        Failure::usage("policy_resource_wrong", said)
            .with_hint("write KIND:ID, or a route such as \"GET /expenses/{id}\"")
    };
    // A route has a space between its methods and its path, and no kind has one.
    if let Some((methods, path)) = text.split_once(' ')
        && path.starts_with('/')
        && !methods.contains(':')
    {
        return Ok(Resource::route(text));
    }
    let (kind, id) = text.split_once(':').ok_or_else(wrong)?;
    let id = match id.strip_prefix(":\"").and_then(|id| id.strip_suffix('"')) {
        Some(id) => id,
        None => id,
    };
    if kind.is_empty() || id.is_empty() {
        return Err(wrong());
    }
    if kind == "Route" {
        return Ok(Resource::route(id));
    }
    Ok(Resource::new(kind, id))
}

/// A value of a declared type. Sets and tables are written as JSON.
pub(super) fn value(kind: &Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Set(_) | Kind::Record(_) => {
            let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
            of_json(kind, &json)
        }
        Kind::Long => text
            .parse()
            .map(Value::Long)
            .map_err(|_| "it is no integer".to_owned()),
        Kind::Bool => text
            .parse()
            .map(Value::Bool)
            .map_err(|_| "write true or false".to_owned()),
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Decimal => Ok(Value::Decimal(text.to_owned())),
        Kind::Ip => Ok(Value::Ip(text.to_owned())),
        Kind::Entity(name) => Ok(match text.split_once("::\"") {
            Some((kind, id)) if kind == name => {
                Value::Text(id.strip_suffix('"').unwrap_or(id).to_owned())
            }
            _ => Value::Text(text.to_owned()),
        }),
        Kind::Moment => {
            let at: Result<jiff::Timestamp, _> = text.parse();
            at.map(|at| Value::Moment(at.as_millisecond()))
                .map_err(|_| "write a time such as 2026-11-22T09:05Z".to_owned())
        }
        Kind::Duration => {
            let span: Result<jiff::SignedDuration, _> = text.parse();
            let millis = span
                .ok()
                .and_then(|span| i64::try_from(span.as_millis()).ok());
            millis
                .map(Value::Duration)
                .ok_or_else(|| "write a duration such as 1h30m".to_owned())
        }
    }
}

fn of_json(kind: &Kind, json: &Json) -> Result<Value, String> {
    match (kind, json) {
        (Kind::Set(of), Json::Array(values)) => {
            let values = values.iter().map(|value| of_json(of, value));
            values.collect::<Result<_, _>>().map(Value::Set)
        }
        (Kind::Record(declared), Json::Object(fields)) => {
            let fields = fields.iter().map(|(name, value)| {
                let attribute = declared.0.get(name);
                let attribute = attribute.ok_or_else(|| format!("{name} is not declared"))?;
                Ok((name.clone(), of_json(&attribute.kind, value)?))
            });
            fields.collect::<Result<_, String>>().map(Value::Record)
        }
        (Kind::Set(_) | Kind::Record(_), _) => Err(format!("it is no {kind}")),
        (_, Json::String(text)) => value(kind, text),
        (Kind::Long | Kind::Bool | Kind::Decimal, Json::Number(_) | Json::Bool(_)) => {
            value(kind, &json.to_string())
        }
        _ => Err(format!("it is no {kind}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_are_read_with_what_is_known_of_them() {
        let who: Who = "user:u1,roles=approver+employee,tenant=acme,acr=mfa"
            .parse()
            .unwrap();
        let Actor::User(user) = who.actor() else {
            panic!("{who:?}");
        };
        assert_eq!(user.roles, ["approver", "employee"]);
        assert_eq!(user.acr.as_deref(), Some("mfa"));
        let who: Who = "agent:a1,user=u1,scopes=expenses:read".parse().unwrap();
        let Actor::Agent(agent) = who.actor() else {
            panic!("{who:?}");
        };
        assert_eq!(agent.user.as_ref().unwrap().id, "u1");
        assert_eq!(agent.scopes, ["expenses:read"]);
        for wrong in [
            "u1",
            "user:",
            "human:u1",
            "user:u1,role=a",
            "machine:m,acr=x",
            "user:u1,roles=a,roles=b",
        ] {
            assert!(wrong.parse::<Who>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn resources_are_named_or_routes() {
        assert_eq!(
            resource("Expense:e1").unwrap(),
            Resource::new("Expense", "e1")
        );
        assert_eq!(
            resource("Expense::\"e:1\"").unwrap(),
            Resource::new("Expense", "e:1")
        );
        assert_eq!(
            resource("GET /a/{id}").unwrap(),
            Resource::route("GET /a/{id}")
        );
        assert_eq!(
            resource("Route::\"GET /a\"").unwrap(),
            Resource::route("GET /a")
        );
        assert!(resource("Expense").is_err() && resource("Expense:").is_err());
    }

    #[test]
    fn values_are_read_by_their_declared_types() {
        let set: Kind = "Set<Long>".parse().unwrap();
        assert_eq!(
            value(&set, "[1, 2]").unwrap(),
            Value::Set(vec![Value::Long(1), Value::Long(2)])
        );
        assert!(value(&set, "[\"a\"]").is_err() && value(&set, "7").is_err());
        assert_eq!(
            value(&Kind::Moment, "1970-01-01T00:00:01Z").unwrap(),
            Value::Moment(1_000)
        );
        assert_eq!(
            value(&Kind::Duration, "1h").unwrap(),
            Value::Duration(3_600_000)
        );
        let user: Kind = "User".parse().unwrap();
        assert_eq!(
            value(&user, "User::\"u1\"").unwrap(),
            Value::Text("u1".to_owned())
        );
        assert!(value(&Kind::Bool, "yes").is_err());
    }
}
