//! A revocation view in shared memory: what one process writes, all others know.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sealgate_model::{SessionId, Timestamp, Uptime};
use sealgate_revocation::{Credential, Entry, Judgement, RevokedBy, Subject, View};
use tempfile::TempDir;

use crate::open;
use crate::other::Other;

const START: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn session(index: usize) -> SessionId {
    SessionId::from_bytes((index as u128 + 1).to_le_bytes())
}

/// That session `index` is revoked.
pub(crate) fn revoked(index: usize) -> Entry {
    Entry {
        subject: Subject::Session(session(index)),
        expires_at: START + Duration::from_secs(86_400),
        reason: None,
    }
}

/// What session `index` comes with.
pub(crate) fn credential(index: usize) -> Credential<'static> {
    Credential {
        session: Some(session(index)),
        subject: None,
        client: "app",
        key: None,
        tenant: None,
        grants: &[],
        token: None,
        started_at: START,
    }
}

#[test]
fn what_one_process_revokes_every_other_denies() {
    let place = TempDir::new().unwrap();
    let view = View::over(open(place.path())).unwrap();
    let (mut one, mut two) = (Other::start(place.path()), Other::start(place.path()));
    assert_eq!(one.ask("revoked 7"), "false");
    let before = view.version();
    view.insert(&revoked(7));
    assert!(view.version() > before);
    assert_eq!(
        (one.ask("revoked 7"), two.ask("revoked 7")),
        ("true".into(), "true".into())
    );
    assert_eq!(one.ask("insert 21 22"), "inserted");
    assert_eq!(two.ask("revoked 21"), "true");
    assert_eq!(view.check(&credential(21)), Some(RevokedBy::Session));
    assert_eq!(view.check(&credential(22)), None);
}

#[test]
fn what_is_proven_in_one_process_is_believed_in_all() {
    let place = TempDir::new().unwrap();
    let bound = Duration::from_secs(10);
    let at = |seconds| Uptime::from_elapsed(Duration::from_secs(seconds));
    let first = View::over(open(place.path())).unwrap();
    first.prove(at(100));
    // As one that is started later.
    let second = View::over(open(place.path())).unwrap();
    assert_eq!(
        second.judge(&credential(1), at(109), bound),
        Judgement::Fresh
    );
    assert_eq!(
        second.judge(&credential(1), at(111), bound),
        Judgement::Stale
    );
}

#[test]
fn who_is_killed_while_it_inserts_takes_nothing_along_and_holds_nobody_up() {
    let place = TempDir::new().unwrap();
    let view = View::over(open(place.path())).unwrap();
    let mut from = 1;
    for round in 0..8 {
        let mut writer = Other::start(place.path());
        writer.tell(&format!("insert {from} 1000000"));
        let mut told = 0;
        // Each time a little later, so that some die while a table grows.
        for _ in 0..=round * 3 {
            told = writer.answer().parse().unwrap();
        }
        writer.kill();
        for index in from..=told {
            assert!(
                view.check(&credential(index)).is_some(),
                "{index} in round {round}"
            );
        }
        assert!(view.is_readable());
        view.insert(&revoked(told + 5_000_000));
        assert!(view.check(&credential(told + 5_000_000)).is_some());
        from = told + 1;
    }
    assert_eq!(view.check(&credential(9_999_999)), None);
}

#[test]
fn tables_grow_while_others_read() {
    let place = TempDir::new().unwrap();
    let view = View::over(open(place.path())).unwrap();
    view.insert(&revoked(0));
    let done = AtomicBool::new(false);
    let mut writer = Other::start(place.path());
    writer.tell("insert 1 60000");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0_u64;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(view.check(&credential(0)), Some(RevokedBy::Session));
                assert_eq!(view.check(&credential(8_000_000)), None);
                looks += 1;
            }
            looks
        });
        while writer.answer() != "inserted" {}
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    assert_eq!(view.len(), 60_000);
    assert!((0..60_000).all(|index| view.check(&credential(index)).is_some()));
}
