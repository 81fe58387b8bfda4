//! Records as events of the Open Cybersecurity Schema Framework, version 1.7.0.
//!
//! Each event has what its class requires, and nothing that the class does not know: what OCSF has no place for
//! stands under `unmapped`.

use serde_json::{Map, Value, json};

use super::actions::{Class, Place, place_of};
use super::event::{Actor, ActorKind, Event, Outcome, Severity};
use super::text;

/// The version of OCSF.
pub const OCSF: &str = "1.7.0";

/// The record as an OCSF event, in one line of ASCII without an end of line.
pub fn line(event: &Event) -> String {
    text::json(&document(event))
}

/// The record as an OCSF event.
pub fn document(event: &Event) -> Value {
    let place = place_in(event);
    let class = place.class;
    let (category, category_name) = class.category();
    let activity_name = class.activity(place.activity);
    let (severity, severity_name) = severity(event.severity);
    let mut members = json!({
        "activity_id": place.activity,
        "activity_name": activity_name,
        "category_uid": category,
        "category_name": category_name,
        "class_uid": class.uid(),
        "class_name": class.name(),
        "type_uid": class.uid() * 100 + place.activity,
        "type_name": format!("{}: {activity_name}", class.name()),
        "time": event.time.as_millis(),
        "severity_id": severity,
        "severity": severity_name,
        "message": event.sentence(),
        "metadata": metadata(event),
        "unmapped": unmapped(event),
    });
    if let Value::Object(members) = &mut members {
        status(event, class, members);
        if event.count > 1 {
            members.insert("count".to_owned(), event.count.into());
        }
        particulars(event, place, members);
    }
    members
}

/// The place of an action; a request of a gate by its method.
fn place_in(event: &Event) -> Place {
    let place = place_of(&event.action);
    let Some(method) = event
        .method
        .as_deref()
        .filter(|_| place.class == Class::Api)
    else {
        return place;
    };
    let activity = match method {
        "POST" => 1,
        "GET" | "HEAD" | "OPTIONS" => 2,
        "PUT" | "PATCH" => 3,
        "DELETE" => 4,
        _ => place.activity,
    };
    Place { activity, ..place }
}

const fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
    }
}

fn status(event: &Event, class: Class, members: &mut Map<String, Value>) {
    let (id, word) = match (class, event.outcome) {
        // A finding has a life of its own.
        (Class::Finding, _) if event.action == "anomaly.raise" => (1, "New"),
        (Class::Finding, _) => (2, "In Progress"),
        (_, Outcome::Allowed) => (1, "Success"),
        (_, Outcome::Denied) => (2, "Failure"),
    };
    members.insert("status_id".to_owned(), id.into());
    members.insert("status".to_owned(), word.into());
    if let Some(reason) = &event.reason {
        members.insert("status_code".to_owned(), reason.as_str().into());
    }
}

fn metadata(event: &Event) -> Value {
    let mut metadata = json!({
        "version": OCSF,
        "product": {
            "name": "Sealgate",
            "vendor_name": "Sealgate",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "uid": event.id,
        "event_code": event.action,
        "log_name": event.stream.as_str(),
        "log_provider": event.issuer,
        "original_time": text::time(event.time),
        "sequence": event.number,
    });
    if let Some(trace) = &event.trace {
        metadata["correlation_uid"] = trace.as_str().into();
    }
    if is_judged(event) {
        metadata["profiles"] = json!(["security_control"]);
    }
    metadata
}

/// Whether it is a decision of a gate: then its action is told by the profile for security controls.
fn is_judged(event: &Event) -> bool {
    event.gate.is_some()
}

/// What OCSF has no place for.
fn unmapped(event: &Event) -> Value {
    let mut rest = Map::new();
    let mut tell = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            rest.insert(name.to_owned(), value);
        }
    };
    let text = |value: &Option<String>| value.as_deref().map(Value::from);
    tell("outcome", Some(event.outcome.as_str().into()));
    tell("actor_kind", Some(event.actor.known().as_str().into()));
    tell("actor_id", text(&event.actor.id));
    let through = event.through.as_ref();
    tell("through_client", through.and_then(|one| text(&one.client)));
    tell(
        "through_session",
        through.and_then(|one| text(&one.session)),
    );
    tell("user", text(&event.user));
    tell("client", text(&event.client));
    tell("session", text(&event.session));
    tell("object", text(&event.object));
    tell("credential", text(&event.credential));
    tell("route", text(&event.route));
    tell("policy_version", event.policy_version.map(Value::from));
    tell("policies", text(&event.policies));
    tell("transport", text(&event.transport));
    tell("token", text(&event.token));
    let gate = event.gate.as_ref();
    tell("gate_client", gate.and_then(|one| text(&one.client)));
    tell("gate_name", gate.and_then(|one| text(&one.name)));
    tell("gate_instance", gate.and_then(|one| text(&one.instance)));
    tell("hash", text(&event.hash));
    Value::Object(rest)
}

