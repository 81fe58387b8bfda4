use proptest::prelude::*;
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_jose::DpopProof;

use super::*;
use crate::fake::{FakeHttp, Sent, json_answer};
use crate::registration::{ClientAuth, Origin};

const TOKEN: &str = "https://id.example/token";
const GOOD: &str = r#"{"access_token":"t","token_type":"Bearer","expires_in":60,"scope":"a"}"#;

struct Asking {
    http: FakeHttp,
    server: ServerMetadata,
    client: Client,
    clock: FakeClock,
    random: FakeRandom,
    prover: Option<Prover>,
}

impl Asking {
    fn new(answers: Vec<HttpResponse>) -> Self {
        let document = serde_json::json!({"issuer": "https://id.example", "token_endpoint": TOKEN});
        let http = FakeHttp::new();
        http.answer(TOKEN, answers);
        Self {
            http,
            server: ServerMetadata::parse(document.to_string().as_bytes(), "https://id.example")
                .unwrap(),
            client: Client {
                id: Some("c1".to_owned()),
                auth: ClientAuth::Public,
                issuer: "https://id.example".to_owned(),
                origin: Origin::Given,
            },
            clock: FakeClock::at(Timestamp::from_seconds(1_000)),
            random: FakeRandom::default(),
            prover: None,
        }
    }

    fn bound(answers: Vec<HttpResponse>) -> Self {
        Self {
            prover: Some(Prover::generate().unwrap()),
            ..Self::new(answers)
        }
    }

    fn endpoint(&self) -> TokenEndpoint<'_> {
        TokenEndpoint {
            http: &self.http,
            reach: Reach::Public,
            server: &self.server,
            client: &self.client,
            prover: self.prover.as_ref(),
            clock: &self.clock,
            random: &self.random,
        }
    }

    async fn machine(&self) -> Result<Tokens, AgentError> {
        self.endpoint().client_credentials(&asked()).await
    }

    fn sent(&self) -> Vec<Sent> {
        self.http.sent_to(TOKEN)
    }
}

fn asked() -> For {
    For {
        resource: Some("https://api.example/mcp".to_owned()),
        scopes: vec!["a".to_owned(), "b".to_owned()],
    }
}

fn with_nonce(status: u16, json: &str, nonce: &str) -> HttpResponse {
    HttpResponse {
        dpop_nonce: Some(nonce.as_bytes().to_vec()),
        ..json_answer(status, json)
    }
}

#[tokio::test]
async fn what_was_granted_counts_and_not_what_was_asked_for() {
    let asking = Asking::new(vec![json_answer(200, GOOD)]);
    let tokens = asking.machine().await.unwrap();
    assert_eq!(tokens.scopes, ["a"]);
    assert_eq!(tokens.authorization().expose(), "Bearer t");
    let form = &asking.sent()[0].form;
    assert_eq!(form["scope"], "a b");
    assert_eq!(form["resource"], "https://api.example/mcp");
    assert_eq!(form["client_id"], "c1");
    assert!(!format!("{tokens:?}").contains("\"t\""));
    let silent = Asking::new(vec![json_answer(
        200,
        r#"{"access_token":"t","token_type":"bearer"}"#,
    )]);
    let tokens = silent.machine().await.unwrap();
    assert_eq!(tokens.scopes, ["a", "b"]);
    assert_eq!(tokens.ends_at, None);
}

