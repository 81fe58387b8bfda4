//! A control plane in memory: it answers the gate's requests and records them.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use sealgate_gate::{Gate, Host, Premises, Settings};
use sealgate_host::{
    Body, FakeClock, FakeRandom, Fetch, FetchError, FetchRequest, FetchResponse, StreamBody,
};
use sealgate_jose::{DpopProof, Jwk, JwkSet, SigningKey};
use sealgate_model::{Clock as _, Timestamp};
use sealgate_revocation::{Entry, Epoch, MESSAGE_TYPE, Message, Publisher};
use serde_json::{Value, json};

use crate::bundled::Bundled;

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const APP: &str = "https://app.example";
pub(crate) const SID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";

/// What the provider does next at an endpoint, and what was asked of it.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "switches")]
pub(crate) struct State {
    /// Every form posted to the token endpoint, oldest first.
    pub(crate) token_requests: Vec<Vec<(String, String)>>,
    /// The proof that came with each of them.
    pub(crate) proofs: Vec<Option<DpopProof>>,
    /// The nonce that proofs have to carry, and that every answer tells.
    pub(crate) dpop_nonce: Option<String>,
    /// Every form posted to the revocation endpoint.
    pub(crate) revocations: Vec<Vec<(String, String)>>,
    /// Answers of the token endpoint to give first.
    pub(crate) token_answers: VecDeque<Result<(u16, Value), FetchError>>,
    /// Every token that was asked about, with its hint, oldest first.
    pub(crate) introspections: Vec<(String, String)>,
    /// Answers of the introspection endpoint to give first.
    pub(crate) introspection_answers: VecDeque<Result<(u16, Value), FetchError>>,
    /// How long an answer of it takes.
    pub(crate) introspection_takes: Duration,
    /// How many wait for one, and how many did at once at most.
    pub(crate) introspecting: (usize, usize),
    /// Changes to the ID token's claims.
    pub(crate) claims: Vec<(&'static str, Value)>,
    /// The nonce to put into ID tokens.
    pub(crate) nonce: Option<String>,
    /// Whether nothing answers.
    pub(crate) down: bool,
    /// How often keys were asked for.
    pub(crate) keys_asked: usize,
    /// Whether messages ask how far the gate has come, and what it answered.
    pub(crate) asks: bool,
    pub(crate) receipts: Vec<Value>,
    /// What reports are answered with, if there is a place for them; and those that came.
    pub(crate) takes_reports: Option<u16>,
    pub(crate) reports: Vec<Value>,
    /// Whether there is a place for decisions; what it answers first, and every batch that came.
    pub(crate) takes_decisions: bool,
    pub(crate) decision_answers: VecDeque<Result<u16, FetchError>>,
    pub(crate) batches: Vec<Vec<u8>>,
    /// What streams were opened with.
    pub(crate) streams: Vec<String>,
    /// The further header fields of requests for snapshots and streams.
    pub(crate) feed_requests: Vec<Vec<(&'static str, String)>>,
    /// What snapshots carry instead of the nonce that they were asked for with; if it is empty, none.
    pub(crate) other_nonce: Option<&'static str>,
    /// How far the control plane's clock is ahead.
    pub(crate) clock_ahead: Duration,
    /// Revocations in the snapshot.
    pub(crate) entries: Vec<Entry>,
    /// What is handed out as the bundle of policies.
    pub(crate) bundle: Bundled,
    /// How many tokens were asked for: each refresh token has its number.
    pub(crate) issued: usize,
    /// More keys in the key set.
    pub(crate) other_keys: Vec<Jwk>,
    /// The place of the key that signs.
    pub(crate) signing: usize,
    /// How many of the oldest keys have left the key set.
    pub(crate) retired: usize,
    /// The place of the key that signs the feed.
    pub(crate) signing_feed: usize,
    /// Whether the client's secret is taken in the form, and nowhere else.
    pub(crate) secret_in_form: bool,
    /// Members that the metadata and the token endpoint's answer do not have.
    pub(crate) left_out: Vec<&'static str>,
    /// How long the answer to a token request is on its way.
    pub(crate) tokens_take: Duration,
    /// How long a token request takes, in yields of the scheduler.
    pub(crate) slow: usize,
}

pub(crate) struct Provider {
    pub(crate) clock: Arc<FakeClock>,
    /// `k0` to `k2`; the key set holds those up to the one that signs.
    pub(crate) keys: [SigningKey; 3],
    pub(crate) state: Mutex<State>,
}

pub(crate) struct World {
    pub(crate) gate: Arc<Gate>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) premises: Premises,
}

/// A gate in front of a provider, with a fresh view.
pub(crate) async fn world() -> World {
    world_with(&[]).await
}

pub(crate) async fn world_with(change: &'static [(&str, &str)]) -> World {
    let world = cold_world(change);
    world.follow_once().await;
    assert!(world.gate.is_ready());
    world
}

/// A gate that has not heard from its feed yet.
pub(crate) fn cold_world(change: &'static [(&str, &str)]) -> World {
    cold_world_in(change, Premises::default())
}

/// The same on a machine of which more is known.
pub(crate) fn cold_world_in(change: &'static [(&str, &str)], premises: Premises) -> World {
    let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_790_000_000)));
    let keys = [0, 1, 2].map(|n| SigningKey::from_seed(format!("k{n}"), &[n + 1; 32]).unwrap());
    let provider = Arc::new(Provider {
        clock: Arc::clone(&clock),
        keys,
        state: Mutex::default(),
    });
    World {
        gate: gate(change, &clock, &provider, premises.clone()),
        clock,
        provider,
        premises,
    }
}

