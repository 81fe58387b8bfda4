//! Failures that no caller of the store can bring about: lost commits, panics, a full queue.

use std::sync::Arc;
use std::sync::mpsc as blocking;

use super::*;
use crate::HistoryMark;

struct Fixture {
    writer: Arc<Writer>,
    _dir: tempfile::TempDir,
    file: std::path::PathBuf,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("test.db");
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch("PRAGMA foreign_keys = ON")
        .unwrap();
    connection
        .execute_batch(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;
             CREATE TABLE child (id INTEGER PRIMARY KEY,
                parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED) STRICT;",
        )
        .unwrap();
    let reserve = Reserve::keep(dir.path());
    let noted = Noted::new(HistoryMark {
        history: "a history".to_owned(),
        seq: 0,
    });
    let announced = (0, Arc::new(noted));
    Fixture {
        writer: Arc::new(
            Writer::start(connection, &file, announced, reserve, Arc::default()).unwrap(),
        ),
        _dir: dir,
        file,
    }
}

impl Fixture {
    /// Holds the writer inside a job until the sender is used, so that what is queued meanwhile
    /// becomes one batch with it. Returns once the job has begun.
    async fn hold(
        &self,
    ) -> (
        blocking::Sender<()>,
        tokio::task::JoinHandle<Result<(), StoreError>>,
    ) {
        let (release, held) = blocking::channel();
        let (begun, has_begun) = oneshot::channel();
        let writer = Arc::clone(&self.writer);
        let job = tokio::spawn(async move {
            writer
                .write(move |_tx| {
                    let _ = begun.send(());
                    let _ = held.recv();
                    Ok(())
                })
                .await
        });
        has_begun.await.unwrap();
        (release, job)
    }

    fn queue<F>(&self, act: F) -> tokio::task::JoinHandle<Result<(), StoreError>>
    where
        F: FnOnce(&Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    {
        let writer = Arc::clone(&self.writer);
        tokio::spawn(async move { writer.write(act).await })
    }

    /// Lets spawned callers get as far as the queue.
    async fn settle(&self, waiting: usize) {
        let queue = self.writer.queue.as_ref().unwrap();
        while queue.max_capacity() - queue.capacity() < waiting {
            tokio::task::yield_now().await;
        }
    }

    fn parents(&self) -> Vec<i64> {
        let connection = Connection::open(&self.file).unwrap();
        let mut rows = connection
            .prepare("SELECT id FROM parent ORDER BY id")
            .unwrap();
        rows.query_map((), |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }
}

fn parent(id: i64) -> impl FnOnce(&Tx<'_>) -> Result<(), StoreError> + Clone + Send + 'static {
    move |tx| {
        tx.announce(id.unsigned_abs());
        sql::run(tx, "INSERT INTO parent (id) VALUES (?1)", (id,)).map(drop)
    }
}

#[tokio::test]
async fn a_commit_that_fails_is_unavailable_for_every_job_in_it_and_wakes_nobody() {
    let fixture = fixture();
    let wakeup = fixture.writer.wakeup();
    let (release, held) = fixture.hold().await;
    let innocent = fixture.queue(parent(1));
    // The orphan is noticed only by COMMIT, after both jobs have done their work.
    let orphan =
        fixture.queue(|tx| sql::run(tx, "INSERT INTO child (parent) VALUES (99)", ()).map(drop));
    fixture.settle(2).await;
    release.send(()).unwrap();
    for job in [held, innocent, orphan] {
        assert!(matches!(
            job.await.unwrap(),
            Err(StoreError::Unavailable(_))
        ));
    }
    assert!(!wakeup.has_changed().unwrap());
    fixture.writer.write(parent(2)).await.unwrap();
    assert_eq!(fixture.parents(), [2]);
    assert_eq!(*wakeup.borrow(), 2);
}

#[tokio::test]
async fn a_transaction_that_is_gone_is_unavailable_for_the_jobs_before_it() {
    let fixture = fixture();
    let (release, held) = fixture.hold().await;
    let before = fixture.queue(parent(1));
    fixture.settle(1).await;
    let breaks = fixture.queue(|tx| sql::run(tx, "ROLLBACK", ()).map(drop));
    fixture.settle(2).await;
    let after = fixture.queue(parent(3));
    fixture.settle(3).await;
    release.send(()).unwrap();
    for job in [held, before, breaks] {
        assert!(matches!(
            job.await.unwrap(),
            Err(StoreError::Unavailable(_))
        ));
    }
    // It was still queued, so it has a transaction of its own.
    after.await.unwrap().unwrap();
    assert_eq!(fixture.parents(), [3]);
}

#[tokio::test]
async fn a_job_that_fails_or_panics_undoes_only_itself() {
    let fixture = fixture();
    let wakeup = fixture.writer.wakeup();
    let (release, held) = fixture.hold().await;
    let first = fixture.queue(parent(1));
    let twice = fixture.queue(|tx| {
        parent(7)(tx)?;
        parent(7)(tx)
    });
    let panics = fixture.queue(|tx| {
        parent(8)(tx)?;
        panic!("a defect in a job")
    });
    fixture.settle(3).await;
    let last = fixture.queue(parent(2));
    fixture.settle(4).await;
    release.send(()).unwrap();
    held.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    last.await.unwrap().unwrap();
    assert!(matches!(twice.await.unwrap(), Err(StoreError::Conflict(_))));
    assert!(matches!(
        panics.await.unwrap(),
        Err(StoreError::Unavailable(_))
    ));
    assert_eq!(fixture.parents(), [1, 2]);
    assert_eq!(*wakeup.borrow(), 2);
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_undo_the_write() {
    let fixture = fixture();
    let (release, held) = fixture.hold().await;
    let leaves = fixture.queue(parent(1));
    fixture.settle(1).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    release.send(()).unwrap();
    held.await.unwrap().unwrap();
    fixture.writer.write(parent(2)).await.unwrap();
    assert_eq!(fixture.parents(), [1, 2]);
}

#[tokio::test]
async fn a_full_queue_is_unavailable_at_once_and_dropping_the_writer_finishes_the_queue() {
    let fixture = fixture();
    let (release, held) = fixture.hold().await;
    let ids = 1..=i64::try_from(QUEUE).unwrap();
    let jobs: Vec<_> = ids.clone().map(|id| fixture.queue(parent(id))).collect();
    fixture.settle(QUEUE).await;
    assert!(matches!(
        fixture.writer.write(parent(0)).await,
        Err(StoreError::Unavailable(_))
    ));
    for job in &jobs {
        job.abort();
    }
    for job in jobs {
        assert!(job.await.unwrap_err().is_cancelled());
    }
    release.send(()).unwrap();
    held.await.unwrap().unwrap();
    let Fixture { writer, _dir, file } = fixture;
    drop(Arc::into_inner(writer).unwrap());
    let rows: i64 = Connection::open(file)
        .unwrap()
        .query_row("SELECT count(*) FROM parent", (), |row| row.get(0))
        .unwrap();
    assert_eq!(rows, *ids.end());
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_and_leaves_the_reserve_to_what_ends_something() {
    let fixture = fixture();
    fixture.writer.write(parent(1)).await.unwrap();
    let limit = |pages: &'static str| {
        fixture.writer.write_always(move |tx| {
            tx.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_row| {
                Ok(())
            })?;
            Ok(())
        })
    };
    // SQLite says the same of a file that may not grow as of a disk that is full.
    limit("1").await.unwrap();
    let large = |tx: &Tx<'_>| {
        sql::run(
            tx,
            "CREATE TABLE large AS SELECT randomblob(100000) AS b",
            (),
        )
        .map(drop)
    };
    let refused = fixture.writer.write(large).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    assert!(fixture.writer.reserve.is_spent());
    let refused = fixture.writer.write(parent(2)).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    fixture.writer.write_ending(parent(3)).await.unwrap();

    limit("1000").await.unwrap();
    fixture.writer.restore_reserve();
    fixture.writer.write(parent(4)).await.unwrap();
    assert_eq!(fixture.parents(), [1, 3, 4]);
}

#[tokio::test]
async fn the_write_that_finds_the_disk_full_is_tried_again_if_it_ends_something() {
    let fixture = fixture();
    let tries = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let act = move |tx: &Tx<'_>| {
        parent(1)(tx)?;
        if counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            return Err(StoreError::Full);
        }
        Ok(())
    };
    fixture.writer.write_ending(act).await.unwrap();
    assert_eq!(tries.load(std::sync::atomic::Ordering::Relaxed), 2);
    assert_eq!(fixture.parents(), [1]);
    assert!(fixture.writer.reserve.is_spent());
}

