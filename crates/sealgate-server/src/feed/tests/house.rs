//! What the feed's tests stand on: a control plane over a real store, and a reader of its streams.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use sealgate_host::{FakeClock, FakeRandom, sha256};
use sealgate_model::{
    ClientId, Clock as _, CodeId, SecretHash, SessionId, SignInId, Timestamp, UserId,
};
use sealgate_revocation::{
    Action, Credential, Expected, Follower, MESSAGE_TYPE, Message, RevokedBy, SNAPSHOT_LIMIT, View,
};
use sealgate_session::{KeyRing, SealKey};
use sealgate_store::{
    Audit, AuditActor, Client, ClientDetails, ClientKind, Code, GrantDetails, Redeemed, Resource,
    RevokeReason, Session, SignIn, SqliteStore, Store, UserRow,
};
use tower::ServiceExt as _;

use super::lines::Lines;
use crate::feed::{Feed, Pace, routes};
use crate::sign_in::passwords::PasswordQueue;
use crate::{ControlPlane, Host, Lifetimes, Policy};

/// How many events a test reads at most before it gives up.
pub(super) const PATIENCE: usize = 100;
pub(super) const BOUND: Duration = Duration::from_secs(10);

/// A control plane over a real store, with a user, two confidential clients and a public one.
pub(super) struct House {
    pub(super) plane: Arc<ControlPlane>,
    pub(super) clock: Arc<FakeClock>,
    pub(super) user: UserId,
    pub(super) sign_in: SignInId,
    pub(super) dir: tempfile::TempDir,
}

impl House {
    pub(super) async fn new() -> Self {
        Self::with(Feed::new()).await
    }

