//! The API described (`OpenAPI` 3.1): what the handlers say of themselves, and what holds for all of them.

use sealgate_model::Issuer;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::admin_scopes;

/// The name of the security scheme that handlers name with the scope they need.
const SCHEME: &str = "oauth2";

/// The same with a token that is bound to a key.
const BOUND: &str = "dpop";

const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

const ABOUT: &str = "\
Accounts, clients, service accounts, issuers of identities, resources, sessions, delegations, consents, signing keys, the revocation feed and the audit log of a Sealgate control plane.

On the socket in the data directory the machine's operator needs no token. Over the network, where the \
setting `admin.http` opens it, each request carries an access token for the resource `<issuer>/api/v1`, \
presented as `Bearer` or, bound to a key, as `DPoP` with a nonce. A user's token counts only while the user \
has the role `admin`. Nobody can give more of these scopes than their own token has.

Times are milliseconds since 1970. Members and parameters that are not described are refused. A refusal is \
`application/problem+json` with a stable `reason`. In a change, absent members stay as they are.";

/// The whole description, for the API of `issuer`.
pub(super) fn of(issuer: &Issuer) -> Value {
    let mut document = bare();
    document["info"] = json!({
        "title": "Sealgate administration",
        "description": ABOUT,
        "version": env!("CARGO_PKG_VERSION"),
        "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
    });
    document["servers"] =
        json!([{ "url": admin_scopes::resource(issuer), "description": "This control plane" }]);
    document["tags"] = tags();
    document["components"]["securitySchemes"] = schemes(issuer);
    document
}

/// The operations and their schemas, without what depends on the issuer.
pub(super) fn bare() -> Value {
    let (_, described): (axum::Router<_>, OpenApi) = super::operations().split_for_parts();
    // What it holds are strings, numbers, lists and maps with names.
    let mut document = serde_json::to_value(described).unwrap_or_default();
    for operation in operations_of(&mut document) {
        complete(operation);
    }
    document
}

/// Every operation of a description.
fn operations_of(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document["paths"].as_object_mut();
    paths
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.iter_mut())
        .filter(|(method, _)| METHODS.contains(&method.as_str()))
        .filter_map(|(_, operation)| operation.as_object_mut())
}

/// Adds what is the same everywhere: how a token may be presented, and the refusals that any operation
/// may answer with. Those that a handler names of itself get the form of a problem.
fn complete(operation: &mut Map<String, Value>) {
    let scopes = operation
        .get("security")
        .and_then(|security| security.get(0)?.get(SCHEME).cloned());
    let protected = scopes.is_some();
    if let Some(scopes) = scopes {
        operation.insert(
            "security".to_owned(),
            json!([{ SCHEME: scopes }, { BOUND: scopes }]),
        );
    }
    let has_body = operation.contains_key("requestBody");
    let changes = scopes_of(operation).any(|scope| scope.ends_with(":write"));
    let responses = operation
        .entry("responses")
        .or_insert_with(|| json!({}))
        .as_object_mut();
    let Some(responses) = responses else {
        return;
    };
    let mut known = vec![
        (
            400,
            "The request is not of the form that is described here.",
        ),
        (
            500,
            "Something went wrong in the control plane; it is in its log.",
        ),
        (
            503,
            "The control plane cannot do this now; try again after `Retry-After` seconds.",
        ),
    ];
    if protected {
        known.push((
            401,
            "Over the network: there is no access token that is good here.",
        ));
        known.push((
            403,
            "Over the network: the access token is not enough for this.",
        ));
    }
    if has_body {
        known.push((408, "The body did not arrive in time."));
        known.push((413, "The body is longer than 64 KiB."));
        known.push((415, "The body is not `application/json`."));
    }
    for (status, description) in known {
        responses
            .entry(status.to_string())
            .or_insert_with(|| json!({ "description": description }));
    }
    for (status, response) in responses {
        if !status.starts_with(['4', '5']) {
            if changes {
                response["headers"] = json!({ "Sealgate-Revocation": {
                    "description": "Where the revocation log stands after this: `EPOCH.SEQ`. The receipt for that number proves whatever this revoked.",
                    "schema": { "type": "string" },
                }});
            }
            continue;
        }
        response["content"] = json!({ "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/ProblemPage" },
        }});
        if status == "401" {
            response["headers"] = json!({ "WWW-Authenticate": {
                "description": "What is missing or wrong, for each way of presenting a token.",
                "schema": { "type": "string" },
            }});
        }
        if status == "503" {
            response["headers"] = json!({ "Retry-After": {
                "description": "Seconds to wait.",
                "schema": { "type": "string", "pattern": "^[0-9]+$" },
            }});
        }
    }
}

