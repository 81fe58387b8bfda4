//! A store on fake time, and builders for what the stories put into it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sealgate_host::{FakeClock, FakeRandom, sha256};
use sealgate_model::{
    ClientId, Clock as _, CodeId, DeviceId, InvitationId, PushedId, RefreshId, SessionId, SignInId,
    Timestamp, UserId,
};
use sealgate_store::{
    Audit, AuditActor, AuditRow, Client, ClientDetails, ClientKind, Code, DeviceCode, DeviceState,
    GrantDetails, Invitation, PushedRequest, Redeemed, RefreshToken, Resource, Revocation,
    RevokeReason, Rotated, Session, SignIn, SqliteStore, Store, StoreError, UserRow,
};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: FakeClock,
    pub(crate) random: FakeRandom,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) fn open(
    dir: &Path,
    clock: &FakeClock,
    random: &FakeRandom,
) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(dir, clock, random)
}

impl World {
    /// An empty store in a fresh place.
    pub(crate) fn new() -> Self {
        let clock = FakeClock::at(Timestamp::from_seconds(1_800_000_000));
        let random = FakeRandom::default();
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("data"), &clock, &random).unwrap();
        Self {
            store: Arc::new(store),
            clock,
            random,
            dir,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn audit(&self, action: &'static str) -> Audit {
        Audit::allowed(self.now(), AuditActor::Operator, action)
    }

    pub(crate) fn user_row(&self, email: &str) -> UserRow {
        UserRow {
            id: UserId::generate(self.now(), &self.random),
            email: email.to_owned(),
            name: "Ada".to_owned(),
            password_hash: Some("$argon2id$…".to_owned()),
            roles: vec!["accountant".to_owned()],
            tenant: None,
            created_at: self.now(),
            disabled_at: None,
        }
    }

    pub(crate) async fn user(&self, email: &str) -> UserRow {
        let user = self.user_row(email);
        self.store
            .user_create(user.clone(), None, self.audit("user.create"))
            .await
            .unwrap();
        user
    }

    pub(crate) async fn client(&self, id: &str) -> Client {
        self.client_with(id, |_details| {}).await
    }

    /// A client whose details `change` has changed.
    pub(crate) async fn client_with(
        &self,
        id: &str,
        change: impl FnOnce(&mut ClientDetails),
    ) -> Client {
        let client = self.client_row(id, change);
        self.store
            .client_create(client.clone(), self.audit("client.create"))
            .await
            .unwrap();
        client
    }

    pub(crate) fn client_row(&self, id: &str, change: impl FnOnce(&mut ClientDetails)) -> Client {
        let mut details = ClientDetails::default();
        change(&mut details);
        Client {
            id: id.parse().unwrap(),
            name: "Expenses".to_owned(),
            kind: ClientKind::Confidential,
            secret_hash: Some(sha256(b"client secret")),
            redirect_uris: vec!["https://app.example/auth/callback".to_owned()],
            logout_uris: vec![],
            scopes: vec!["openid".to_owned(), "expenses:read".to_owned()],
            details,
            created_at: self.now(),
            disabled_at: None,
        }
    }

    pub(crate) fn invitation(&self, user: Option<UserId>) -> Invitation {
        Invitation {
            id: InvitationId::generate(self.now(), &self.random),
            secret_hash: sha256(b"invitation"),
            user,
            created_at: self.now(),
            expires_at: self.now() + 72 * HOUR,
            used_at: None,
        }
    }

    pub(crate) fn sign_in_row(&self, user: UserId) -> SignIn {
        SignIn {
            id: SignInId::generate(self.now(), &self.random),
            secret_hash: sha256(b"sign-in"),
            user,
            auth_time: self.now(),
            methods: vec!["pwd".to_owned()],
            expires_at: self.now() + DAY,
            ended_at: None,
        }
    }

    pub(crate) async fn sign_in(&self, user: UserId) -> SignIn {
        let sign_in = self.sign_in_row(user);
        self.store
            .sign_in_create(sign_in.clone(), self.audit("sign_in.create"))
            .await
            .unwrap();
        sign_in
    }

    pub(crate) async fn code(&self, sign_in: &SignIn, client: &ClientId) -> Code {
        self.code_with(sign_in, client, GrantDetails::default())
            .await
    }

    pub(crate) async fn code_with(
        &self,
        sign_in: &SignIn,
        client: &ClientId,
        details: GrantDetails,
    ) -> Code {
        let code = Code {
            id: CodeId::generate(self.now(), &self.random),
            secret_hash: sha256(b"code"),
            client: client.clone(),
            user: sign_in.user,
            sign_in: sign_in.id,
            session: SessionId::generate(self.now(), &self.random),
            redirect_uri: "https://app.example/auth/callback".to_owned(),
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            nonce: Some("nonce".to_owned()),
            scopes: vec!["openid".to_owned()],
            details,
            auth_time: sign_in.auth_time,
            methods: sign_in.methods.clone(),
            expires_at: self.now() + MINUTE,
            used_at: None,
        };
        self.store
            .code_create(code.clone(), self.audit("code.create"))
            .await
            .unwrap();
        code
    }

    pub(crate) fn session_for(&self, code: &Code) -> Session {
        Session {
            id: code.session,
            user: code.user,
            client: code.client.clone(),
            sign_in: code.sign_in,
            scopes: code.scopes.clone(),
            details: code.details.clone(),
            auth_time: code.auth_time,
            methods: code.methods.clone(),
            created_at: self.now(),
            renewed_at: self.now(),
            network: None,
            expires_at: self.now() + DAY,
            revoked_at: None,
            revoked_for: None,
        }
    }

    pub(crate) fn token(&self, session: &Session, generation: u32) -> RefreshToken {
        RefreshToken {
            id: RefreshId::generate(self.now(), &self.random),
            secret_hash: sha256(b"refresh"),
            session: session.id,
            client: session.client.clone(),
            generation,
            issued_at: self.now(),
            used_at: None,
            answer: None,
        }
    }

    pub(crate) async fn redeem(
        &self,
        code: &Code,
        session: &Session,
        first: Option<RefreshToken>,
    ) -> Result<Redeemed, StoreError> {
        let reuse = Audit::denied(
            self.now(),
            AuditActor::Anonymous,
            "code.redeem",
            "code_reuse",
        );
        let audit = self.audit("session.start");
        self.store
            .code_redeem(code.id, session.clone(), first, audit, reuse)
            .await
    }

    /// A session with its first refresh token, by way of a code.
    pub(crate) async fn session_from(
        &self,
        sign_in: &SignIn,
        client: &ClientId,
    ) -> (Session, RefreshToken) {
        let code = self.code(sign_in, client).await;
        let session = self.session_for(&code);
        let first = self.token(&session, 0);
        let redeemed = self.redeem(&code, &session, Some(first.clone())).await;
        assert_eq!(redeemed.unwrap(), Redeemed::Started);
        (session, first)
    }

    pub(crate) fn device_row(&self, client: &ClientId, user_code: &str) -> DeviceCode {
        DeviceCode {
            id: DeviceId::generate(self.now(), &self.random),
            secret_hash: sha256(b"device code"),
            user_code: user_code.to_owned(),
            client: client.clone(),
            scopes: vec!["openid".to_owned()],
            details: GrantDetails::default(),
            network: Some("192.0.2.1".to_owned()),
            created_at: self.now(),
            expires_at: self.now() + 10 * MINUTE,
            interval: 5,
            polled_at: None,
            state: DeviceState::Pending,
        }
    }

    pub(crate) async fn device(&self, client: &ClientId, user_code: &str) -> DeviceCode {
        let device = self.device_row(client, user_code);
        self.store
            .device_create(device.clone(), self.audit("device.create"))
            .await
            .unwrap();
        device
    }

    pub(crate) async fn pushed(&self, client: &ClientId) -> PushedRequest {
        let pushed = PushedRequest {
            id: PushedId::generate(self.now(), &self.random),
            secret_hash: sha256(b"request uri"),
            client: client.clone(),
            parameters: vec![
                ("scope".to_owned(), "openid".to_owned()),
                ("resource".to_owned(), "https://a.example".to_owned()),
                ("resource".to_owned(), "https://b.example".to_owned()),
            ],
            details: GrantDetails {
                dpop_jkt: Some("jkt".to_owned()),
                ..GrantDetails::default()
            },
            created_at: self.now(),
            expires_at: self.now() + MINUTE,
        };
        self.store
            .pushed_create(pushed.clone(), self.audit("request.push"))
            .await
            .unwrap();
        pushed
    }

    /// A session of a user of `tenant`.
    pub(crate) async fn session_in(
        &self,
        tenant: &str,
        sign_in: &SignIn,
        client: &ClientId,
    ) -> Session {
        let details = GrantDetails {
            tenant: Some(tenant.parse().unwrap()),
            ..GrantDetails::default()
        };
        let code = self.code_with(sign_in, client, details).await;
        let session = self.session_for(&code);
        let redeemed = self.redeem(&code, &session, None).await;
        assert_eq!(redeemed.unwrap(), Redeemed::Started);
        session
    }

    /// A resource, and the client that serves it.
    pub(crate) async fn resource(&self, uri: &str, client: Option<&ClientId>) {
        let resource = Resource {
            status_list: false,
            agents: false,
            tools: Vec::new(),
            uri: uri.to_owned(),
            name: "Expenses API".to_owned(),
            client: client.cloned(),
            scopes: vec![],
            created_at: self.now(),
        };
        let audit = self.audit("resource.create");
        self.store.resource_create(resource, audit).await.unwrap();
    }

    /// Lets a client serve a resource from now on, or nobody.
    pub(crate) async fn serve(&self, uri: &str, client: Option<&ClientId>) {
        let before = self.store.resource(uri).await.unwrap().unwrap();
        let resource = Resource {
            client: client.cloned(),
            ..before.clone()
        };
        let audit = self.audit("resource.update");
        let changed = self.store.resource_update(before, resource, audit).await;
        assert!(changed.unwrap());
    }

    /// A session that was granted for resources.
    pub(crate) async fn session_for_resources(
        &self,
        sign_in: &SignIn,
        client: &ClientId,
        resources: &[&str],
    ) -> Session {
        let details = GrantDetails {
            resources: resources.iter().map(ToString::to_string).collect(),
            ..GrantDetails::default()
        };
        let code = self.code_with(sign_in, client, details).await;
        let session = self.session_for(&code);
        let redeemed = self.redeem(&code, &session, None).await;
        assert_eq!(redeemed.unwrap(), Redeemed::Started);
        session
    }

    /// Whether a session is revoked, and why.
    pub(crate) async fn fate(&self, id: SessionId) -> Option<RevokeReason> {
        self.session(id).await.revoked_for
    }

    /// A user, a client, and a session of the one on the other.
    pub(crate) async fn story(&self) -> (UserRow, Client, SignIn, Session, RefreshToken) {
        let user = self.user("ada@example.com").await;
        let client = self.client("expenses").await;
        let sign_in = self.sign_in(user.id).await;
        let (session, first) = self.session_from(&sign_in, &client.id).await;
        (user, client, sign_in, session, first)
    }

    pub(crate) async fn rotate(&self, id: RefreshId, successor: RefreshToken) -> Rotated {
        let audit = self.audit("session.renew");
        self.store
            .refresh_rotate(id, successor, "sealed answer".to_owned(), audit)
            .await
            .unwrap()
    }

    pub(crate) async fn session(&self, id: SessionId) -> Session {
        self.store.session(id).await.unwrap().unwrap()
    }

    /// How many rows a sweep takes now.
    pub(crate) async fn sweep(&self) -> u64 {
        self.store.sweep(self.now()).await.unwrap().total()
    }

    pub(crate) async fn log(&self) -> Vec<Revocation> {
        self.store.revocations_after(0, u32::MAX).await.unwrap()
    }

    pub(crate) async fn records(&self) -> Vec<AuditRow> {
        self.store.audit_after(0, u32::MAX).await.unwrap()
    }

    /// The actions on record, in order.
    pub(crate) async fn actions(&self) -> Vec<String> {
        self.records()
            .await
            .into_iter()
            .map(|record| record.action)
            .collect()
    }
}
