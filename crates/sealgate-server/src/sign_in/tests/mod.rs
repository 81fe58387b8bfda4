//! The pages as a browser meets them: whole requests through the whole router.

mod account;
mod errands;
mod invitation;
mod start;
mod throttle;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    SET_COOKIE,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_model::{
    ClientId, Clock, CodeId, InvitationId, Random, Secret, SessionId, Timestamp, UserId,
};
use sealgate_oauth::Handle;
use sealgate_session::{KeyRing, SealKey};
use sealgate_store::{
    Audit, AuditActor, Client, ClientDetails, ClientKind, Code, GrantDetails, Invitation, Redeemed,
    Session, SqliteStore, Store, UserRow,
};
use tempfile::TempDir;
use tower::ServiceExt as _;
use url::form_urlencoded;

use super::cookie::SignInHandle;
use super::invitation::create_setup;
use super::passwords::PasswordQueue;
use crate::{ControlPlane, Host, Lifetimes, Policy, app};

const PASSWORD: &str = "correct horse battery staple";
const CALLBACK: &str = "https://expenses.example/auth/callback";

/// A control plane on a fake clock, with one client.
struct Site {
    plane: Arc<ControlPlane>,
    clock: Arc<FakeClock>,
    _dir: TempDir,
}

/// What a browser sees of an answer.
struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn location(&self) -> &str {
        self.headers[LOCATION].to_str().unwrap()
    }

    /// The cookie that was set, as the browser would send it back.
    fn cookie(&self) -> String {
        let set = self.headers[SET_COOKIE].to_str().unwrap();
        set.split(';').next().unwrap().to_owned()
    }
}

impl Site {
    async fn new() -> Self {
        Self::with(PasswordQueue::new(2, 16), "https://id.example").await
    }

