use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sealgate_host::FakeClock;

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const BOUND: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(1);

struct House {
    gates: Gates,
    clock: Arc<FakeClock>,
}

impl House {
    fn new() -> Self {
        Self {
            gates: Gates::with_room_for(8, 4),
            clock: Arc::new(FakeClock::at(START)),
        }
    }

    fn presence(client: &str, instance: Option<&str>) -> Presence {
        Presence {
            client: client.parse().unwrap(),
            gate: Some(format!("{client}@web1")),
            instance: instance.map(str::to_owned),
            bound: Some(BOUND),
            network: None,
            after: 0,
        }
    }

    fn arrive(&self, client: &str, instance: &str) -> Guard {
        let presence = Self::presence(client, Some(instance));
        self.gates.arrive(presence, Arc::clone(&self.clock) as _)
    }

    fn answers(&self, client: &str, instance: &str, seq: u64) -> Result<(), InstanceUnknown> {
        let client = client.parse().unwrap();
        let age = Duration::from_millis(40);
        self.gates
            .applied(&client, instance, seq, age, None, &*self.clock)
    }

    fn list(&self) -> Vec<GateSeen> {
        self.gates.list(&*self.clock)
    }

    fn states(&self) -> Vec<GateState> {
        self.list().iter().map(|gate| gate.state).collect()
    }

    fn receipt(&self, seq: u64) -> Vec<Outcome> {
        self.gates
            .receipt(seq, Some(self.clock.now()), &*self.clock)
    }
}

#[test]
fn a_gate_has_applied_what_it_answers_for_and_not_what_was_only_sent() {
    let house = House::new();
    let guard = house.arrive("app", "one");
    let committed_at = house.clock.now();
    guard.asked(7, 7);
    house.clock.advance(Duration::from_millis(30));
    let before = house.gates.receipt(7, Some(committed_at), &*house.clock);
    assert!(!before[0].is_settled());
    assert_eq!(before[0].denies_in, Duration::from_millis(4_970));
    house.answers("app", "one", 6).unwrap();
    assert!(!house.receipt(7)[0].is_settled());
    house.answers("app", "one", 7).unwrap();
    let after = house.gates.receipt(7, Some(committed_at), &*house.clock);
    assert!(after[0].is_settled() && !after[0].denies);
    assert_eq!(after[0].delay, Some(Duration::from_millis(30)));
    // The delay is that of this revocation for good, whatever it answers later.
    house.clock.advance(Duration::from_secs(1));
    guard.asked(9, 9);
    house.answers("app", "one", 9).unwrap();
    let later = house.gates.receipt(7, Some(committed_at), &*house.clock);
    assert_eq!(later[0].delay, Some(Duration::from_millis(30)));
}

#[test]
fn a_gate_that_cannot_see_a_revocation_has_applied_it_when_it_answers_for_what_came_with_it() {
    let house = House::new();
    let guard = house.arrive("app", "one");
    guard.asked(3, 3);
    house.answers("app", "one", 3).unwrap();
    // Row 4 is not for this client: the heartbeat has number 3 and covers 4.
    assert!(!house.receipt(4)[0].is_settled());
    guard.asked(3, 4);
    assert!(!house.receipt(4)[0].is_settled());
    house.answers("app", "one", 3).unwrap();
    assert!(house.receipt(4)[0].is_settled());
}

#[test]
fn a_gate_that_says_more_than_it_was_sent_is_believed_for_what_it_was_sent() {
    let house = House::new();
    let guard = house.arrive("app", "one");
    guard.asked(3, 3);
    house.answers("app", "one", 1_000).unwrap();
    assert_eq!(house.list()[0].applied, Some(3));
    assert!(!house.receipt(4)[0].is_settled());
}

#[test]
fn a_gate_that_does_not_answer_is_silent_past_its_bound_and_back_with_its_answer() {
    let house = House::new();
    let guard = house.arrive("app", "one");
    guard.sent(1, 1);
    house.clock.advance(Duration::from_secs(60));
    // Nobody asked.
    assert_eq!(house.states(), [GateState::Live]);
    guard.asked(1, 1);
    house.clock.advance(BOUND);
    assert_eq!(house.states(), [GateState::Live]);
    house.clock.advance(TICK);
    assert_eq!(house.states(), [GateState::Silent]);
    house.answers("app", "one", 1).unwrap();
    let seen = &house.list()[0];
    assert_eq!(seen.state, GateState::Live);
    assert_eq!(seen.answered_at, Some(house.clock.now()));
    assert_eq!(seen.age, Some(Duration::from_millis(40)));
}

#[test]
fn past_its_bound_since_the_commit_a_silent_gate_denies_whatever_the_wall_clock_does() {
    let house = House::new();
    let _guard = house.arrive("app", "one");
    house.gates.reached(1, &*house.clock);
    house
        .clock
        .step_wall_clock(START + Duration::from_secs(86_400));
    assert!(!house.receipt(1)[0].denies);
    house.clock.advance(BOUND);
    assert!(!house.receipt(1)[0].denies);
    house.clock.advance(TICK);
    let outcome = house.receipt(1).remove(0);
    assert!(outcome.denies && outcome.is_settled() && outcome.applied_at.is_none());
    // A later revocation has a time of its own.
    assert!(!house.receipt(2)[0].denies);
}