#[tokio::test]
async fn a_nonce_that_the_server_wants_goes_into_the_second_proof() {
    let asking = Asking::bound(vec![
        with_nonce(400, r#"{"error":"use_dpop_nonce"}"#, "n1"),
        with_nonce(200, &GOOD.replace("Bearer", "DPoP"), "n2"),
    ]);
    let tokens = asking.machine().await.unwrap();
    assert_eq!(tokens.kind, Kind::Dpop);
    let proofs: Vec<DpopProof> = asking
        .sent()
        .iter()
        .map(|sent| DpopProof::read(sent.dpop.as_deref().unwrap()).unwrap())
        .collect();
    assert_eq!(proofs.len(), 2);
    assert_eq!(
        (proofs[0].nonce.as_deref(), proofs[1].nonce.as_deref()),
        (None, Some("n1"))
    );
    assert_ne!(proofs[0].jti, proofs[1].jti);
    asking.machine().await.unwrap();
    let third = DpopProof::read(asking.sent()[2].dpop.as_deref().unwrap()).unwrap();
    assert_eq!(third.nonce.as_deref(), Some("n2"));
}

#[tokio::test]
async fn a_server_that_wants_the_same_nonce_again_is_not_asked_for_ever() {
    let again = with_nonce(400, r#"{"error":"use_dpop_nonce"}"#, "n1");
    let asking = Asking::bound(vec![again]);
    let refused = asking.machine().await.unwrap_err();
    assert_eq!(refused, AgentError::Refused("use_dpop_nonce".to_owned()));
    assert_eq!(asking.sent().len(), 2);
}

#[tokio::test]
async fn a_token_that_is_not_bound_as_asked_is_not_used() {
    let asking = Asking::bound(vec![json_answer(200, GOOD)]);
    assert!(matches!(
        asking.machine().await,
        Err(AgentError::TokenUnacceptable(_))
    ));
    let asking = Asking::new(vec![json_answer(200, &GOOD.replace("Bearer", "DPoP"))]);
    assert!(matches!(
        asking.machine().await,
        Err(AgentError::TokenUnacceptable(_))
    ));
}

#[tokio::test]
async fn refusals_and_failures_are_told_apart() {
    for (status, json, expected) in [
        (
            400,
            r#"{"error":"invalid_scope"}"#,
            AgentError::Refused("invalid_scope".to_owned()),
        ),
        (
            401,
            "<html>",
            AgentError::Refused("without a reason".to_owned()),
        ),
        (503, "", AgentError::Unavailable("status 503".to_owned())),
        (429, "", AgentError::Unavailable("status 429".to_owned())),
        (302, "", AgentError::Refused("without a reason".to_owned())),
        (
            400,
            r#"{"error":"temporarily_unavailable"}"#,
            AgentError::Unavailable("temporarily_unavailable".to_owned()),
        ),
    ] {
        let asking = Asking::new(vec![json_answer(status, json)]);
        assert_eq!(
            asking.machine().await.unwrap_err(),
            expected,
            "{status} {json}"
        );
        assert_eq!(asking.sent().len(), 1);
    }
}

#[tokio::test]
async fn answers_that_are_no_token_are_refused() {
    for wrong in [
        "[]",
        "{}",
        r#"{"access_token":"","token_type":"Bearer"}"#,
        r#"{"access_token":"a b","token_type":"Bearer"}"#,
        r#"{"access_token":"a\r\nx: y","token_type":"Bearer"}"#,
        r#"{"access_token":"t","token_type":"mac"}"#,
        r#"{"access_token":"t","token_type":"Bearer","expires_in":-5}"#,
        r#"{"access_token":"t","token_type":"Bearer","scope":"a\"b"}"#,
    ] {
        let asking = Asking::new(vec![json_answer(200, wrong)]);
        let refused = asking.machine().await;
        assert!(
            matches!(refused, Err(AgentError::TokenUnacceptable(_))),
            "{wrong}"
        );
    }
    let long = format!(
        r#"{{"access_token":"{}","token_type":"Bearer"}}"#,
        "t".repeat(TOKEN_LIMIT + 1)
    );
    let asking = Asking::new(vec![json_answer(200, &long)]);
    assert!(asking.machine().await.is_err());
}

#[tokio::test]
async fn a_refresh_token_that_is_left_out_is_still_good() {
    let rotated = GOOD.replace("\"scope\"", "\"refresh_token\":\"r2\",\"scope\"");
    let asking = Asking::new(vec![json_answer(200, GOOD), json_answer(200, &rotated)]);
    let old = Secret::new("r1");
    let renew = || async {
        asking
            .endpoint()
            .refresh(&old, Some("https://api.example/mcp"), &[])
            .await
            .unwrap()
    };
    assert_eq!(renew().await.refresh.unwrap().expose(), "r1");
    assert_eq!(renew().await.refresh.unwrap().expose(), "r2");
    let form = &asking.sent()[0].form;
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["resource"], "https://api.example/mcp");
    assert!(!form.contains_key("scope"));
}

#[tokio::test]
async fn an_identity_becomes_an_assertion_for_one_audience() {
    let jag = r#"{"access_token":"jag","token_type":"N_A","issued_token_type":"urn:ietf:params:oauth:token-type:id-jag"}"#;
    let asking = Asking::new(vec![json_answer(200, jag), json_answer(200, GOOD)]);
    let exchange = || async {
        let identity = Secret::new("id-token");
        asking
            .endpoint()
            .exchange_identity(identity, "https://as.example", &asked())
            .await
    };
    assert_eq!(exchange().await.unwrap().expose(), "jag");
    let form = &asking.sent()[0].form;
    assert_eq!(form["audience"], "https://as.example");
    assert_eq!(
        form["subject_token_type"],
        "urn:ietf:params:oauth:token-type:id_token"
    );
    assert_eq!(
        form["requested_token_type"],
        "urn:ietf:params:oauth:token-type:id-jag"
    );
    // An access token in its place would be somebody else's.
    assert!(matches!(
        exchange().await,
        Err(AgentError::TokenUnacceptable(_))
    ));
}

proptest! {
    #[test]
    fn any_lifetime_is_a_time_or_an_error(life in any::<f64>(), whole in any::<i64>()) {
        for text in [format!("{life}"), format!("{whole}")] {
            if let Ok(number) = serde_json::from_str::<serde_json::Number>(&text) {
                let _ = seconds(&number);
            }
        }
    }
}
