use sealgate_host::FakeRandom;
use sealgate_jose::{Algorithm, SigningKey};

use super::*;
use crate::fake::{FakeHttp, json_answer};

const ID: &str = "https://id.example";

fn server(extra: serde_json::Value) -> ServerMetadata {
    let mut document =
        serde_json::json!({"issuer": ID, "token_endpoint": "https://id.example/token"});
    if let (Some(all), serde_json::Value::Object(extra)) = (document.as_object_mut(), extra) {
        all.extend(extra);
    }
    ServerMetadata::parse(document.to_string().as_bytes(), ID).unwrap()
}

fn profile() -> Profile {
    Profile {
        name: "Notes".to_owned(),
        redirect_uri: Some("http://127.0.0.1:4000/callback".to_owned()),
        document: Some(WebUrl::parse("https://agent.example/client.json").unwrap()),
        registers: true,
    }
}

fn given(issuer: Option<&str>) -> Given {
    Given {
        id: "known".to_owned(),
        secret: Some(Secret::new("s/ecret")),
        key: None,
        issuer: issuer.map(str::to_owned),
    }
}

fn all_ways() -> ServerMetadata {
    server(serde_json::json!({
        "client_id_metadata_document_supported": true,
        "registration_endpoint": "https://id.example/register",
    }))
}

#[test]
fn the_ways_are_tried_in_order() {
    let known = choose(&all_ways(), Some(&given(Some(ID))), &profile()).unwrap();
    assert!(matches!(known, Way::Known(client) if client.origin == Origin::Given));
    let document = choose(&all_ways(), None, &profile()).unwrap();
    let Way::Known(client) = document else {
        panic!("{document:?}")
    };
    assert_eq!(client.origin, Origin::Document);
    assert_eq!(
        client.id.as_deref(),
        Some("https://agent.example/client.json")
    );
    let plain = server(serde_json::json!({"registration_endpoint": "https://id.example/register"}));
    let way = choose(&plain, None, &profile()).unwrap();
    assert!(matches!(way, Way::Register(_)), "{way:?}");
    let silent = Profile {
        registers: false,
        ..profile()
    };
    assert!(matches!(choose(&plain, None, &silent).unwrap(), Way::Ask));
    assert!(matches!(
        choose(&server(serde_json::json!({})), None, &profile()).unwrap(),
        Way::Ask
    ));
}

#[test]
fn credentials_of_one_issuer_are_not_shown_to_another() {
    let way = choose(
        &all_ways(),
        Some(&given(Some("https://other.example"))),
        &profile(),
    )
    .unwrap();
    assert!(matches!(way, Way::Known(client) if client.origin == Origin::Document));
}

fn sent(client: &Client) -> (Vec<(&'static str, String)>, Option<String>) {
    let mut fields = Vec::new();
    let now = Timestamp::from_seconds(1_000);
    let header = client
        .authenticate(&mut fields, now, &FakeRandom::default())
        .unwrap();
    let plain = |secret: &Secret| secret.expose().to_owned();
    let fields = fields
        .iter()
        .map(|(name, value)| (*name, plain(value)))
        .collect();
    (fields, header.as_ref().map(plain))
}

#[test]
fn a_secret_goes_where_the_server_takes_it() {
    let basic = given(None).at(&server(serde_json::json!({}))).unwrap();
    let (fields, header) = sent(&basic);
    assert!(fields.is_empty());
    // "known:s%2Fecret": both parts are form-encoded.
    assert_eq!(header.unwrap(), "Basic a25vd246cyUyRmVjcmV0");
    let takes = |method: &str| {
        server(serde_json::json!({"token_endpoint_auth_methods_supported": [method]}))
    };
    let (fields, header) = sent(&given(None).at(&takes("client_secret_post")).unwrap());
    assert_eq!(header, None);
    assert_eq!(fields[1], ("client_secret", "s/ecret".to_owned()));
    let refused = given(None).at(&takes("none"));
    assert!(
        matches!(refused, Err(AgentError::ServerUnsuitable(_))),
        "{refused:?}"
    );
}

#[test]
fn an_assertion_is_for_the_issuer_alone_and_fresh_each_time() {
    let (_, private) = SigningKey::generate(Algorithm::Es256, "").unwrap();
    let body = STANDARD.encode(&*private);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----");
    let with_key = Given {
        key: Some(Arc::new(ClientKey::from_pem(&pem, None, None).unwrap())),
        ..given(None)
    };
    let client = with_key.at(&server(serde_json::json!({}))).unwrap();
    let (fields, header) = sent(&client);
    assert_eq!(header, None);
    assert!(!fields.iter().any(|(name, _)| *name == "client_secret"));
    let assertion = &fields
        .iter()
        .find(|(name, _)| *name == "client_assertion")
        .unwrap()
        .1;
    let payload = assertion.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["aud"], ID);
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&"known".into(), &"known".into())
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        120
    );
    assert!(!format!("{client:?}").contains("s/ecret"));
}