/// The scopes that an operation needs.
fn scopes_of(operation: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let needed = operation
        .get("security")
        .and_then(|security| security.get(0)?.get(SCHEME)?.as_array());
    needed.into_iter().flatten().filter_map(Value::as_str)
}

fn tags() -> Value {
    json!([
        { "name": "users", "description": "Accounts of people" },
        { "name": "clients", "description": "Applications and machines that get tokens" },
        { "name": "machines", "description": "Service accounts: whose they are, what they use, when they end" },
        { "name": "issuers", "description": "Other issuers, whose word for machines or people is taken (RFC 7523)" },
        { "name": "resources", "description": "What tokens can be for (RFC 8707)" },
        { "name": "sessions", "description": "Sign-ins of people on clients" },
        { "name": "delegations", "description": "Clients that act for people out of sessions (RFC 8693)" },
        { "name": "consents", "description": "What people have granted clients" },
        { "name": "agents", "description": "AI agents, and who lets them act" },
        { "name": "keys", "description": "The keys that sign tokens" },
        { "name": "feed", "description": "The revocation feed: who follows it, what it told, who has applied it" },
        { "name": "policies", "description": "The versions of what gates decide by, and which gates have which" },
        { "name": "state", "description": "Everything that can be declared: as it is, planned and applied as one" },
        { "name": "signals", "description": "Streams of security events to other systems" },
        { "name": "audit", "description": "The record of everything that was done or refused" },
        { "name": "server", "description": "How the control plane is set, and what it offers" },
        { "name": "description", "description": "This document" },
    ])
}

fn schemes(issuer: &Issuer) -> Value {
    let scopes: Map<String, Value> = admin_scopes::ALL
        .iter()
        .map(|(name, words)| ((*name).to_owned(), json!(words)))
        .collect();
    let token_url = issuer.url("/oauth/token");
    json!({
        SCHEME: {
            "type": "oauth2",
            "description": format!("An access token for the resource `{}`.", admin_scopes::resource(issuer)),
            "flows": {
                "clientCredentials": { "tokenUrl": token_url, "scopes": scopes },
                "authorizationCode": {
                    "authorizationUrl": issuer.url("/oauth/authorize"),
                    "tokenUrl": token_url,
                    "refreshUrl": token_url,
                    "scopes": scopes,
                },
            },
        },
        BOUND: {
            "type": "http",
            "scheme": "DPoP",
            "description": "The same, bound to a key and with a proof of it (RFC 9449), which carries the nonce of the last answer's `DPoP-Nonce`.",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Value {
        of(&"https://id.example/team".parse().unwrap())
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_a_tag_and_a_sentence() {
        let mut document = whole();
        let mut ids: Vec<String> = Vec::new();
        for operation in operations_of(&mut document) {
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{ids:?}");
            assert!(operation["summary"].as_str().unwrap().len() > 10, "{ids:?}");
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(count >= 33, "{count}");
    }

    #[test]
    fn every_reference_leads_to_a_schema_and_every_schema_is_used() {
        let document = whole();
        let text = document.to_string();
        for (name, _) in document["components"]["schemas"].as_object().unwrap() {
            let reference = format!("\"#/components/schemas/{name}\"");
            assert!(text.contains(&reference), "{name} is not used");
        }
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn the_issuers_own_addresses_stand_in_it() {
        let document = whole();
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(
            document["servers"][0]["url"],
            "https://id.example/team/api/v1"
        );
        let flow = &document["components"]["securitySchemes"][SCHEME]["flows"]["clientCredentials"];
        assert_eq!(flow["tokenUrl"], "https://id.example/team/oauth/token");
        assert_eq!(flow["scopes"].as_object().unwrap().len(), 15);
    }

    #[test]
    fn a_refusal_is_a_problem_wherever_it_is_declared() {
        let mut document = whole();
        for operation in operations_of(&mut document) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let is_problem = response["content"]["application/problem+json"].is_object();
                assert_eq!(is_problem, status.starts_with(['4', '5']), "{operation:?}");
            }
        }
    }
}