#[test]
fn a_gate_that_has_just_gone_counts_until_it_must_deny_and_one_that_denied_before_does_not() {
    let house = House::new();
    drop(house.arrive("app", "one"));
    house.clock.advance(BOUND);
    assert_eq!(house.receipt(1).len(), 1);
    assert_eq!(house.states(), [GateState::Gone]);
    house.clock.advance(TICK);
    assert_eq!(house.receipt(2).len(), 0);
    // Of the first one it still does: it went away less than its bound before it.
    house.clock.advance(BOUND);
    assert!(house.receipt(1)[0].is_settled());
}

#[test]
fn an_instance_that_reconnects_is_one_gate_and_the_late_end_of_its_first_connection_is_nothing() {
    let house = House::new();
    let first = house.arrive("app", "one");
    first.asked(5, 5);
    let second = house.arrive("app", "one");
    drop(first);
    assert_eq!(house.states(), [GateState::Live]);
    // What was sent on the first connection may have been lost with it.
    house.answers("app", "one", 5).unwrap();
    assert!(!house.receipt(5)[0].is_settled());
    second.asked(5, 5);
    house.answers("app", "one", 5).unwrap();
    assert!(house.receipt(5)[0].is_settled());
    drop(second);
    assert_eq!(house.states(), [GateState::Gone]);
}

#[test]
fn where_a_gate_goes_on_from_is_what_it_has() {
    let house = House::new();
    let presence = Presence {
        after: 12,
        ..House::presence("app", Some("one"))
    };
    let _guard = house.gates.arrive(presence, Arc::clone(&house.clock) as _);
    let had = house.receipt(12).remove(0);
    // It had it before it came: nobody knows for how long.
    assert!(had.is_settled() && had.delay.is_none());
    assert!(!house.receipt(13)[0].is_settled());
}

#[test]
fn an_instance_of_another_client_and_one_that_is_forgotten_are_unknown() {
    let house = House::new();
    let guard = house.arrive("app", "one");
    assert_eq!(house.answers("other", "one", 1), Err(InstanceUnknown));
    assert_eq!(house.answers("app", "two", 1), Err(InstanceUnknown));
    drop(guard);
    assert_eq!(house.answers("app", "one", 1), Ok(()));
    house.clock.advance(REMEMBERED);
    assert_eq!(house.list(), []);
    assert_eq!(house.answers("app", "one", 1), Err(InstanceUnknown));
}

#[test]
fn a_gate_that_went_away_counts_for_as_long_as_it_may_believe_what_it_knew() {
    let house = House::new();
    let presence = Presence {
        bound: Some(2 * REMEMBERED),
        ..House::presence("app", Some("slow"))
    };
    drop(house.gates.arrive(presence, Arc::clone(&house.clock) as _));
    house.clock.advance(2 * REMEMBERED);
    // Somebody else comes, which is when the others are looked through.
    let _guard = house.arrive("other", "one");
    let outcomes = house.receipt(1);
    assert_eq!(outcomes.len(), 2);
    assert!(!outcomes[0].is_settled());
    house.clock.advance(TICK);
    assert_eq!(house.list().len(), 1);
}

#[test]
fn a_subscriber_without_an_instance_is_never_asked_and_counts_until_its_bound_has_passed() {
    let house = House::new();
    let presence = House::presence("old", None);
    let guard = house.gates.arrive(presence, Arc::clone(&house.clock) as _);
    guard.asked(1, 1);
    assert_eq!(house.answers("old", "~1", 1), Err(InstanceUnknown));
    assert!(!house.receipt(1)[0].is_settled());
    house.clock.advance(BOUND + TICK);
    assert_eq!(house.states(), [GateState::Live]);
    assert!(house.receipt(1)[0].denies);
    assert_eq!(house.list()[0].instance, None);
}

#[test]
fn those_gone_for_longest_make_room_first_for_their_own_client_then_for_all() {
    let house = House::new();
    for instance in ["a", "b", "c", "d", "e"] {
        drop(house.arrive("app", instance));
        house.clock.advance(TICK);
    }
    let names = |house: &House| -> String {
        let list = house.list();
        list.iter()
            .filter_map(|gate| gate.instance.clone())
            .collect()
    };
    assert_eq!(names(&house), "bcde");
    for instance in ["f", "g", "h", "i"] {
        drop(house.arrive("other", instance));
        house.clock.advance(TICK);
    }
    let _guard = house.arrive("third", "j");
    assert_eq!(names(&house), "cdefghij");
}

