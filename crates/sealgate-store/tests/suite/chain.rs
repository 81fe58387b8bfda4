//! The chain in a real database: made with the acts, undone with them, and found to be tampered with.

use std::sync::Arc;

use rusqlite::Connection;
use sealgate_audit::chain::{CheckpointClaims, FindingKind, Hash, Judged, Report, Retired, Stamp};
use sealgate_model::Timestamp;
use sealgate_store::{
    Audit, AuditActor, AuditKey, ChainFile, Checkpoint, Hold, HoldScope, JudgeCheckpoint,
    NetworkDetail, Outcome, RetireSlice, StoreError,
};

use crate::world::{DAY, MINUTE, World, open};

/// Believes what says `good`, and else nothing: signatures are the server's tests.
fn judge() -> JudgeCheckpoint {
    Arc::new(|number, token| judged(number, token, false))
}

fn judged(number: i64, token: &str, external: bool) -> Stamp {
    let judged = match serde_json::from_str::<CheckpointClaims>(token) {
        Ok(claims) => Judged::Good {
            kid: "key".to_owned(),
            claims,
        },
        Err(error) => Judged::Refused {
            kind: FindingKind::CheckpointSignature,
            detail: error.to_string(),
        },
    };
    Stamp {
        number,
        digest: Hash::of(token.as_bytes()),
        judged,
        external,
    }
}

impl World {
    async fn verified(&self) -> Report {
        self.store.audit_verify(judge(), Vec::new()).await.unwrap()
    }

    /// A checkpoint of the chain as it is.
    async fn signed(&self) -> Checkpoint {
        let head = self.store.chain_head().await.unwrap();
        let before = self.store.checkpoint_newest().await.unwrap();
        let claims = CheckpointClaims {
            iss: "https://id.example".to_owned(),
            iat: self.now().as_seconds(),
            history: "one".to_owned(),
            number: head.number,
            hash: head.hash,
            previous: before.map(|before| Hash::of(before.token.as_bytes())),
        };
        let checkpoint = Checkpoint {
            number: head.number,
            at: self.now(),
            kid: "key".to_owned(),
            token: serde_json::to_string(&claims).unwrap(),
        };
        let key = AuditKey {
            kid: "key".to_owned(),
            sealed_jwk: "sealed".to_owned(),
        };
        let added = self.store.checkpoint_add(checkpoint.clone(), Some(key));
        added.await.unwrap();
        checkpoint
    }

    async fn acts(&self, many: usize) {
        for number in 0..many {
            let mut audit = self.audit("token.issue");
            audit.object = Some(format!("act {number}"));
            audit.network = Some("192.0.2.7".to_owned());
            if number % 3 == 0 {
                audit = Audit {
                    outcome: Outcome::Denied,
                    reason: "scope_missing".to_owned(),
                    ..audit
                };
            }
            self.store.record(audit).await.unwrap();
            self.clock.advance(MINUTE);
        }
    }

    fn database(&self) -> Connection {
        Connection::open(self.dir.path().join("data/sealgate.db")).unwrap()
    }
}

fn kinds(report: &Report) -> Vec<FindingKind> {
    report.counts.keys().copied().collect()
}

#[tokio::test]
async fn every_record_is_chained_and_goes_on_after_another_start() {
    let world = World::new();
    world.story().await;
    world.acts(5).await;
    let before = world.verified().await;
    assert!(before.is_sound(), "{before:?}");
    let World {
        store,
        clock,
        random,
        dir,
    } = world;
    drop(store);
    let store = open(&dir.path().join("data"), &clock, &random).unwrap();
    let world = World {
        store: Arc::new(store),
        clock,
        random,
        dir,
    };
    world.acts(5).await;
    let after = world.verified().await;
    assert!(after.is_sound(), "{after:?}");
    assert_eq!(after.records, before.records + 5);
    let mut scratch = Vec::new();
    let mut previous = Hash::GENESIS;
    for row in world.records().await {
        previous = Hash::link(&previous, row.number, &row.content(&mut scratch));
        assert_eq!(row.hash, Some(previous));
    }
    assert_eq!(after.head, Some(previous));
}

