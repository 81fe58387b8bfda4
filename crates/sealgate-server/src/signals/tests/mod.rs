//! The transmitter through its endpoints, with a receiver that shares no code with it: tokens are verified by
//! another library under the published keys.

mod delivery;
mod fairness;
mod interop;
mod polling;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use sealgate_host::{FakeClock, FakeOutbound, FakeRandom, OutboundResponse, sha256};
use sealgate_model::{Clock as _, CodeId, SessionId, SignInId, Timestamp, UserId};
use sealgate_session::{KeyRing, SealKey};
use sealgate_store::{
    Audit, AuditActor, AuditRow, Code, GrantDetails, Session, SignIn, SqliteStore,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::{Host, Lifetimes, Policy, admin_app, app};

pub(super) const ISSUER: &str = "https://id.example";
const NOW: Timestamp = Timestamp::from_seconds(1_795_338_305);
pub(super) const TARGET: &str = "https://rp.example/events";
pub(super) const REVOKED: &str =
    "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

pub(super) struct House {
    pub(super) plane: Arc<ControlPlane>,
    pub(super) clock: Arc<FakeClock>,
    pub(super) outbound: Arc<FakeOutbound>,
    public: Router,
    operator: Router,
    dir: Arc<tempfile::TempDir>,
}

pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Seen {
    #[track_caller]
    pub(super) fn refused(&self, status: u16, reason: &str) {
        let seen = (
            self.status,
            self.body["reason"].as_str().unwrap_or_default(),
        );
        assert_eq!(seen, (status, reason), "{}", self.body);
    }

    #[track_caller]
    pub(super) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

async fn open(
    dir: &Arc<tempfile::TempDir>,
    clock: &Arc<FakeClock>,
    outbound: &Arc<FakeOutbound>,
    master: KeyRing,
    issuer: &str,
    policy: Policy,
    seed: u64,
) -> House {
    let random = Arc::new(FakeRandom::seeded(seed));
    let store = SqliteStore::open(dir.path(), clock.as_ref(), random.as_ref()).unwrap();
    let host = Host {
        clock: clock.clone(),
        random,
        outbound: outbound.clone(),
    };
    let (lifetimes, issuer) = (Lifetimes::default(), issuer.parse().unwrap());
    let plane = ControlPlane::new(issuer, Arc::new(store), master, host, lifetimes, policy);
    let plane = Arc::new(plane.await.unwrap());
    House {
        public: app(Arc::clone(&plane)),
        operator: admin_app(Arc::clone(&plane)),
        plane,
        clock: clock.clone(),
        outbound: outbound.clone(),
        dir: dir.clone(),
    }
}

impl House {
    pub(super) async fn new() -> Self {
        Self::with(ISSUER, Policy::default()).await
    }

    pub(super) async fn with(issuer: &str, policy: Policy) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let clock = Arc::new(FakeClock::at(NOW));
        let master = KeyRing::new(vec![SealKey::generate(&FakeRandom::seeded(1))]).unwrap();
        let outbound = Arc::new(FakeOutbound::new());
        outbound.set(TARGET, Ok(answer(202, "")));
        open(&dir, &clock, &outbound, master, issuer, policy, 2).await
    }

    /// The same data, opened by another process after this one was lost without a word.
    pub(super) async fn restarted(self) -> Self {
        let (dir, clock, outbound) = (self.dir.clone(), self.clock.clone(), self.outbound.clone());
        let master = self.plane.master.clone();
        drop(self);
        open(
            &dir,
            &clock,
            &outbound,
            master,
            ISSUER,
            Policy::default(),
            9,
        )
        .await
    }

    pub(super) fn issuer(&self) -> &str {
        self.plane.issuer.as_str()
    }

    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Seen {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        seen(&self.public, request.body(body).unwrap()).await
    }

    pub(super) async fn operate(&self, method: Method, path: &str, body: Value) -> Seen {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header(CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        };
        seen(&self.operator, request.body(body).unwrap()).await
    }

    /// A client that signs people in and receives events; its secret.
    pub(super) async fn receiver(&self, id: &str) -> String {
        let client = json!({
            "id": id, "name": id, "kind": "confidential",
            "grants": ["authorization_code", "client_credentials"],
            "redirect_uris": ["https://app.example/cb"], "scopes": [READ, MANAGE, "other"],
            "resources": [format!("{}{BASE}", self.issuer())],
        });
        let made = self.operate(Method::POST, "/clients", client).await.is(201);
        made["secret"].as_str().unwrap().to_owned()
    }

    pub(super) async fn token(&self, id: &str, secret: &str, scope: &str) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("scope", scope),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let path = format!("{}/oauth/token", self.plane.issuer.path());
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let given = seen(&self.public, request).await.is(200);
        given["access_token"].as_str().unwrap().to_owned()
    }

    /// A receiver `id` with a token to manage its streams.
    pub(super) async fn managing(&self, id: &str) -> String {
        let secret = self.receiver(id).await;
        self.token(id, &secret, "ssf.manage ssf.read").await
    }

    /// A stream of whoever has `token`; its id.
    pub(super) async fn stream(&self, token: &str, asked: Value) -> String {
        let made = self
            .ask(Method::POST, "/ssf/streams", Some(token), Some(asked))
            .await
            .is(201);
        made["stream_id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn user(&self, email: &str) -> UserId {
        let user = json!({ "email": email, "password": "correct horse battery staple" });
        let made = self.operate(Method::POST, "/users", user).await.is(201);
        made["user"]["id"].as_str().unwrap().parse().unwrap()
    }

    pub(super) fn audit(&self) -> Audit {
        Audit::allowed(self.clock.now(), AuditActor::System, "test.prepare")
    }

    /// A session of `user` on `client`, started as a sign-in would.
    pub(super) async fn session(&self, user: UserId, client: &str) -> SessionId {
        let (now, random) = (self.clock.now(), &*self.plane.random);
        let ends = now + Duration::from_secs(86_400);
        let sign_in = SignIn {
            id: SignInId::generate(now, random),
            secret_hash: sha256(&random.bytes::<16>()),
            user,
            auth_time: now,
            methods: vec!["pwd".to_owned()],
            expires_at: ends,
            ended_at: None,
        };
        let session = Session {
            id: SessionId::generate(now, random),
            user,
            client: client.parse().unwrap(),
            sign_in: sign_in.id,
            scopes: vec!["openid".to_owned()],
            details: GrantDetails::default(),
            auth_time: now,
            methods: sign_in.methods.clone(),
            created_at: now,
            renewed_at: now,
            network: None,
            expires_at: ends,
            revoked_at: None,
            revoked_for: None,
        };
        let code = Code {
            id: CodeId::generate(now, random),
            secret_hash: sign_in.secret_hash,
            client: session.client.clone(),
            user,
            sign_in: sign_in.id,
            session: session.id,
            redirect_uri: "https://app.example/cb".to_owned(),
            challenge: "x".repeat(43),
            nonce: None,
            scopes: session.scopes.clone(),
            details: GrantDetails::default(),
            auth_time: now,
            methods: sign_in.methods.clone(),
            expires_at: ends,
            used_at: None,
        };
        let (id, code_id) = (session.id, code.id);
        let store = &self.plane.store;
        store.sign_in_create(sign_in, self.audit()).await.unwrap();
        store.code_create(code, self.audit()).await.unwrap();
        let redeemed = store.code_redeem(code_id, session, None, self.audit(), self.audit());
        redeemed.await.unwrap();
        id
    }

    pub(super) async fn revoke(&self, session: SessionId) {
        let path = format!("/sessions/{session}/revoke");
        self.operate(Method::POST, &path, Value::Null).await.is(200);
    }

    /// What was pushed to [`TARGET`], verified.
    pub(super) fn pushed(&self) -> Vec<Value> {
        let sent = self.outbound.sent();
        let texts = sent.iter().filter_map(|sent| sent.text.as_ref());
        texts.map(|(_, _, token)| self.verified(token)).collect()
    }

    /// The claims of a token, verified by another library under the published keys. It demands RS256, a key of
    /// 2048 bits, the type, and the issuer.
    pub(super) fn verified(&self, token: &str) -> Value {
        let header = jsonwebtoken::decode_header(token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("secevent+jwt"));
        assert_eq!(header.alg, jsonwebtoken::Algorithm::RS256);
        let set: JwkSet = serde_json::from_slice(&self.plane.keys.jwks()).unwrap();
        let jwk = set.find(header.kid.as_deref().unwrap()).unwrap();
        let mut rules = Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.set_issuer(&[self.issuer()]);
        rules.validate_aud = false;
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        let key = DecodingKey::from_jwk(jwk).unwrap();
        jsonwebtoken::decode::<Value>(token, &key, &rules)
            .unwrap()
            .claims
    }

    pub(super) async fn records(&self, action: &str) -> Vec<AuditRow> {
        let rows = self.plane.store.audit_after(0, 10_000).await.unwrap();
        rows.into_iter()
            .filter(|row| row.action == action)
            .collect()
    }
}

pub(super) fn answer(status: u16, body: &str) -> OutboundResponse {
    OutboundResponse {
        status,
        body: body.as_bytes().to_vec(),
        max_age: None,
    }
}

/// A delivery by push to [`TARGET`].
pub(super) fn push() -> Value {
    json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": TARGET })
}

async fn seen(router: &Router, request: Request<Body>) -> Seen {
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Seen {
        status,
        headers,
        body,
    }
}
