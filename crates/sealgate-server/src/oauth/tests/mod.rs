//! The endpoints over a real store, on fake time.

mod agent_consent;
mod agent_sessions;
mod agents;
mod anomalies;
mod assertion;
mod authorize;
mod bootstrap;
mod browser_client;
mod client_credentials;
mod client_documents;
mod client_registration;
mod consent;
mod delegated;
mod device;
mod device_code;
mod documents;
mod dpop;
mod ends;
mod enterprise;
mod exchange_chains;
mod form_post;
mod grants;
mod introspect;
mod limits;
mod logout;
mod machines;
mod may_act;
mod outage;
mod outdated;
mod par;
mod platforms;
mod refresh;
mod resources;
mod revoke;
mod service_accounts;
mod signals_received;
mod status_list;
mod steps;
mod token;
mod token_exchange;
mod userinfo;
mod workloads;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use sealgate_host::{FakeClock, FakeOutbound, FakeRandom, sha256};
use sealgate_model::{Clock as _, SessionId, SignInId, Timestamp, UserId};
use sealgate_oauth::{CodeVerifier, Handle};
use sealgate_session::{KeyRing, SealKey};
use sealgate_store::{
    Audit, AuditActor, AuditRow, Client, ClientDetails, ClientKind, RevokeReason, Session, SignIn,
    SqliteStore, Store, UserRow,
};
use serde_json::Value;
use tower::ServiceExt as _;
use url::form_urlencoded::Serializer;

use crate::sign_in::passwords::PasswordQueue;
use crate::{ControlPlane, Host, Lifetimes, Policy};

const ISSUER: &str = "https://id.example";
const CALLBACK: &str = "https://app.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A control plane with a user and three clients: `app` and `other` with secrets, `native` without.
struct House {
    plane: Arc<ControlPlane>,
    clock: Arc<FakeClock>,
    user: UserId,
    _dir: tempfile::TempDir,
}

/// What the token endpoint gave.
struct Tokens {
    access: String,
    refresh: String,
    body: Value,
}

impl House {
    async fn new() -> Self {
        Self::with_store(|store| store).await
    }

    /// A house from which the URLs of clients are reached by `outbound`.
    async fn new_with_outbound(outbound: Arc<dyn sealgate_host::Outbound>) -> Self {
        Self::with(|store| store, outbound).await
    }

    /// A house whose store is wrapped.
    async fn with_store(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self::with(wrap, Arc::new(FakeOutbound::new())).await
    }