#[tokio::test]
async fn what_is_undone_leaves_no_trace_in_the_chain() {
    let world = World::new();
    let (user, ..) = world.story().await;
    let before = world.records().await.len();
    // Each of these fails after it has joined others to a batch; none may leave a link behind.
    let mut tries = Vec::new();
    for number in 0..40 {
        let store = Arc::clone(&world.store);
        let audit = world.audit("user.create");
        let row = world.user_row(&user.email);
        let good = world.audit("token.issue");
        tries.push(tokio::spawn(async move {
            if number % 2 == 0 {
                store.record(good).await
            } else {
                store.user_create(row, None, audit).await
            }
        }));
    }
    let mut refused = 0;
    for one in tries {
        match one.await.unwrap() {
            Ok(()) => {}
            Err(StoreError::Conflict(_)) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(refused, 20);
    let report = world.verified().await;
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(world.records().await.len(), before + 20);
}

#[tokio::test]
async fn each_tampering_with_the_database_is_found() {
    use FindingKind as K;
    let columns = [
        ("at", "at + 1"),
        ("actor", "'system'"),
        ("actor_type", "'agent'"),
        ("actor_type", "NULL"),
        ("credential", "''"),
        ("through", "'app'"),
        ("through_session", "zeroblob(16)"),
        ("action", "'token.refuse'"),
        (
            "outcome",
            "CASE outcome WHEN 'denied' THEN 'allowed' ELSE 'denied' END",
        ),
        ("reason", "reason || ' '"),
        ("user_id", "zeroblob(16)"),
        ("client_id", "''"),
        ("session_id", "zeroblob(16)"),
        ("object", "NULL"),
        ("network", "NULL"),
        ("route", "'/'"),
        ("trace", "''"),
        ("count", "count + 1"),
        ("policy_version", "7"),
        ("hash", "zeroblob(32)"),
        ("hash", "x''"),
    ];
    let mut table: Vec<(String, Vec<K>)> = columns
        .iter()
        .map(|(column, value)| {
            let sql = format!("UPDATE audit SET {column} = {value} WHERE number = 7");
            (sql, vec![K::Altered])
        })
        .collect();
    let swap = "UPDATE audit SET number = -1 WHERE number = 5;
                UPDATE audit SET number = 5 WHERE number = 9;
                UPDATE audit SET number = 9 WHERE number = -1";
    let others: [(&str, Vec<K>); 14] = [
        ("DELETE FROM audit WHERE number = 1", vec![K::Removed]),
        ("DELETE FROM audit WHERE number = 7", vec![K::Removed]),
        ("DELETE FROM audit WHERE number BETWEEN 4 AND 9", vec![K::Removed]),
        ("DELETE FROM audit WHERE number > 18", vec![K::Truncated]),
        ("DELETE FROM audit", vec![K::Truncated]),
        (swap, vec![K::Reordered]),
        ("UPDATE audit SET number = 900 WHERE number = 7",
            vec![K::Removed]),
        (
            "UPDATE audit SET number = -number WHERE number > 6;
             UPDATE audit SET number = 1 - number WHERE number < 0;
             INSERT INTO audit SELECT 7, at, actor, action, outcome, reason, user_id, client_id,
                session_id, network, trace, count, object, through, through_session, actor_type,
                credential, route, policy_version, hash FROM audit WHERE number = 3",
            vec![K::Inserted, K::Rewritten],
        ),
        (
            "DELETE FROM audit WHERE number = 7;
             UPDATE audit SET number = number - 1 WHERE number > 7",
            vec![K::Removed, K::Rewritten],
        ),
        ("UPDATE audit_checkpoints SET token = 'x' WHERE number = 10", vec![K::CheckpointSignature, K::CheckpointChain]),
        ("UPDATE audit_checkpoints SET number = 11 WHERE number = 10", vec![K::CheckpointMalformed, K::CheckpointChain]),
        ("DELETE FROM audit_checkpoints WHERE number = 10", vec![K::CheckpointChain]),
        (
            "INSERT INTO audit_retired VALUES (3, 4, zeroblob(32), 6);
             DELETE FROM audit WHERE number IN (3, 4)",
            vec![K::Altered, K::RetiredUnrecorded],
        ),
        (
            "INSERT INTO audit_retired SELECT 3, 3, hash, 6 FROM audit WHERE number = 3;
             UPDATE audit SET action = 'audit.retire', object = 'records=1 ranges=1' WHERE number = 6;
             DELETE FROM audit WHERE number = 3",
            vec![K::Altered, K::RetiredUnrecorded],
        ),
    ];
    table.extend(others.map(|(sql, kinds)| (sql.to_owned(), kinds)));
    let world = World::new();
    world.acts(10).await;
    world.signed().await;
    world.acts(10).await;
    world.signed().await;
    world.acts(1).await;
    assert!(world.verified().await.is_sound());
    for (sql, mut expected) in table {
        let copy = world.dir.path().join("copy.db");
        let _ = std::fs::remove_file(&copy);
        let vacuum = format!("VACUUM INTO '{}'", copy.display());
        world.database().execute_batch(&vacuum).unwrap();
        let database = Connection::open(&copy).unwrap();
        database.execute_batch(&sql).unwrap();
        drop(database);
        let report = ChainFile::open(&copy).unwrap().verify(&judge(), Vec::new());
        let report = report.unwrap();
        expected.sort();
        assert_eq!(kinds(&report), expected, "{sql}: {report:#?}");
    }
}

#[tokio::test]
async fn another_copy_of_the_records_does_not_pass_for_them_where_a_checkpoint_was_kept() {
    let world = World::new();
    world.acts(5).await;
    let early = world.signed().await;
    world.acts(5).await;
    let late = world.signed().await;
    let other = World::new();
    other.acts(3).await;
    let compare = async |world: &World, kept: &Checkpoint| {
        let stamp = judged(kept.number, &kept.token, true);
        kinds(
            &world
                .store
                .audit_verify(judge(), vec![stamp])
                .await
                .unwrap(),
        )
    };
    assert_eq!(compare(&world, &early).await, []);
    assert_eq!(compare(&world, &late).await, []);
    assert_eq!(compare(&other, &early).await, [FindingKind::Truncated]);
    other.acts(10).await;
    assert_eq!(compare(&other, &early).await, [FindingKind::Fork]);
    // The newest is beside the database as well, where only its owner can read it.
    let beside = world.store.checkpoint_beside().await.unwrap();
    assert_eq!(beside.as_deref(), Some(&*late.token));
    let path = world.dir.path().join("data/audit.checkpoint");
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    world.store.checkpoint_beside_aside().await.unwrap();
    assert_eq!(world.store.checkpoint_beside().await.unwrap(), None);
    assert!(path.with_extension("checkpoint.diverged-1").exists());
}

fn slice(stream: Outcome, before: Timestamp) -> RetireSlice {
    RetireSlice {
        stream,
        after: 0,
        before,
        limit: 100,
    }
}

impl World {
    async fn retire(&self, slice: RetireSlice) -> (u64, u64) {
        let audit = Audit::allowed(self.now(), AuditActor::System, "audit.retire");
        let done = self.store.audit_retire(slice, audit).await.unwrap();
        (done.records, done.held)
    }

    fn hold(&self, scope: HoldScope) -> Hold {
        Hold {
            id: 0,
            made_at: self.now(),
            made_by: "operator".to_owned(),
            reason: "a case".to_owned(),
            scope,
            released_at: None,
            released_by: None,
        }
    }
}

#[tokio::test]
async fn each_stream_is_retired_alone_and_the_chain_says_what_went() {
    let world = World::new();
    world.acts(30).await;
    world.signed().await;
    world.clock.advance(DAY);
    let now = world.now();
    assert_eq!(world.retire(slice(Outcome::Allowed, now)).await, (20, 0));
    let left = world.records().await;
    let (last, denied) = left.split_last().unwrap();
    assert!(denied.iter().all(|row| row.outcome == "denied"));
    assert_eq!(
        (denied.len(), &*last.action, last.count),
        (10, "audit.retire", 20)
    );
    let report = world.verified().await;
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.retired, report.records), (20, 11));
    // Nothing that is too young goes, and what tells of retirement stays.
    world.acts(3).await;
    assert_eq!(world.retire(slice(Outcome::Denied, now)).await, (10, 0));
    assert_eq!(world.retire(slice(Outcome::Allowed, now)).await, (0, 0));
    let report = world.verified().await;
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.retired, report.first), (30, 31));

    world
        .database()
        .execute_batch("DELETE FROM audit_retired WHERE first = 5")
        .unwrap();
    let found = kinds(&world.verified().await);
    assert!(found.contains(&FindingKind::RetireMismatch), "{found:?}");
    assert!(found.contains(&FindingKind::Removed), "{found:?}");
}

