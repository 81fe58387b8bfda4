use std::collections::BTreeMap;

use proptest::prelude::*;
use rusqlite::Connection;
use sealgate_audit::decision::{Batch, Decided, Draft, Index, Outcome, Stream, body_hash};
use sealgate_model::Timestamp;
use tempfile::TempDir;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A batch of what `actors` were refused at `route`, each a second after the other.
fn block(sequence: u64, stream: Stream, route: &str, actors: &[&str], from: i64) -> NewBlock {
    let outcome = match stream {
        Stream::Allowed => Outcome::Allowed,
        Stream::Denied => Outcome::Refused,
    };
    let mut draft = Draft::new();
    for (actor, second) in actors.iter().zip(from..) {
        let mut record = Decided::new(at(second), outcome);
        record.actor = Some(actor);
        record.route = Some(route);
        record.reason = (stream == Stream::Denied).then_some("scope_missing");
        draft.add(&record).unwrap();
    }
    let body = draft.encode(stream, &[9; 16], sequence, "one", at(from));
    let batch = Batch::read(&body).unwrap();
    NewBlock {
        stream,
        client: "notes".to_owned(),
        instance: [9; 16],
        sequence,
        gate: "one".to_owned(),
        lengths: batch.lengths(),
        index: Index::of(&batch),
        body_hash: body_hash(&body),
        body: body.clone(),
        at: at(from),
    }
}

fn opened() -> (TempDir, SqliteDecisions) {
    let dir = tempfile::tempdir().unwrap();
    let log = SqliteDecisions::open(dir.path()).unwrap();
    (dir, log)
}

async fn actors(
    log: &SqliteDecisions,
    filter: DecisionFilter,
    direction: Direction,
) -> Vec<String> {
    let (mut from, mut actors) = (None, Vec::new());
    loop {
        let found = log.find(filter.clone(), direction, from, 2).await.unwrap();
        actors.extend(found.records.into_iter().filter_map(|record| record.actor));
        if found.at_end {
            return actors;
        }
        assert!(found.next != from, "a search goes on or ends");
        from = found.next;
    }
}

#[tokio::test]
async fn a_batch_that_comes_twice_counts_once_also_after_a_restart() {
    let (dir, log) = opened();
    let batch = || block(1, Stream::Denied, "/a", &["ann", "bob"], 10);
    assert_eq!(log.append(batch()).await.unwrap(), Appended::Kept(1));
    assert_eq!(log.append(batch()).await.unwrap(), Appended::Known);
    drop(log);
    let log = SqliteDecisions::open(dir.path()).unwrap();
    assert_eq!(log.append(batch()).await.unwrap(), Appended::Known);
    // Another process, and another client, have numbers of their own.
    let mut other = batch();
    other.instance = [8; 16];
    assert_eq!(log.append(other).await.unwrap(), Appended::Kept(2));
    let mut other = batch();
    other.client = "mail".to_owned();
    assert_eq!(log.append(other).await.unwrap(), Appended::Kept(3));
    let totals = log.totals().await.unwrap();
    assert_eq!(totals[1].1.decisions, 6);
    assert_eq!(log.last().await.unwrap(), 3);
}

