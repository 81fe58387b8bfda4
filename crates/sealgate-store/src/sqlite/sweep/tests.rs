//! How long a sweep holds up others.

use sealgate_model::Clock as _;

use super::super::tests::House;
use super::super::{sql, sweep};
use crate::Store as _;
use crate::sqlite::writer::Tx;

/// How many assertions are remembered.
fn assertions(connection: &rusqlite::Connection) -> usize {
    let count = connection.query_row("SELECT count(*) FROM assertion_ids", (), |row| {
        row.get::<_, u32>(0)
    });
    usize::try_from(count.unwrap()).unwrap()
}

#[tokio::test]
async fn of_a_hundred_thousand_expired_rows_a_write_in_between_waits_for_one_slice() {
    const EXPIRED: usize = 100_000;
    let house = House::new();
    let expired = house.clock.now().as_millis();
    let fill = move |tx: &Tx<'_>| {
        sql::run(
            tx,
            "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers LIMIT ?1)
             INSERT INTO assertion_ids SELECT 'app', randomblob(32), ?2 + n % 1000 FROM numbers",
            rusqlite::params![100_000, expired],
        )
    };
    assert_eq!(house.store.home.writer.write(fill).await.unwrap(), EXPIRED);
    house.clock.advance(std::time::Duration::from_secs(60));
    let seen = rusqlite::Connection::open(house.dir.path().join("sealgate.db")).unwrap();

    let (now, mut between) = (house.clock.now(), 0);
    let sweep = async { house.store.sweep(now).await.unwrap() };
    let writes = async {
        loop {
            let before = assertions(&seen);
            // Queued at once: nothing else runs on this thread in the meantime.
            let write = house.store.home.writer.write(|tx| Ok(assertions(tx)));
            let then = write.await.unwrap();
            assert!(before - then <= sweep::ROWS, "{before} before, then {then}");
            if then == 0 {
                return;
            }
            between += usize::from(then < EXPIRED);
        }
    };
    let (swept, ()) = tokio::join!(sweep, writes);
    assert_eq!(swept.total(), EXPIRED as u64);
    // A hundred full slices and one that finds nothing left, and one look at each other kind.
    assert_eq!(swept.slices, 101 + sweep::KINDS.len() as u64 - 1);
    assert!(between >= 50, "{between} writes came in between");
}

#[tokio::test]
async fn a_slice_of_sessions_is_bounded_by_the_rows_that_go_along() {
    let house = House::new();
    house
        .store
        .client_create(house.client("app"), house.audit())
        .await
        .unwrap();
    let sign_in = house.user("ada@example.org").await;
    for _ in 0..8 {
        let session = house.session(&sign_in, "app").await;
        let id = *session.id.as_bytes();
        let fill = move |tx: &Tx<'_>| {
            sql::run(
                tx,
                "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers LIMIT 299)
                 INSERT INTO refresh_tokens (id, secret_hash, session_id, client_id, generation, issued_at)
                 SELECT randomblob(16), randomblob(32), ?1, 'app', n, 0 FROM numbers",
                rusqlite::params![id],
            )
        };
        house.store.home.writer.write(fill).await.unwrap();
    }
    house
        .clock
        .advance(std::time::Duration::from_secs(7 * 86_400));
    let now = house.clock.now();
    let mut rows = Vec::new();
    loop {
        let act = move |tx: &Tx<'_>| sweep::slice(tx, 0, now);
        let slice = house.store.home.writer.write(act).await.unwrap();
        rows.push(slice.rows);
        if !slice.more {
            break;
        }
    }
    // Each session with its 299 tokens: four of them, where a thousand rows are the mark.
    assert_eq!(rows, [1200, 1200]);
}
