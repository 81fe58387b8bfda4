//! Followers that come after one another, and views that others read.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::model::Fickle;
use crate::{Judgement, Memory, PrivateMemory, RevokedBy};

fn join(memory: &Arc<impl Memory + 'static>) -> Arc<View> {
    Arc::new(View::over(Arc::clone(memory) as Arc<dyn Memory>).unwrap())
}

fn session(byte: u8) -> Credential<'static> {
    Credential {
        tenant: None,
        grants: &[],
        session: Some(SessionId::from_bytes([byte; 16])),
        subject: None,
        client: "app",
        key: None,
        token: None,
        started_at: server(0),
    }
}

fn set(flag: &AtomicBool, to: bool) {
    flag.store(to, Ordering::Relaxed);
}

/// A leader that has followed `e1` to number 6, at local second 104.
fn led(memory: &Arc<impl Memory + 'static>) -> Follower {
    let mut leader = Follower::new(join(memory), BOUND);
    leader.snapshot(&snapshot("e1", 5, 0, &[1]), up(100), up(101));
    leader.message(&revoked(5, 6, 4, 2), up(104));
    leader
}

#[test]
fn another_process_reads_what_the_leader_learns() {
    let memory = Arc::new(PrivateMemory::new());
    let reader = join(&memory);
    assert_eq!(reader.judge(&session(3), up(100), BOUND), Judgement::Stale);
    let before = reader.version();
    let mut leader = led(&memory);
    assert!(reader.version() > before);
    let revoked_by = Judgement::Revoked(RevokedBy::Session);
    assert_eq!(reader.judge(&session(2), up(200), BOUND), revoked_by);
    assert_eq!(reader.judge(&session(3), up(114), BOUND), Judgement::Fresh);
    assert_eq!(reader.judge(&session(3), up(115), BOUND), Judgement::Stale);
    leader.message(&heartbeat(6, 14), up(114));
    assert_eq!(reader.judge(&session(3), up(115), BOUND), Judgement::Fresh);
}

#[test]
fn who_takes_over_goes_on_where_the_leader_was() {
    let memory = Arc::new(PrivateMemory::new());
    drop(led(&memory));
    let mut next = Follower::resume(join(&memory), BOUND);
    let position = next.position().map(|(epoch, seq)| (epoch.as_str(), seq));
    assert_eq!(position, Some(("e1", 6)));
    assert_eq!(next.disconnected(), Action::Continue);
    // The leader's anchor is as good for any process of this machine.
    assert_eq!(next.message(&heartbeat(6, 9), up(109)), Action::Continue);
    assert!(next.is_fresh(up(119)) && !next.is_fresh(up(120)));
    assert_eq!(
        next.message(&heartbeat(6, 9), up(110)),
        Action::Ignore(IgnoreReason::Replayed)
    );
    let old = snapshot("e1", 5, 0, &[1]);
    next.reset();
    assert_eq!(
        next.snapshot(&old, up(120), up(121)),
        Action::Resync(ResyncReason::OldSnapshot)
    );
}

#[test]
fn who_takes_over_nothing_begins_with_a_snapshot() {
    let mut first = Follower::resume(join(&Arc::new(PrivateMemory::new())), BOUND);
    assert_eq!(first.position(), None);
    assert_eq!(first.disconnected(), Action::Resync(ResyncReason::Start));
}

#[test]
fn a_memory_of_another_boot_keeps_what_is_revoked_and_proves_nothing() {
    let memory = Arc::new(PrivateMemory::new());
    drop(led(&memory));
    let view = join(&memory);
    view.forget_freshness().unwrap();
    assert_eq!(view.proven(), None);
    let revoked_by = Judgement::Revoked(RevokedBy::Session);
    assert_eq!(view.judge(&session(2), up(1), BOUND), revoked_by);
    assert_eq!(view.judge(&session(3), up(1), BOUND), Judgement::Stale);
    let mut next = Follower::resume(view, BOUND);
    assert_eq!(next.position(), None);
    assert_eq!(
        next.message(&heartbeat(6, 9), up(2)),
        Action::Ignore(IgnoreReason::Resyncing)
    );
    // What was seen of the history is still known.
    assert_eq!(
        next.snapshot(&snapshot("e1", 6, 3, &[]), up(3), up(4)),
        Action::Resync(ResyncReason::OldSnapshot)
    );
    assert_eq!(
        next.snapshot(&snapshot("e1", 6, 9, &[]), up(5), up(6)),
        Action::Continue
    );
    assert!(next.is_fresh(up(15)) && !next.is_fresh(up(16)));
}