#[tokio::test]
async fn what_is_held_stays_until_it_is_released_and_ranges_split_around_it() {
    let world = World::new();
    world.acts(4).await;
    let (since, many) = (world.now(), 4);
    world.acts(many).await;
    let scope = HoldScope {
        since: Some(since),
        until: Some(world.now()),
        ..HoldScope::default()
    };
    let audit = world.audit("audit.hold_add");
    let id = world
        .store
        .hold_add(world.hold(scope), audit)
        .await
        .unwrap();
    world.acts(4).await;
    world.clock.advance(DAY);
    let now = world.now();
    // Record 9 tells of the hold, and stays.
    assert_eq!(world.retire(slice(Outcome::Allowed, now)).await, (4, 2));
    assert_eq!(world.retire(slice(Outcome::Denied, now)).await, (4, 2));
    let numbers: Vec<i64> = world.records().await.iter().map(|row| row.number).collect();
    assert_eq!(numbers, [5, 6, 7, 8, 9, 14, 15]);
    assert!(world.verified().await.is_sound());

    let release = async || {
        let audit = world.audit("audit.hold_release");
        let by = "operator".to_owned();
        world.store.hold_release(id, now, by, audit).await.unwrap()
    };
    assert!(release().await && !release().await);
    assert_eq!(world.store.holds(false).await.unwrap(), []);
    let all = world.store.holds(true).await.unwrap();
    assert_eq!((all.len(), all[0].released_at), (1, Some(now)));
    assert_eq!(world.retire(slice(Outcome::Allowed, now)).await, (2, 0));
    assert!(world.verified().await.is_sound());
    let ranges: Vec<Retired> = world.store.retired_after(i64::MIN, 100).await.unwrap();
    assert!(ranges.iter().all(|range| range.first <= range.last));
}