async fn registered(
    answer: &str,
    status: u16,
    methods: &[&str],
) -> (FakeHttp, Result<Client, AgentError>) {
    let http = FakeHttp::new();
    http.answer(
        "https://id.example/register",
        vec![json_answer(status, answer)],
    );
    let server = server(serde_json::json!({"token_endpoint_auth_methods_supported": methods}));
    let endpoint = WebUrl::parse("https://id.example/register").unwrap();
    let client = register(&http, &server, endpoint, &profile(), Reach::Public).await;
    (http, client)
}

#[tokio::test]
async fn it_registers_as_what_it_is() {
    let (http, client) = registered(
        r#"{"client_id":"c1"}"#,
        201,
        &["client_secret_post", "none"],
    )
    .await;
    let client = client.unwrap();
    assert_eq!(client.issuer, ID);
    assert!(matches!(client.auth, ClientAuth::Public));
    let asked = http.sent()[0].json.clone().unwrap();
    assert_eq!(asked["application_type"], "native");
    assert_eq!(asked["token_endpoint_auth_method"], "none");
    assert_eq!(
        asked["grant_types"],
        serde_json::json!(["authorization_code", "refresh_token"])
    );
    assert_eq!(
        asked["redirect_uris"],
        serde_json::json!(["http://127.0.0.1:4000/callback"])
    );
}

#[tokio::test]
async fn what_the_server_makes_of_it_counts() {
    let answer = r#"{"client_id":"c1","client_secret":"s","token_endpoint_auth_method":"client_secret_basic"}"#;
    let (_, client) = registered(answer, 201, &["none"]).await;
    assert!(matches!(client.unwrap().auth, ClientAuth::Basic(_)));
    for wrong in [
        r#"{"client_id":""}"#,
        r#"{"client_id":"a\u0000"}"#,
        r#"{"client_id":"c1","token_endpoint_auth_method":"client_secret_post"}"#,
        r#"{"client_id":"c1","token_endpoint_auth_method":"private_key_jwt"}"#,
        "[]",
    ] {
        let (_, client) = registered(wrong, 201, &["none"]).await;
        assert!(
            matches!(client, Err(AgentError::MetadataUnacceptable(_))),
            "{wrong}"
        );
    }
    let (_, client) = registered(
        r#"{"error":"invalid_redirect_uri\u001b[31m"}"#,
        400,
        &["none"],
    )
    .await;
    let refused = AgentError::RegistrationRefused("invalid_redirect_uri[31m".to_owned());
    assert_eq!(client.unwrap_err(), refused);
    let (_, client) = registered("{}", 503, &["none"]).await;
    assert!(client.unwrap_err().is_temporary());
}

#[test]
fn only_the_port_of_a_loopback_address_may_differ() {
    let same = |one: &str, other: &str| same_redirect(Some(one), Some(other));
    assert!(same(
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:2/callback"
    ));
    assert!(same("https://a.example/back", "https://a.example/back"));
    for (one, other) in [
        ("http://127.0.0.1:1/callback", "http://127.0.0.1:2/other"),
        ("http://localhost:1/callback", "http://localhost:2/callback"),
        ("http://127.0.0.1:1/callback", "http://127.0.0.2:1/callback"),
        ("https://a.example:1/back", "https://a.example:2/back"),
    ] {
        assert!(!same(one, other), "{one} {other}");
    }
    assert!(same_redirect(None, None));
    assert!(!same_redirect(None, Some("http://127.0.0.1:1/")));
}
