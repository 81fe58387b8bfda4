//! The engine against a model that remembers everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use sealgate_model::Timestamp;

use super::super::*;

const TEXT: &str = r#"
[[rule]]
id = "many"
title = "many"
severity = "low"
source = "acts"
match = { action = ["a.*"] }
group_by = ["user"]
threshold = 4
window = "10s"
suppress = "15s"
advice = "a"
references = ["a"]

[[rule]]
id = "different"
title = "different"
severity = "low"
source = "acts"
match = { action = ["a.*"] }
without = { reason = ["known"] }
group_by = ["user"]
distinct_of = "network"
threshold = 3
window = "10s"
suppress = "5s"
advice = "a"
references = ["a"]
"#;

/// One record: who, what, from where, how many, and how long after the one before.
type Step = (u8, bool, u8, u32, u64);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..3_u8, any::<bool>(), 0..5_u8, 1..3_u32, 0..6_u64);
    proptest::collection::vec(step, 1..200)
}

fn event<'a>(
    step: &Step,
    at: Timestamp,
    number: i64,
    user: &'a str,
    network: &'a str,
) -> Event<'a> {
    let mut event = Event::new(Source::Acts, at, number)
        .with(Fact::Action, "a.b")
        .with(Fact::User, user)
        .with(Fact::Network, network);
    if step.1 {
        event = event.with(Fact::Reason, "known");
    }
    event.count = step.3;
    event
}

/// Everything that was, of one user.
#[derive(Default)]
struct Past {
    all: Vec<(Timestamp, u32)>,
    unknown: Vec<(Timestamp, u8)>,
    raised: BTreeMap<&'static str, Timestamp>,
}

impl Past {
    fn raise(&mut self, rule: &'static str, rest: u64, at: Timestamp) -> bool {
        let rests = self
            .raised
            .get(rule)
            .is_some_and(|raised| at.since(*raised) < Duration::from_secs(rest));
        if !rests {
            self.raised.insert(rule, at);
        }
        !rests
    }
}

fn naive(steps: &[Step]) -> Vec<(String, u8, Timestamp)> {
    let window = Duration::from_secs(10);
    let (mut now, mut past, mut raised) = (
        Timestamp::from_seconds(1_000),
        BTreeMap::<u8, Past>::new(),
        Vec::new(),
    );
    for step in steps {
        now = now + Duration::from_secs(step.4);
        let past = past.entry(step.0).or_default();
        past.all.push((now, step.3));
        let sum: u32 = past
            .all
            .iter()
            .filter(|(at, _)| now.since(*at) < window)
            .map(|(_, count)| count)
            .sum();
        if sum >= 4 && past.raise("many", 15, now) {
            raised.push(("many".to_owned(), step.0, now));
        }
        if step.1 {
            continue;
        }
        past.unknown.push((now, step.2));
        let values: BTreeSet<u8> = past
            .unknown
            .iter()
            .filter(|(at, _)| now.since(*at) < window)
            .map(|(_, value)| *value)
            .collect();
        if values.len() >= 3 && past.raise("different", 5, now) {
            raised.push(("different".to_owned(), step.0, now));
        }
    }
    raised
}

fn judged(steps: &[Step], cut: Option<usize>) -> Vec<(String, u8, Timestamp)> {
    let rules = read(TEXT).unwrap();
    let mut engine = Engine::new(&rules);
    let (mut now, mut raised) = (Timestamp::from_seconds(1_000), Vec::new());
    for (index, step) in steps.iter().enumerate() {
        if cut == Some(index) {
            // As after a restart: through text and back.
            let text = serde_json::to_vec(&engine.memory()).unwrap();
            engine = Engine::remembering(&rules, &serde_json::from_slice(&text).unwrap());
        }
        now = now + Duration::from_secs(step.4);
        let (user, network) = (step.0.to_string(), step.2.to_string());
        let number = i64::try_from(index).unwrap() + 1;
        for raise in engine.judge(&event(step, now, number, &user, &network)) {
            assert!(raise.evidence.last() <= Some(&number) && !raise.evidence.is_empty());
            raised.push((raise.rule, step.0, now));
        }
    }
    raised
}

proptest! {
    #[test]
    fn it_raises_what_one_raises_that_remembers_everything(steps in steps()) {
        prop_assert_eq!(judged(&steps, None), naive(&steps));
    }

    #[test]
    fn a_restart_changes_nothing(steps in steps(), cut in 0..200_usize) {
        prop_assert_eq!(judged(&steps, Some(cut)), judged(&steps, None));
    }

    #[test]
    fn whatever_the_clock_does_it_goes_on_and_keeps_its_bound(
        steps in proptest::collection::vec((0..40_u8, any::<i64>(), 0..9_u8, any::<u32>()), 1..300),
    ) {
        let rules = read(TEXT).unwrap();
        let mut engine = Engine::with_room(&rules, 20);
        for (index, (user, at, network, count)) in steps.into_iter().enumerate() {
            let (user, network) = (user.to_string(), network.to_string());
            let step = (0, false, 0, count, 0);
            let number = i64::try_from(index).unwrap();
            engine.judge(&event(&step, Timestamp::from_millis(at), number, &user, &network));
            prop_assert!(engine.entries() <= 40, "{}", engine.entries());
        }
    }

    #[test]
    fn no_text_makes_the_reader_fail_otherwise_than_by_saying_so(text in "\\PC{0,300}") {
        let _ = read(&text);
        let _ = read(&format!("[[rule]]\n{text}"));
    }

    #[test]
    fn no_memory_makes_the_engine_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let value = serde_json::from_slice(&bytes).unwrap_or_default();
        let engine = Engine::remembering(builtin(), &value);
        prop_assert_eq!(engine.entries(), 0);
    }
}