    async fn with(passwords: PasswordQueue, issuer: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let fake = Arc::new(FakeClock::at(Timestamp::from_seconds(1_795_338_840)));
        let clock: Arc<dyn Clock> = Arc::clone(&fake) as Arc<dyn Clock>;
        let random: Arc<dyn Random> = Arc::new(FakeRandom::default());
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(dir.path(), &*clock, &*random).unwrap());
        let master = KeyRing::new(vec![SealKey::generate(&*random)]).unwrap();
        let plane = ControlPlane::new(
            issuer.parse().unwrap(),
            store,
            master,
            Host {
                clock,
                random,
                outbound: Arc::new(sealgate_host::FakeOutbound::new()),
            },
            Lifetimes::default(),
            Policy::default(),
        );
        let plane = ControlPlane {
            passwords,
            ..plane.await.unwrap()
        };
        let client = Client {
            id: "expenses".parse().unwrap(),
            name: "Expense tracker".to_owned(),
            kind: ClientKind::Confidential,
            secret_hash: Some(sealgate_host::sha256(b"secret")),
            redirect_uris: vec![CALLBACK.to_owned()],
            logout_uris: Vec::new(),
            scopes: vec!["openid".to_owned()],
            details: ClientDetails::for_kind(ClientKind::Confidential),
            created_at: plane.clock.now(),
            disabled_at: None,
        };
        plane
            .store
            .client_create(client, plane_act(&plane))
            .await
            .unwrap();
        Self {
            plane: Arc::new(plane),
            clock: fake,
            _dir: dir,
        }
    }

    async fn user(&self, email: &str) -> UserId {
        let hasher = PasswordQueue::new(1, 1);
        let hash = hasher
            .hash(Secret::new(PASSWORD), &*self.plane.random)
            .await
            .unwrap();
        self.add(email, Some(hash), None).await
    }

    async fn add(
        &self,
        email: &str,
        password_hash: Option<String>,
        invitation: Option<Invitation>,
    ) -> UserId {
        let now = self.plane.clock.now();
        let id = invitation
            .as_ref()
            .and_then(|invitation| invitation.user)
            .unwrap_or_else(|| UserId::generate(now, &*self.plane.random));
        let user = UserRow {
            id,
            email: email.to_owned(),
            name: "Ada".to_owned(),
            password_hash,
            roles: Vec::new(),
            tenant: None,
            created_at: now,
            disabled_at: None,
        };
        self.plane
            .store
            .user_create(user, invitation, plane_act(&self.plane))
            .await
            .unwrap();
        id
    }

    /// An invited user, and the path of the link.
    async fn invited(&self, email: &str) -> (UserId, String) {
        let user = UserId::generate(self.plane.clock.now(), &*self.plane.random);
        let (invitation, token) = self.link(user);
        self.add(email, None, Some(invitation)).await;
        (user, token)
    }

    /// A link to an account, to be stored, and its token.
    fn link(&self, user: UserId) -> (Invitation, String) {
        let now = self.plane.clock.now();
        let random = &*self.plane.random;
        let handle = Handle::generate(InvitationId::generate(now, random), random);
        let invitation = Invitation {
            id: handle.id,
            secret_hash: handle.secret_hash(),
            user: Some(user),
            created_at: now,
            expires_at: now + self.plane.lifetimes.invitation,
            used_at: None,
        };
        (invitation, handle.to_secret().expose().to_owned())
    }

    async fn send(&self, request: Request<Body>) -> Seen {
        let response = app(Arc::clone(&self.plane)).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Seen {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, cookie: &str) -> Seen {
        let request = Request::get(path)
            .header(ACCEPT, "text/html")
            .header(COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Seen {
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(COOKIE, cookie);
        self.send(form(request, fields)).await
    }

    async fn sign_in(&self, email: &str, cookie: &str) -> Seen {
        self.post(
            "/sign-in",
            cookie,
            &[("email", email), ("password", PASSWORD)],
        )
        .await
    }

    /// A session of `user`, started from the browser with `cookie`.
    async fn session(&self, user: UserId, cookie: &str) -> SessionId {
        let (now, random) = (self.plane.clock.now(), &*self.plane.random);
        let handle = SignInHandle::parse(cookie.split_once('=').unwrap().1).unwrap();
        let client: ClientId = "expenses".parse().unwrap();
        let code = Handle::generate(CodeId::generate(now, random), random);
        let session = Session {
            id: SessionId::generate(now, random),
            user,
            client: client.clone(),
            sign_in: handle.id,
            scopes: vec!["openid".to_owned()],
            details: GrantDetails::default(),
            auth_time: now,
            methods: vec!["pwd".to_owned()],
            created_at: now,
            renewed_at: now,
            network: None,
            expires_at: now + self.plane.lifetimes.session,
            revoked_at: None,
            revoked_for: None,
        };
        let row = Code {
            id: code.id,
            secret_hash: code.secret_hash(),
            client,
            user,
            sign_in: handle.id,
            session: session.id,
            redirect_uri: CALLBACK.to_owned(),
            challenge: String::new(),
            nonce: None,
            scopes: session.scopes.clone(),
            details: GrantDetails::default(),
            auth_time: now,
            methods: session.methods.clone(),
            expires_at: now + self.plane.lifetimes.code,
            used_at: None,
        };
        let store = &self.plane.store;
        store
            .code_create(row, plane_act(&self.plane))
            .await
            .unwrap();
        let (audit, on_reuse) = (plane_act(&self.plane), plane_act(&self.plane));
        let id = session.id;
        assert_eq!(
            store
                .code_redeem(code.id, session, None, audit, on_reuse)
                .await
                .unwrap(),
            Redeemed::Started
        );
        id
    }

    async fn lives(&self, session: SessionId) -> bool {
        self.plane
            .store
            .session(session)
            .await
            .unwrap()
            .unwrap()
            .revoked_at
            .is_none()
    }

    async fn reasons(&self) -> Vec<String> {
        let rows = self.plane.store.audit_after(0, 1000).await.unwrap();
        rows.into_iter()
            .filter(|row| row.action == "sign_in.start")
            .map(|row| row.reason)
            .collect()
    }
}

fn form(request: http::request::Builder, fields: &[(&str, &str)]) -> Request<Body> {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let request = request
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "text/html");
    request.body(Body::from(body)).unwrap()
}

fn plane_act(plane: &ControlPlane) -> Audit {
    Audit::allowed(plane.clock.now(), AuditActor::Operator, "test.prepare")
}
