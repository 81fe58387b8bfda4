//! The keys over a real store, on fake time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use sealgate_host::{FakeClock, FakeRandom};
use sealgate_session::SealKey;
use sealgate_store::{
    DeclarationRow, DeclaredChange, KeySchedule, Revoked, SqliteStore, StoreError,
};
use serde_json::{Value, json};

use super::*;
use crate::JWKS_MAX_AGE;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const POLICY: KeyPolicy = KeyPolicy {
    token_life: HOUR,
    session_life: Duration::from_secs(24 * 3600),
    rotate_every: None,
    ml_dsa: true,
    schedules: crate::Schedules::NONE,
};

struct House {
    clock: Arc<FakeClock>,
    random: Arc<FakeRandom>,
    store: Arc<dyn Store>,
    master: KeyRing,
    policy: KeyPolicy,
    keys: SigningKeys,
    dir: tempfile::TempDir,
}

impl House {
    async fn with(policy: KeyPolicy) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000)));
        let random = Arc::new(FakeRandom::default());
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(dir.path(), clock.as_ref(), random.as_ref()).unwrap());
        let master = KeyRing::new(vec![SealKey::generate(random.as_ref())]).unwrap();
        let host = (clock.clone(), random.clone());
        let keys = load(&store, &master, host, policy).await.unwrap();
        Self {
            clock,
            random,
            store,
            master,
            policy,
            keys,
            dir,
        }
    }

    async fn new() -> Self {
        Self::with(POLICY).await
    }

    async fn restart(&mut self) {
        let loaded = load(&self.store, &self.master, self.host(), self.policy).await;
        self.keys = loaded.unwrap();
    }

    fn host(&self) -> (Arc<FakeClock>, Arc<FakeRandom>) {
        (self.clock.clone(), self.random.clone())
    }

    fn act(&self, action: &'static str) -> Audit {
        Audit::allowed(self.clock.now(), AuditActor::Operator, action)
    }

    async fn rotate(&self) -> Result<(), KeyError> {
        self.keys.rotate(None, false, self.act("key.rotate")).await
    }

    async fn revoke(&self, kid: &str) -> Result<(), KeyError> {
        self.keys.revoke(kid, self.act("key.revoke")).await
    }

    async fn kid(&self, algorithm: Algorithm, state: KeyState) -> String {
        let rows = self.store.keys().await.unwrap();
        let found = rows
            .into_iter()
            .find(|row| row.algorithm == algorithm.name() && row.state == state);
        found.unwrap().kid
    }

    /// The kids of the key set, in its order.
    fn published(&self) -> Vec<String> {
        let set: Value = serde_json::from_slice(&self.keys.jwks()).unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    }

    /// A token, and the key that it names.
    fn token(&self, algorithm: Algorithm) -> (String, String) {
        let token = self.keys.sign(algorithm, "JWT", &json!({"a": 1})).unwrap();
        let verified = self.keys.verifying().verify(&token, &["JWT"]).unwrap();
        assert_eq!(verified.algorithm, algorithm);
        (token, verified.kid)
    }

    fn verifies(&self, token: &str) -> bool {
        self.keys.verifying().verify(token, &["JWT"]).is_ok()
    }

    async fn last_object(&self) -> String {
        let rows = self.store.audit_after(0, 1000).await.unwrap();
        rows.last().unwrap().object.clone().unwrap()
    }

    async fn actions(&self) -> Vec<(String, String)> {
        let rows = self.store.audit_after(0, 1000).await.unwrap();
        rows.into_iter()
            .map(|row| (row.action, row.actor))
            .collect()
    }
}

async fn load(
    store: &Arc<dyn Store>,
    master: &KeyRing,
    (clock, random): (Arc<FakeClock>, Arc<FakeRandom>),
    policy: KeyPolicy,
) -> Result<SigningKeys, KeyError> {
    SigningKeys::load(Arc::clone(store), master.clone(), clock, random, policy).await
}