#[tokio::test]
async fn a_hold_names_users_clients_actors_and_requests() {
    let world = World::new();
    let (user, client, ..) = world.story().await;
    let (user, client) = (user.id, client.id);
    let write = async |change: &dyn Fn(&mut Audit)| {
        let mut audit = world.audit("token.issue");
        change(&mut audit);
        world.store.record(audit).await.unwrap();
        world.records().await.last().unwrap().number
    };
    let by_user = write(&|audit| audit.actor = AuditActor::User(user)).await;
    let about_user = write(&|audit| audit.user = Some(user)).await;
    let through = write(&|audit| audit.through = Some(client.clone())).await;
    let traced = write(&|audit| audit.trace = Some("t".repeat(32))).await;
    let other = write(&|_| {}).await;
    let scopes = [
        HoldScope {
            user: Some(user),
            ..HoldScope::default()
        },
        HoldScope {
            client: Some(client.clone()),
            ..HoldScope::default()
        },
        HoldScope {
            trace: Some("t".repeat(32)),
            ..HoldScope::default()
        },
        // Both at once, which nothing is.
        HoldScope {
            actor: Some("operator".to_owned()),
            user: Some(user),
            trace: Some("x".into()),
            ..HoldScope::default()
        },
    ];
    for scope in scopes {
        let audit = world.audit("audit.hold_add");
        world
            .store
            .hold_add(world.hold(scope), audit)
            .await
            .unwrap();
    }
    world.clock.advance(DAY);
    world.retire(slice(Outcome::Allowed, world.now())).await;
    let left: Vec<i64> = world.records().await.iter().map(|row| row.number).collect();
    for kept in [by_user, about_user, through, traced] {
        assert!(left.contains(&kept), "{kept}");
    }
    assert!(!left.contains(&other));
    assert!(world.verified().await.is_sound());
}

