//! Logouts owed to clients, delivered over fakes and to a receiver on a real socket that shares no code
//! with the sender.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use sealgate_host::{
    AddressPolicy, FakeClock, FakeOutbound, FakeRandom, GuardedFetch, Outbound, OutboundError,
    OutboundResponse, sha256,
};
use sealgate_model::{Clock as _, CodeId, SignInId};
use sealgate_oauth::Handle;
use sealgate_session::{KeyRing, SealKey};
use sealgate_store::{
    AuditRow, ClientDetails, ClientKind, Code, GrantDetails, RevokeReason, Session, SignIn,
    SqliteStore, UserRow,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::{Host, Lifetimes, Policy};

const ISSUER: &str = "http://127.0.0.1:8400";
const TARGET: &str = "https://app.example/bye";
const MINUTE: Duration = Duration::from_secs(60);

struct House {
    plane: Arc<ControlPlane>,
    clock: Arc<FakeClock>,
    user: UserId,
    dir: Arc<tempfile::TempDir>,
}

/// A control plane over the data in `dir`.
async fn open(
    dir: &tempfile::TempDir,
    clock: &Arc<FakeClock>,
    outbound: Arc<dyn Outbound>,
    master: KeyRing,
    seed: u64,
) -> ControlPlane {
    let random = Arc::new(FakeRandom::seeded(seed));
    let store = SqliteStore::open(dir.path(), clock.as_ref(), random.as_ref()).unwrap();
    let host = Host {
        clock: clock.clone(),
        random,
        outbound,
    };
    let (lifetimes, policy) = (Lifetimes::default(), Policy::default());
    let issuer = ISSUER.parse().unwrap();
    let plane = ControlPlane::new(issuer, Arc::new(store), master, host, lifetimes, policy);
    plane.await.unwrap()
}

impl House {
    async fn new(outbound: Arc<dyn Outbound>) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000)));
        let random = FakeRandom::seeded(1);
        let master = KeyRing::new(vec![SealKey::generate(&random)]).unwrap();
        let plane = open(&dir, &clock, outbound, master, 2).await;
        let house = Self {
            plane: Arc::new(plane),
            user: UserId::generate(clock.now(), &random),
            clock,
            dir,
        };
        let user = UserRow {
            id: house.user,
            email: "ada@example.org".into(),
            name: "Ada".into(),
            password_hash: Some("$argon2id$".into()),
            roles: vec![],
            tenant: None,
            created_at: house.clock.now(),
            disabled_at: None,
        };
        let stored = house.plane.store.user_create(user, None, house.audit());
        stored.await.unwrap();
        house
    }

    fn audit(&self) -> Audit {
        Audit::allowed(self.clock.now(), AuditActor::System, "test.prepare")
    }

    async fn client(&self, id: &str, target: &str) {
        let client = Client {
            id: id.parse().unwrap(),
            name: id.to_owned(),
            kind: ClientKind::Confidential,
            secret_hash: Some(sha256(b"secret")),
            redirect_uris: vec!["https://app.example/cb".into()],
            logout_uris: vec![],
            scopes: vec!["openid".into()],
            details: ClientDetails {
                backchannel_logout_uri: Some(target.to_owned()),
                ..ClientDetails::default()
            },
            created_at: self.clock.now(),
            disabled_at: None,
        };
        let stored = self.plane.store.client_create(client, self.audit());
        stored.await.unwrap();
    }

    /// A session of the user on `client`, which ends at once.
    async fn ended(&self, client: &str) -> SessionId {
        let (now, random) = (self.clock.now(), self.plane.random.as_ref());
        let client: ClientId = client.parse().unwrap();
        let sign_in = SignIn {
            id: SignInId::generate(now, random),
            secret_hash: sha256(&random.bytes::<8>()),
            user: self.user,
            auth_time: now,
            methods: vec!["pwd".into()],
            expires_at: now + MINUTE,
            ended_at: None,
        };
        let store = &self.plane.store;
        let signed_in = store.sign_in_create(sign_in.clone(), self.audit());
        signed_in.await.unwrap();
        let session = Session {
            id: SessionId::generate(now, random),
            user: self.user,
            client: client.clone(),
            sign_in: sign_in.id,
            scopes: vec!["openid".into()],
            details: GrantDetails::default(),
            auth_time: now,
            methods: vec!["pwd".into()],
            created_at: now,
            renewed_at: now,
            network: None,
            expires_at: now + 60 * MINUTE,
            revoked_at: None,
            revoked_for: None,
        };
        let code = Handle::generate(CodeId::generate(now, random), random);
        let row = Code {
            id: code.id,
            secret_hash: code.secret_hash(),
            client,
            user: self.user,
            sign_in: sign_in.id,
            session: session.id,
            redirect_uri: String::new(),
            challenge: String::new(),
            nonce: None,
            scopes: vec!["openid".into()],
            details: GrantDetails::default(),
            auth_time: now,
            methods: vec![],
            expires_at: now + MINUTE,
            used_at: None,
        };
        store.code_create(row, self.audit()).await.unwrap();
        let id = session.id;
        let redeemed = store.code_redeem(code.id, session, None, self.audit(), self.audit());
        redeemed.await.unwrap();
        let ended = store.sign_in_end(sign_in.id, RevokeReason::Logout, self.audit());
        ended.await.unwrap();
        id
    }

    async fn told(&self) -> Vec<AuditRow> {
        let rows = self.plane.store.audit_after(0, 1000).await.unwrap();
        rows.into_iter()
            .filter(|row| row.action == "logout.deliver")
            .collect()
    }
}