#[tokio::test]
async fn every_algorithm_signs_what_its_published_key_verifies_and_survives_a_restart() {
    let mut house = House::new().await;
    assert_eq!(house.keys.algorithms(), [Algorithm::Ed25519]);
    let none = house.keys.sign(Algorithm::Es256, "JWT", &1).unwrap_err();
    assert_eq!(none.code(), "key_none_active");
    for algorithm in Algorithm::ALL {
        house.keys.ensure(algorithm).await.unwrap();
        house.keys.ensure(algorithm).await.unwrap();
    }
    assert_eq!(
        house.published().len(),
        10,
        "one that signs and one to follow"
    );
    let tokens = Algorithm::ALL.map(|algorithm| house.token(algorithm));
    house.restart().await;
    for (algorithm, (token, kid)) in Algorithm::ALL.into_iter().zip(tokens) {
        assert!(house.verifies(&token));
        assert_eq!(house.token(algorithm).1, kid);
    }
    // Those that sign stand first.
    let mut active = Vec::new();
    for algorithm in house.keys.algorithms() {
        active.push(house.kid(algorithm, KeyState::Active).await);
    }
    assert_eq!(active.len(), 5);
    assert_eq!(house.published()[..5], active);
    let created = ("key.create".to_owned(), "system".to_owned());
    assert_eq!(house.actions().await, vec![created; 5]);
}

#[tokio::test]
async fn private_parts_rest_sealed_and_open_only_under_their_master_key() {
    let house = House::new().await;
    let rows = house.store.keys().await.unwrap();
    assert!(rows.iter().all(|row| row.sealed_private.starts_with("v1.")));
    let stranger = KeyRing::new(vec![SealKey::from_bytes([1; 32])]).unwrap();
    let refused = load(&house.store, &stranger, house.host(), POLICY).await;
    assert_eq!(refused.unwrap_err().code(), "key_sealed");
}

#[tokio::test]
async fn what_is_published_must_be_what_signs() {
    let house = House::new().await;
    // Another key's public part beside this one's private part.
    let rows = house.store.keys().await.unwrap();
    let forged = KeyRow {
        public_jwk: rows[1].public_jwk.replace(&rows[1].kid, &rows[0].kid),
        ..rows[0].clone()
    };
    let vault = Vault::new(house.master.clone(), Arc::new(FakeRandom::default()));
    assert!(vault.open(&rows[0]).is_ok());
    assert_eq!(vault.open(&forged).unwrap_err().code(), "key_unreadable");
}

#[tokio::test]
async fn an_algorithm_that_is_switched_off_is_refused_and_says_which_setting() {
    let house = House::with(KeyPolicy {
        ml_dsa: false,
        ..POLICY
    })
    .await;
    let refused = house.keys.ensure(Algorithm::MlDsa65).await.unwrap_err();
    assert_eq!(refused.code(), "algorithm_disabled");
    assert!(refused.to_string().contains("keys.ml_dsa"));
    let refused = house.keys.sign(Algorithm::MlDsa65, "JWT", &1).unwrap_err();
    assert_eq!(refused.code(), "algorithm_disabled");
    let rotated = house
        .keys
        .rotate(Some(Algorithm::MlDsa65), true, house.act("key.rotate"));
    assert_eq!(rotated.await.unwrap_err().code(), "algorithm_disabled");
    assert_eq!(house.published().len(), 2);
}

#[tokio::test]
async fn a_rotation_may_be_of_one_algorithm_and_waits_until_its_next_key_is_known() {
    let house = House::new().await;
    house.keys.ensure(Algorithm::Es256).await.unwrap();
    let (ed, es) = (
        house.token(Algorithm::Ed25519).1,
        house.token(Algorithm::Es256).1,
    );
    let rotate = async |algorithm, now| {
        let act = house.act("key.rotate");
        house.keys.rotate(Some(algorithm), now, act).await
    };
    let es_next = house.kid(Algorithm::Es256, KeyState::Next).await;
    rotate(Algorithm::Es256, false).await.unwrap();
    assert_eq!(house.token(Algorithm::Es256).1, es_next);
    assert_eq!(house.token(Algorithm::Ed25519).1, ed);
    assert!(house.published().contains(&es), "it is still published");

    let refused = rotate(Algorithm::Es256, false).await.unwrap_err();
    assert_eq!(refused.code(), "key_too_soon");
    assert_eq!(house.rotate().await.unwrap_err().code(), "key_too_soon");
    house.clock.advance(JWKS_MAX_AGE);
    house.rotate().await.unwrap();
    assert_ne!(house.token(Algorithm::Ed25519).1, ed);
    rotate(Algorithm::Es256, true).await.unwrap();
    let none = rotate(Algorithm::Rs256, true).await.unwrap_err();
    assert_eq!(none.code(), "key_none_active");
}