#[tokio::test]
async fn what_is_looked_for_is_found_both_ways() {
    let (_dir, log) = opened();
    for (sequence, batch) in [
        (Stream::Denied, "/a", ["ann", "bob", "ann"]),
        (Stream::Allowed, "/a", ["ann", "cat", "dan"]),
        (Stream::Denied, "/b", ["bob", "ann", "eve"]),
    ]
    .into_iter()
    .enumerate()
    {
        let (stream, route, actors) = batch;
        let number = sequence as u64 + 1;
        let from = 10 * i64::try_from(number).unwrap();
        log.append(block(number, stream, route, &actors, from))
            .await
            .unwrap();
    }
    let all = DecisionFilter::default();
    let newest = actors(&log, all.clone(), Direction::Newest).await;
    assert_eq!(
        newest,
        [
            "eve", "ann", "bob", "dan", "cat", "ann", "ann", "bob", "ann"
        ]
    );
    let mut oldest = actors(&log, all.clone(), Direction::Oldest).await;
    oldest.reverse();
    assert_eq!(oldest, newest);
    let of = |change: fn(&mut DecisionFilter)| {
        let mut filter = DecisionFilter::default();
        change(&mut filter);
        filter
    };
    let count = async |filter| actors(&log, filter, Direction::Newest).await.len();
    let named = |filter: &mut DecisionFilter| filter.actor = Some("ann".to_owned());
    assert_eq!(count(of(named)).await, 4);
    assert_eq!(
        count(of(|filter| filter.stream = Some(Stream::Denied))).await,
        6
    );
    assert_eq!(
        count(of(|filter| filter.outcome = Some(Outcome::Allowed))).await,
        3
    );
    assert_eq!(
        count(of(|filter| filter.route = Some("/b".to_owned()))).await,
        3
    );
    let reason = |filter: &mut DecisionFilter| filter.reason = Some("scope_missing".to_owned());
    assert_eq!(count(of(reason)).await, 6);
    assert_eq!(count(of(|filter| filter.since = Some(at(31)))).await, 2);
    assert_eq!(count(of(|filter| filter.until = Some(at(11)))).await, 1);
    assert_eq!(
        count(of(|filter| filter.application = Some("mail".to_owned()))).await,
        0
    );
    // Whoever follows is told the same blocks, and woken.
    let blocks = log.after(1, 10).await.unwrap();
    assert_eq!(
        blocks.iter().map(|block| block.number).collect::<Vec<_>>(),
        [2, 3]
    );
    let mut wakeup = log.wakeup();
    wakeup.mark_unchanged();
    log.append(block(4, Stream::Denied, "/c", &["fay"], 50))
        .await
        .unwrap();
    wakeup.changed().await.unwrap();
    assert_eq!(*wakeup.borrow(), 4);
}

/// Every change that somebody may make to the file behind the log's back is found.
#[tokio::test]
async fn what_was_removed_or_altered_is_found() {
    let cases: [(&str, FaultKind, u64); 9] = [
        (
            "DELETE FROM block WHERE place = 2 AND stream = 1",
            FaultKind::Missing,
            3,
        ),
        (
            "DELETE FROM block WHERE place = 1 AND stream = 1",
            FaultKind::Missing,
            2,
        ),
        (
            "UPDATE block SET gate = 'two' WHERE place = 2 AND stream = 1",
            FaultKind::Hash,
            2,
        ),
        (
            "UPDATE block SET client = 'mail' WHERE place = 2 AND stream = 1",
            FaultKind::Hash,
            2,
        ),
        (
            "UPDATE block SET kept_at = 5 WHERE place = 2 AND stream = 1",
            FaultKind::Hash,
            2,
        ),
        (
            "UPDATE block SET body = (SELECT body FROM block WHERE place = 3 AND stream = 1)
             WHERE place = 2 AND stream = 1",
            FaultKind::Body,
            2,
        ),
        (
            "UPDATE block SET (body, body_hash, idx) =
             (SELECT body, body_hash, idx FROM block WHERE place = 3 AND stream = 1)
             WHERE place = 2 AND stream = 1",
            FaultKind::Hash,
            2,
        ),
        (
            "UPDATE block SET last_at = 0 WHERE place = 2 AND stream = 1",
            FaultKind::Index,
            2,
        ),
        (
            "UPDATE block SET idx = zeroblob(32) WHERE place = 2 AND stream = 1",
            FaultKind::Index,
            2,
        ),
    ];
    for (change, kind, place) in cases {
        let (dir, log) = opened();
        for sequence in 1..=4 {
            log.append(block(sequence, Stream::Denied, "/a", &["ann"], 10))
                .await
                .unwrap();
        }
        let sound = log.verify(Stream::Denied, 0, 100).await.unwrap();
        assert_eq!((sound.blocks, sound.decisions), (4, 4));
        assert_eq!(
            (sound.faults, sound.through, sound.more),
            (Vec::new(), 4, false)
        );
        let file = Connection::open(dir.path().join("decisions.db")).unwrap();
        assert_eq!(file.execute(change, ()).unwrap(), 1, "{change}");
        let verified = log.verify(Stream::Denied, 0, 100).await.unwrap();
        assert!(
            verified.faults.contains(&Fault { place, kind }),
            "{change}: {:?}",
            verified.faults
        );
    }
}