fn status(status: u16) -> OutboundResponse {
    OutboundResponse {
        status,
        body: Vec::new(),
        max_age: None,
    }
}

fn claims(form: &[(&'static str, String)]) -> Value {
    assert_eq!(form[0].0, "logout_token");
    let payload = form[0].1.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_client_is_told_once_of_each_session_that_ended() {
    let outbound = Arc::new(FakeOutbound::new());
    outbound.set(TARGET, Ok(status(200)));
    let house = House::new(outbound.clone()).await;
    house.client("app", TARGET).await;
    let session = house.ended("app").await;
    assert_eq!(round(&house.plane).await.unwrap(), 1);
    assert_eq!(round(&house.plane).await.unwrap(), 0);
    let sent = outbound.sent();
    let [request] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    let token = claims(request.form.as_ref().unwrap());
    let now = house.clock.now().as_seconds();
    assert_eq!(token["iss"], ISSUER);
    assert_eq!(token["aud"], "app");
    assert_eq!(token["sub"], house.user.to_string());
    assert_eq!(token["sid"], session.to_string());
    assert_eq!(
        (token["iat"].as_i64(), token["exp"].as_i64()),
        (Some(now), Some(now + 120))
    );
    assert_eq!(token["events"], serde_json::json!({ EVENT: {} }));
    assert!(token.get("nonce").is_none() && token["jti"].as_str().unwrap().len() == 22);
    let told = house.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].outcome.as_str(), told[0].user, told[0].session),
        ("allowed", Some(house.user), Some(session))
    );
}

#[tokio::test]
async fn a_failed_try_is_repeated_later_and_later_until_it_succeeds() {
    let outbound = Arc::new(FakeOutbound::new());
    outbound.set(TARGET, Ok(status(503)));
    let house = House::new(outbound.clone()).await;
    house.client("app", TARGET).await;
    house.ended("app").await;
    for (wait, tries) in [(0, 1), (4, 1), (1, 2), (19, 2), (1, 3), (60, 4)] {
        house.clock.advance(Duration::from_secs(wait));
        round(&house.plane).await.unwrap();
        assert_eq!(outbound.sent().len(), tries, "after {wait} s more");
    }
    outbound.set(TARGET, Ok(status(204)));
    house.clock.advance(5 * MINUTE);
    assert_eq!(round(&house.plane).await.unwrap(), 1);
    let jtis: std::collections::HashSet<String> = outbound
        .sent()
        .iter()
        .map(|sent| claims(sent.form.as_ref().unwrap())["jti"].to_string())
        .collect();
    assert_eq!(
        jtis.len(),
        5,
        "a receiver that remembers jti takes each try"
    );
    assert_eq!(house.told().await[0].outcome, "allowed");
}

#[tokio::test]
async fn after_a_day_of_failures_the_client_is_given_up_on_record() {
    let outbound = Arc::new(FakeOutbound::new());
    outbound.set(TARGET, Err(OutboundError::TimedOut));
    let house = House::new(outbound.clone()).await;
    house.client("app", TARGET).await;
    let session = house.ended("app").await;
    for _ in 0..12 {
        round(&house.plane).await.unwrap();
        house.clock.advance(6 * 60 * MINUTE);
    }
    assert_eq!(outbound.sent().len(), 12);
    assert_eq!(round(&house.plane).await.unwrap(), 0);
    let told = house.told().await;
    assert_eq!(
        (
            told[0].outcome.as_str(),
            told[0].reason.as_str(),
            told[0].session
        ),
        ("denied", "outbound_timed_out", Some(session))
    );
}