    async fn with(
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        outbound: Arc<dyn sealgate_host::Outbound>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000)));
        let random = Arc::new(FakeRandom::default());
        let opened = SqliteStore::open(dir.path(), clock.as_ref(), random.as_ref()).unwrap();
        let store = wrap(Arc::new(opened));
        let master = KeyRing::new(vec![SealKey::generate(random.as_ref())]).unwrap();
        let host = Host {
            clock: clock.clone(),
            random,
            outbound,
        };
        let plane = ControlPlane::new(
            ISSUER.parse().unwrap(),
            store,
            master,
            host,
            Lifetimes::default(),
            Policy::default(),
        );
        let plane = Arc::new(ControlPlane {
            passwords: PasswordQueue::new(1, 1),
            ..plane.await.unwrap()
        });
        let user = UserId::generate(clock.now(), plane.random.as_ref());
        let house = Self {
            plane,
            clock,
            user,
            _dir: dir,
        };
        house.furnish().await;
        house
    }

    async fn furnish(&self) {
        let row = UserRow {
            id: self.user,
            email: "ada@example.org".into(),
            name: "Ada".into(),
            password_hash: Some("$argon2id$".into()),
            roles: vec!["accountant".into()],
            tenant: None,
            created_at: self.clock.now(),
            disabled_at: None,
        };
        self.plane
            .store
            .user_create(row, None, self.audit())
            .await
            .unwrap();
        for (id, kind) in [
            ("app", ClientKind::Confidential),
            ("other", ClientKind::Confidential),
            ("native", ClientKind::Public),
        ] {
            let client = Client {
                id: id.parse().unwrap(),
                name: format!("The {id} client"),
                kind,
                secret_hash: (kind == ClientKind::Confidential)
                    .then(|| sha256(secret(id).as_bytes())),
                redirect_uris: vec![CALLBACK.into(), "http://127.0.0.1/cb".into()],
                logout_uris: vec!["https://app.example/bye?a=1".into()],
                scopes: [
                    "openid",
                    "profile",
                    "email",
                    "offline_access",
                    "expenses:read",
                ]
                .map(String::from)
                .to_vec(),
                details: ClientDetails::for_kind(kind),
                created_at: self.clock.now(),
                disabled_at: None,
            };
            self.plane
                .store
                .client_create(client, self.audit())
                .await
                .unwrap();
        }
    }

    fn audit(&self) -> Audit {
        Audit::allowed(self.clock.now(), AuditActor::System, "test.prepare")
    }

    /// Signs the user's browser in; the cookie to send.
    async fn sign_in(&self) -> (SignIn, String) {
        let (now, random) = (self.clock.now(), self.plane.random.as_ref());
        let handle = Handle::<SignInId>::generate(SignInId::generate(now, random), random);
        let sign_in = SignIn {
            id: handle.id,
            secret_hash: handle.secret_hash(),
            user: self.user,
            auth_time: now,
            methods: vec!["pwd".into()],
            expires_at: now + self.plane.lifetimes.sign_in,
            ended_at: None,
        };
        self.plane
            .store
            .sign_in_create(sign_in.clone(), self.audit())
            .await
            .unwrap();
        let value = crate::sign_in::cookie::set(&self.plane.issuer, &handle);
        let cookie = value
            .to_str()
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        (sign_in, cookie)
    }

    async fn send(&self, request: Request<Body>) -> Response {
        crate::app(Arc::clone(&self.plane))
            .oneshot(request)
            .await
            .unwrap()
    }

    async fn get(&self, path: &str, cookie: Option<&str>) -> Response {
        let mut request = Request::get(path);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Posts a form, with the client's Basic credentials if it is named.
    async fn post(&self, path: &str, client: Option<&str>, pairs: &[(&str, &str)]) -> Response {
        let mut request =
            Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(client) = client {
            request = request.header(AUTHORIZATION, basic(client, &secret(client)));
        }
        self.send(request.body(Body::from(form(pairs))).unwrap())
            .await
    }

    /// A code for `client` with `scope`, by way of the authorization endpoint.
    async fn code(&self, client: &str, scope: &str) -> String {
        let (_, cookie) = self.sign_in().await;
        self.code_for(client, scope, &cookie).await
    }

    async fn code_for(&self, client: &str, scope: &str, cookie: &str) -> String {
        let mut pairs = wish(client);
        pairs.retain(|(name, _)| *name != "scope");
        pairs.push(("scope", scope.to_owned()));
        let mut response = self.get(&authorize(&pairs), Some(cookie)).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        if location(&response).path() == "/consent" {
            response = self.decide(&sealed(&response), cookie, "allow").await;
        }
        sent_back(&response).get("code").unwrap().clone()
    }

    /// Goes on with a sealed request in a browser with this cookie.
    async fn resume(&self, sealed: &str, cookie: &str) -> Response {
        let path = format!("/consent?{}", form(&[("request", sealed)]));
        self.get(&path, Some(cookie)).await
    }

    /// Answers the question about a sealed request as the user of the house.
    async fn decide(&self, sealed: &str, cookie: &str, decision: &str) -> Response {
        let user = self.user.to_string();
        let pairs = [("request", sealed), ("user", &user), ("decision", decision)];
        self.post_page("/consent", cookie, &pairs).await
    }

    /// Posts a form from one of our own pages.
    async fn post_page(&self, path: &str, cookie: &str, pairs: &[(&str, &str)]) -> Response {
        let request = Request::post(path)
            .header(COOKIE, cookie)
            .header("sec-fetch-site", "same-origin")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form(pairs))).unwrap())
            .await
    }

    async fn redeem(&self, client: &str, code: &str) -> Response {
        self.post("/oauth/token", Some(client), &redemption(code))
            .await
    }

    async fn tokens(&self, client: &str, scope: &str) -> Tokens {
        let code = self.code(client, scope).await;
        tokens(self.redeem(client, &code).await).await
    }

    async fn refresh(&self, client: &str, token: &str) -> Response {
        self.post(
            "/oauth/token",
            Some(client),
            &[("grant_type", "refresh_token"), ("refresh_token", token)],
        )
        .await
    }

    async fn session_of(&self, access: &str) -> Session {
        let id: SessionId = claims(access)["sid"].as_str().unwrap().parse().unwrap();
        self.plane.store.session(id).await.unwrap().unwrap()
    }

    async fn revoked_for(&self, access: &str) -> Option<RevokeReason> {
        self.session_of(access).await.revoked_for
    }

    /// The records of the house, oldest first, without those of its furnishing.
    async fn records(&self) -> Vec<AuditRow> {
        let rows = self.plane.store.audit_after(0, 1000).await.unwrap();
        rows.into_iter()
            .filter(|row| row.action != "test.prepare" && row.action != "key.create")
            .collect()
    }

    async fn last_record(&self) -> AuditRow {
        self.records().await.pop().unwrap()
    }
}