    pub(super) async fn with(feed: Feed) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = SqliteStore::open(dir.path(), &*clock, &FakeRandom::default()).unwrap();
        let plane = assemble(
            Arc::new(store),
            Arc::clone(&clock),
            FakeRandom::default(),
            feed,
        )
        .await;
        let now = clock.now();
        let user = UserRow {
            id: UserId::generate(now, &*plane.random),
            email: "ada@example.com".into(),
            name: "Ada".into(),
            password_hash: None,
            roles: Vec::new(),
            tenant: None,
            created_at: now,
            disabled_at: None,
        };
        let sign_in = SignIn {
            id: SignInId::generate(now, &*plane.random),
            secret_hash: SecretHash::from_bytes([1; 32]),
            user: user.id,
            auth_time: now,
            methods: Vec::new(),
            expires_at: now + plane.lifetimes.sign_in,
            ended_at: None,
        };
        let house = Self {
            plane,
            clock,
            user: user.id,
            sign_in: sign_in.id,
            dir,
        };
        house
            .plane
            .store
            .user_create(user, None, house.audit())
            .await
            .unwrap();
        house
            .plane
            .store
            .sign_in_create(sign_in, house.audit())
            .await
            .unwrap();
        for (id, kind) in [
            ("app", ClientKind::Confidential),
            ("other", ClientKind::Confidential),
            ("spa", ClientKind::Public),
        ] {
            let client = Client {
                id: id.parse().unwrap(),
                name: id.into(),
                kind,
                secret_hash: (kind == ClientKind::Confidential)
                    .then(|| sha256(secret(id).as_bytes())),
                redirect_uris: Vec::new(),
                logout_uris: Vec::new(),
                scopes: Vec::new(),
                details: ClientDetails::for_kind(kind),
                created_at: now,
                disabled_at: None,
            };
            house
                .plane
                .store
                .client_create(client, house.audit())
                .await
                .unwrap();
        }
        house
    }

    pub(super) fn audit(&self) -> Audit {
        Audit::allowed(self.clock.now(), AuditActor::System, "test.prepare")
    }

    /// Adds a resource, or lets another client serve it from now on.
    pub(super) async fn serve(&self, uri: &str, client: &str) {
        let store = &self.plane.store;
        let resource = Resource {
            status_list: false,
            agents: false,
            tools: Vec::new(),
            uri: uri.to_owned(),
            name: String::new(),
            client: Some(client.parse().unwrap()),
            scopes: Vec::new(),
            created_at: self.clock.now(),
        };
        match store.resource(uri).await.unwrap() {
            None => store.resource_create(resource, self.audit()).await.unwrap(),
            Some(before) => {
                let changed = store.resource_update(before, resource, self.audit()).await;
                assert!(changed.unwrap());
            }
        }
    }

    /// Starts a session of the user on `client`.
    pub(super) async fn session(&self, client: &str) -> SessionId {
        self.session_for(client, &[]).await
    }

    /// Starts a session of the user on `client` that is granted for resources.
    pub(super) async fn session_for(&self, client: &str, resources: &[&str]) -> SessionId {
        let details = GrantDetails {
            resources: resources.iter().map(ToString::to_string).collect(),
            ..GrantDetails::default()
        };
        let (plane, now) = (&self.plane, self.clock.now());
        let client: ClientId = client.parse().unwrap();
        let session = Session {
            id: SessionId::generate(now, &*plane.random),
            user: self.user,
            client: client.clone(),
            sign_in: self.sign_in,
            scopes: Vec::new(),
            details: details.clone(),
            auth_time: now,
            methods: Vec::new(),
            created_at: now,
            renewed_at: now,
            network: None,
            expires_at: now + plane.lifetimes.session,
            revoked_at: None,
            revoked_for: None,
        };
        let code = Code {
            id: CodeId::generate(now, &*plane.random),
            secret_hash: SecretHash::from_bytes([1; 32]),
            client,
            user: self.user,
            sign_in: session.sign_in,
            session: session.id,
            redirect_uri: String::new(),
            challenge: String::new(),
            nonce: None,
            scopes: Vec::new(),
            details,
            auth_time: now,
            methods: Vec::new(),
            expires_at: now + plane.lifetimes.code,
            used_at: None,
        };
        let (id, code_id) = (session.id, code.id);
        plane.store.code_create(code, self.audit()).await.unwrap();
        let redeemed = plane
            .store
            .code_redeem(code_id, session, None, self.audit(), self.audit())
            .await;
        assert_eq!(redeemed.unwrap(), Redeemed::Started);
        id
    }

    pub(super) async fn revoke(&self, session: SessionId) {
        let revoked = self
            .plane
            .store
            .session_revoke(session, RevokeReason::Admin, self.audit())
            .await;
        assert!(revoked.unwrap());
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Response {
        routes()
            .merge(crate::policies::routes())
            .with_state(Arc::clone(&self.plane))
            .oneshot(request)
            .await
            .unwrap()
    }

    pub(super) async fn get(&self, client: &str, path: &str) -> Response {
        self.send(signed(client, path).body(Body::empty()).unwrap())
            .await
    }

    pub(super) fn read(&self, client: &str, token: &str) -> Message {
        let verified = self
            .plane
            .keys
            .verifying()
            .verify_up_to(SNAPSHOT_LIMIT, token, &[MESSAGE_TYPE])
            .unwrap();
        let expected = Expected {
            issuer: self.plane.issuer.clone(),
            client: client.parse().unwrap(),
        };
        Message::parse(&verified.payload, &expected).unwrap()
    }

    pub(super) async fn snapshot(&self, client: &str) -> Message {
        let response = self.get(client, "/feed/snapshot").await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()["content-type"],
            "application/secevent+jwt"
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        self.read(client, std::str::from_utf8(&body).unwrap())
    }

    pub(super) async fn stream(&self, client: &str, query: &str) -> Lines {
        let response = self.get(client, &format!("/feed/events{query}")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Lines::of(response)
    }

    /// A gate's view of `client`, and the stream that feeds it.
    pub(super) async fn follow(&self, client: &str) -> (Follower, Lines) {
        let mut follower = Follower::new(Arc::new(View::new()), BOUND);
        let asked_at = self.clock.uptime();
        let snapshot = self.snapshot(client).await;
        assert_eq!(
            follower.snapshot(&snapshot, asked_at, self.clock.uptime()),
            Action::Continue
        );
        let query = resume(&follower);
        (follower, self.stream(client, &query).await)
    }

    /// Feeds `follower` until it knows `session` to be revoked.
    pub(super) async fn until_revoked(
        &self,
        follower: &mut Follower,
        stream: &mut Lines,
        session: SessionId,
    ) {
        self.until_revoked_at("app", follower, stream, session)
            .await;
    }

    /// The same at another client.
    pub(super) async fn until_revoked_at(
        &self,
        client: &str,
        follower: &mut Follower,
        stream: &mut Lines,
        session: SessionId,
    ) {
        for _ in 0..PATIENCE {
            if revoked(follower, session).is_some() {
                return;
            }
            let event = stream.next().await.unwrap();
            let message = self.read(client, &event.data);
            assert_eq!(event.id, format!("{}.{}", message.epoch, message.seq));
            let action = follower.message(&message, self.clock.uptime());
            assert!(!matches!(action, Action::Resync(_)), "{action:?}");
        }
        panic!("{session} is not told to be revoked");
    }
}

pub(super) async fn assemble(
    store: Arc<dyn Store>,
    clock: Arc<FakeClock>,
    random: FakeRandom,
    feed: Feed,
) -> Arc<ControlPlane> {
    let host = Host {
        clock,
        random: Arc::new(random),
        outbound: Arc::new(sealgate_host::FakeOutbound::new()),
    };
    let master = KeyRing::new(vec![SealKey::from_bytes([9; 32])]).unwrap();
    let plane = ControlPlane::new(
        "https://id.example".parse().unwrap(),
        store,
        master,
        host,
        Lifetimes::default(),
        Policy::default(),
    );
    Arc::new(ControlPlane {
        passwords: PasswordQueue::new(1, 1),
        feed,
        ..plane.await.unwrap()
    })
}

pub(super) fn secret(client: &str) -> String {
    format!("the secret of {client}")
}

pub(super) fn signed(client: &str, path: &str) -> http::request::Builder {
    let credentials = STANDARD.encode(format!("{client}:{}", secret(client)));
    Request::get(path).header(AUTHORIZATION, format!("Basic {credentials}"))
}

pub(super) fn resume(follower: &Follower) -> String {
    let (epoch, seq) = follower.position().unwrap();
    format!("?epoch={epoch}&after={seq}")
}

/// How many revocations a snapshot tells of.
pub(super) fn told(snapshot: &Message) -> usize {
    let sessions = snapshot.sessions().iter();
    snapshot.entries().len() + sessions.map(|group| group.ids.len()).sum::<usize>()
}

pub(super) fn revoked(follower: &Follower, session: SessionId) -> Option<RevokedBy> {
    let started_at = Timestamp::from_seconds(1_800_000_000);
    follower.check(&Credential {
        tenant: None,
        grants: &[],
        session: Some(session),
        subject: None,
        client: "app",
        key: None,
        token: None,
        started_at,
    })
}

pub(super) fn quick(rows: u32) -> Feed {
    beating(Duration::from_millis(1), rows)
}

pub(super) fn beating(heartbeat: Duration, rows: u32) -> Feed {
    Feed {
        pace: Pace { heartbeat, rows },
        ..Feed::new()
    }
}
