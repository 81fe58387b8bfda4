//! Where things go wrong: on a full disk what ends something is done and what is new waits, and an act
//! of several transactions that is cut short is finished.

use sealgate_host::{FakeClock, FakeRandom, sha256};
use sealgate_model::{Clock as _, DeviceId, PushedId, SessionId, SignInId, Timestamp, UserId};

use super::*;
use crate::{
    AuditActor, Client, ClientDetails, ClientKind, ConsentRow, DeviceCode, DeviceState,
    GrantDetails, KeyRow, KeyState, Page, PushedRequest, Resource, Session, SessionFilter, SignIn,
    Store, TokenRevocation, UserChange, UserRow,
};

pub(super) struct House {
    pub(super) store: SqliteStore,
    pub(super) clock: FakeClock,
    random: FakeRandom,
    pub(super) dir: tempfile::TempDir,
}

impl House {
    pub(super) fn new() -> Self {
        let clock = FakeClock::at(Timestamp::from_seconds(1_800_000_000));
        let random = FakeRandom::default();
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path(), &clock, &random).unwrap();
        Self {
            store,
            clock,
            random,
            dir,
        }
    }

    pub(super) fn audit(&self) -> Audit {
        Audit::allowed(self.clock.now(), AuditActor::Operator, "test.act")
    }

    pub(super) fn client(&self, id: &str) -> Client {
        Client {
            id: id.parse().unwrap(),
            name: String::new(),
            kind: ClientKind::Confidential,
            secret_hash: None,
            redirect_uris: vec![],
            logout_uris: vec![],
            scopes: vec![],
            details: ClientDetails {
                backchannel_logout_uri: Some("https://app.example/logout".to_owned()),
                ..ClientDetails::default()
            },
            created_at: self.clock.now(),
            disabled_at: None,
        }
    }

    fn key(&self, kid: &str, state: KeyState) -> KeyRow {
        KeyRow {
            kid: kid.to_owned(),
            algorithm: "EdDSA".to_owned(),
            state,
            sealed_private: String::new(),
            public_jwk: "{}".to_owned(),
            created_at: self.clock.now(),
            changed_at: self.clock.now(),
        }
    }

    /// A user with a browser sign-in.
    pub(super) async fn user(&self, email: &str) -> SignIn {
        let now = self.clock.now();
        let user = UserRow {
            id: UserId::generate(now, &self.random),
            email: email.to_owned(),
            name: String::new(),
            password_hash: None,
            roles: vec![],
            tenant: None,
            created_at: now,
            disabled_at: None,
        };
        let sign_in = SignIn {
            id: SignInId::generate(now, &self.random),
            secret_hash: sha256(b"sign-in"),
            user: user.id,
            auth_time: now,
            methods: vec![],
            expires_at: now + std::time::Duration::from_secs(3600),
            ended_at: None,
        };
        let created = self.store.user_create(user, None, self.audit()).await;
        created.unwrap();
        let created = self.store.sign_in_create(sign_in.clone(), self.audit());
        created.await.unwrap();
        sign_in
    }

    /// A session from a sign-in.
    pub(super) async fn session(&self, sign_in: &SignIn, client: &str) -> Session {
        let now = self.clock.now();
        let session = Session {
            id: SessionId::generate(now, &self.random),
            user: sign_in.user,
            client: client.parse().unwrap(),
            sign_in: sign_in.id,
            scopes: vec![],
            details: GrantDetails::default(),
            auth_time: now,
            methods: vec![],
            created_at: now,
            renewed_at: now,
            network: None,
            expires_at: sign_in.expires_at,
            revoked_at: None,
            revoked_for: None,
        };
        let (row, from) = (session.clone(), sign_in.id);
        self.store
            .home
            .writer
            .write(move |tx| refresh::start_session(tx, &row, from, None))
            .await
            .unwrap();
        session
    }

    /// From here on the disk is full.
    async fn fill(&self) {
        let filled = self
            .store
            .home
            .writer
            .write(|_tx| Err::<(), _>(StoreError::Full));
        assert!(matches!(filled.await, Err(StoreError::Full)));
    }
}

