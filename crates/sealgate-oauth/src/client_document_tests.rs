//! Documents: what may be an address of one, and what may stand in it.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Grant, OwnAuthentication, is_readable};

const ID: &str = "https://agent.example/oauth/client.json";

fn judged(text: &str, loopback: bool) -> Option<DocumentId> {
    DocumentId::of(&text.parse().ok()?, loopback).ok()
}

fn id() -> DocumentId {
    judged(ID, false).unwrap()
}

fn sound() -> Value {
    json!({
        "client_id": ID,
        "client_name": "Agent",
        "redirect_uris": ["https://agent.example/cb", "http://127.0.0.1/cb", "http://localhost/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    })
}

fn read(document: &Value) -> Result<ClientMetadata, ClientMetadataError> {
    let bytes = serde_json::to_vec(document).unwrap();
    ClientDocument::parse(&bytes, &id()).map(|document| document.metadata)
}

fn with(member: &str, value: Value) -> Result<ClientMetadata, ClientMetadataError> {
    let mut document = sound();
    document[member] = value;
    read(&document)
}

#[test]
fn the_ids_of_todays_clients_are_addresses_of_documents() {
    for (text, host) in [
        (
            "https://claude.ai/oauth/claude-code-client-metadata",
            "claude.ai",
        ),
        (
            "https://vscode.dev/oauth/client-metadata.json",
            "vscode.dev",
        ),
        (
            "https://opencode.ai/oauth/opencode/client.json",
            "opencode.ai",
        ),
        ("https://agent.example:8443/c?v=1", "agent.example"),
        ("https://agent.example/", "agent.example"),
    ] {
        assert_eq!(judged(text, false).unwrap().host(), host);
    }
}

#[test]
fn other_urls_are_none() {
    for text in [
        "http://agent.example/c",
        "https://agent.example",
        "https://Agent.example/c",
        "https://agent.example:443/c",
        "https://agent.example./c",
        "https://agent.example/a/../c",
        "https://agent.example/./c",
        "https://agent.example/%2e%2e/c",
        "https://agent.example/%2E/c",
        "https://agent.example//..",
        "https://127.0.0.1/c",
        "https://93.184.216.34/c",
        "https://2130706433/c",
        "https://0x7f.1/c",
        "https://localhost/../c",
        "https:///c",
        "https:/agent.example/c",
        "http://localhost/c",
    ] {
        assert_eq!(judged(text, false), None, "{text}");
    }
}

#[test]
fn this_machine_is_taken_for_development_only() {
    for text in [
        "http://localhost:3000/c",
        "http://127.0.0.1/c",
        "https://localhost/c",
    ] {
        assert!(judged(text, true).unwrap().is_loopback(), "{text}");
    }
    assert_eq!(judged("http://127.0.0.1/c", false), None);
    assert_eq!(judged("http://agent.example/c", true), None);
    assert_eq!(judged("http://localhost.agent.example/c", true), None);
    // A name, which the guarded client then looks up and refuses.
    assert!(!judged("https://localhost/c", false).unwrap().is_loopback());
}

#[test]
fn a_domain_is_a_host_and_those_under_it() {
    let domains = ["agent.example".to_owned(), String::new()];
    for (text, under) in [
        ("https://agent.example/c", true),
        ("https://a.b.agent.example/c", true),
        ("https://notagent.example/c", false),
        ("https://agent.example.evil.example/c", false),
        ("https://example/c", false),
    ] {
        assert_eq!(
            judged(text, false).unwrap().is_under(&domains),
            under,
            "{text}"
        );
    }
}

#[test]
fn a_sound_document_is_read() {
    let metadata = read(&sound()).unwrap();
    assert_eq!(metadata.name.as_deref(), Some("Agent"));
    assert_eq!(metadata.redirect_uris.len(), 3);
    assert_eq!(
        metadata.grants,
        [Grant::AuthorizationCode, Grant::RefreshToken]
    );
    assert!(metadata.is_public());
    assert!(with("unheard_of", json!({ "a": [1] })).is_ok());
}

#[test]
fn a_document_speaks_of_its_own_address_alone() {
    for other in [
        json!("https://agent.example/oauth/client.json/"),
        json!("https://agent.example/oauth/Client.json"),
        json!(""),
        json!([ID]),
        Value::Null,
    ] {
        assert!(with("client_id", other.clone()).is_err(), "{other}");
    }
}

#[test]
fn no_secret_and_no_method_that_needs_one() {
    assert!(with("client_secret", json!("x")).is_err());
    assert!(with("client_secret_expires_at", json!(0)).is_err());
    for method in [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "tls_client_auth",
        "",
    ] {
        assert!(
            with("token_endpoint_auth_method", json!(method)).is_err(),
            "{method}"
        );
    }
    assert!(with("token_endpoint_auth_method", json!(["none"])).is_err());
}

#[test]
fn keys_are_given_in_one_of_two_ways() {
    let mut document = sound();
    document["redirect_uris"] = json!(["https://agent.example/cb"]);
    document["token_endpoint_auth_method"] = json!("private_key_jwt");
    assert!(read(&document).is_err());
    document["jwks_uri"] = json!("https://agent.example/keys");
    let uri = OwnAuthentication::JwksUri("https://agent.example/keys".to_owned());
    assert_eq!(read(&document).unwrap().authentication, uri);
    document["jwks"] = json!({ "keys": [{ "kty": "OKP" }] });
    assert!(read(&document).is_err(), "both");
    document["jwks_uri"] = Value::Null;
    assert!(matches!(
        read(&document).unwrap().authentication,
        OwnAuthentication::Jwks(_)
    ));
    for wrong in [
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": [1] }),
        json!([]),
    ] {
        document["jwks"] = wrong.clone();
        assert!(read(&document).is_err(), "{wrong}");
    }
    document["jwks"] = json!({ "keys": [{ "kty": "OKP" }] });
    document["redirect_uris"] = json!(["com.example.app:/cb"]);
    assert!(read(&document).is_err(), "a key on the computers of others");
}

#[test]
fn addresses_that_cannot_be_used_are_left_out_until_none_is_left() {
    let left = with(
        "redirect_uris",
        json!([
            "vscode://x/cb",
            "http://app.example/cb",
            "https://agent.example/cb"
        ]),
    );
    assert_eq!(left.unwrap().redirect_uris, ["https://agent.example/cb"]);
    for none in [
        json!([]),
        json!(["javascript:alert(1)"]),
        json!(["https://agent.example/*"]),
        json!("https://agent.example/cb"),
        json!([1]),
        json!(vec!["https://agent.example/cb"; 33]),
    ] {
        assert!(with("redirect_uris", none.clone()).is_err(), "{none}");
    }
}

#[test]
fn only_what_such_clients_may_have_is_taken_of_their_grants() {
    let many = json!(["client_credentials", "authorization_code", "urn:x"]);
    let metadata = with("grant_types", many).unwrap();
    assert_eq!(metadata.grants, [Grant::AuthorizationCode]);
    for none in [
        json!([]),
        json!(["refresh_token"]),
        json!("authorization_code"),
    ] {
        assert!(with("grant_types", none.clone()).is_err(), "{none}");
    }
    assert!(with("response_types", json!(["token"])).is_err());
    assert!(with("response_types", json!(["code", "token"])).is_ok());
}

#[test]
fn a_name_reads_as_it_is_written() {
    for name in ["Agent", "Ägent 7", "代理", "a'b\"<c>"] {
        assert_eq!(
            with("client_name", json!(name)).unwrap().name.unwrap(),
            name
        );
    }
    for name in [
        "a\u{202e}b",
        "a\u{200b}b",
        "a\nb",
        "a\u{0}b",
        "a\u{2066}b",
        "a\u{feff}b",
        "a\u{e0041}b",
        "a\u{2028}b",
    ] {
        assert!(with("client_name", json!(name)).is_err(), "{name:?}");
        assert!(!is_readable(name));
    }
    assert!(with("client_name", json!("x".repeat(101))).is_err());
    assert!(with("client_name", json!(7)).is_err());
    assert_eq!(with("client_name", json!("  ")).unwrap().name, None);
}

#[test]
fn pages_for_people_are_https_or_left_out() {
    for (uri, kept) in [
        (json!("https://agent.example/"), true),
        (json!("http://agent.example/"), false),
        (json!("javascript:alert(1)"), false),
        (json!("https://u@agent.example/"), false),
        (
            json!(format!("https://agent.example/{}", "a".repeat(512))),
            false,
        ),
        (json!(1), false),
    ] {
        let metadata = with("client_uri", uri.clone()).unwrap();
        assert_eq!(metadata.client_uri.is_some(), kept, "{uri}");
    }
}

#[test]
fn an_application_of_the_web_is_not_on_its_users_computer() {
    assert!(with("application_type", json!("web")).is_err());
    assert!(with("application_type", json!("native")).is_ok());
    assert!(with("application_type", json!("other")).is_err());
}

#[test]
fn what_is_too_long_or_no_object_is_refused() {
    let parse = |text: &str| ClientDocument::parse(text.as_bytes(), &id());
    for (text, error) in [
        (String::new(), ClientMetadataError::Malformed),
        ("[]".into(), ClientMetadataError::Malformed),
        (
            format!("{{\"client_id\":\"{ID}\",\"client_id\":\"{ID}\"}}"),
            ClientMetadataError::Malformed,
        ),
        (" ".repeat(LIMIT + 1), ClientMetadataError::TooLarge),
        (
            format!("{}{}", "[".repeat(7), "]".repeat(7)),
            ClientMetadataError::TooLarge,
        ),
    ] {
        assert_eq!(parse(&text), Err(error));
    }
}

proptest! {
    #[test]
    fn any_id_is_an_address_in_one_spelling_or_none(text in "https?://[a-zA-Z0-9.:/?=&%~_-]{0,60}") {
        if let Some(id) = judged(&text, true) {
            let url = Url::parse(&text).unwrap();
            prop_assert_eq!(url.as_str(), text.as_str());
            prop_assert!(url.scheme() == "https" || is_loopback(&url));
            prop_assert!(!text.contains("/../") && !text.contains('@') && !text.contains('#'));
            prop_assert!(!id.host().is_empty());
        }
    }

    #[test]
    fn whatever_a_document_says_what_is_kept_can_be_used(
        name in "\\PC{0,40}|[\\u{0}-\\u{20}\\u{200b}-\\u{206f}a-z]{0,20}",
        uris in prop::collection::vec("(https|http|com\\.example|javascript):/{0,2}[a-z0-9.@#*:\\[\\]/-]{0,20}", 0..6),
        method in "none|private_key_jwt|client_secret_basic|[a-z_]{0,12}",
    ) {
        let document = json!({
            "client_id": ID, "client_name": name, "redirect_uris": uris,
            "token_endpoint_auth_method": method,
        });
        if let Ok(metadata) = read(&document) {
            prop_assert!(metadata.is_public());
            prop_assert!(!metadata.redirect_uris.is_empty());
            for uri in &metadata.redirect_uris {
                prop_assert!(uris.contains(uri));
                prop_assert!(!uri.contains(['#', '*']) && !uri.starts_with("javascript"));
                // An address with somebody's name before its host; behind the path it is a letter like others.
                let authority = uri.split_once("://").map_or("", |(_, rest)| rest);
                prop_assert!(!authority.split('/').next().unwrap_or_default().contains('@'));
            }
            if let Some(name) = metadata.name {
                prop_assert!(is_readable(&name) && (1..=100).contains(&name.chars().count()));
            }
        }
    }
}
