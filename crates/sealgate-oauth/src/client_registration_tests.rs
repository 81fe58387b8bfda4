//! Registrations: what is taken, what is refused, and when two are the same.

use proptest::prelude::*;

use super::*;

fn sound() -> Value {
    json!({
        "client_name": "Agent",
        "redirect_uris": ["http://127.0.0.1:4711/cb", "https://agent.example/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "openid", "software_id": "x",
    })
}

fn read(value: &Value) -> Result<ClientRegistration, ClientMetadataError> {
    ClientRegistration::parse(&serde_json::to_vec(value).unwrap())
}

fn with(member: &str, value: Value) -> Result<ClientRegistration, ClientMetadataError> {
    let mut registration = sound();
    registration[member] = value;
    read(&registration)
}

#[test]
fn the_answer_tells_what_was_registered_and_nothing_else() {
    let told = read(&sound()).unwrap().registered();
    assert_eq!(
        Value::Object(told),
        json!({
            "client_name": "Agent",
            "redirect_uris": ["http://127.0.0.1:4711/cb", "https://agent.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        })
    );
}

#[test]
fn who_wants_a_secret_is_registered_without_one() {
    for method in [
        json!("client_secret_basic"),
        json!("client_secret_post"),
        Value::Null,
    ] {
        let read = with("token_endpoint_auth_method", method).unwrap();
        assert_eq!(read.registered()["token_endpoint_auth_method"], "none");
    }
    for method in ["client_secret_jwt", "tls_client_auth"] {
        assert!(matches!(
            with("token_endpoint_auth_method", json!(method)),
            Err(ClientMetadataError::Member(_))
        ));
    }
    assert!(with("client_secret", json!("mine")).is_err());
}

#[test]
fn an_address_that_cannot_be_used_is_told_as_such() {
    for uris in [
        json!(["https://agent.example/cb", "http://app.example/cb"]),
        json!(["https://agent.example/#x"]),
        json!(["data:text/html,x"]),
        json!([]),
        Value::Null,
    ] {
        assert!(
            matches!(
                with("redirect_uris", uris.clone()),
                Err(ClientMetadataError::Redirect(_))
            ),
            "{uris}"
        );
    }
    assert!(matches!(
        with("tos_uri", json!("ftp://agent.example")),
        Err(ClientMetadataError::Member(_))
    ));
}

#[test]
fn the_same_in_another_order_is_the_same_and_anything_else_is_not() {
    let digest = |value: &Value| read(value).unwrap().digest();
    let first = digest(&sound());
    let turned = json!({
        "redirect_uris": ["https://agent.example/cb", "http://127.0.0.1:4711/cb"],
        "grant_types": ["refresh_token", "authorization_code"],
        "client_name": "Agent",
    });
    assert_eq!(digest(&turned), first);
    for (member, value) in [
        ("client_name", json!("Agent 2")),
        ("redirect_uris", json!(["http://127.0.0.1:4712/cb"])),
        ("grant_types", json!(["authorization_code"])),
        ("client_uri", json!("https://agent.example/")),
        ("dpop_bound_access_tokens", json!(true)),
    ] {
        assert_ne!(with(member, value).unwrap().digest(), first, "{member}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_registration_or_an_error(text in "\\PC{0,80}|\\{\"redirect_uris\":\\[\"[a-z:/.]{0,30}\"\\]\\}") {
        if let Ok(read) = ClientRegistration::parse(text.as_bytes()) {
            let told = serde_json::to_vec(&read.registered()).unwrap();
            let again = ClientRegistration::parse(&told).unwrap();
            prop_assert_eq!(again.digest(), read.digest());
        }
    }
}