fn gate(
    change: &'static [(&str, &str)],
    clock: &Arc<FakeClock>,
    provider: &Arc<Provider>,
    premises: Premises,
) -> Arc<Gate> {
    let settings = Settings::from_lookup(|name| {
        let good = [
            ("SEALGATE_ISSUER", ISSUER),
            ("SEALGATE_BASE_URL", APP),
            ("SEALGATE_CLIENT_ID", "expenses"),
            ("SEALGATE_CLIENT_SECRET", "a secret: with/odd+characters"),
            ("SEALGATE_SEAL_KEYS", KEY),
        ];
        let found = change.iter().chain(&good).find(|(other, _)| *other == name);
        found.map(|(_, value)| (*value).to_owned())
    })
    .unwrap();
    let host = Host {
        clock: Arc::<FakeClock>::clone(clock),
        random: Arc::new(FakeRandom::seeded(7)),
        fetch: Arc::<Provider>::clone(provider),
        premises,
    };
    Gate::new(settings, host).unwrap()
}

impl World {
    /// Another gate of the same application on the same machine.
    pub(crate) fn neighbour(&self) -> Self {
        let (clock, provider) = (Arc::clone(&self.clock), Arc::clone(&self.provider));
        Self {
            gate: gate(&[], &clock, &provider, self.premises.clone()),
            clock,
            provider,
            premises: self.premises.clone(),
        }
    }

    /// Lets the gate follow its feed until it has heard everything there is.
    pub(crate) async fn follow_once(&self) {
        let follow = self.gate.follow();
        let stopped = tokio::time::timeout(Duration::from_millis(500), follow).await;
        assert!(stopped.is_err(), "following never ends by itself");
    }

    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.provider.state.lock().unwrap()
    }
}

