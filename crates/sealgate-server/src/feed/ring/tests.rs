//! Whoever follows gets everything once and in order, or is told that it is behind.

use proptest::prelude::*;

use super::*;

const NOW: Uptime = Uptime::from_elapsed(Duration::from_secs(1_000));

fn as_of(millis: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(millis).unwrap())
}

fn message(prev: u64, seq: u64, size: usize) -> Signed {
    let text = format!("{prev}>{seq} ");
    Signed {
        prev,
        seq,
        at: NOW,
        bytes: format!("{text:-<size$}\n").into(),
    }
}

/// The messages of a frame, as pairs of `prev` and `seq`.
fn read(frame: &Frame) -> Vec<(u64, u64)> {
    let text = std::str::from_utf8(&frame.bytes).unwrap();
    let pairs = text.lines().filter_map(|line| {
        let (prev, rest) = line.split_once('>')?;
        let (seq, _) = rest.split_once(' ')?;
        Some((prev.parse().unwrap(), seq.parse().unwrap()))
    });
    pairs.collect()
}

fn start(seq: u64) -> Position {
    Position { seq, beat: 0 }
}

#[test]
fn a_call_is_not_hidden_by_the_heartbeat_after_it_and_is_not_for_who_comes_later() {
    let mut ring = Ring::new(7, as_of(0));
    ring.beat("call".into(), as_of(1), NOW, true);
    ring.beat("beat".into(), as_of(2), NOW, false);
    let Next::Send(first) = ring.next(start(7)) else {
        panic!("nothing")
    };
    assert!(first.asks && first.bytes == "call");
    let Next::Send(second) = ring.next(first.to) else {
        panic!("nothing")
    };
    assert!(!second.asks && second.bytes == "beat");
    assert!(matches!(ring.next(second.to), Next::Nothing));
    let Next::Send(late) = ring.next(ring.joined(7)) else {
        panic!("nothing")
    };
    assert!(!late.asks && late.bytes == "beat");
}

#[test]
fn a_heartbeat_of_another_number_is_for_nobody() {
    let mut ring = Ring::new(7, as_of(0));
    ring.beat("beat".into(), as_of(1), NOW, false);
    assert!(ring.has_beat(NOW, Duration::ZERO));
    ring.push(vec![message(7, 9, 10)], as_of(2));
    assert!(!ring.has_beat(NOW, Duration::ZERO));
    let Next::Send(frame) = ring.next(start(7)) else {
        panic!("nothing")
    };
    assert_eq!(read(&frame), [(7, 9)]);
    assert!(matches!(ring.next(frame.to), Next::Nothing));
}

#[test]
fn what_is_old_or_too_much_goes_and_who_wanted_it_is_behind() {
    let mut ring = Ring::new(0, as_of(0));
    for seq in 1..=5_000 {
        ring.push(vec![message(seq - 1, seq, 8)], as_of(seq));
    }
    assert!(matches!(ring.next(start(0)), Next::Behind(to) if to.seq == 5_000));
    assert!(matches!(ring.next(start(4_000)), Next::Send(_)));
    let later = Uptime::from_elapsed(NOW.elapsed() + Duration::from_secs(31));
    ring.beat("beat".into(), as_of(6_000), later, false);
    assert!(matches!(ring.next(start(4_000)), Next::Behind(_)));
    assert!(matches!(ring.next(start(5_000)), Next::Send(_)));
}

#[derive(Debug, Clone)]
enum Step {
    Push(Vec<(u64, usize)>),
    Beat(bool),
    Forget,
    Leap(u64),
    Take(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = proptest::collection::vec((1..5_u64, 10..9_000_usize), 0..8);
    let step = prop_oneof![
        4 => some.prop_map(Step::Push),
        2 => any::<bool>().prop_map(Step::Beat),
        1 => Just(Step::Forget),
        1 => (0..3_u64).prop_map(Step::Leap),
        6 => (0..3_usize).prop_map(Step::Take),
    ];
    proptest::collection::vec(step, 1..80)
}

proptest! {
    #[test]
    fn nobody_misses_anything_and_nobody_gets_anything_twice(steps in steps()) {
        let mut ring = Ring::new(0, as_of(0));
        let mut clock = 0;
        let mut followers = [start(0); 3];
        for step in steps {
            clock += 1;
            match step {
                Step::Push(some) => {
                    let mut prev = ring.reached().seq;
                    let messages = some.into_iter().map(|(gap, size)| {
                        let message = message(prev, prev + gap, size);
                        prev += gap;
                        message
                    });
                    let messages = messages.collect();
                    ring.push(messages, as_of(clock));
                }
                Step::Beat(asks) => ring.beat("beat".into(), as_of(clock), NOW, asks),
                Step::Forget => ring.forget(),
                Step::Leap(by) => {
                    let seq = ring.reached().seq + by;
                    ring.leap(seq, seq, as_of(clock));
                }
                Step::Take(which) => {
                    let follower = &mut followers[which];
                    match ring.next(*follower) {
                        Next::Send(frame) => {
                            let messages = read(&frame);
                            let mut at = follower.seq;
                            for (prev, seq) in &messages {
                                prop_assert_eq!(*prev, at);
                                prop_assert!(*seq > *prev);
                                at = *seq;
                            }
                            prop_assert_eq!(frame.to.seq, at);
                            prop_assert!(frame.covers >= at);
                            prop_assert!(messages.len() < 2 || frame.bytes.len() <= WRITE);
                            // Something new in any case.
                            let news = !messages.is_empty() || frame.to.beat > follower.beat;
                            prop_assert!(news);
                            *follower = frame.to;
                        }
                        // It reads the log, and is where the stream is.
                        Next::Behind(to) => {
                            prop_assert!(to.seq > follower.seq);
                            follower.seq = to.seq;
                        }
                        Next::Nothing => prop_assert_eq!(follower.seq, ring.reached().seq),
                    }
                }
            }
        }
    }
}