/// What the class requires, and what it recommends.
fn particulars(event: &Event, place: Place, members: &mut Map<String, Value>) {
    let mut set = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    if place.class == Class::Finding {
        // A finding has no actor of its own: who it is about stands under `unmapped`.
        set("finding_info", finding(event));
        return;
    }
    set("actor", actor(event));
    set("src_endpoint", source(event));
    match place.class {
        Class::Authentication => {
            set("user", target(event));
            set(
                "service",
                json!({ "name": "Sealgate", "uid": event.issuer }),
            );
            set("auth_protocol", "OpenID".into());
            set("auth_protocol_id", 4.into());
            set("is_remote", true.into());
            if let Some(session) = &event.session {
                set("session", json!({ "uid": session, "issuer": event.issuer }));
            }
        }
        Class::AccountChange => set("user", target(event)),
        Class::AuthorizeSession => {
            set("user", target(event));
            if let Some(session) = &event.session {
                set("session", json!({ "uid": session, "issuer": event.issuer }));
            }
        }
        Class::UserAccess => {
            set("user", target(event));
            let object = event.object.as_ref().or(event.client.as_ref());
            let privilege = object.map_or_else(
                || place.about.to_owned(),
                |object| format!("{}: {object}", place.about),
            );
            set("privileges", json!([privilege]));
        }
        Class::Entity => set("entity", entity(event, place.about)),
        Class::Api => {
            let mut api = json!({
                "operation": event.route.as_deref().unwrap_or(&event.action),
                "service": { "name": "Sealgate", "uid": event.issuer },
            });
            if let Some(reason) = &event.reason {
                api["response"] = json!({ "error": reason });
            }
            if let Some(status) = event.status {
                api["response"]["code"] = status.into();
            }
            if let Some(method) = &event.method {
                set("http_request", json!({ "http_method": method }));
            }
            set("api", api);
        }
        Class::Finding => {}
    }
    if is_judged(event) {
        let (id, word) = match event.outcome {
            Outcome::Allowed => (1, "Allowed"),
            Outcome::Denied => (2, "Denied"),
        };
        set("action_id", id.into());
        set("action", word.into());
    }
}

fn actor(event: &Event) -> Value {
    let mut actor = json!({ "user": user(&event.actor) });
    if let Some(through) = &event.through {
        if let Some(client) = &through.client {
            actor["app_uid"] = client.as_str().into();
        }
        if let Some(session) = &through.session {
            actor["session"] = json!({ "uid": session });
        }
    }
    actor
}

/// Who, as a user object: it has a name or an id in any case.
fn user(actor: &Actor) -> Value {
    let (id, word) = match actor.known() {
        ActorKind::User => (1, "User"),
        ActorKind::Operator => (2, "Admin"),
        ActorKind::System => (3, "System"),
        ActorKind::Machine | ActorKind::Agent | ActorKind::Client => (4, "Service"),
        ActorKind::Anonymous => (0, "Unknown"),
    };
    let mut user = json!({ "type_id": id, "type": word });
    match &actor.id {
        Some(id) => user["uid"] = id.as_str().into(),
        None => user["name"] = actor.known().as_str().into(),
    }
    user
}

/// Whom it was about: the user, or the client, or whoever did it.
fn target(event: &Event) -> Value {
    let about = |kind, id: &String| Actor::of(kind, Some(id.clone()));
    let user_of = event.user.as_ref().map(|id| about(ActorKind::User, id));
    let client_of = event.client.as_ref().map(|id| about(ActorKind::Client, id));
    user(user_of.or(client_of).as_ref().unwrap_or(&event.actor))
}

fn source(event: &Event) -> Value {
    match (&event.network, event.actor.known()) {
        (Some(network), _) if network.parse::<std::net::IpAddr>().is_ok() => {
            json!({ "ip": network })
        }
        (Some(network), _) => json!({ "name": network }),
        (None, ActorKind::Operator | ActorKind::System) => json!({ "name": "localhost" }),
        (None, _) => json!({ "name": "unknown" }),
    }
}

fn entity(event: &Event, about: &str) -> Value {
    let own = match about {
        "client" | "service account" => &event.client,
        _ => &None,
    };
    let id = [own, &event.object, &event.client, &event.user];
    let id = id.into_iter().find_map(Option::as_ref);
    let mut entity = json!({ "type": about, "type_id": 99 });
    match id {
        Some(id) => entity["uid"] = id.as_str().into(),
        None => entity["name"] = about.into(),
    }
    entity
}

fn finding(event: &Event) -> Value {
    let rule = event.reason.as_deref().unwrap_or("anomaly");
    json!({
        "uid": event.object.as_deref().unwrap_or(&event.id),
        "title": rule,
        "desc": event.sentence(),
        "created_time": event.time.as_millis(),
        "analytic": { "type_id": 1, "type": "Rule", "uid": rule, "name": rule },
    })
}