fn secret(client: &str) -> String {
    format!("secret: of {client}")
}

fn basic(id: &str, secret: &str) -> String {
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!(
        "Basic {}",
        STANDARD.encode(format!("{}:{}", encode(id), encode(secret)))
    )
}

fn form(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn challenge() -> String {
    CodeVerifier::parse(VERIFIER)
        .unwrap()
        .challenge()
        .as_str()
        .to_owned()
}

/// A sound authorization request.
fn wish(client: &str) -> Vec<(&'static str, String)> {
    [
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email"),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// The same with one parameter changed; without it if the value is empty.
fn wish_with(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut pairs = wish("app");
    pairs.retain(|(key, _)| *key != name);
    if !value.is_empty() {
        pairs.push((name, value.to_owned()));
    }
    pairs
}

fn authorize(pairs: &[(&'static str, String)]) -> String {
    format!(
        "/oauth/authorize?{}",
        Serializer::new(String::new()).extend_pairs(pairs).finish()
    )
}

fn redemption(code: &str) -> [(&'static str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

/// The sealed request that a redirect to one of our pages carries.
fn sealed(response: &Response) -> String {
    let location = location(response);
    let request = location.query_pairs().find(|(name, _)| name == "request");
    request.unwrap().1.into_owned()
}

fn location(response: &Response) -> url::Url {
    response.headers()[LOCATION]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

/// The parameters that a redirect to the client's callback carries.
fn sent_back(response: &Response) -> std::collections::HashMap<String, String> {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let location = location(response);
    assert!(location.as_str().starts_with(CALLBACK), "{location}");
    location.query_pairs().into_owned().collect()
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

#[track_caller]
fn no_store(headers: &HeaderMap) {
    assert_eq!(headers["cache-control"], "no-store");
}

async fn tokens(response: Response) -> Tokens {
    let status = response.status();
    no_store(response.headers());
    let body = json(response).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let member = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Tokens {
        access: member("access_token"),
        refresh: member("refresh_token"),
        body: body.clone(),
    }
}

/// What a JWT claims, unverified.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Asserts an OAuth error of RFC shape: status, `error`, `reason`, and a trace id that the response
/// header repeats.
async fn assert_refused(response: Response, status: StatusCode, error: &str, reason: &str) {
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "application/json");
    no_store(&headers);
    let found = response.status();
    let body = json(response).await;
    assert_eq!(
        (found, body["error"].as_str(), body["reason"].as_str()),
        (status, Some(error), Some(reason)),
        "{body}"
    );
    assert!(body["error_description"].is_string());
    assert_eq!(
        body["trace_id"].as_str().unwrap(),
        headers["sealgate-trace"].to_str().unwrap()
    );
}

async fn assert_grant_refused(response: Response, reason: &str) {
    assert_refused(response, StatusCode::BAD_REQUEST, "invalid_grant", reason).await;
}

fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}
