//! Whatever a token endpoint and another service answer, a call goes to its target only, with a header that is one,
//! or not at all.
#![no_main]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use sealgate_gate::{Answered, Behalf, Gate, Host, Premises, Settings, Target};
use sealgate_host::{FakeClock, FakeRandom, Fetch, FetchError, FetchRequest, FetchResponse, StreamBody};
use sealgate_model::Timestamp;

const METADATA: &str = r#"{"issuer":"https://id.example","authorization_endpoint":"https://id.example/a",
"token_endpoint":"https://id.example/t","jwks_uri":"https://id.example/k"}"#;

struct Issuer {
    status: u16,
    answer: Vec<u8>,
    nonce: Option<String>,
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Fetch for Issuer {
    fn send(&self, request: FetchRequest) -> Boxed<'_, Result<FetchResponse, FetchError>> {
        let (status, body) = if request.url == "https://id.example/t" {
            (self.status, self.answer.clone())
        } else {
            (200, METADATA.as_bytes().to_vec())
        };
        let dpop_nonce = self.nonce.clone();
        Box::pin(std::future::ready(Ok(FetchResponse { status, body, dpop_nonce, ..FetchResponse::default() })))
    }

    fn open(&self, _: FetchRequest) -> Boxed<'_, Result<StreamBody, FetchError>> {
        Box::pin(std::future::ready(Err(FetchError::TimedOut)))
    }
}

/// A token answer: any bytes, or one of the right shape with any token and life.
type Answer<'a> = Result<&'a [u8], (&'a str, u64)>;

fuzz_target!(|input: (bool, bool, Answer<'_>, &str, Option<&str>, u16, &[u8], Option<&[u8]>)| {
    let (dpop, refused, answer, url, nonce, status, challenge, told) = input;
    let kind = if dpop { "DPoP" } else { "Bearer" };
    let issuer = Issuer {
        status: if refused { 400 } else { 200 },
        answer: match answer {
            Ok(bytes) => bytes.to_vec(),
            Err((token, life)) => {
                let shaped = serde_json::json!({"access_token": token, "token_type": kind, "expires_in": life});
                shaped.to_string().into_bytes()
            }
        },
        nonce: nonce.map(str::to_owned),
    };
    let gate = gate(issuer);
    let target = Target::new("https://two.example", &[""; 0], &[], dpop).expect("a target");
    for url in [url, "https://two.example/x"] {
        let Some(sent) = now(gate.onward(&target, Behalf::Itself, "GET", url)) else {
            continue;
        };
        let Ok(sent) = sent else { continue };
        assert!(url.trim_start().to_ascii_lowercase().starts_with("https:"), "{url}");
        let header = sent.authorization.expose();
        let (scheme, token) = header.split_once(' ').expect("a scheme and a token");
        assert_eq!(scheme, kind);
        assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(sent.dpop.is_some(), dpop);
        let answered = Answered { status, challenges: &[challenge], nonce: told };
        let _ = gate.onward_answered(&sent, &answered);
    }
});

/// What a future gives without waiting: everything that this one asks for is at hand.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn gate(issuer: Issuer) -> Arc<Gate> {
    let settings = Settings::from_lookup(|name| {
        let value = match name {
            "SEALGATE_ISSUER" => "https://id.example",
            "SEALGATE_BASE_URL" => "https://app.example",
            "SEALGATE_CLIENT_ID" => "expenses",
            "SEALGATE_CLIENT_SECRET" => "secret",
            "SEALGATE_SEAL_KEYS" => "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .expect("the settings are good");
    let host = Host {
        clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_790_000_000))),
        random: Arc::new(FakeRandom::default()),
        fetch: Arc::new(issuer),
        premises: Premises::default(),
    };
    Gate::new(settings, host).expect("the gate stands")
}