#[tokio::test]
async fn a_panic_after_a_record_leaves_the_chain_as_it_was_for_the_others_of_its_batch() {
    use crate::{Audit, AuditActor, ChainStore as _, SqliteStore};
    use sealgate_host::{FakeClock, FakeRandom};

    let dir = tempfile::tempdir().unwrap();
    let clock = FakeClock::at(Timestamp::from_millis(1));
    let store = SqliteStore::open(dir.path(), &clock, &FakeRandom::seeded(1)).unwrap();
    let record = |object: &str| {
        let audit = Audit::allowed(
            Timestamp::from_millis(1),
            AuditActor::Operator,
            "user.create",
        );
        let audit = Audit {
            object: Some(object.to_owned()),
            ..audit
        };
        move |tx: &Tx<'_>| super::super::audit::append(tx, &audit)
    };
    let writer = &store.home.writer;
    let (release, held) = blocking::channel();
    let (first, twice) = (record("first"), (record("lost"), record("lost too")));
    let refused = record("refused");
    // One batch: all of them wait while the first one is held. Those who ask are polled in this order.
    let (begun, before, panics, fails, after, ()) = tokio::join!(
        writer.write(move |_tx| {
            let _ = held.recv();
            Ok(())
        }),
        writer.write(first),
        writer.write(move |tx| {
            twice.0(tx)?;
            twice.1(tx)?;
            assert!(tx.is_autocommit(), "a defect in a job, after two records");
            Ok(())
        }),
        writer.write(move |tx| {
            refused(tx)?;
            Err::<(), _>(StoreError::Conflict("something"))
        }),
        writer.write(record("last")),
        async { release.send(()).unwrap() },
    );
    begun.and(before).and(after).unwrap();
    assert!(matches!(panics, Err(StoreError::Unavailable(_))));
    assert!(matches!(fails, Err(StoreError::Conflict(_))));
    writer.write(record("later")).await.unwrap();
    let rows = crate::Store::audit_after(&store, 0, 10).await.unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.number, row.object.as_deref()))
        .collect();
    let expected = [(1, Some("first")), (2, Some("last")), (3, Some("later"))];
    assert_eq!(told, expected);
    let unsigned = Arc::new(|_: i64, _: &str| unreachable!("no checkpoint"));
    let report = store.audit_verify(unsigned, Vec::new()).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.records, 3);
}