#[tokio::test]
async fn a_log_is_verified_in_pieces() {
    let (_dir, log) = opened();
    for sequence in 1..=7 {
        log.append(block(sequence, Stream::Allowed, "/a", &["ann"], 10))
            .await
            .unwrap();
    }
    let (mut after, mut blocks) = (0, 0);
    loop {
        let verified = log.verify(Stream::Allowed, after, 3).await.unwrap();
        assert_eq!(verified.faults, []);
        blocks += verified.blocks;
        after = verified.through;
        if !verified.more {
            break;
        }
    }
    assert_eq!((blocks, after), (7, 7));
    assert_eq!(log.heads().await.unwrap()[0].place, 7);
}

#[tokio::test]
async fn what_is_kept_no_longer_goes_and_what_is_held_stays() {
    let (_dir, log) = opened();
    for sequence in 1..=5_u32 {
        let from = 100 * i64::from(sequence);
        let batch = block(
            u64::from(sequence),
            Stream::Denied,
            "/a",
            &["ann", "bob"],
            from,
        );
        log.append(batch).await.unwrap();
    }
    let keep = Keep {
        age: Duration::from_secs(150),
        bytes: u64::MAX,
    };
    let retention = Retention {
        allowed: keep,
        denied: keep,
    };
    let hold = Hold {
        from: Some(at(150)),
        until: Some(at(250)),
        actor: Some("bob".to_owned()),
        ..Hold::default()
    };
    // Of somebody who is not there: it holds nothing.
    let idle = Hold {
        actor: Some("zoe".to_owned()),
        ..Hold::default()
    };
    // At 500 everything before 350 is too old; the second block is held.
    let retired = log
        .retire(retention, vec![hold, idle], at(500))
        .await
        .unwrap();
    let gone = Retired {
        stream: Stream::Denied,
        blocks: 2,
        early: 0,
        decisions: 4,
        through: 3,
    };
    assert_eq!(retired, [gone]);
    let left = actors(&log, DecisionFilter::default(), Direction::Oldest).await;
    assert_eq!(left.len(), 6);
    let verified = log.verify(Stream::Denied, 0, 100).await.unwrap();
    assert_eq!(verified.faults, []);
    // The first stub is there still: the second block stands on it.
    assert_eq!((verified.blocks, verified.retired), (5, 2));
    assert_eq!(log.totals().await.unwrap()[1].1.decisions, 6);

    // By bytes, the oldest first.
    let few = Keep {
        age: Duration::from_secs(1_000_000),
        bytes: 1_000,
    };
    let retention = Retention {
        allowed: few,
        denied: few,
    };
    let retired = log.retire(retention, Vec::new(), at(600)).await.unwrap();
    let first = retired[0];
    assert_eq!((first.blocks, first.early, first.through), (2, 2, 4));
    let verified = log.verify(Stream::Denied, 0, 100).await.unwrap();
    assert_eq!(verified.faults, []);
    assert_eq!((verified.blocks, verified.retired), (2, 1));
    // And what has gone is known all the same.
    let again = block(1, Stream::Denied, "/a", &["ann", "bob"], 100);
    assert_eq!(log.append(again).await.unwrap(), Appended::Known);
    let next = block(6, Stream::Denied, "/a", &["ann"], 700);
    log.append(next).await.unwrap();
    let verified = log.verify(Stream::Denied, 0, 100).await.unwrap();
    assert_eq!((verified.faults, verified.through), (Vec::new(), 6));
}