#[test]
fn a_moment_of_another_clock_proves_nothing() {
    let view = View::new();
    view.prove(up(1_000));
    // A little past the reader's own reading of the clock it may be.
    assert!(view.is_fresh(up(995), BOUND));
    assert!(!view.is_fresh(up(20), BOUND));
}

#[test]
fn what_finds_no_room_makes_the_view_stale_until_a_snapshot_finds_some() {
    let memory = Arc::new(Fickle::default());
    let (reader, mut leader) = (join(&memory), led(&memory));
    set(&memory.full, true);
    // The smallest table takes some more than the half that it is meant for.
    let sessions: Vec<u8> = (0..40).collect();
    let lot = snapshot("e1", 46, 6, &sessions);
    leader.reset();
    assert_eq!(
        leader.snapshot(&lot, up(106), up(107)),
        Action::Resync(ResyncReason::NoRoom)
    );
    let kept = sessions
        .iter()
        .filter(|byte| reader.check(&session(**byte)) == Some(RevokedBy::Session));
    assert!(kept.count() >= 12);
    assert_eq!(reader.check(&session(99)), Some(RevokedBy::Unreadable));
    assert_eq!(reader.judge(&session(99), up(107), BOUND), Judgement::Stale);
    assert!(reader.age(up(107)).is_none());
    set(&memory.full, false);
    assert_eq!(leader.snapshot(&lot, up(108), up(109)), Action::Continue);
    assert!(
        sessions
            .iter()
            .all(|byte| reader.check(&session(*byte)).is_some())
    );
    assert_eq!(reader.judge(&session(99), up(109), BOUND), Judgement::Fresh);
}

#[test]
fn a_revocation_of_another_process_that_is_lost_is_asked_for_by_the_leader() {
    let memory = Arc::new(Fickle::default());
    let mut leader = led(&memory);
    set(&memory.locked, true);
    join(&memory).insert(&entry(7));
    set(&memory.locked, false);
    assert_eq!(
        leader.view().check(&session(9)),
        Some(RevokedBy::Unreadable)
    );
    assert_eq!(
        leader.message(&heartbeat(6, 5), up(105)),
        Action::Resync(ResyncReason::NoRoom)
    );
    assert_eq!(Follower::resume(join(&memory), BOUND).position(), None);
    assert_eq!(
        leader.snapshot(&snapshot("e1", 7, 6, &[7]), up(106), up(107)),
        Action::Continue
    );
    assert!(!leader.view().has_lost() && leader.check(&session(7)).is_some());
}

#[test]
fn a_reader_that_cannot_have_the_newest_table_denies_what_it_knows_and_trusts_nothing() {
    let memory = Arc::new(Fickle::default());
    let mut leader = led(&memory);
    let reader = join(&memory);
    set(&memory.unreadable, true);
    assert_eq!(reader.judge(&session(9), up(105), BOUND), Judgement::Fresh);
    leader.snapshot(
        &snapshot("e1", 46, 6, &(0..40).collect::<Vec<_>>()),
        up(106),
        up(107),
    );
    let revoked_by = Judgement::Revoked(RevokedBy::Session);
    assert_eq!(reader.judge(&session(2), up(107), BOUND), revoked_by);
    assert_eq!(reader.judge(&session(99), up(107), BOUND), Judgement::Stale);
    assert_eq!(reader.check(&session(99)), Some(RevokedBy::Unreadable));
    assert!(reader.key_is_revoked("k1"));
    assert!(reader.is_outdated(None, "app", server(0)));
    assert!(!reader.is_fresh(up(107), BOUND));
    set(&memory.unreadable, false);
    assert_eq!(reader.judge(&session(99), up(107), BOUND), Judgement::Fresh);
    assert!(!reader.key_is_revoked("k1"));
}

#[test]
fn a_memory_of_another_version_is_left_alone() {
    let memory = Arc::new(PrivateMemory::new());
    drop(led(&memory));
    memory.control().words()[1].store(99, Ordering::Relaxed);
    assert!(View::over(Arc::clone(&memory) as Arc<dyn Memory>).is_err());
}