#[tokio::test]
async fn as_much_of_addresses_is_kept_as_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::new();
    let store = open(dir.path(), &world.clock, &world.random).unwrap();
    for (detail, expected) in [
        (NetworkDetail::Full, Some("192.0.2.7")),
        (NetworkDetail::Prefix, Some("192.0.2.0/24")),
        (NetworkDetail::None, None),
    ] {
        store.keep_networks(detail);
        let store: &dyn sealgate_store::Store = &store;
        let mut audit = world.audit("token.issue");
        audit.network = Some("192.0.2.7".to_owned());
        store.record(audit).await.unwrap();
        let rows = store.audit_after(0, 10).await.unwrap();
        assert_eq!(rows.last().unwrap().network.as_deref(), expected);
    }
}

#[tokio::test]
async fn a_start_with_other_settings_says_so() {
    let world = World::new();
    let start = async |settings: &str| {
        let audit = Audit::allowed(world.now(), AuditActor::System, "server.start");
        let started = world.store.server_started(settings.to_owned(), audit);
        started.await.unwrap();
        world.records().await.last().unwrap().reason.clone()
    };
    assert_eq!(start("a").await, "");
    assert_eq!(start("a").await, "");
    assert_eq!(start("b").await, "settings_changed");
}

#[tokio::test]
async fn a_hold_that_is_taken_out_of_the_table_or_changed_there_is_found_and_holds_up_retention() {
    let world = World::new();
    world.acts(6).await;
    let scope = HoldScope {
        actor: Some("operator".to_owned()),
        ..HoldScope::default()
    };
    for _ in 0..2 {
        let audit = world.audit("audit.hold_add");
        let hold = world.hold(scope.clone());
        world.store.hold_add(hold, audit).await.unwrap();
    }
    let (by, audit) = ("operator".to_owned(), world.audit("audit.hold_release"));
    let released = world.store.hold_release(1, world.now(), by, audit).await;
    assert!(released.unwrap());
    world.clock.advance(DAY);
    assert!(world.verified().await.is_sound());
    assert_eq!(world.store.holds_in_force().await.unwrap().len(), 1);
    for tampering in [
        "UPDATE audit_holds SET released_at = 1 WHERE id = 2",
        "UPDATE audit_holds SET actor = 'user:nobody' WHERE id = 2",
        "UPDATE audit_holds SET until = 1 WHERE id = 2",
        "DELETE FROM audit_holds",
    ] {
        world.database().execute_batch(tampering).unwrap();
        let report = world.verified().await;
        assert_eq!(kinds(&report), [FindingKind::HoldAltered], "{tampering}");
        assert_eq!(report.findings[0].first, 8);
        let slice = slice(Outcome::Allowed, world.now());
        let audit = Audit::allowed(world.now(), AuditActor::System, "audit.retire");
        let retired = world.store.audit_retire(slice, audit).await;
        assert!(
            matches!(retired, Err(StoreError::Corrupt(_))),
            "{retired:?}"
        );
        let judged = world.store.holds_in_force().await;
        assert!(matches!(judged, Err(StoreError::Corrupt(_))), "{judged:?}");
    }
    assert_eq!(world.records().await.len(), 9);
}

#[tokio::test]
async fn records_of_a_clock_that_was_ahead_hold_up_no_retention() {
    let world = World::new();
    let mut ahead = world.audit("token.issue");
    ahead.at = world.now() + 4000 * DAY;
    world.store.record(ahead).await.unwrap();
    world.acts(30).await;
    world.clock.advance(DAY);
    let now = world.now();
    let mut after = 0;
    let mut records = 0;
    // As housekeeping does it, with slices that are smaller than what there is.
    loop {
        let slice = RetireSlice {
            after,
            limit: 7,
            ..slice(Outcome::Allowed, now)
        };
        let audit = Audit::allowed(now, AuditActor::System, "audit.retire");
        let done = world.store.audit_retire(slice, audit).await.unwrap();
        (after, records) = (done.after, records + done.records);
        if !done.more {
            break;
        }
    }
    assert_eq!(records, 20);
    let left = world.records().await;
    assert_eq!((left[0].number, left[0].outcome.as_str()), (1, "allowed"));
    assert!(world.verified().await.is_sound());
}