#[tokio::test]
async fn housekeeping_does_at_each_minute_exactly_what_was_planned() {
    let policy = KeyPolicy {
        rotate_every: Some(2 * HOUR),
        ..POLICY
    };
    let house = House::with(policy).await;
    house.clock.advance(30 * MINUTE);
    house.keys.ensure(Algorithm::Es256).await.unwrap();
    house.rotate().await.unwrap();
    let (plan, complete) = house.keys.plan(8 * HOUR).await.unwrap();
    assert!(complete && plan.len() > 20, "{plan:?}");

    let mut names: BTreeMap<String, PlannedKey> = BTreeMap::new();
    let mut known: BTreeMap<String, (Algorithm, KeyState)> = BTreeMap::new();
    let mut planned = plan.iter().peekable();
    let mut new = 0;
    for minute in 0..=480 {
        if minute > 0 {
            house.clock.advance(MINUTE);
            house.keys.tick().await.unwrap();
        }
        let rows = house.store.keys().await.unwrap();
        let now: BTreeMap<String, (Algorithm, KeyState)> = rows
            .into_iter()
            .map(|row| {
                (
                    row.kid,
                    (Algorithm::parse(&row.algorithm).unwrap(), row.state),
                )
            })
            .collect();
        if minute == 0 {
            names.extend(
                now.keys()
                    .map(|kid| (kid.clone(), PlannedKey::Kid(kid.clone()))),
            );
            known = now;
            continue;
        }
        // What the plan says of this minute, made of the keys as they were, is the keys as they are.
        let mut expected: Vec<(PlannedKey, KeyState)> = Vec::new();
        while let Some(step) = planned.next_if(|step| step.at == house.clock.now()) {
            expected.push((step.key.clone(), step.to));
        }
        let mut happened: Vec<(PlannedKey, KeyState)> = Vec::new();
        for (kid, (algorithm, state)) in &now {
            match known.get(kid) {
                Some((_, before)) if before == state => {}
                Some(_) => happened.push((names[kid].clone(), *state)),
                None => {
                    new += 1;
                    // Two made in one minute are told apart by their algorithm.
                    let step = plan.iter().find(|step| {
                        step.at == house.clock.now()
                            && step.from.is_none()
                            && step.algorithm == *algorithm
                    });
                    let name = step.unwrap().key.clone();
                    names.insert(kid.clone(), name.clone());
                    happened.push((name, *state));
                }
            }
        }
        for kid in known.keys().filter(|kid| !now.contains_key(*kid)) {
            happened.push((names[kid].clone(), KeyState::Gone));
        }
        expected.sort_by_key(|(key, _)| key.clone());
        happened.sort_by_key(|(key, _)| key.clone());
        assert_eq!(happened, expected, "minute {minute}");
        known = now;
    }
    assert_eq!(planned.next(), None);
    assert!(new >= 6);
    let actions = house.actions().await;
    for action in ["key.create", "key.rotate", "key.remove"] {
        assert!(actions.contains(&(action.to_owned(), "system".to_owned())));
    }
}

#[tokio::test]
async fn what_is_declared_of_an_algorithm_counts_before_the_setting() {
    let house = House::with(KeyPolicy {
        rotate_every: Some(90 * 24 * HOUR),
        ..POLICY
    })
    .await;
    house.keys.ensure(Algorithm::Es256).await.unwrap();
    let schedule = |algorithm: &str, rotate_every: u64| {
        let change = DeclaredChange::Schedule(KeySchedule {
            algorithm: algorithm.to_owned(),
            rotate_every,
        });
        (
            change,
            Audit::allowed(house.clock.now(), AuditActor::Operator, "key.schedule"),
        )
    };
    let declaration = DeclarationRow {
        name: "default".to_owned(),
        state: "{}".to_owned(),
        applied_at: house.clock.now(),
        applied_by: "operator".to_owned(),
    };
    let act = Audit::allowed(house.clock.now(), AuditActor::Operator, "state.apply");
    let before = house.store.declarable().await.unwrap();
    let changes = vec![schedule("EdDSA", 3600), schedule("ES256", 0)];
    house
        .store
        .declare(before, changes, declaration, act)
        .await
        .unwrap();
    let (plan, _) = house.keys.plan(200 * 24 * HOUR).await.unwrap();
    let rotated = |algorithm: Algorithm| {
        let fits = |one: &&Planned| one.algorithm == algorithm && one.why == Why::Scheduled;
        plan.iter().filter(fits).count()
    };
    assert!(
        rotated(Algorithm::Ed25519) > 100,
        "{}",
        rotated(Algorithm::Ed25519)
    );
    assert_eq!(rotated(Algorithm::Es256), 0);
    let (_, kid) = house.token(Algorithm::Ed25519);
    house.clock.advance(HOUR);
    house.keys.tick().await.unwrap();
    assert_ne!(house.token(Algorithm::Ed25519).1, kid);
}