/// What a row stands for is a client's word. No such word stops what others bring.
#[tokio::test]
async fn the_largest_counts_of_one_client_hold_up_nobody() {
    let (_dir, log) = opened();
    for sequence in 1..=12 {
        let mut batch = block(sequence, Stream::Denied, "/a", &["ann"], 10);
        // As much as the rows of a batch may come to.
        batch.lengths.decisions = (u64::from(u32::MAX) << 16) * 4_096;
        log.append(batch).await.unwrap();
    }
    let mut other = block(1, Stream::Denied, "/a", &["bob"], 20);
    other.client = "mail".to_owned();
    assert_eq!(log.append(other).await.unwrap(), Appended::Kept(13));
    assert_eq!(
        log.totals().await.unwrap()[1].1.decisions,
        i64::MAX.unsigned_abs()
    );
    let none = Keep {
        age: Duration::ZERO,
        bytes: 0,
    };
    let retention = Retention {
        allowed: none,
        denied: none,
    };
    let retired = log.retire(retention, Vec::new(), at(30)).await.unwrap();
    assert_eq!(retired[0].blocks, 13);
    assert_eq!(log.totals().await.unwrap()[1].1.decisions, 0);
}

#[tokio::test]
async fn a_hold_on_a_client_keeps_what_its_gates_reported() {
    let (_dir, log) = opened();
    log.append(block(1, Stream::Denied, "/a", &["ann"], 10))
        .await
        .unwrap();
    let none = Keep {
        age: Duration::ZERO,
        bytes: 0,
    };
    let retention = Retention {
        allowed: none,
        denied: none,
    };
    let hold = |client: &str| Hold {
        client: Some(client.to_owned()),
        ..Hold::default()
    };
    // No record of it tells of a client: it is the one that reported.
    let kept = log.retire(retention, vec![hold("notes")], at(900)).await;
    assert_eq!(kept.unwrap(), []);
    let gone = log.retire(retention, vec![hold("mail")], at(900)).await;
    assert_eq!(gone.unwrap().len(), 1);
}

#[tokio::test]
async fn the_file_is_its_owners_alone_and_another_programs_is_left_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, log) = opened();
    let mode = std::fs::metadata(dir.path().join("decisions.db")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    drop(log);
    let other = tempfile::tempdir().unwrap();
    let file = Connection::open(other.path().join("decisions.db")).unwrap();
    file.execute_batch("PRAGMA user_version = 1; PRAGMA application_id = 5;")
        .unwrap();
    assert!(matches!(
        SqliteDecisions::open(other.path()),
        Err(StoreError::Corrupt(_))
    ));
    file.execute_batch("PRAGMA user_version = 9;").unwrap();
    assert!(matches!(
        SqliteDecisions::open(other.path()),
        Err(StoreError::TooNew { found: 9, known: 1 })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// The search finds what looking at every record finds.
    #[test]
    fn a_search_misses_nothing(
        blocks in proptest::collection::vec(
            (any::<bool>(), 0_usize..3, proptest::collection::vec(0_usize..4, 1..5)), 1..8),
        wanted in 0_usize..4,
        route in 0_usize..3,
    ) {
        const ACTORS: [&str; 4] = ["ann", "bob", "cat", "dan"];
        const ROUTES: [&str; 3] = ["/a", "/b", "/c"];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (_dir, log) = opened();
        let mut expected: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        runtime.block_on(async {
            for (number, (denied, route, actors)) in blocks.iter().enumerate() {
                let stream = if *denied { Stream::Denied } else { Stream::Allowed };
                let names: Vec<&str> = actors.iter().map(|actor| ACTORS[*actor]).collect();
                for actor in actors {
                    *expected.entry((*actor, *route)).or_default() += 1;
                }
                let batch = block(number as u64 + 1, stream, ROUTES[*route], &names, 10);
                log.append(batch).await.unwrap();
            }
            let filter = DecisionFilter {
                actor: Some(ACTORS[wanted].to_owned()),
                route: Some(ROUTES[route].to_owned()),
                ..DecisionFilter::default()
            };
            for direction in [Direction::Newest, Direction::Oldest] {
                let found = actors(&log, filter.clone(), direction).await;
                let expected = expected.get(&(wanted, route)).copied().unwrap_or(0);
                assert_eq!(found.len(), expected);
            }
        });
    }
}