/// How a client's end begins.
type Begin = fn(&Tx<'_>, &ClientId, &Audit) -> Result<Option<Batch>, StoreError>;

/// A client with more sessions than go at once, and its end cut short after the first of them.
async fn half_ended(begin: Begin) -> (House, Client, u64) {
    let house = House::new();
    let client = house.client("a");
    let created = house.store.client_create(client.clone(), house.audit());
    created.await.unwrap();
    let ada = house.user("ada@example.com").await;
    for _ in 0..600 {
        house.session(&ada, "a").await;
    }
    let (id, audit) = (client.id.clone(), house.audit());
    let first = move |tx: &Tx<'_>| begin(tx, &id, &audit);
    let first = house.store.home.writer.write(first).await.unwrap();
    (house, client, first.unwrap().sessions)
}

async fn live(store: &SqliteStore, now: Timestamp) -> usize {
    let filter = SessionFilter {
        live_at: Some(now),
        ..SessionFilter::default()
    };
    let found = store.sessions(filter, Page::default()).await;
    found.unwrap().len()
}

#[tokio::test]
async fn a_removal_that_was_cut_short_is_finished_by_doing_it_again() {
    let (house, client, first) = half_ended(clients::remove).await;
    let now = house.clock.now();
    let left = live(&house.store, now).await;
    assert_eq!((first + left as u64, left > 256), (600, true));
    let remove = async || {
        let audit = house.audit();
        house.store.client_remove(&client.id, audit).await.unwrap()
    };
    assert!(remove().await);
    assert_eq!(live(&house.store, now).await, 0);
    assert!(!remove().await, "nothing is left of it");
}

#[tokio::test]
async fn a_removal_that_a_crash_cut_short_is_finished_when_the_store_is_opened() {
    let (house, client, first) = half_ended(clients::remove).await;
    let House {
        store,
        clock,
        random,
        dir,
    } = house;
    drop(store);
    let store = SqliteStore::open(dir.path(), &clock, &random).unwrap();
    assert_eq!(live(&store, clock.now()).await, 0);
    assert_eq!(
        store.revocation_head().await.unwrap(),
        601,
        "each is told of"
    );
    assert_eq!(*store.revocation_wakeup().borrow(), 601);
    let records = store.audit_after(0, 10_000).await.unwrap();
    let finished: Vec<_> = records.iter().filter(|row| row.actor == "system").collect();
    let count: u32 = finished.iter().map(|row| row.count).sum();
    assert_eq!(u64::from(count), 600 - first);
    for record in finished {
        assert_eq!(record.action, "client.remove");
        assert_eq!(record.client.as_ref(), Some(&client.id));
    }
    // Nothing is left to do, and nothing is done, the next time.
    drop(store);
    let store = SqliteStore::open(dir.path(), &clock, &random).unwrap();
    let again = store.audit_after(0, 10_000).await.unwrap();
    assert_eq!(again.len(), records.len());
}

#[tokio::test]
async fn what_is_finished_when_a_copy_is_opened_does_not_hide_that_it_is_one() {
    let (house, _, _) = half_ended(clients::remove).await;
    let head = house.store.revocation_head().await.unwrap();
    let history = house.store.epoch().await.unwrap();
    let House {
        store,
        clock,
        random,
        dir,
    } = house;
    drop(store);
    let witness = dir.path().join(witness::NAME);
    std::fs::write(witness, format!("{history} {}\n", head + 5)).unwrap();
    let store = SqliteStore::open(dir.path(), &clock, &random).unwrap();
    assert_eq!(store.restored().unwrap().known.seq, head);
    assert_eq!(live(&store, clock.now()).await, 0);
}

#[tokio::test]
async fn a_client_whose_disabling_was_cut_short_is_enabled_without_what_was_left() {
    let (house, client, first) = half_ended(clients::disable).await;
    let now = house.clock.now();
    assert_eq!(
        first + live(&house.store, now).await as u64,
        600,
        "some are left"
    );
    let audit = house.audit();
    assert!(house.store.client_enable(&client.id, audit).await.unwrap());
    assert_eq!(live(&house.store, now).await, 0);
    let client = house.store.client(&client.id).await.unwrap().unwrap();
    assert_eq!(client.disabled_at, None);
}

#[tokio::test]
async fn a_disabling_that_a_crash_cut_short_is_finished_when_the_store_is_opened() {
    let (house, client, _) = half_ended(clients::disable).await;
    let House {
        store,
        clock,
        random,
        dir,
    } = house;
    drop(store);
    let store = SqliteStore::open(dir.path(), &clock, &random).unwrap();
    assert_eq!(live(&store, clock.now()).await, 0);
    let client = store.client(&client.id).await.unwrap().unwrap();
    assert_eq!(client.disabled_at, Some(clock.now()));
    let records = store.audit_after(0, 10_000).await.unwrap();
    let last = records.last().unwrap();
    assert_eq!(
        (last.action.as_str(), last.actor.as_str()),
        ("client.disable", "system")
    );
}

#[tokio::test]
async fn on_a_full_disk_whatever_ends_something_is_done() {
    let house = House::new();
    let store: &dyn Store = &house.store;
    for client in ["a", "b", "c"] {
        let created = store.client_create(house.client(client), house.audit());
        created.await.unwrap();
    }
    let keys = vec![
        house.key("one", KeyState::Active),
        house.key("two", KeyState::Next),
    ];
    store
        .keys_change(keys, vec![], house.audit())
        .await
        .unwrap();
    let ada = house.user("ada@example.com").await;
    let mut sessions = Vec::new();
    for client in ["a", "b", "c"] {
        sessions.push(house.session(&ada, client).await);
    }
    let bob = house.user("bob@example.com").await;
    sessions.push(house.session(&bob, "c").await);
    house.fill().await;

    let now = house.clock.now();
    let withdrawn = store.consent_withdraw(ada.user, &sessions[0].client, house.audit());
    assert!(withdrawn.await.unwrap());
    let removed = store.client_remove(&sessions[1].client, house.audit());
    assert!(removed.await.unwrap());
    let change = UserChange {
        sign_out: Some(RevokeReason::Admin),
        ..UserChange::default()
    };
    let changed = store.user_update(bob.user, change, house.audit());
    assert!(changed.await.unwrap());
    let all = SessionSelector {
        user: None,
        client: None,
        tenant: None,
        started_at_or_before: now,
    };
    let revoked = store.sessions_revoke(all, RevokeReason::Everything, house.audit());
    assert_eq!(revoked.await.unwrap(), 1);
    let out = store.session_sign_out(sessions[2].id, RevokeReason::Admin, house.audit());
    assert!(out.await.unwrap());
    for session in &sessions {
        let row = store.session(session.id).await.unwrap().unwrap();
        assert!(row.revoked_at.is_some());
    }
    // With each session, word to its client.
    let owed = store.deliveries_due(now, 10, 10).await.unwrap();
    assert_eq!(owed.len(), 4);
    let done = store.delivery_done(owed[0].id, house.audit());
    assert!(done.await.unwrap());

    let disabled = house.client("a");
    let done = store.client_disable(&disabled.id, house.audit());
    assert!(done.await.unwrap());
    let secret = store.client_set_secret(
        &disabled.id,
        disabled.scopes.clone(),
        sha256(b"new"),
        house.audit(),
    );
    assert!(secret.await.unwrap());
    let moves = vec![("two".to_owned(), KeyState::Active)];
    let new = vec![house.key("three", KeyState::Next)];
    let revoked = store.key_revoke("one", new, moves, now, house.audit());
    assert!(revoked.await.unwrap());
    let token = TokenRevocation {
        jti: "jti".to_owned(),
        client: disabled.id.clone(),
        others: None,
        expires_at: now,
    };
    let revoked = store.token_revoke(token, house.audit());
    assert!(revoked.await.unwrap());
    let removed = store.resource_remove("https://nowhere.example", house.audit());
    assert!(!removed.await.unwrap());
}

#[tokio::test]
async fn on_a_full_disk_whatever_is_new_is_refused() {
    let house = House::new();
    let store: &dyn Store = &house.store;
    let client = house.client("a");
    let created = store.client_create(client.clone(), house.audit());
    created.await.unwrap();
    let ada = house.user("ada@example.com").await;
    house.fill().await;
    let now = house.clock.now();
    let full = |result: Result<(), StoreError>| {
        assert!(matches!(result, Err(StoreError::Full)), "{result:?}");
    };
    let consent = ConsentRow {
        user: ada.user,
        client: client.id.clone(),
        scopes: vec![],
        resources: vec![],
        grants: Vec::new(),
        granted_at: now,
    };
    full(store.consent_grant(consent, house.audit()).await);
    let resource = Resource {
        status_list: false,
        agents: false,
        tools: Vec::new(),
        uri: "https://api.example".to_owned(),
        name: String::new(),
        client: None,
        scopes: vec![],
        created_at: now,
    };
    full(store.resource_create(resource, house.audit()).await);
    let pushed = PushedRequest {
        id: PushedId::generate(now, &house.random),
        secret_hash: sha256(b"pushed"),
        client: client.id.clone(),
        parameters: vec![],
        details: GrantDetails::default(),
        created_at: now,
        expires_at: now,
    };
    full(store.pushed_create(pushed, house.audit()).await);
    let device = DeviceCode {
        id: DeviceId::generate(now, &house.random),
        secret_hash: sha256(b"device"),
        user_code: "BCDFGHJK".to_owned(),
        client: client.id.clone(),
        scopes: vec![],
        details: GrantDetails::default(),
        network: None,
        created_at: now,
        expires_at: now,
        interval: 5,
        polled_at: None,
        state: DeviceState::Pending,
    };
    full(store.device_create(device, house.audit()).await);
    // An assertion whose use could not be remembered would be good a second time.
    let used = store.assertion_use(&client.id, [0; 32], now, now).await;
    full(used.map(drop));
    let updated = store.client_update(client.clone(), client, house.audit());
    full(updated.await.map(drop));
    let change = UserChange::default();
    let changed = store.user_update(ada.user, change, house.audit()).await;
    full(changed.map(drop));
}