#[test]
fn counts_tell_states_and_the_farthest_behind() {
    let house = House::new();
    let one = house.arrive("app", "one");
    let _two = house.arrive("app", "two");
    drop(house.arrive("app", "three"));
    one.asked(6, 6);
    house.answers("app", "one", 6).unwrap();
    let counts = house.gates.counts(9, &*house.clock);
    let expected = Counts {
        live: 2,
        silent: 0,
        gone: 1,
        behind: 9,
    };
    assert_eq!(counts, expected);
}

#[test]
fn whoever_waits_is_woken_by_answers_and_whoever_follows_by_roll_calls() {
    let house = House::new();
    let guard = house.arrive("app", "one");
    let (mut changes, mut calls) = (house.gates.changes(), house.gates.roll_calls());
    changes.borrow_and_update();
    guard.asked(1, 1);
    assert!(!changes.has_changed().unwrap());
    house.answers("app", "one", 1).unwrap();
    assert!(changes.has_changed().unwrap());
    assert!(!calls.has_changed().unwrap());
    house.gates.roll_call();
    assert!(calls.has_changed().unwrap());
    calls.borrow_and_update();
}

#[test]
fn what_a_gate_says_of_itself_has_a_form() {
    let read = |gate: &str, instance: &str, bound: u64| {
        let (gate, instance) = (Some(gate.to_owned()), Some(instance.to_owned()));
        Presence::read("app".parse().unwrap(), gate, instance, Some(bound), None, 0)
    };
    let instance = "0123456789abcdef0123456789ABCDE_";
    assert!(read("Expenses on web 1", instance, 1).is_ok());
    assert!(read(&"n".repeat(64), &"i".repeat(64), 3_600_000).is_ok());
    for wrong in [
        read("", instance, 1),
        read(&"n".repeat(65), instance, 1),
        read("a\nb", instance, 1),
        read("Zo\u{eb}", instance, 1),
        read("a", "short", 1),
        read("a", &"i".repeat(65), 1),
        read("a", "0123456789abcdef0123456789abcde.", 1),
        read("a", instance, 0),
        read("a", instance, 3_600_001),
    ] {
        assert_eq!(wrong.unwrap_err().reason(), "feed_gate_malformed");
    }
}

/// What happens to one gate.
#[derive(Debug, Clone)]
enum Step {
    /// The log grows, by a row that the gate sees or not.
    Commit(bool),
    /// The stream sends what there is, and asks or not.
    Send(bool),
    /// The gate takes so many of the messages that are on their way.
    Take(usize),
    /// It answers with where it is.
    Answer,
    /// The connection is lost with what is on its way, and another one made.
    Reconnect,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<bool>().prop_map(Step::Commit),
        any::<bool>().prop_map(Step::Send),
        (0..4_usize).prop_map(Step::Take),
        Just(Step::Answer),
        Just(Step::Reconnect),
        (0..4_000_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever is lost or late: what a receipt calls applied, the gate has.
    #[test]
    fn a_receipt_never_says_applied_of_what_the_gate_does_not_have(steps in proptest::collection::vec(step(), 1..120)) {
        let house = House::new();
        let mut guard = house.arrive("app", "one");
        // The log: whether the gate sees each row, from row 1 on.
        let mut log: Vec<bool> = Vec::new();
        let visible = |log: &[bool], from: u64, to: u64| -> Vec<u64> {
            (from + 1..=to).filter(|row| log[usize::try_from(*row).unwrap() - 1]).collect()
        };
        let (mut read_to, mut told, mut has) = (0_u64, 0_u64, 0_u64);
        let mut on_its_way: VecDeque<u64> = VecDeque::new();
        for step in steps {
            match step {
                Step::Commit(seen) => log.push(seen),
                Step::Send(asks) => {
                    let head = u64::try_from(log.len()).unwrap();
                    for row in visible(&log, read_to, head) {
                        told = row;
                        on_its_way.push_back(row);
                        guard.sent(row, row);
                    }
                    read_to = head;
                    on_its_way.push_back(told);
                    if asks { guard.asked(told, head) } else { guard.sent(told, head) }
                }
                Step::Take(count) => {
                    for seq in on_its_way.drain(..count.min(on_its_way.len())) {
                        has = has.max(seq);
                    }
                }
                Step::Answer => house.answers("app", "one", has).unwrap(),
                Step::Reconnect => {
                    on_its_way.clear();
                    let presence = Presence { after: has, ..House::presence("app", Some("one")) };
                    guard = house.gates.arrive(presence, Arc::clone(&house.clock) as _);
                    (read_to, told) = (has, has);
                }
                Step::Wait(millis) => house.clock.advance(Duration::from_millis(millis)),
            }
            for seq in 1..=u64::try_from(log.len()).unwrap() {
                let outcome = &house.receipt(seq)[0];
                if outcome.applied_at.is_some() {
                    let missing: Vec<u64> = visible(&log, has, seq);
                    prop_assert!(missing.is_empty(), "{missing:?} of {seq}");
                }
            }
            prop_assert!(house.list().len() == 1);
        }
    }
}