#[tokio::test]
async fn a_clock_that_is_set_causes_no_storm() {
    let policy = KeyPolicy {
        rotate_every: Some(90 * 24 * HOUR),
        ..POLICY
    };
    let mut house = House::with(policy).await;
    house.rotate().await.unwrap();
    let (token, kid) = house.token(Algorithm::Ed25519);
    let before = house.published();
    let start = house.clock.now();
    // Ten years ahead, back past the start, and right again, minute by minute.
    for wrong in [start + 3650 * 24 * HOUR, start - 3650 * 24 * HOUR, start] {
        house.clock.step_wall_clock(wrong);
        for _ in 0..5 {
            house.clock.advance(MINUTE);
            house.keys.tick().await.unwrap();
        }
        assert_eq!(house.published(), before);
        assert_eq!(house.token(Algorithm::Ed25519).1, kid);
    }
    // Found ahead at a start, it costs one rotation and not one a minute.
    house.clock.step_wall_clock(start + 3650 * 24 * HOUR);
    house.restart().await;
    for _ in 0..60 {
        house.keys.tick().await.unwrap();
        house.clock.advance(MINUTE);
    }
    let rotations = house.actions().await;
    let rotations = rotations
        .iter()
        .filter(|(action, actor)| action == "key.rotate" && actor == "system");
    assert_eq!(rotations.count(), 1);
    assert!(
        house.verifies(&token),
        "what signed then is published still"
    );
    // Set right again, the next one comes a period later and not ten years later.
    house.clock.step_wall_clock(start + 2 * HOUR);
    house.clock.advance(90 * 24 * HOUR);
    let now = house.kid(Algorithm::Ed25519, KeyState::Active).await;
    house.keys.tick().await.unwrap();
    assert_ne!(house.kid(Algorithm::Ed25519, KeyState::Active).await, now);
}

#[tokio::test]
async fn a_revoked_key_is_gone_at_once_and_for_good() {
    let mut house = House::new().await;
    house.rotate().await.unwrap();
    for state in [KeyState::Retiring, KeyState::Active, KeyState::Next] {
        let kid = house.kid(Algorithm::Ed25519, state).await;
        let next = house.kid(Algorithm::Ed25519, KeyState::Next).await;
        let (token, signer) = house.token(Algorithm::Ed25519);
        house.revoke(&kid).await.unwrap();
        assert!(!house.published().contains(&kid));
        assert_eq!(house.verifies(&token), signer != kid);
        let now = house.token(Algorithm::Ed25519).1;
        assert_eq!(now, if signer == kid { next } else { signer });
        // One that signs and one to follow it, whichever went.
        house.kid(Algorithm::Ed25519, KeyState::Next).await;
        house.restart().await;
        assert!(!house.published().contains(&kid));
        let again = house.revoke(&kid).await.unwrap_err();
        assert_eq!(again.code(), "key_unknown");
        let (_, log) = house
            .store
            .revocations_live(house.clock.now())
            .await
            .unwrap();
        let told = log.last().unwrap();
        assert_eq!(told.what, Revoked::Key(kid));
        assert_eq!(told.client, None, "every gate hears it");
        assert_eq!(told.expires_at, house.clock.now() + POLICY.told());
    }
    let unknown = house.revoke("no-such-key").await.unwrap_err();
    assert_eq!(unknown.code(), "key_unknown");
    let actions = house.actions().await;
    let revoked = ("key.revoke".to_owned(), "operator".to_owned());
    assert_eq!(actions.iter().filter(|one| **one == revoked).count(), 3);
}

