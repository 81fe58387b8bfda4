//! Nothing is fetched that should not be: a corpus of addresses and answers, played against the real guarded
//! client through the endpoints that fetch, with real listeners on whatever must not be reached.
//!
//! `corpus.json` has one case a line. `url` is what a stranger (or a careless administrator) gives; `resolves`
//! what its name resolves to, look-up for look-up; `answer` how the server behaves that may be reached. `reaches`
//! says that it is asked at all, `accepted` that its answer counts, `again` what becomes of the same a day later.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod remote;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use sealgate_host::{AddressPolicy, FakeClock, FakeRandom, GuardedFetch};
use sealgate_model::{Clock as _, Timestamp};
use sealgate_server::{
    Config, ControlPlane, Host, Lifetimes, Listen, Policy, Server, admin_app, app,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;
use url::form_urlencoded::Serializer;

use remote::{PUBLIC, Remote};

const ISSUER: &str = "https://id.example";
const NOTES: &str = "https://notes.example/mcp";
const CALLBACK: &str = "https://agent.example/cb";

/// An Ed25519 key that nobody here has the other half of.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","alg":"EdDSA","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    url: String,
    #[serde(default)]
    resolves: Vec<Vec<String>>,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    reaches: bool,
    #[serde(default)]
    accepted: bool,
    #[serde(default)]
    slow: bool,
    #[serde(default)]
    again: Option<String>,
}

fn corpus(slow: bool) -> Vec<Case> {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/ssrf/corpus.json"
    ));
    let all: Vec<Case> = serde_json::from_str(&text.unwrap()).unwrap();
    assert!(all.len() > 200, "the corpus is whole");
    all.into_iter().filter(|case| case.slow == slow).collect()
}

/// What fetches from an address that somebody gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A client's metadata document, whose address is its id.
    Document,
    /// The same, of a request that is pushed.
    Pushed,
    /// The keys of a client.
    ClientKeys,
    /// The keys of an issuer whose identities are taken.
    IssuerKeys,
    /// The metadata of an issuer that says where its keys are.
    IssuerMetadata,
    /// The keys of a transmitter of security events.
    TransmitterKeys,
}

