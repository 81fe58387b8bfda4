//! Several threads read, each by a view of its own as another process would, while one writes: inserts, grows,
//! sweeps, and says what is proven.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sealgate_model::{SessionId, Timestamp, Uptime};
use sealgate_revocation::{
    Credential, Entry, Judgement, Memory, PrivateMemory, Reading, RevokedBy, Subject, View,
};

const ROWS: u64 = 30_000;
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn session(number: u64) -> SessionId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    SessionId::from_bytes(id)
}

fn entry(session: SessionId, expires_at: Timestamp) -> Entry {
    Entry {
        subject: Subject::Session(session),
        expires_at,
        reason: None,
    }
}

fn credential(number: u64) -> Credential<'static> {
    Credential {
        session: Some(session(number)),
        subject: None,
        client: "app",
        key: None,
        tenant: None,
        grants: &[],
        token: None,
        started_at: NOW,
    }
}

fn up(millis: u64) -> Uptime {
    Uptime::from_elapsed(Duration::from_millis(millis))
}

/// Row `n` is committed at millisecond `n`; once it is written, everything before `n + 1` is proven.
fn write(view: &View) {
    for number in 0..ROWS {
        let later = NOW + Duration::from_secs(30 * 86_400);
        view.insert(&entry(session(number), later));
        view.prove(up(number + 1));
        if number % 500 == 0 {
            for waste in 0..300 {
                view.insert(&entry(session(u64::MAX - waste), NOW));
            }
            view.sweep(NOW + Duration::from_secs(86_400));
        }
    }
}

fn proven(reading: &Reading<'_>) -> u64 {
    let age = reading.age(up(ROWS + 10));
    age.map_or(0, |age| ROWS + 10 - u64::try_from(age.as_millis()).unwrap())
}

/// Whatever was proven when a reading began, it knows; and nobody is revoked who never was.
fn read(view: &View, seed: u64, done: &AtomicBool) -> u64 {
    let mut readings = 0;
    let mut random = seed;
    loop {
        let finished = done.load(Ordering::Acquire);
        let reading = view.read();
        let proven = proven(&reading);
        assert!(reading.is_whole());
        for _ in 0..8 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let picked = (random >> 33) % ROWS;
            let by = reading.revoked_by(&credential(picked));
            assert!(picked >= proven || by == Some(RevokedBy::Session));
            // The last ones are the telling ones.
            if let Some(last) = proven.checked_sub(1) {
                assert!(reading.revoked_by(&credential(last)).is_some());
                let judged = view.judge(&credential(last), up(last), Duration::from_secs(10));
                assert_eq!(judged, Judgement::Revoked(RevokedBy::Session));
            }
            assert_eq!(reading.revoked_by(&credential(ROWS + picked)), None);
        }
        readings += 1;
        if finished {
            return readings;
        }
    }
}

#[test]
fn a_reader_beside_a_writer_knows_whatever_is_proven() {
    let memory: Arc<dyn Memory> = Arc::new(PrivateMemory::new());
    let join = || View::over(Arc::clone(&memory)).unwrap();
    let (writer, shared, done) = (join(), join(), AtomicBool::new(false));
    thread::scope(|scope| {
        let mut readers = Vec::new();
        for seed in 0..4 {
            let done = &done;
            let shared = &shared;
            readers.push(scope.spawn(move || read(shared, seed, done)));
        }
        let own = join();
        let done_too = &done;
        readers.push(scope.spawn(move || read(&own, 9, done_too)));
        write(&writer);
        done.store(true, Ordering::Release);
        for reader in readers {
            assert!(reader.join().unwrap() > 1);
        }
    });
    assert_eq!(shared.len(), usize::try_from(ROWS).unwrap());
    assert!(shared.version() > ROWS);
}

#[test]
fn several_writers_lose_nothing_of_each_other() {
    let memory: Arc<dyn Memory> = Arc::new(PrivateMemory::new());
    thread::scope(|scope| {
        for writer in 0..4 {
            let view = View::over(Arc::clone(&memory)).unwrap();
            scope.spawn(move || {
                for number in 0..2_000 {
                    view.insert(&entry(
                        session(number * 4 + writer),
                        NOW + Duration::from_secs(86_400),
                    ));
                    if number % 400 == 0 {
                        view.sweep(NOW);
                    }
                }
            });
        }
    });
    let view = View::over(memory).unwrap();
    assert_eq!(view.len(), 8_000);
    assert!((0..8_000).all(|number| view.check(&credential(number)).is_some()));
}