#[tokio::test]
async fn a_revocation_that_the_store_refuses_leaves_the_key_signing() {
    let house = House::new().await;
    let (token, signer) = house.token(Algorithm::Ed25519);
    let published = house.published();
    let file = rusqlite::Connection::open(house.dir.path().join("sealgate.db")).unwrap();
    file.execute_batch(
        "CREATE TRIGGER refuse BEFORE INSERT ON revocations BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .unwrap();
    let refused = house.revoke(&signer).await.unwrap_err();
    assert_eq!(refused.code(), "store_invalid");
    assert!(house.verifies(&token));
    assert_eq!(house.token(Algorithm::Ed25519).1, signer);
    assert_eq!(house.published(), published);
    assert_eq!(
        house.kid(Algorithm::Ed25519, KeyState::Active).await,
        signer
    );
    file.execute_batch("DROP TRIGGER refuse").unwrap();
    house.revoke(&signer).await.unwrap();
    assert!(!house.verifies(&token));
}

#[test]
fn a_full_disk_is_known_to_have_written_nothing_and_an_outage_is_not() {
    assert!(StoreError::Full.is_undone());
    assert!(!StoreError::Unavailable("down".into()).is_undone());
}

#[tokio::test]
async fn every_record_names_the_keys_it_is_about() {
    let house = House::new().await;
    let kid = async |state| house.kid(Algorithm::Ed25519, state).await;
    let first = kid(KeyState::Active).await;
    assert_eq!(house.last_object().await, first);
    house.rotate().await.unwrap();
    let second = kid(KeyState::Active).await;
    assert_eq!(house.last_object().await, second);
    house.keys.ensure(Algorithm::Es256).await.unwrap();
    let es = house.kid(Algorithm::Es256, KeyState::Active).await;
    assert_eq!(house.last_object().await, es);
    house.clock.advance(POLICY.kept());
    house.keys.tick().await.unwrap();
    assert_eq!(house.last_object().await, first, "the one that is gone");
    house.rotate().await.unwrap();
    let both = [
        kid(KeyState::Active).await,
        house.kid(Algorithm::Es256, KeyState::Active).await,
    ];
    assert_eq!(house.last_object().await, both.join(" "));
    house.revoke(&second).await.unwrap();
    assert_eq!(house.last_object().await, second);
}

#[tokio::test]
async fn a_revocation_touches_one_algorithm() {
    let house = House::new().await;
    house.keys.ensure(Algorithm::Es256).await.unwrap();
    let (token, es) = house.token(Algorithm::Es256);
    let ed = house.token(Algorithm::Ed25519).1;
    house.revoke(&ed).await.unwrap();
    assert!(house.verifies(&token));
    assert_eq!(house.token(Algorithm::Es256).1, es);
    assert_ne!(house.token(Algorithm::Ed25519).1, ed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_signed_while_keys_rotate_verify_in_every_cache_of_the_key_set() {
    let house = Arc::new(House::new().await);
    let done = Arc::new(AtomicBool::new(false));
    let signers: Vec<_> = (0..3)
        .map(|_| {
            let (house, done) = (Arc::clone(&house), Arc::clone(&done));
            tokio::spawn(async move {
                let (mut signed, mut kids) = (0_u32, std::collections::BTreeSet::new());
                let (mut fetched, mut cached) = (house.clock.uptime(), house.keys.verifying());
                while !done.load(Ordering::Relaxed) {
                    let token = house.keys.sign(Algorithm::Ed25519, "JWT", &signed).unwrap();
                    // Stale as soon as it is as old as it may be (RFC 9111, 4.2).
                    if house.clock.uptime().since(fetched) >= JWKS_MAX_AGE {
                        (fetched, cached) = (house.clock.uptime(), house.keys.verifying());
                    }
                    // In its own cache, as old as it may be, and at somebody who asks only now.
                    kids.insert(cached.verify(&token, &["JWT"]).unwrap().kid);
                    assert!(house.verifies(&token));
                    signed += 1;
                    tokio::task::yield_now().await;
                }
                (signed, kids.len())
            })
        })
        .collect();
    for _ in 0..25 {
        house.clock.advance(JWKS_MAX_AGE);
        house.keys.tick().await.unwrap();
        house.rotate().await.unwrap();
        // Until somebody has signed under the new key too.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    done.store(true, Ordering::Relaxed);
    let mut kids = 0;
    for signer in signers {
        kids = kids.max(signer.await.unwrap().1);
    }
    assert!(kids > 5, "the signers saw {kids} keys");
}
