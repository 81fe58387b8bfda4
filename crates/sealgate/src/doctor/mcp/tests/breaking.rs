//! One thing broken at a time: who notices, and what is said.

use serde_json::json;

use super::super::play::{Fate, Played};
use super::super::{Examined, text};
use super::world::World;

/// The lines that a check says with that verdict.
fn said(examined: &Examined, verdict: &str, check: &str) -> String {
    let told = text::text(examined, false).data;
    let begin = format!("{verdict:<4}  {check:<8}  ");
    let lines = told.lines().filter_map(|line| line.strip_prefix(&begin));
    lines.collect::<Vec<_>>().join("\n")
}

fn client<'a>(examined: &'a Examined, name: &str) -> &'a Played {
    let mut all = examined.clients.iter();
    all.find(|client| client.client == name).unwrap()
}

/// Takes a member out of the authorization server's metadata.
fn without(world: &mut World, name: &str) {
    let members = world.server.as_object_mut().unwrap();
    assert!(members.remove(name).is_some(), "{name}");
}

type Breaking = fn(&mut World);

/// What is broken, which check says so with which verdict, and a part of what it says.
const CHECKS: [(Breaking, &str, &str, &str); 39] = [
    (
        |world| world.status = 200,
        "fix",
        "door",
        "answered 200 and not 401",
    ),
    (
        |world| world.status = 403,
        "fix",
        "door",
        "answered 403 and not 401",
    ),
    (
        |world| world.challenge.clear(),
        "fix",
        "door",
        "has no WWW-Authenticate",
    ),
    (
        |world| "Basic realm=\"x\"".clone_into(&mut world.challenge),
        "fix",
        "door",
        "no Bearer challenge",
    ),
    (
        |world| "Bearer realm=\"x\"".clone_into(&mut world.challenge),
        "fix",
        "door",
        "does not say where the metadata are",
    ),
    (
        |world| "Bearer resource_metadata=\"SERVER/nowhere\"".clone_into(&mut world.challenge),
        "fix",
        "door",
        "there is no metadata there",
    ),
    (
        |world| world.challenge = world.challenge.replace("Bearer", "bearer"),
        "warn",
        "door",
        "begins otherwise",
    ),
    (
        |world| world.challenge.push_str(", error=\"invalid_token\""),
        "warn",
        "door",
        "no token was sent",
    ),
    (
        |world| world.challenge = world.challenge.replace(", scope=\"notes:read\"", ""),
        "warn",
        "door",
        "which scopes are needed",
    ),
    (
        |world| world.bad_token.clone_from(&world.challenge),
        "fix",
        "token",
        "401 with no error",
    ),
    (
        |world| world.bad_token = world.bad_token.replace("invalid_token", "invalid_request"),
        "fix",
        "token",
        "401 with error=invalid_request",
    ),
    (|world| world.reads_query = true, "fix", "query", "is read"),
    (|world| world.foreign = 200, "fix", "origin", "is answered"),
    (
        |world| world.foreign = 401,
        "skip",
        "origin",
        "asked for a token first",
    ),
    (
        |world| world.metadata_at.retain(|at| !at.ends_with("/mcp")),
        "fix",
        "resource",
        "is answered 404",
    ),
    (
        |world| world.metadata_at.retain(|at| at.ends_with("/mcp")),
        "warn",
        "resource",
        "is answered 404",
    ),
    (
        |world| world.metadata_type = "text/html",
        "fix",
        "resource",
        "is sent as text/html",
    ),
    (
        |world| world.metadata["resource"] = json!("SERVER/mcp/"),
        "fix",
        "resource",
        "and not",
    ),
    (
        |world| world.metadata["resource"] = json!("https://other.example"),
        "fix",
        "resource",
        "is about https://other.example",
    ),
    (
        |world| world.metadata["authorization_servers"] = json!([]),
        "fix",
        "resource",
        "names no authorization server",
    ),
    (
        |world| world.metadata["scopes_supported"] = json!(["offline_access"]),
        "warn",
        "resource",
        "lists the scope offline_access",
    ),
    (
        |world| world.metadata["bearer_methods_supported"] = json!(["query"]),
        "fix",
        "resource",
        "offers tokens in the query",
    ),
    (
        |world| world.slash = 301,
        "warn",
        "slash",
        "turn POST into GET",
    ),
    (|world| world.slash = 401, "warn", "slash", "is served too"),
    (
        |world| world.slash = 200,
        "fix",
        "slash",
        "is answered 200 without a token",
    ),
    (
        |world| world.challenge.push_str(", error=\"invalid_token\""),
        "skip",
        "query",
        "cannot be seen",
    ),
    (
        |world| world.open = false,
        "warn",
        "browser",
        "the challenge, the resource's metadata, messages with a token",
    ),
    (
        |world| world.preflight = 401,
        "warn",
        "browser",
        "messages with a token",
    ),
    (
        |world| world.server_at.clear(),
        "fix",
        "server",
        "has no metadata where clients look",
    ),
    (
        |world| world.server_at.retain(|at| at.starts_with("/id")),
        "warn",
        "server",
        "is answered 404",
    ),
    (
        |world| world.server["issuer"] = json!("SERVER/id/"),
        "fix",
        "server",
        "and the resource names",
    ),
    (
        |world| without(world, "code_challenge_methods_supported"),
        "fix",
        "pkce",
        "S256 is not listed",
    ),
    (
        |world| world.server["code_challenge_methods_supported"] = json!(["S256", "plain"]),
        "fix",
        "pkce",
        "plain is listed",
    ),
    (
        |world| without(world, "authorization_response_iss_parameter_supported"),
        "warn",
        "iss",
        "does not say",
    ),
    (
        |world| {
            world.server["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]);
        },
        "fix",
        "clients",
        "`none` is not in",
    ),
    (
        |world| world.server["grant_types_supported"] = json!(["authorization_code"]),
        "fix",
        "renewal",
        "refresh_token is not",
    ),
    (
        |world| world.token = (400, json!({ "error": "invalid_client" }), "no-store"),
        "fix",
        "unknown",
        "answered 400 invalid_client",
    ),
    (
        |world| world.token = (401, json!({ "error": "invalid_client" }), "public"),
        "warn",
        "unknown",
        "may be stored",
    ),
    (
        |world| world.redirects_strangers = true,
        "fix",
        "redirect",
        "is redirected to",
    ),
];

#[tokio::test]
async fn every_check_notices_what_it_is_for() {
    for (number, (breaking, verdict, check, expected)) in CHECKS.iter().enumerate() {
        let served = World::default().with(breaking).serve().await;
        let examined = served.examine(&[]).await;
        let lines = said(&examined, verdict, check);
        let all = text::text(&examined, false).data;
        assert!(
            lines.contains(expected),
            "case {number}: {check} should say {expected}\n{all}"
        );
        assert_eq!(
            examined.report.is_healthy(),
            *verdict != "fix",
            "case {number}\n{all}"
        );
    }
}

/// What is broken, which client fails over it at which step with which words, and which client does not mind.
const CLIENTS: [(Breaking, &str, &str, &str, &str); 13] = [
    (
        // The challenge names metadata that are not there; the well-known places have them.
        |world| "Bearer resource_metadata=\"SERVER/nowhere\"".clone_into(&mut world.challenge),
        "vscode",
        "server metadata",
        "there are none",
        "python-sdk",
    ),
    (
        // Another scheme first.
        |world| {
            world.challenge = "DPoP algs=\"ES256\", ".to_owned()
                + &world.challenge.replace("resource/mcp", "resource/x");
            world.metadata_at = vec!["/.well-known/oauth-protected-resource/x"];
        },
        "typescript-sdk",
        "server metadata",
        "there are none",
        "python-sdk",
    ),
    (
        |world| world.metadata["resource"] = json!("SERVER/mcp/"),
        "typescript-sdk",
        "resource metadata",
        "is about",
        "python-sdk",
    ),
    (
        |world| world.metadata["resource"] = json!("SERVER"),
        "vscode",
        "resource metadata",
        "is about",
        "codex",
    ),
    (
        |world| world.metadata["resource"] = json!("SERVER"),
        "sealgate",
        "resource metadata",
        "is about",
        "python-sdk",
    ),
    (
        |world| {
            world.challenge = "Bearer scope=\"x\"".to_owned();
            world.metadata_at.clear();
        },
        "cursor",
        "resource metadata",
        "there are none at",
        "",
    ),
    (
        // Where there is nothing, there is an error.
        |world| {
            world.nothing = 500;
            world.server_at = vec!["/id/.well-known/openid-configuration"];
        },
        "python-sdk",
        "server metadata",
        "answers 500, which ends the search",
        "vscode",
    ),
    (
        |world| world.server["issuer"] = json!("SERVER/id/"),
        "python-sdk",
        "server metadata",
        "is of the issuer",
        "typescript-sdk",
    ),
    (
        |world| without(world, "code_challenge_methods_supported"),
        "claude",
        "server metadata",
        "does not list S256",
        "typescript-sdk",
    ),
    (
        |world| without(world, "response_types_supported"),
        "typescript-sdk",
        "server metadata",
        "does not list code",
        "python-sdk",
    ),
    (
        |world| {
            world.server["token_endpoint_auth_methods_supported"] = json!(["client_secret_basic"]);
            without(world, "registration_endpoint");
        },
        "opencode",
        "registration",
        "`none` is not listed",
        "chatgpt",
    ),
    (
        |world| without(world, "registration_endpoint"),
        "cursor",
        "registration",
        "there is no registration_endpoint",
        "claude",
    ),
    (
        |world| world.open_token = false,
        "inspector",
        "token request",
        "does not let its page read",
        "typescript-sdk",
    ),
];

#[tokio::test]
async fn every_difference_between_clients_decides_over_one_of_them() {
    for (number, (breaking, failing, step, because, fine)) in CLIENTS.iter().enumerate() {
        let served = World::default().with(breaking).serve().await;
        let examined = served.examine(&[]).await;
        let all = text::text(&examined, true).data;
        let played = client(&examined, failing);
        let fates = if played.client == "inspector" {
            Fate::Closed
        } else {
            Fate::Fails
        };
        assert_eq!(played.fate, fates, "case {number}: {failing}\n{all}");
        let told = played.failing.as_ref().unwrap();
        assert_eq!(told.step, *step, "case {number}\n{all}");
        assert!(
            told.because.contains(because),
            "case {number}: {}",
            told.because
        );
        assert!(!told.fix.is_empty());
        if !fine.is_empty() {
            let played = client(&examined, fine);
            assert_ne!(played.fate, Fate::Fails, "case {number}: {fine}\n{all}");
        }
    }
}

#[tokio::test]
async fn a_registration_that_is_refused_is_told_with_its_error() {
    let served = World::default()
        .with(|world| world.register = (400, json!({ "error": "invalid_redirect_uri" })))
        .serve()
        .await;
    let examined = served.examine(&["cursor", "inspector"]).await;
    for name in ["cursor", "inspector"] {
        let told = client(&examined, name).failing.as_ref().unwrap();
        assert!(
            told.because.contains("answers 400 (invalid_redirect_uri)"),
            "{}",
            told.because
        );
    }
    assert_eq!(client(&examined, "claude").fate, Fate::Works);
}

#[tokio::test]
async fn a_client_that_can_ask_for_an_id_does() {
    let served = World::default()
        .with(|world| {
            world.server["client_id_metadata_document_supported"] = json!(false);
            without(world, "registration_endpoint");
        })
        .serve()
        .await;
    let examined = served.examine(&[]).await;
    assert_eq!(client(&examined, "vscode").fate, Fate::Asks);
    assert_eq!(client(&examined, "claude").fate, Fate::Fails);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_once_for_all() {
    let served = World::default().serve().await;
    let url = {
        let facts = served.facts(&[]).await;
        facts.url
    };
    drop(served);
    tokio::task::yield_now().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut gone = url;
    gone.set_port(Some(listener.local_addr().unwrap().port()))
        .unwrap();
    drop(listener);
    let web = crate::doctor::web::Web::new(None).unwrap();
    let facts = super::super::look::look(&web, &gone, &[]).await;
    assert!(facts.asked.is_err());
    let played = super::super::play::play(&super::super::clients::CLIENTS[0], &facts);
    assert_eq!(played.fate, Fate::Fails);
}