#[tokio::test]
async fn a_client_that_can_never_be_told_is_given_up_at_once() {
    let outbound = Arc::new(FakeOutbound::new());
    let house = House::new(outbound.clone()).await;
    house.client("odd", "https://user@app.example/bye").await;
    house.client("gone", TARGET).await;
    house.ended("odd").await;
    house.ended("gone").await;
    let gone = "gone".parse().unwrap();
    let removed = house.plane.store.client_remove(&gone, house.audit());
    assert!(removed.await.unwrap());
    assert_eq!(round(&house.plane).await.unwrap(), 2);
    let mut reasons: Vec<_> = house
        .told()
        .await
        .into_iter()
        .map(|row| row.reason)
        .collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["client_removed", "outbound_url_unacceptable"]);
}

#[tokio::test]
async fn one_address_that_is_down_holds_up_nobody_else_and_is_not_knocked_at_in_vain() {
    let outbound = Arc::new(FakeOutbound::new());
    outbound.set(TARGET, Ok(status(200)));
    let house = House::new(outbound.clone()).await;
    house.client("app", TARGET).await;
    house.client("down", "https://down.example/bye").await;
    for _ in 0..20 {
        house.ended("down").await;
    }
    house.ended("app").await;
    let share = SHARE as usize;
    assert_eq!(round(&house.plane).await.unwrap(), share + 1);
    let tried = |url: &str| {
        outbound
            .sent()
            .iter()
            .filter(|sent| sent.url == url)
            .count()
    };
    assert_eq!(tried(TARGET), 1);
    assert_eq!(tried("https://down.example/bye"), PER_ADDRESS);
    assert_eq!(round(&house.plane).await.unwrap(), 20 - share);
    assert_eq!(round(&house.plane).await.unwrap(), 0, "all of them wait");
}

#[tokio::test]
async fn what_is_owed_survives_a_restart() {
    let outbound = Arc::new(FakeOutbound::new());
    let house = House::new(outbound.clone()).await;
    house.client("app", TARGET).await;
    house.ended("app").await;
    round(&house.plane).await.unwrap();
    let (dir, clock) = (Arc::clone(&house.dir), Arc::clone(&house.clock));
    let (user, master) = (house.user, house.plane.master.clone());
    drop(house);
    clock.advance(MINUTE);
    outbound.set(TARGET, Ok(status(200)));
    let plane = open(&dir, &clock, outbound.clone(), master, 3).await;
    assert_eq!(round(&plane).await.unwrap(), 1);
    let last = outbound.sent().pop().unwrap();
    assert_eq!(claims(&last.form.unwrap())["sub"], user.to_string());
}

/// A receiver of its own: reads one request off the socket, byte by byte, and answers 200.
async fn receive(listener: TcpListener) -> (String, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).await.unwrap();
        read.push(byte[0]);
    }
    let head = String::from_utf8(read).unwrap();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let answer = b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(answer).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn a_foreign_receiver_gets_a_token_that_verifies_under_the_published_keys() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/bye?tenant=a", listener.local_addr().unwrap());
    let outbound = GuardedFetch::new(AddressPolicy::public().with_loopback(), None).unwrap();
    let house = House::new(Arc::new(outbound)).await;
    house.client("app", &target).await;
    house.ended("app").await;
    let (received, tried) = tokio::join!(receive(listener), round(&house.plane));
    assert_eq!(tried.unwrap(), 1);
    let (head, body) = received;
    assert!(
        head.starts_with("POST /bye?tenant=a HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.to_ascii_lowercase()
            .contains("content-type: application/x-www-form-urlencoded"),
        "{head}"
    );
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let [(name, token)] = fields.as_slice() else {
        panic!("{body}");
    };
    assert_eq!(name, "logout_token");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let header: Value = serde_json::from_slice(&decode(signed.split('.').next().unwrap())).unwrap();
    assert_eq!(header["typ"], "logout+jwt");
    let jwks: Value = serde_json::from_slice(&house.plane.keys.jwks()).unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let public = decode(key["x"].as_str().unwrap());
    UnparsedPublicKey::new(&ED25519, public)
        .verify(signed.as_bytes(), &decode(signature))
        .unwrap();
    assert_eq!(house.told().await[0].outcome, "allowed");
}

#[tokio::test]
async fn the_worker_delivers_as_soon_as_something_ends() {
    let outbound = Arc::new(FakeOutbound::new());
    outbound.set(TARGET, Ok(status(200)));
    let house = House::new(outbound.clone()).await;
    house.client("app", TARGET).await;
    let worker = tokio::spawn(deliver(Arc::clone(&house.plane)));
    // The logout itself does not wait: it is durable before anybody is told.
    house.ended("app").await;
    let told = async {
        while outbound.sent().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(4), told).await.unwrap();
    worker.abort();
}