struct World {
    remote: Remote,
    clock: Arc<FakeClock>,
    app: Router,
    admin: Router,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let remote = Remote::new().await;
        let policy = AddressPolicy::allowing(vec![format!("{PUBLIC}/32").parse().unwrap()]);
        let pem = remote.authority.as_bytes();
        let names = Arc::clone(&remote.names);
        let outbound = GuardedFetch::with_resolver(policy, Some(pem), names).unwrap();
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000)));
        let host = Host {
            clock: clock.clone(),
            random: Arc::new(FakeRandom::seeded(7)),
            outbound: Arc::new(outbound),
        };
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: dir.path().to_owned(),
            issuer: Some(ISSUER.parse().unwrap()),
            lifetimes: Lifetimes::default(),
            policy: Policy::default(),
        };
        let listen = Listen {
            address: ([127, 0, 0, 1], 0).into(),
            tls: None,
            metrics: None,
        };
        drop(Server::start(&config, &listen, host.clone()).await.unwrap());
        let plane = ControlPlane::open(&config, host).await.unwrap();
        let world = Self {
            remote,
            clock,
            app: app(Arc::clone(&plane)),
            admin: admin_app(plane),
            _dir: dir,
        };
        let notes = json!({
            "uri": NOTES, "name": "Notes", "agents": true,
            "scopes": [{ "name": "notes:read", "description": "Read notes" }],
        });
        let (status, said) = world.manage("POST", "/resources", Some(&notes)).await;
        assert_eq!(status, StatusCode::CREATED, "{said}");
        world
    }

    async fn manage(&self, method: &str, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(CONTENT_TYPE, "application/json");
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        let answer = self.admin.clone().oneshot(request.body(body).unwrap());
        let answer = answer.await.unwrap();
        let status = answer.status();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let location = answer.headers().get(LOCATION);
        let to = location.map_or_else(String::new, |to| to.to_str().unwrap().to_owned());
        (status, to)
    }

    async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> (StatusCode, String) {
        let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body));
        self.send(request.unwrap()).await
    }

    /// Has the control plane fetch from `url`; whether what came counts, where that can be told.
    async fn fetch(&self, kind: Kind, url: &str, number: usize) -> Option<bool> {
        match kind {
            Kind::Document => {
                let query = Serializer::new(String::new())
                    .extend_pairs(wish(url))
                    .finish();
                let request = Request::get(format!("/oauth/authorize?{query}"));
                let (status, to) = self.send(request.body(Body::empty()).unwrap()).await;
                assert!(
                    to.is_empty() || to.starts_with(ISSUER) || to.starts_with('/'),
                    "sent to {to}"
                );
                Some(status == StatusCode::SEE_OTHER)
            }
            Kind::Pushed => {
                let wish = wish(url);
                let (status, _) = self.post("/oauth/par", &wish).await;
                Some(status == StatusCode::CREATED)
            }
            Kind::ClientKeys => {
                let id = format!("robot-{number}");
                let client = json!({
                    "id": id, "name": "Robot", "kind": "confidential",
                    "authentication": "private_key_jwt", "jwks_uri": url,
                    "grants": ["client_credentials"], "scopes": ["notes:read"],
                });
                self.manage("POST", "/clients", Some(&client)).await;
                self.authenticate(&id).await;
                None
            }
            Kind::IssuerKeys | Kind::IssuerMetadata => {
                let issuer = match kind {
                    Kind::IssuerKeys => format!("https://issuer-{number}.example"),
                    _ => url.to_owned(),
                };
                let mut body = json!({ "issuer": issuer, "name": "Issuer", "kind": "openid" });
                if kind == Kind::IssuerKeys {
                    body["jwks_uri"] = json!(url);
                }
                self.manage("POST", "/issuers", Some(&body)).await;
                let assertion = self.signed(&json!({ "typ": "JWT" }), &issuer, "somebody");
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                let pairs = [("grant_type", grant), ("assertion", &assertion)];
                let (status, _) = self.post("/oauth/token", &pairs).await;
                assert!(status.is_client_error() || status.is_server_error());
                None
            }
            Kind::TransmitterKeys => {
                let issuer = format!("https://transmitter-{number}.example");
                let body = json!({
                    "name": "Corp", "issuer": issuer, "jwks_uri": url, "domains": ["corp.example"],
                });
                let (_, made) = self.manage("POST", "/transmitters", Some(&body)).await;
                let id = made["id"].as_str()?;
                let event = self.signed(&json!({ "typ": "secevent+jwt" }), &issuer, "x");
                let request = Request::post(format!("/signals/transmitters/{id}/events"))
                    .header(CONTENT_TYPE, "application/secevent+jwt")
                    .body(Body::from(event));
                let (status, _) = self.send(request.unwrap()).await;
                assert_ne!(status, StatusCode::ACCEPTED);
                None
            }
        }
    }

    async fn authenticate(&self, id: &str) {
        let assertion = self.signed(&json!({ "typ": "JWT" }), id, id);
        let (status, _) = self
            .post(
                "/oauth/token",
                &[
                    ("grant_type", "client_credentials"),
                    (
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    ),
                    ("client_assertion", &assertion),
                ],
            )
            .await;
        assert!(status.is_client_error() || status.is_server_error());
    }

    /// A JWT by nobody: it makes the keys be fetched, and verifies under none.
    fn signed(&self, header: &Value, issuer: &str, subject: &str) -> String {
        let mut header = header.clone();
        header["alg"] = json!("EdDSA");
        header["kid"] = json!("k");
        let now = self.clock.now().as_seconds();
        let claims = json!({
            "iss": issuer, "sub": subject, "aud": ISSUER, "iat": now, "exp": now + 60,
            "jti": format!("{now}-{subject}"), "events": {},
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = URL_SAFE_NO_PAD.encode([7; 64]);
        format!("{}.{}.{signature}", part(&header), part(&claims))
    }

    /// Plays one case: what is reached, and whether it counts, is as the corpus says.
    async fn play(&self, kind: Kind, case: &Case, number: usize) {
        let url = case
            .url
            .replace("{port}", &self.remote.port.to_string())
            .replace("{n}", &number.to_string());
        self.remote.names.set(&case.resolves);
        *self.remote.answer.lock().unwrap() = (case.answer.clone(), sound(kind, &url));
        // Long enough that no limit of the case before counts.
        self.clock.advance(Duration::from_secs(120));
        let before = self.remote.reached();
        let began = Instant::now();
        let accepted = self.fetch(kind, &url, number).await;
        assert!(
            began.elapsed() < Duration::from_secs(12),
            "{kind:?} {}: it took {:?}",
            case.name,
            began.elapsed()
        );
        let reached = self.remote.reached() > before;
        assert_eq!(
            self.remote.trespassed(),
            0,
            "{kind:?} {}: {url:?}",
            case.name
        );
        assert_eq!(reached, case.reaches, "{kind:?} {}: {url:?}", case.name);
        if let Some(accepted) = accepted {
            assert_eq!(accepted, case.accepted, "{kind:?} {}: {url:?}", case.name);
        }
        if case.again.as_deref() == Some("refused") {
            self.clock.advance(Duration::from_secs(49 * 3600));
            let before = self.remote.reached();
            let accepted = self.fetch(kind, &url, number).await;
            assert_eq!(self.remote.trespassed(), 0, "{kind:?} {} again", case.name);
            assert_eq!(
                self.remote.reached(),
                before,
                "{kind:?} {} again",
                case.name
            );
            assert_ne!(accepted, Some(true), "{kind:?} {} again", case.name);
        }
        if kind == Kind::TransmitterKeys {
            self.clear("/transmitters", "transmitters").await;
        }
    }

    async fn clear(&self, path: &str, member: &str) {
        let (_, all) = self.manage("GET", path, None).await;
        for one in all[member].as_array().unwrap() {
            let id = one["id"].as_str().unwrap();
            self.manage("DELETE", &format!("{path}/{id}"), None).await;
        }
    }
}

fn wish(id: &str) -> Vec<(&str, &str)> {
    vec![
        ("response_type", "code"),
        ("client_id", id),
        ("redirect_uri", CALLBACK),
        ("scope", "notes:read"),
        ("resource", NOTES),
        ("state", "s"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ]
}

/// What the server at `url` would answer if it were honest and well.
fn sound(kind: Kind, url: &str) -> String {
    match kind {
        Kind::Document | Kind::Pushed => json!({
            "client_id": url, "client_name": "Agent", "redirect_uris": [CALLBACK],
        })
        .to_string(),
        Kind::IssuerMetadata => {
            json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string()
        }
        _ => KEYS.to_owned(),
    }
}

async fn played(kind: Kind, cases: Vec<Case>) {
    let world = World::new().await;
    for (number, case) in cases.iter().enumerate() {
        world.play(kind, case, number).await;
    }
    assert!(world.remote.reached() > 0 || cases.iter().all(|case| !case.reaches));
}

#[tokio::test]
async fn no_document_is_fetched_from_where_it_should_not_be() {
    played(Kind::Document, corpus(false)).await;
}

#[tokio::test]
async fn no_pushed_request_fetches_from_where_it_should_not() {
    played(Kind::Pushed, corpus(false)).await;
}

#[tokio::test]
async fn no_keys_of_a_client_are_fetched_from_where_they_should_not_be() {
    played(Kind::ClientKeys, corpus(false)).await;
}

#[tokio::test]
async fn no_keys_of_an_issuer_are_fetched_from_where_they_should_not_be() {
    played(Kind::IssuerKeys, corpus(false)).await;
}

#[tokio::test]
async fn no_keys_of_a_transmitter_are_fetched_from_where_they_should_not_be() {
    played(Kind::TransmitterKeys, corpus(false)).await;
}

/// An issuer is named in one way only, so that most of the corpus is none; what is one leads nowhere either.
#[tokio::test]
async fn no_metadata_of_an_issuer_is_fetched_from_where_it_should_not_be() {
    let world = World::new().await;
    let mut played = 0;
    for (number, case) in corpus(false).iter().enumerate() {
        let case = Case {
            reaches: false,
            accepted: false,
            again: None,
            ..case.clone()
        };
        // What is honest about where it is may be asked, and is below.
        let first = case.resolves.first();
        let public = |first: &Vec<String>| !first.is_empty() && first.iter().all(|ip| ip == PUBLIC);
        if !first.is_some_and(public) {
            played += 1;
            world.play(Kind::IssuerMetadata, &case, number).await;
        }
    }
    assert!(played > 100);
    let control = Case {
        name: "control".to_owned(),
        url: "https://agent.example:{port}/i{n}".to_owned(),
        resolves: vec![vec![PUBLIC.to_owned()]],
        answer: String::new(),
        reaches: true,
        accepted: true,
        slow: false,
        again: None,
    };
    world.play(Kind::IssuerMetadata, &control, 9_999).await;
    // Honest metadata may still name keys inside.
    for keys in [
        "https://127.0.0.1:{port}/k",
        "https://inside.example:{port}/k",
    ] {
        let keys = keys.replace("{port}", &world.remote.port.to_string());
        let url = format!("https://agent.example:{}/keys-inside", world.remote.port);
        world.clock.advance(Duration::from_secs(4 * 3600));
        world.remote.names.set(&[vec![PUBLIC.to_owned()]]);
        let metadata = json!({ "issuer": url, "jwks_uri": keys }).to_string();
        *world.remote.answer.lock().unwrap() = (String::new(), metadata);
        let before = world.remote.reached();
        world.fetch(Kind::IssuerMetadata, &url, 0).await;
        assert_eq!(world.remote.reached(), before + 1);
        assert_eq!(world.remote.trespassed(), 0);
    }
}

/// Each on a world of its own, all at once: somebody keeps all of them waiting for as long as they let it.
#[tokio::test]
async fn who_answers_slowly_keeps_nobody_for_longer_than_some_seconds() {
    let mut playing = tokio::task::JoinSet::new();
    for case in corpus(true) {
        for kind in [
            Kind::Document,
            Kind::Pushed,
            Kind::ClientKeys,
            Kind::IssuerKeys,
            Kind::TransmitterKeys,
        ] {
            let case = case.clone();
            playing.spawn(async move { played(kind, vec![case]).await });
        }
    }
    assert!(playing.len() >= 20);
    playing.join_all().await;
}