impl Provider {
    #[expect(clippy::too_many_lines, reason = "one address after the other")]
    fn answer(&self, request: &FetchRequest) -> Result<(u16, Vec<u8>), FetchError> {
        let path = request.url.strip_prefix(ISSUER).unwrap();
        let mut state = self.state.lock().unwrap();
        if state.down {
            return Err(FetchError::Unreachable("refused".to_owned()));
        }
        let ok = |value: Value| Ok((200, value.to_string().into_bytes()));
        match path.split('?').next().unwrap() {
            "/.well-known/openid-configuration" => {
                let mut metadata = without(metadata(), &state.left_out);
                if state.takes_reports.is_some() {
                    metadata["gate_report_endpoint"] = json!(format!("{ISSUER}/gates/report"));
                }
                if state.takes_decisions {
                    metadata["gate_decisions_endpoint"] =
                        json!(format!("{ISSUER}/gates/decisions"));
                }
                if state.secret_in_form {
                    metadata["token_endpoint_auth_methods_supported"] =
                        json!(["client_secret_post"]);
                }
                ok(metadata)
            }
            "/oauth/jwks" => {
                state.keys_asked += 1;
                ok(serde_json::to_value(JwkSet {
                    keys: self.keys[state.retired..=state.signing]
                        .iter()
                        .map(SigningKey::public_jwk)
                        .chain(state.other_keys.clone())
                        .collect(),
                })
                .unwrap())
            }
            "/oauth/token" => {
                state.token_requests.push(form(request));
                state.issued += 1;
                if state.secret_in_form {
                    assert!(request.basic.is_none());
                } else {
                    assert_authenticated(request);
                }
                let proof = request.dpop.as_ref();
                let proof = proof.map(|proof| DpopProof::read(proof.expose()).unwrap());
                let lacks_nonce = |proof: &DpopProof| proof.nonce != state.dpop_nonce;
                let refused = state.dpop_nonce.is_some() && proof.as_ref().is_some_and(lacks_nonce);
                state.proofs.push(proof);
                if refused {
                    let body = json!({ "error": "use_dpop_nonce" }).to_string();
                    return Ok((400, body.into_bytes()));
                }
                match state.token_answers.pop_front() {
                    Some(answer) => {
                        answer.map(|(status, body)| (status, body.to_string().into_bytes()))
                    }
                    None => ok(without(self.tokens(&state), &state.left_out)),
                }
            }
            "/oauth/introspect" => {
                assert_authenticated(request);
                let form = form(request);
                let [(_, token), (_, hint)] = form.as_slice() else {
                    panic!("a token and its hint");
                };
                state.introspections.push((token.clone(), hint.clone()));
                match state.introspection_answers.pop_front() {
                    Some(answer) => {
                        answer.map(|(status, body)| (status, body.to_string().into_bytes()))
                    }
                    None => ok(json!({"active": true})),
                }
            }
            "/oauth/revoke" => {
                state.revocations.push(form(request));
                Ok((200, Vec::new()))
            }
            "/feed/snapshot" => {
                assert_authenticated(request);
                let entries = state.entries.clone();
                let mut publisher = self.publisher(entries.len() as u64);
                let nonce = parameter(&request.url, "nonce");
                let nonce = match state.other_nonce {
                    None => nonce,
                    Some(other) => Some(other.to_owned()).filter(|other| !other.is_empty()),
                };
                let now = self.clock.now() + state.clock_ahead;
                let message =
                    publisher.snapshot(entries, Vec::new(), nonce, now, &FakeRandom::default());
                state.feed_requests.push(request.headers.clone());
                Ok((200, self.sign(state.signing_feed, &message).into_bytes()))
            }
            "/feed/applied" => {
                assert_authenticated(request);
                let Body::Json(document) = &request.body else {
                    panic!("not JSON");
                };
                state
                    .receipts
                    .push(serde_json::from_slice(document).unwrap());
                Ok((204, Vec::new()))
            }
            "/gates/report" => {
                assert_authenticated(request);
                let Body::Json(document) = &request.body else {
                    panic!("not JSON");
                };
                let report = serde_json::from_slice(document).unwrap();
                state.reports.push(report);
                Ok((state.takes_reports.unwrap(), Vec::new()))
            }
            "/gates/decisions" => {
                assert_authenticated(request);
                let Body::Bytes { kind, content } = &request.body else {
                    panic!("not bytes");
                };
                assert_eq!(*kind, "application/vnd.sealgate.decisions+cbor");
                state.batches.push(content.clone());
                let answer = state.decision_answers.pop_front().unwrap_or(Ok(200));
                // Its own refusal says which it is; one of a proxy in front does not.
                let own = br#"{"reason":"decisions_malformed"}"#;
                answer.map(|status| {
                    let body = if status == 400 {
                        own.to_vec()
                    } else {
                        Vec::new()
                    };
                    (status, body)
                })
            }
            "/policy/bundle" => {
                assert_authenticated(request);
                let nonce = parameter(&request.url, "nonce").unwrap();
                state.bundle.asked += 1;
                if state.bundle.down {
                    return Ok((503, Vec::new()));
                }
                let claims = state.bundle.claims(&nonce);
                let key = &self.keys[state.bundle.signing];
                Ok((
                    200,
                    key.sign(state.bundle.typ(), &claims).unwrap().into_bytes(),
                ))
            }
            other => panic!("no such endpoint: {other}"),
        }
    }

    /// What the stream tells from number `after` on: the revocations since, then a heartbeat.
    fn events(&self, after: u64) -> String {
        let (entries, key, asks, ahead) = {
            let state = self.state.lock().unwrap();
            let entries = state.entries.clone();
            (entries, state.signing_feed, state.asks, state.clock_ahead)
        };
        let now = self.clock.now() + ahead;
        let mut publisher = self.publisher(after);
        let news: Vec<_> = (1..)
            .zip(entries)
            .skip(usize::try_from(after).unwrap())
            .collect();
        let mut messages = publisher.revoked(news, now, true, &FakeRandom::default());
        messages.push(publisher.heartbeat(now + Duration::from_millis(1), &FakeRandom::default()));
        for message in &mut messages {
            message.ack = asks;
        }
        let tokens = messages.iter().map(|message| self.sign(key, message));
        tokens.fold(String::new(), |stream, token| {
            format!("{stream}event: set\ndata: {token}\n\n")
        })
    }

    fn publisher(&self, seq: u64) -> Publisher {
        let epoch: Epoch = "e1".parse().unwrap();
        let client = "expenses".parse().unwrap();
        Publisher::new(
            ISSUER.parse().unwrap(),
            client,
            epoch,
            seq,
            self.clock.now(),
        )
    }

