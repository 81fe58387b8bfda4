use proptest::prelude::*;

use super::*;

#[test]
fn a_resource_names_itself_and_its_servers() {
    let json =
        br#"{"resource":"https://api.example/mcp","authorization_servers":["https://id.example"],
        "scopes_supported":["a"],"x":{}}"#;
    let read = ResourceMetadata::parse(json).unwrap();
    assert_eq!(read.resource, "https://api.example/mcp");
    assert_eq!(read.authorization_servers, ["https://id.example"]);
    for wrong in [
        &b"[]"[..],
        br#"["https://api.example"]"#,
        b"{}",
        br#"{"resource":"http://api.example"}"#,
        br#"{"resource":"https://api.example","resource":"https://b.example"}"#,
        br#"{"resource":"https://api.example","authorization_servers":"https://id.example"}"#,
    ] {
        assert!(
            ResourceMetadata::parse(wrong).is_err(),
            "{}",
            wrong.escape_ascii()
        );
    }
    let many: Vec<String> = (0..=MOST).map(|n| n.to_string()).collect();
    let many = serde_json::json!({"resource": "https://a.example", "scopes_supported": many});
    assert!(ResourceMetadata::parse(many.to_string().as_bytes()).is_err());
}

#[test]
fn a_server_is_the_issuer_that_was_asked_for_byte_by_byte() {
    let json = br#"{"issuer":"https://id.example","token_endpoint":"https://id.example/token"}"#;
    let read = ServerMetadata::parse(json, "https://id.example").unwrap();
    assert_eq!(
        read.token_url().unwrap().as_str(),
        "https://id.example/token"
    );
    for other in [
        "https://id.example/",
        "https://ID.example",
        "https://id.example:443",
    ] {
        assert_eq!(
            ServerMetadata::parse(json, other),
            Err(AgentError::IssuerMismatch(other.to_owned()))
        );
    }
}

#[test]
fn an_endpoint_that_is_never_followed_spoils_the_document() {
    for url in [
        "http://id.example/token",
        "javascript:alert(1)",
        "/token",
        "",
    ] {
        let json = serde_json::json!({"issuer": "https://id.example", "token_endpoint": url});
        let read = ServerMetadata::parse(json.to_string().as_bytes(), "https://id.example");
        assert!(read.is_err(), "{url}");
    }
}

#[test]
fn what_is_left_out_means_what_the_rfc_says() {
    let plain = ServerMetadata::parse(br#"{"issuer":"https://a.example"}"#, "https://a.example");
    let plain = plain.unwrap();
    assert!(plain.takes_method("client_secret_basic") && !plain.takes_method("none"));
    assert!(plain.takes_grant("authorization_code") && !plain.takes_grant("refresh_token"));
    assert_eq!(
        plain.token_url(),
        Err(AgentError::ServerUnsuitable("token endpoint"))
    );
}

proptest! {
    #[test]
    fn any_bytes_give_a_document_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = ResourceMetadata::parse(&bytes);
        let _ = ServerMetadata::parse(&bytes, "https://id.example");
    }

    #[test]
    fn members_of_any_type_give_a_document_or_an_error(
        name in prop_oneof![Just("resource"), Just("issuer"), Just("token_endpoint"), Just("scopes_supported")],
        value in prop_oneof![Just("null"), Just("1"), Just("[1]"), Just("{}"), Just("\"x\""), Just("[\"a\",null]")],
    ) {
        let json = format!("{{\"issuer\":\"https://a.example\",\"{name}\":{value}}}");
        let _ = ResourceMetadata::parse(json.as_bytes());
        if let Ok(read) = ServerMetadata::parse(json.as_bytes(), "https://a.example") {
            prop_assert_eq!(read.issuer, "https://a.example");
        }
    }
}
