use rusqlite::Connection;
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_model::Timestamp;

use super::*;
use crate::sqlite::schema;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const STREAM: StreamId = StreamId::from_bytes([7; 16]);

/// A database with one stream whose queue is as long as it may be but for one.
fn nearly_full() -> Connection {
    let mut db = Connection::open_in_memory().unwrap();
    schema::migrate(&mut db, &FakeClock::at(NOW), &FakeRandom::default()).unwrap();
    db.execute(
        "INSERT INTO streams (id, client_id, kinds, status, created_at, active_at, next_try_at)
         VALUES (?1, 'rp', '[]', 'enabled', 0, 0, 0)",
        params![STREAM.as_bytes()],
    )
    .unwrap();
    db.execute(
        "WITH RECURSIVE numbers (number) AS
            (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 9999)
         INSERT INTO signals (stream_id, number, kind, at, cause)
         SELECT ?1, number, 'session-revoked', 0, 0 FROM numbers",
        params![STREAM.as_bytes()],
    )
    .unwrap();
    db.execute("UPDATE streams SET queued = 9999, next_number = 10000", ())
        .unwrap();
    db
}

fn counts(db: &Connection) -> (i64, i64, i64) {
    let counts = "SELECT queued, dropped, (SELECT count(*) FROM signals) FROM streams";
    db.query_row(counts, (), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
    .unwrap()
}

#[test]
fn a_full_queue_loses_what_comes_and_tells_of_it_once_until_there_is_room_again() {
    let db = nearly_full();
    let tx = Tx::on(&db);
    let tell = || {
        let kind = SignalKind::SessionRevoked;
        owe(&tx, STREAM, kind, &Told::default(), NOW).unwrap();
    };
    tell();
    assert_eq!(counts(&db), (10_000, 0, 10_000));
    tell();
    tell();
    assert_eq!(counts(&db), (10_001, 2, 10_001), "and one that tells of it");
    let last = list(&db, STREAM, 20_000).unwrap().pop().unwrap();
    assert_eq!(
        (last.kind, last.reason.as_deref()),
        (SignalKind::StreamUpdated, Some("signals_lost"))
    );
    let settled = |numbers: std::ops::Range<u64>| {
        let numbers: Vec<u64> = numbers.collect();
        let audit = Audit::allowed(NOW, crate::AuditActor::System, "signal.deliver");
        settle(&tx, STREAM, &numbers, &Settled::Delivered, &audit).unwrap()
    };
    assert_eq!(settled(1..3), 2);
    tell();
    tell();
    assert_eq!(counts(&db), (10_000, 3, 10_000), "not again so soon");
    assert_eq!(settled(3..6_000), 5_997);
    tell();
    assert_eq!(counts(&db), (4_004, 3, 4_004));
}

#[test]
fn an_act_stands_although_nothing_can_be_queued_of_it() {
    let db = nearly_full();
    db.execute("UPDATE streams SET kinds = '[\"session-revoked\"]'", ())
        .unwrap();
    db.execute_batch(
        "CREATE TRIGGER broken BEFORE INSERT ON signals BEGIN SELECT RAISE(ABORT, 'broken'); END",
    )
    .unwrap();
    let tx = Tx::on(&db);
    sql::run(&tx, "SAVEPOINT job", ()).unwrap();
    db.execute("UPDATE meta SET epoch = 'acted'", ()).unwrap();
    let (session, user) = (SessionId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
    let readers = ["rp".parse().unwrap()];
    let reason = RevokeReason::Admin;
    session_revoked(&tx, session, user, &readers, reason, NOW).unwrap();
    sql::run(&tx, "RELEASE job", ()).unwrap();
    assert_eq!(counts(&db), (9_999, 0, 9_999), "nothing of it is left");
    assert_eq!(schema::epoch(&db).unwrap(), "acted", "and the act stands");
    db.execute_batch("DROP TRIGGER broken").unwrap();
    session_revoked(&tx, session, user, &readers, reason, NOW).unwrap();
    assert_eq!(counts(&db), (10_000, 0, 10_000));
}
