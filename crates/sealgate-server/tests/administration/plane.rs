//! A control plane on fake time, and what its administration API answers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use sealgate_host::{FakeClock, FakeOutbound, FakeRandom};
use sealgate_model::{Clock as _, CodeId, SessionId, SignInId, Timestamp, UserId};
use sealgate_server::admin::{CreatedClient, CreatedUser};
use sealgate_server::problem::ProblemPage;
use sealgate_server::{
    Config, ControlPlane, Host, Lifetimes, Listen, Policy, Server, admin_app, app,
};
use sealgate_store::{
    Audit, AuditActor, AuditRow, Code, GrantDetails, Session, SignIn, StoreError,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_338_305);
pub(crate) const ISSUER: &str = "https://id.example";

#[expect(
    clippy::struct_field_names,
    reason = "the control plane is what it holds"
)]
pub(crate) struct Plane {
    pub(crate) plane: Arc<ControlPlane>,
    pub(crate) clock: Arc<FakeClock>,
    operator: Router,
    public: Router,
    dir: TempDir,
}

pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) trace: String,
    pub(crate) kind: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) async fn of(response: Response) -> Self {
        let headers = response.headers().clone();
        let header = |name: &str| match headers.get(name) {
            Some(value) => value.to_str().unwrap().to_owned(),
            None => String::new(),
        };
        let (status, trace, kind) = (
            response.status(),
            header("sealgate-trace"),
            header("content-type"),
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Self {
            status,
            trace,
            kind,
            headers,
            body,
        }
    }

    #[track_caller]
    pub(crate) fn read<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{}: {}", self.status, self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, reason: &str) {
        assert!(self.status.as_u16() >= 400, "{}", self.body);
        let page: ProblemPage = serde_json::from_str(&self.body).unwrap();
        assert_eq!(
            (self.status.as_u16(), page.reason.as_str()),
            (status, reason),
            "{}",
            page.detail
        );
        assert_eq!((page.status, &page.trace_id), (status, &self.trace));
        assert_eq!(self.kind, "application/problem+json");
    }
}

impl Plane {
    /// A control plane that was started once, opened as a command does.
    pub(crate) async fn new() -> Self {
        Self::with(Policy::default(), ISSUER).await
    }

    /// One that serves the API on the network, too.
    pub(crate) async fn open() -> Self {
        Self::open_at(ISSUER).await
    }

    /// The same for another issuer.
    pub(crate) async fn open_at(issuer: &str) -> Self {
        let policy = Policy {
            admin_http: true,
            ..Policy::default()
        };
        Self::with(policy, issuer).await
    }

    async fn with(policy: Policy, issuer: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at(NOW));
        let host = Host {
            clock: clock.clone(),
            random: Arc::new(FakeRandom::seeded(3)),
            outbound: Arc::new(FakeOutbound::new()),
        };
        let config = Config {
            data_dir: dir.path().to_owned(),
            issuer: Some(issuer.parse().unwrap()),
            lifetimes: Lifetimes::default(),
            policy,
        };
        let listen = Listen {
            address: ([127, 0, 0, 1], 0).into(),
            tls: None,
            metrics: None,
        };
        drop(Server::start(&config, &listen, host.clone()).await.unwrap());
        let config = Config {
            issuer: None,
            ..config
        };
        let plane = ControlPlane::open(&config, host).await.unwrap();
        Self {
            operator: admin_app(Arc::clone(&plane)),
            public: app(Arc::clone(&plane)),
            plane,
            clock,
            dir,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Seen {
        self.operator(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Seen {
        self.operator(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Seen {
        self.operator(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Seen {
        self.operator(Method::DELETE, path, None).await
    }

    /// Asks as the operator does.
    pub(crate) async fn operator(&self, method: Method, path: &str, body: Option<Value>) -> Seen {
        let request = request(method, &format!("/api/v1{path}"), body);
        Seen::of(self.operator.clone().oneshot(request).await.unwrap()).await
    }

    /// Asks over the network, with a value for `Authorization`.
    pub(crate) async fn network(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        authorization: Option<&str>,
    ) -> Seen {
        let mut request = request(method, &format!("/api/v1{path}"), body);
        if let Some(value) = authorization {
            request
                .headers_mut()
                .insert(AUTHORIZATION, value.parse().unwrap());
        }
        self.public(request).await
    }

    /// Sends a request to whatever the network reaches.
    pub(crate) async fn public(&self, request: Request<Body>) -> Seen {
        Seen::of(self.public.clone().oneshot(request).await.unwrap()).await
    }

    /// Asks the token endpoint with the client's credentials in the form.
    pub(crate) async fn token(&self, client: &CreatedClient, more: &[(&str, &str)]) -> Seen {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client.client.id.as_str()),
            ("client_secret", client.secret.as_deref().unwrap()),
        ];
        form.extend_from_slice(more);
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post("/oauth/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        self.public(request).await
    }

    /// A machine that may administer with `scopes`.
    pub(crate) async fn add_machine(&self, id: &str, scopes: &[&str]) -> CreatedClient {
        let machine = json!({
            "id": id, "name": id, "kind": "confidential", "grants": ["client_credentials"],
            "scopes": scopes, "resources": [format!("{ISSUER}/api/v1")],
        });
        self.post("/clients", machine).await.read()
    }

    /// A value for `Authorization` with a token of the machine's for the API: for `scope`, or for all
    /// that it may.
    pub(crate) async fn bearer(&self, machine: &CreatedClient, scope: &str) -> String {
        let all = machine.client.scopes.iter();
        let own: Vec<&str> = all
            .map(String::as_str)
            .filter(|one| one.starts_with("sealgate:"))
            .collect();
        let own = own.join(" ");
        let scope = if scope.is_empty() { &own } else { scope };
        let resource = format!("{ISSUER}/api/v1");
        let form = [("resource", resource.as_str()), ("scope", scope)];
        let given: Value = self.token(machine, &form).await.read();
        format!("Bearer {}", given["access_token"].as_str().unwrap())
    }

    /// A user with a password and these roles.
    pub(crate) async fn add_user(&self, email: &str, roles: &[&str]) -> UserId {
        let password = "correct horse battery staple";
        let user = json!({ "email": email, "roles": roles, "password": password });
        self.post("/users", user)
            .await
            .read::<CreatedUser>()
            .user
            .id
    }

    /// A session of `user` on `client`, started as a sign-in would.
    pub(crate) async fn start_session(
        &self,
        user: UserId,
        client: &str,
    ) -> Result<Session, StoreError> {
        let (now, random) = (self.clock.now(), &*self.plane.random);
        let ends = now + self.plane.lifetimes.session;
        let sign_in = SignIn {
            id: SignInId::generate(now, random),
            secret_hash: sealgate_host::sha256(&random.bytes::<16>()),
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
        let id = code.id;
        let audit = || Audit::allowed(now, AuditActor::System, "test.prepare");
        let store = &self.plane.store;
        store.sign_in_create(sign_in, audit()).await?;
        store.code_create(code, audit()).await?;
        store
            .code_redeem(id, session.clone(), None, audit(), audit())
            .await?;
        Ok(session)
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// The last record.
    pub(crate) async fn last_record(&self) -> AuditRow {
        let records = self.plane.store.audit_after(0, 1000).await.unwrap();
        records.into_iter().next_back().unwrap()
    }
}

fn request(method: Method, path: &str, body: Option<Value>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    match body {
        Some(body) => request
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    }
    .unwrap()
}

/// A client that signs people in.
pub(crate) fn application() -> Value {
    json!({ "name": "App", "kind": "confidential", "redirect_uris": ["https://app.example/auth/callback"] })
}
