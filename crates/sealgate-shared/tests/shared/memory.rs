//! The memory itself: words, tables, locks.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use sealgate_model::Uptime;
use sealgate_revocation::Memory as _;
use sealgate_shared::SharedMemory;
use tempfile::TempDir;

use crate::open;
use crate::other::Other;

#[test]
fn what_one_process_writes_the_other_reads() {
    let place = TempDir::new().unwrap();
    let memory = open(place.path());
    assert_eq!(memory.control().words().len(), 512);
    let mut other = Other::start(place.path());
    assert_eq!(other.ask("read 5"), "0");
    memory.control().words()[5].store(42, SeqCst);
    assert_eq!(other.ask("read 5"), "42");
    other.ask("write 6 43");
    assert_eq!(memory.control().words()[6].load(SeqCst), 43);
}

#[test]
fn one_leads_and_another_takes_over_when_it_is_killed() {
    let place = TempDir::new().unwrap();
    let memory = open(place.path());
    let (mut first, mut second) = (Other::start(place.path()), Other::start(place.path()));
    assert_eq!(first.ask("lead"), "true");
    assert_eq!(second.ask("lead"), "false");
    assert!(memory.try_lead().is_none());
    first.kill();
    assert_eq!(second.ask("lead"), "true");
    assert!(memory.try_lead().is_none());
    second.kill();
    let leading = memory.try_lead().unwrap();
    assert!(leading.holds());
    let mut third = Other::start(place.path());
    assert_eq!(third.ask("lead"), "false");
    drop(leading);
    assert_eq!(third.ask("lead"), "true");
}

#[test]
fn of_two_gates_in_one_process_one_leads() {
    let place = TempDir::new().unwrap();
    let (one, other) = (open(place.path()), open(place.path()));
    let leading = one.try_lead().unwrap();
    assert!(other.try_lead().is_none());
    // Closing its files would let go of the other's locks too, if they were two.
    drop(other);
    let mut process = Other::start(place.path());
    assert_eq!(process.ask("lead"), "false");
    drop(leading);
    assert!(one.try_lead().is_some());
}

#[test]
fn one_stands_in_beside_the_leader_and_sees_when_that_was_at_work() {
    let place = TempDir::new().unwrap();
    let memory = open(place.path());
    let mut other = Other::start(place.path());
    assert_eq!(memory.leader_at_work(), None);
    assert_eq!(other.ask("lead"), "true");
    assert_eq!(other.ask("work 7"), "done");
    let at = |millis| Some(Uptime::from_elapsed(Duration::from_millis(millis)));
    assert_eq!(memory.leader_at_work(), at(7));
    let standing_in = memory.try_stand_in().unwrap();
    assert!(standing_in.stands_in() && standing_in.holds());
    assert!(memory.try_stand_in().is_none());
    // Only the leader's own word counts.
    standing_in.is_at_work(at(9).unwrap());
    assert_eq!(memory.leader_at_work(), at(7));
    let mut third = Other::start(place.path());
    assert_eq!(third.ask("stand in"), "false");
    drop(standing_in);
    assert_eq!(third.ask("stand in"), "true");
    third.kill();
    assert!(memory.try_stand_in().is_some());
    assert!(memory.try_lead().is_none(), "the lead is not touched by it");
}

#[test]
fn who_is_killed_while_it_writes_lets_go() {
    let place = TempDir::new().unwrap();
    let memory = open(place.path());
    let mut other = Other::start(place.path());
    assert_eq!(other.ask("hold"), "held");
    let refused = memory.lock().err().unwrap();
    assert!(refused.0.ends_with("writes for too long"), "{refused}");
    other.kill();
    drop(memory.lock().unwrap());
    drop(memory.lock().unwrap());
}

#[test]
fn writers_of_one_process_wait_for_each_other() {
    let place = TempDir::new().unwrap();
    let memory = open(place.path());
    let count = || memory.control().words()[9].load(SeqCst);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let _writing = memory.lock().unwrap();
                    let before = count();
                    std::thread::yield_now();
                    memory.control().words()[9].store(before + 1, SeqCst);
                }
            });
        }
    });
    assert_eq!(count(), 800);
}

#[test]
fn a_table_that_is_retired_stays_with_who_has_it() {
    let place = TempDir::new().unwrap();
    let memory = open(place.path());
    let mut other = Other::start(place.path());
    assert_eq!(other.ask("make 1 1024"), "made");
    let table = memory.table(1).unwrap();
    assert_eq!(table.words()[1023].load(SeqCst), 7);
    assert_eq!(other.ask("table 1"), "1024");
    memory.retire(1);
    assert!(memory.table(1).is_err());
    assert_eq!(other.ask("table 1"), "none");
    table.words()[1023].store(8, SeqCst);
    assert_eq!(other.ask("last"), "8");
}

#[test]
fn a_table_that_was_begun_is_made_anew() {
    let place = TempDir::new().unwrap();
    let memory = open(place.path());
    let mut other = Other::start(place.path());
    assert_eq!(other.ask("make 3 64"), "made");
    other.kill();
    let table = memory.make(3, 32).unwrap();
    assert_eq!(table.words().len(), 32);
    assert!(table.words().iter().all(|word| word.load(SeqCst) == 0));
}

#[test]
fn without_room_there_is_no_table_and_no_signal() {
    let place = TempDir::new().unwrap();
    let memory = open(place.path());
    assert!(memory.make(1, 1 << 48).is_err());
    assert!(memory.table(1).is_err(), "nothing of it is left");
    assert_eq!(memory.make(1, 8).unwrap().words().len(), 8);
}

#[test]
fn other_applications_have_memory_of_their_own() {
    let place = TempDir::new().unwrap();
    let ours = open(place.path());
    for whose in [
        ["https://id.example", "other"],
        ["https://id.examplea", "pp"],
    ] {
        let theirs = SharedMemory::open(Some(place.path()), &whose).unwrap();
        assert_ne!(theirs.path(), ours.path());
        assert_eq!(theirs.control().words()[0].load(SeqCst), 0);
    }
}

#[test]
fn what_nobody_uses_any_more_is_removed_by_the_next_one() {
    let place = TempDir::new().unwrap();
    let open_for = |client| SharedMemory::open(Some(place.path()), &["i", client]).unwrap();
    let gone = open_for("gone");
    gone.make(1, 8).unwrap();
    let gone_path = gone.path().to_owned();
    let kept = open_for("kept");
    drop(gone);
    let mut other = Other::start(place.path());
    other.ask("write 1 5");
    let new = open_for("new");
    assert!(!gone_path.exists());
    assert!(kept.path().exists() && new.path().exists());
    assert_eq!(open(place.path()).control().words()[1].load(SeqCst), 5);
    assert_eq!(other.ask("read 1"), "5");
}
