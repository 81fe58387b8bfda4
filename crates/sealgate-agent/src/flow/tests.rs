use std::collections::HashMap;

use proptest::prelude::*;
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_model::Timestamp;

use super::*;
use crate::registration::{ClientAuth, Origin};

const ID: &str = "https://id.example";
const BACK: &str = "http://127.0.0.1:4000/callback";

fn server(names_issuer: Option<bool>, methods: &[&str]) -> ServerMetadata {
    let document = serde_json::json!({
        "issuer": ID,
        "authorization_endpoint": "https://id.example/authorize?tenant=1",
        "code_challenge_methods_supported": methods,
        "authorization_response_iss_parameter_supported": names_issuer.unwrap_or(false),
    });
    ServerMetadata::parse(document.to_string().as_bytes(), ID).unwrap()
}

fn begin(server: &ServerMetadata) -> Result<SignIn, AgentError> {
    let client = Client {
        id: Some("c1".to_owned()),
        auth: ClientAuth::Public,
        issuer: ID.to_owned(),
        origin: Origin::Given,
    };
    let request = SignInRequest {
        server,
        client: &client,
        redirect_uri: BACK,
        asked: For {
            resource: Some("https://api.example/mcp".to_owned()),
            scopes: vec!["a".to_owned(), "b".to_owned()],
        },
        dpop_jkt: Some("thumb".to_owned()),
        prompt: None,
    };
    SignIn::begin(request, &FakeRandom::default())
}

fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

/// The sign-in's end when the browser was sent to the redirect URI with `parameters` and the right state.
fn finish(names_issuer: Option<bool>, parameters: &str) -> Result<CodeGrant, AgentError> {
    let sign_in = begin(&server(names_issuer, &["S256"])).unwrap();
    let state = query(&sign_in.url)["state"].clone();
    sign_in.finish(&Secret::new(format!("{BACK}?state={state}&{parameters}")))
}

#[test]
fn the_url_says_everything_and_keeps_the_endpoints_own_query() {
    let sign_in = begin(&server(None, &["plain", "S256"])).unwrap();
    let said = query(&sign_in.url);
    for (name, value) in [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", "c1"),
        ("redirect_uri", BACK),
        ("code_challenge_method", "S256"),
        ("resource", "https://api.example/mcp"),
        ("scope", "a b"),
        ("dpop_jkt", "thumb"),
    ] {
        assert_eq!(said[name], value, "{name}");
    }
    let verifier = CodeVerifier::parse(sign_in.verifier.expose()).unwrap();
    assert_eq!(said["code_challenge"], verifier.challenge().as_str());
    assert!(!sign_in.url.contains(sign_in.verifier.expose()));
    assert!(!format!("{sign_in:?}").contains(&said["state"]));
}

#[test]
fn a_server_without_s256_is_not_used() {
    for methods in [&[][..], &["plain"]] {
        let refused = begin(&server(None, methods));
        assert!(
            matches!(refused, Err(AgentError::ServerUnsuitable(_))),
            "{refused:?}"
        );
    }
}

#[test]
fn the_issuer_is_compared_byte_by_byte_and_missed_where_it_is_promised() {
    let fine = |names, parameters| finish(names, parameters).is_ok();
    assert!(fine(Some(true), "code=x&iss=https%3A%2F%2Fid.example"));
    assert!(fine(None, "code=x"));
    assert!(fine(None, "code=x&iss=https%3A%2F%2Fid.example"));
    assert!(!fine(Some(true), "code=x"));
    assert!(!fine(Some(true), "code=x&iss=https%3A%2F%2Fevil.example"));
    assert!(!fine(None, "code=x&iss=https%3A%2F%2Fevil.example"));
    assert!(!fine(Some(true), "code=x&iss=https%3A%2F%2Fid.example%2F"));
    // An error is believed from the right server alone.
    let refused = finish(
        Some(true),
        "error=access_denied&iss=https%3A%2F%2Fid.example",
    );
    assert_eq!(
        refused.unwrap_err(),
        AgentError::SignInRefused("access_denied".to_owned())
    );
    let forged = finish(
        Some(true),
        "error=access_denied&iss=https%3A%2F%2Fevil.example",
    );
    assert!(matches!(forged, Err(AgentError::CallbackUnacceptable(_))));
}

#[test]
fn an_answer_that_is_not_of_this_sign_in_is_refused() {
    for wrong in [
        "http://127.0.0.1:4000/callback?code=x",
        "http://127.0.0.1:4000/callback?code=x&state=other",
        "http://127.0.0.1:4001/callback?code=x&state=STATE",
        "http://127.0.0.1:4000/other?code=x&state=STATE",
        "https://127.0.0.1:4000/callback?code=x&state=STATE",
        "http://127.0.0.1:4000/callback?state=STATE",
        "http://127.0.0.1:4000/callback?code=x&state=STATE&code=y",
        "http://127.0.0.1:4000/callback?code=x&state=STATE&state=STATE",
        "nothing",
    ] {
        let sign_in = begin(&server(None, &["S256"])).unwrap();
        let state = query(&sign_in.url)["state"].clone();
        let answer = Secret::new(wrong.replace("STATE", &state));
        let refused = sign_in.finish(&answer);
        assert!(
            matches!(refused, Err(AgentError::CallbackUnacceptable(_))),
            "{wrong}"
        );
    }
    assert!(matches!(
        finish(None, &format!("code={}", "x".repeat(LIMIT))),
        Err(AgentError::CallbackUnacceptable(_))
    ));
}

#[tokio::test]
async fn a_pushed_request_leaves_a_reference_in_the_browser() {
    let mut server = server(None, &["S256"]);
    let at = crate::WebUrl::parse("https://id.example/par").unwrap();
    server.pushed_authorization_request_endpoint = Some(crate::Endpoint(at));
    let http = crate::fake::FakeHttp::new();
    let answer = r#"{"request_uri":"urn:pushed:1","expires_in":60}"#;
    http.serve("https://id.example/par", answer);
    let client = Client {
        id: Some("c1".to_owned()),
        auth: ClientAuth::Basic(Secret::new("s")),
        issuer: ID.to_owned(),
        origin: Origin::Given,
    };
    let endpoint = TokenEndpoint {
        http: &http,
        reach: crate::Reach::Public,
        server: &server,
        client: &client,
        prover: None,
        clock: &FakeClock::at(Timestamp::from_seconds(1_000)),
        random: &FakeRandom::default(),
    };
    let sign_in = begin(&server).unwrap();
    let state = query(&sign_in.url)["state"].clone();
    let sign_in = sign_in.push(&endpoint).await.unwrap();
    let shown = query(&sign_in.url);
    let expected = [
        ("tenant", "1"),
        ("client_id", "c1"),
        ("request_uri", "urn:pushed:1"),
        // Whoever listens for the answer knows it by this.
        ("state", &state),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(shown, HashMap::from(expected));
    let pushed = &http.sent()[0];
    assert_eq!(pushed.form["scope"], "a b");
    assert_eq!(pushed.form["client_id"], "c1");
    assert!(pushed.authorization.as_ref().unwrap().starts_with("Basic "));
    let answer = Secret::new(format!("{BACK}?state={state}&code=x"));
    assert_eq!(sign_in.finish(&answer).unwrap().code.expose(), "x");
}

proptest! {
    #[test]
    fn no_text_without_the_state_is_an_answer(text in "\\PC{0,60}") {
        let sign_in = begin(&server(None, &["S256"])).unwrap();
        let answer = format!("{BACK}?{text}");
        prop_assert!(sign_in.finish(&Secret::new(answer)).is_err());
    }
}
