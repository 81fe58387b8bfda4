use std::sync::Mutex;

use sealgate_host::{FakeClock, FakeRandom};

use super::*;
use crate::ServerMetadata;
use crate::fake::{FakeHttp, json_answer};
use crate::http::Reach;
use crate::registration::{Client, ClientAuth, Origin};

const TOKEN: &str = "https://id.example/token";
const DEVICE: &str = "https://id.example/device";
const CODE: &str = r#"{"device_code":"d","user_code":"ABCD-EFGH","verification_uri":"https://id.example/go",
    "verification_uri_complete":"https://id.example/go?c=ABCD-EFGH","expires_in":600,"interval":1}"#;

async fn run(
    code: &str,
    answers: &[(u16, &str)],
) -> (FakeHttp, Result<Tokens, AgentError>, Vec<String>) {
    let http = FakeHttp::new();
    http.answer(DEVICE, vec![json_answer(200, code)]);
    http.answer(
        TOKEN,
        answers
            .iter()
            .map(|(status, json)| json_answer(*status, json))
            .collect(),
    );
    let document = serde_json::json!({
        "issuer": "https://id.example", "token_endpoint": TOKEN, "device_authorization_endpoint": DEVICE,
    });
    let server =
        ServerMetadata::parse(document.to_string().as_bytes(), "https://id.example").unwrap();
    let client = Client {
        id: Some("c1".to_owned()),
        auth: ClientAuth::Public,
        issuer: "https://id.example".to_owned(),
        origin: Origin::Given,
    };
    let asked = For {
        resource: Some("https://api.example".to_owned()),
        scopes: vec!["a".to_owned()],
    };
    let shown = Mutex::new(Vec::new());
    let tokens = {
        let endpoint = TokenEndpoint {
            http: &http,
            reach: Reach::Public,
            server: &server,
            client: &client,
            prover: None,
            clock: &FakeClock::at(Timestamp::from_seconds(1_000)),
            random: &FakeRandom::default(),
        };
        match DeviceCode::begin(&endpoint, &asked).await {
            Ok(code) => {
                shown.lock().unwrap().push(code.user_code.clone());
                code.wait(&endpoint, &asked).await
            }
            Err(error) => Err(error),
        }
    };
    (http, tokens, shown.into_inner().unwrap())
}

#[tokio::test(start_paused = true)]
async fn it_asks_until_the_code_was_entered() {
    let (http, tokens, shown) = run(
        CODE,
        &[
            (400, r#"{"error":"authorization_pending"}"#),
            (503, ""),
            (400, r#"{"error":"slow_down"}"#),
            (200, r#"{"access_token":"t","token_type":"Bearer"}"#),
        ],
    )
    .await;
    assert_eq!(tokens.unwrap().access.expose(), "t");
    assert_eq!(shown, ["ABCD-EFGH"]);
    let asked = http.sent_to(TOKEN);
    assert_eq!(asked.len(), 4);
    assert_eq!(
        asked[0].form["grant_type"],
        "urn:ietf:params:oauth:grant-type:device_code"
    );
    assert_eq!(asked[0].form["resource"], "https://api.example");
    assert_eq!(http.sent_to(DEVICE)[0].form["scope"], "a");
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_person_or_the_server_says_so() {
    for (code, expected) in [
        (
            "access_denied",
            AgentError::SignInRefused("access_denied".to_owned()),
        ),
        ("expired_token", AgentError::DeviceExpired),
        (
            "invalid_grant",
            AgentError::Refused("invalid_grant".to_owned()),
        ),
    ] {
        let answer = format!(r#"{{"error":"{code}"}}"#);
        let (http, tokens, _) = run(CODE, &[(400, &answer)]).await;
        assert_eq!(tokens.unwrap_err(), expected);
        assert_eq!(http.sent_to(TOKEN).len(), 1);
    }
    let spent = CODE.replace("600", "0");
    let (_, tokens, _) = run(&spent, &[(400, r#"{"error":"authorization_pending"}"#)]).await;
    assert_eq!(tokens.unwrap_err(), AgentError::DeviceExpired);
}

#[tokio::test(start_paused = true)]
async fn a_code_that_a_terminal_would_act_on_is_not_shown() {
    let escape = CODE.replace(
        "ABCD-EFGH\",\"verification_uri\"",
        "\\u001b[2J\",\"verification_uri\"",
    );
    let elsewhere = CODE.replace("https://id.example/go\"", "http://id.example/go\"");
    for wrong in [escape.as_str(), &elsewhere, "{}", "[]"] {
        let (_, tokens, shown) = run(wrong, &[]).await;
        assert!(tokens.is_err(), "{wrong}");
        assert_eq!(shown, Vec::<String>::new(), "{wrong}");
    }
}
