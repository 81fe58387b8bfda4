//! One follower, and what it makes of each message.

mod shared;

use sealgate_model::SessionId;

use super::*;
use crate::{Entry, Subject};

const BOUND: Duration = Duration::from_secs(10);

fn up(seconds: u64) -> Uptime {
    Uptime::from_elapsed(Duration::from_secs(seconds))
}

fn server(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

fn entry(byte: u8) -> Entry {
    let subject = Subject::Session(SessionId::from_bytes([byte; 16]));
    Entry {
        subject,
        expires_at: server(86_400),
        reason: None,
    }
}

fn message(epoch: &str, prev: u64, seq: u64, as_of: i64, event: Event) -> Message {
    Message {
        issuer: "https://id.example".into(),
        audience: "app".into(),
        issued_at: server(as_of).as_seconds(),
        id: "id".into(),
        epoch: epoch.parse().unwrap(),
        seq,
        prev,
        as_of: server(as_of),
        nonce: None,
        ack: false,
        event,
    }
}

fn snapshot(epoch: &str, seq: u64, as_of: i64, bytes: &[u8]) -> Message {
    let entries = bytes.iter().map(|byte| entry(*byte)).collect();
    message(
        epoch,
        seq,
        seq,
        as_of,
        Event::Snapshot {
            entries,
            sessions: Vec::new(),
        },
    )
}

fn heartbeat(seq: u64, as_of: i64) -> Message {
    message("e1", seq, seq, as_of, Event::Heartbeat {})
}

fn revoked(prev: u64, seq: u64, as_of: i64, byte: u8) -> Message {
    message("e1", prev, seq, as_of, Event::Revoked(entry(byte)))
}

fn is_revoked(follower: &Follower, byte: u8) -> bool {
    let credential = Credential {
        tenant: None,
        grants: &[],
        session: Some(SessionId::from_bytes([byte; 16])),
        subject: None,
        client: "app",
        key: None,
        token: None,
        started_at: server(0),
    };
    follower.check(&credential).is_some()
}

/// Follows epoch `e1` at number 5, with local second 100 anchored at server second 0.
fn following() -> Follower {
    let mut follower = Follower::new(Arc::new(View::new()), BOUND);
    assert_eq!(
        follower.snapshot(&snapshot("e1", 5, 0, &[1]), up(100), up(101)),
        Action::Continue
    );
    follower
}

#[test]
fn nothing_is_believed_before_the_first_snapshot() {
    let mut follower = Follower::new(Arc::new(View::new()), BOUND);
    assert_eq!(follower.position(), None);
    assert_eq!(follower.disconnected(), Action::Resync(ResyncReason::Start));
    assert_eq!(
        follower.message(&revoked(0, 1, 0, 7), up(1)),
        Action::Ignore(IgnoreReason::Resyncing)
    );
    assert!(!follower.is_fresh(up(1)));
    assert!(is_revoked(&follower, 7));
}

#[test]
fn messages_in_order_revoke_and_keep_the_view_fresh() {
    let mut follower = following();
    assert!(is_revoked(&follower, 1) && !is_revoked(&follower, 2));
    assert_eq!(
        follower.message(&revoked(5, 9, 8, 2), up(108)),
        Action::Continue
    );
    assert!(is_revoked(&follower, 2));
    assert_eq!(
        follower.message(&heartbeat(9, 9), up(109)),
        Action::Continue
    );
    assert_eq!(
        follower
            .position()
            .map(|(epoch, seq)| (epoch.as_str(), seq)),
        Some(("e1", 9))
    );
    assert!(follower.is_fresh(up(119)));
    assert!(!follower.is_fresh(up(120)));
}

#[test]
fn a_gap_asks_for_a_snapshot_and_the_view_keeps_denying_while_freshness_runs_out() {
    let mut follower = following();
    assert_eq!(
        follower.message(&revoked(6, 7, 3, 2), up(103)),
        Action::Resync(ResyncReason::Gap)
    );
    assert_eq!(follower.position(), None);
    assert!(is_revoked(&follower, 1) && is_revoked(&follower, 2));
    assert_eq!(
        follower.message(&heartbeat(7, 8), up(108)),
        Action::Ignore(IgnoreReason::Resyncing)
    );
    assert!(follower.is_fresh(up(110)));
    assert!(!follower.is_fresh(up(111)));
    assert_eq!(
        follower.snapshot(&snapshot("e1", 7, 12, &[1, 2, 3]), up(112), up(113)),
        Action::Continue
    );
    assert!(follower.is_fresh(up(113)) && is_revoked(&follower, 3));
}

#[test]
fn a_heartbeat_that_skips_a_number_is_a_gap() {
    assert_eq!(
        following().message(&heartbeat(6, 3), up(103)),
        Action::Resync(ResyncReason::Gap)
    );
}

#[test]
fn a_newer_message_with_a_lower_number_is_a_rollback() {
    assert_eq!(
        following().message(&heartbeat(4, 3), up(103)),
        Action::Resync(ResyncReason::Rollback)
    );
    assert_eq!(
        following().message(&revoked(3, 4, 3, 2), up(103)),
        Action::Resync(ResyncReason::Rollback)
    );
}

#[test]
fn duplicates_and_replays_change_nothing() {
    let mut follower = following();
    let (first, second) = (heartbeat(5, 4), revoked(5, 6, 5, 2));
    assert_eq!(follower.message(&first, up(104)), Action::Continue);
    assert_eq!(follower.message(&second, up(105)), Action::Continue);
    assert_eq!(
        follower.message(&first, up(114)),
        Action::Ignore(IgnoreReason::Replayed)
    );
    assert_eq!(
        follower.message(&second, up(114)),
        Action::Ignore(IgnoreReason::Duplicate)
    );
    assert_eq!(follower.age(up(115)), Some(Duration::from_secs(10)));
    assert!(!follower.is_fresh(up(116)));
}

#[test]
fn another_epoch_asks_for_a_snapshot_and_takes_nothing_back() {
    let mut follower = following();
    let forked = message("e2", 5, 6, 3, Event::Revoked(entry(2)));
    assert_eq!(
        follower.message(&forked, up(103)),
        Action::Resync(ResyncReason::OtherEpoch)
    );
    assert_eq!(
        follower.snapshot(&snapshot("e2", 0, -3_600, &[]), up(104), up(105)),
        Action::Continue
    );
    assert!(is_revoked(&follower, 1) && is_revoked(&follower, 2));
    assert!(follower.is_fresh(up(105)));
}

#[test]
fn an_old_snapshot_does_not_restore_freshness_even_of_an_epoch_left_behind() {
    let mut follower = following();
    assert_eq!(follower.reset(), Action::Resync(ResyncReason::Reset));
    let old = snapshot("e1", 5, 0, &[1]);
    assert_eq!(
        follower.snapshot(&old, up(120), up(121)),
        Action::Resync(ResyncReason::OldSnapshot)
    );
    assert_eq!(
        follower.snapshot(&snapshot("e2", 1, 0, &[]), up(122), up(123)),
        Action::Continue
    );
    follower.reset();
    assert_eq!(
        follower.snapshot(&old, up(140), up(141)),
        Action::Resync(ResyncReason::OldSnapshot)
    );
    assert!(!follower.is_fresh(up(141)));
    // The old epoch itself may come back, as behind a balancer, if it has moved on.
    assert_eq!(
        follower.snapshot(&snapshot("e1", 5, 40, &[1]), up(142), up(143)),
        Action::Continue
    );
}

#[test]
fn a_snapshot_overtaken_by_the_stream_does_no_harm() {
    let mut follower = following();
    assert_eq!(
        follower.message(&heartbeat(5, 6), up(106)),
        Action::Continue
    );
    let overtaken = snapshot("e1", 5, 5, &[1]);
    assert_eq!(
        follower.snapshot(&overtaken, up(104), up(107)),
        Action::Ignore(IgnoreReason::Replayed)
    );
    assert_eq!(
        follower.message(&heartbeat(5, 7), up(107)),
        Action::Continue
    );
}

#[test]
fn anything_else_handed_over_as_a_snapshot_is_refused() {
    let mut follower = Follower::new(Arc::new(View::new()), BOUND);
    let action = follower.snapshot(&heartbeat(5, 3), up(1), up(2));
    assert_eq!(action, Action::Resync(ResyncReason::NotASnapshot));
    assert!(!follower.is_fresh(up(2)));
}

#[test]
fn a_local_revocation_survives_a_snapshot_that_does_not_hold_it_yet() {
    let mut follower = following();
    follower.view().insert(&entry(9));
    follower.reset();
    assert_eq!(
        follower.snapshot(&snapshot("e1", 5, 20, &[1]), up(120), up(121)),
        Action::Continue
    );
    assert!(is_revoked(&follower, 9));
}

#[test]
fn a_stream_that_is_too_late_asks_for_a_new_anchor_once_a_bound() {
    let mut follower = following();
    // Written at 102 and received at 111: nine seconds old when it comes.
    assert_eq!(
        follower.message(&heartbeat(5, 2), up(111)),
        Action::Resync(ResyncReason::Behind)
    );
    assert_eq!(
        follower.snapshot(&snapshot("e1", 5, 3, &[]), up(112), up(120)),
        Action::Continue
    );
    assert_eq!(
        follower.message(&heartbeat(5, 4), up(121)),
        Action::Continue
    );
}

#[test]
fn clocks_are_tied_together_anew_every_ten_minutes() {
    let mut follower = following();
    for second in 1..=600 {
        let action = follower.message(
            &heartbeat(5, i64::try_from(second).unwrap()),
            up(100 + second),
        );
        assert_eq!(action, Action::Continue, "{second}");
    }
    assert_eq!(
        follower.message(&heartbeat(5, 601), up(701)),
        Action::Resync(ResyncReason::AnchorOld)
    );
    assert!(follower.is_fresh(up(710)));
}

#[test]
fn a_lost_connection_resumes_where_it_was() {
    let mut follower = following();
    assert_eq!(follower.disconnected(), Action::Continue);
    assert_eq!(follower.position().map(|(_, seq)| seq), Some(5));
    assert_eq!(
        follower.message(&heartbeat(5, 3), up(103)),
        Action::Continue
    );
    follower.reset();
    assert_eq!(follower.disconnected(), Action::Resync(ResyncReason::Reset));
}

#[test]
fn a_wall_clock_that_jumps_ahead_forgets_nothing_the_server_still_counts() {
    let mut follower = following();
    follower.sweep(server(10 * 86_400));
    assert!(is_revoked(&follower, 1));
    follower.reset();
    let later = snapshot("e1", 6, 3 * 86_400, &[]);
    assert_eq!(
        follower.snapshot(&later, up(3 * 86_400), up(3 * 86_400)),
        Action::Continue
    );
    follower.sweep(server(0));
    assert!(is_revoked(&follower, 1));
    follower.sweep(server(3 * 86_400));
    assert!(follower.view().is_empty());
}