    fn sign(&self, key: usize, message: &Message) -> String {
        self.keys[key].sign(MESSAGE_TYPE, message).unwrap()
    }

    fn tokens(&self, state: &State) -> Value {
        let now = self.clock.now().as_seconds();
        let mut claims = json!({
            "iss": ISSUER, "sub": "ada", "aud": "expenses", "exp": now + 300, "iat": now, "auth_time": now,
            "sid": SID, "email": "ada@example.com", "name": "Ada", "roles": ["accountant"],
        });
        if let Some(nonce) = &state.nonce {
            claims["nonce"] = json!(nonce);
        }
        for (claim, value) in &state.claims {
            claims[*claim] = value.clone();
        }
        json!({
            "access_token": "at", "token_type": "Bearer", "expires_in": 300, "refresh_expires_in": 86_400,
            "scope": "openid profile email expenses:read",
            "id_token": self.keys[state.signing].sign("JWT", &claims).unwrap(),
            "refresh_token": format!("refresh-{}", state.issued),
        })
    }
}

impl Fetch for Provider {
    fn send(
        &self,
        request: FetchRequest,
    ) -> Pin<Box<dyn Future<Output = Result<FetchResponse, FetchError>> + Send + '_>> {
        Box::pin(async move {
            let slow = self.state.lock().unwrap().slow;
            for _ in 0..slow {
                tokio::task::yield_now().await;
            }
            if request.url.ends_with("/oauth/introspect") {
                let takes = {
                    let mut state = self.state.lock().unwrap();
                    state.introspecting.0 += 1;
                    state.introspecting.1 = state.introspecting.1.max(state.introspecting.0);
                    state.introspection_takes
                };
                tokio::time::sleep(takes).await;
                self.state.lock().unwrap().introspecting.0 -= 1;
            }
            let answer = self.answer(&request);
            if request.url.ends_with("/oauth/token") {
                let takes = self.state.lock().unwrap().tokens_take;
                tokio::time::sleep(takes).await;
            }
            answer.map(|(status, body)| FetchResponse {
                status,
                body,
                dpop_nonce: self.state.lock().unwrap().dpop_nonce.clone(),
                ..FetchResponse::default()
            })
        })
    }

    fn open(
        &self,
        request: FetchRequest,
    ) -> Pin<Box<dyn Future<Output = Result<StreamBody, FetchError>> + Send + '_>> {
        Box::pin(async move {
            if self.state.lock().unwrap().down {
                return Err(FetchError::TimedOut);
            }
            assert_authenticated(&request);
            let after = parameter(&request.url, "after").unwrap().parse().unwrap();
            {
                let mut state = self.state.lock().unwrap();
                state.streams.push(request.url.clone());
                state.feed_requests.push(request.headers.clone());
            }
            let events = Ok(self.events(after).into_bytes());
            let silence = futures_util::stream::pending();
            let pieces = futures_util::stream::iter([events]).chain(silence).boxed();
            Ok(StreamBody {
                status: 200,
                pieces,
            })
        })
    }
}

/// Every request that needs credentials carries them form-encoded in Basic (RFC 6749, 2.3.1).
fn assert_authenticated(request: &FetchRequest) {
    let (name, secret) = request.basic.as_ref().unwrap();
    assert_eq!(
        (name.as_str(), secret.expose()),
        ("expenses", "a+secret%3A+with%2Fodd%2Bcharacters")
    );
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

fn form(request: &FetchRequest) -> Vec<(String, String)> {
    match &request.body {
        Body::None | Body::Json(_) | Body::Bytes { .. } => Vec::new(),
        Body::Form(fields) => fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.expose().to_owned()))
            .collect(),
    }
}

fn without(mut object: Value, left_out: &[&str]) -> Value {
    for name in left_out {
        object.as_object_mut().unwrap().remove(*name);
    }
    object
}

fn metadata() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("{ISSUER}/oauth/authorize"),
        "token_endpoint": format!("{ISSUER}/oauth/token"),
        "jwks_uri": format!("{ISSUER}/oauth/jwks"),
        "revocation_endpoint": format!("{ISSUER}/oauth/revoke"),
        "introspection_endpoint": format!("{ISSUER}/oauth/introspect"),
        "end_session_endpoint": format!("{ISSUER}/oauth/logout"),
        "authorization_response_iss_parameter_supported": true,
        "revocation_feed_endpoint": format!("{ISSUER}/feed/events"),
        "revocation_snapshot_endpoint": format!("{ISSUER}/feed/snapshot"),
        "revocation_applied_endpoint": format!("{ISSUER}/feed/applied"),
        "policy_bundle_endpoint": format!("{ISSUER}/policy/bundle"),
    })
}
