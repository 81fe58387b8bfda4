use proptest::prelude::*;

use super::*;
use crate::JWKS_MAX_AGE;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn policy(rotate_every: Option<Duration>) -> KeyPolicy {
    KeyPolicy {
        token_life: Duration::from_secs(3600),
        session_life: DAY,
        rotate_every,
        ml_dsa: true,
        schedules: crate::Schedules::default(),
    }
}

fn key(kid: &str, algorithm: Algorithm, state: KeyState, at: Timestamp) -> Key<PlannedKey> {
    Key {
        name: PlannedKey::Kid(kid.to_owned()),
        algorithm,
        state,
        published_at: at,
        changed_at: at,
    }
}

/// Housekeeping every minute, on the same paper.
fn ticked(mut keys: Vec<Key<PlannedKey>>, policy: &KeyPolicy, horizon: Duration) -> Vec<Planned> {
    let (mut now, mut made, mut happened) = (START, 0, Vec::new());
    while now.since(START) <= horizon {
        while let Some(due) = first_due(&keys, policy, now).filter(|due| due.at <= now) {
            happened.extend(apply(&mut keys, &due.change, now, due.why, &mut made));
        }
        now = now + MINUTE;
    }
    happened
}

#[test]
fn a_year_of_quarterly_rotations_is_foretold() {
    let keys = vec![
        key("a", Algorithm::Ed25519, KeyState::Active, START),
        key("b", Algorithm::Ed25519, KeyState::Next, START),
    ];
    let (plan, complete) = foretell(keys, &policy(Some(90 * DAY)), START, 365 * DAY);
    assert!(complete);
    let told = |at: Duration, key: PlannedKey, from, to, why| Planned {
        at: START + at,
        key,
        algorithm: Algorithm::Ed25519,
        from,
        to,
        why,
    };
    let kid = |kid: &str| PlannedKey::Kid(kid.to_owned());
    let (next, active, retiring) = (KeyState::Next, KeyState::Active, KeyState::Retiring);
    assert_eq!(
        plan[..4],
        [
            told(90 * DAY, kid("a"), Some(active), retiring, Why::Scheduled),
            told(90 * DAY, kid("b"), Some(next), active, Why::Scheduled),
            told(90 * DAY, PlannedKey::New(1), None, next, Why::Scheduled),
            told(
                90 * DAY + 66 * MINUTE,
                kid("a"),
                Some(retiring),
                KeyState::Gone,
                Why::Outlived
            ),
        ]
    );
    assert_eq!(plan.len(), 4 * 4);
}

#[test]
fn without_a_schedule_only_what_is_on_its_way_is_foretold() {
    let keys = vec![
        key("a", Algorithm::Ed25519, KeyState::Retiring, START),
        key("b", Algorithm::Ed25519, KeyState::Active, START),
        key("c", Algorithm::Ed25519, KeyState::Next, START),
    ];
    let (plan, _) = foretell(keys, &policy(None), START, 365 * DAY);
    assert_eq!(plan.len(), 1);
    assert_eq!(
        (plan[0].at, plan[0].why),
        (START + 66 * MINUTE, Why::Outlived)
    );
}

#[test]
fn a_plan_is_cut_where_nobody_reads_on_and_says_so() {
    let keys = vec![
        key("a", Algorithm::Ed25519, KeyState::Active, START),
        key("b", Algorithm::Ed25519, KeyState::Next, START),
    ];
    let (plan, complete) = foretell(keys, &policy(Some(MINUTE)), START, 365 * DAY);
    assert_eq!((plan.len(), complete), (PLAN_LIMIT, false));
    let changes = plan.iter().filter(|one| one.to == KeyState::Active);
    let times: Vec<_> = changes.map(|one| one.at).collect();
    assert!(
        times
            .windows(2)
            .all(|pair| pair[1].since(pair[0]) >= JWKS_MAX_AGE)
    );
}

fn some_keys() -> impl Strategy<Value = Vec<Key<PlannedKey>>> {
    let state = prop::sample::select(vec![KeyState::Next, KeyState::Active, KeyState::Retiring]);
    let one = (
        prop::sample::select(Algorithm::ALL.to_vec()),
        state,
        0_u32..4_000,
        0_u32..4_000,
    );
    prop::collection::vec(one, 0..12).prop_map(|rows| {
        let mut keys: Vec<Key<PlannedKey>> = Vec::new();
        for (number, (algorithm, state, older, old)) in rows.into_iter().enumerate() {
            let taken = keys
                .iter()
                .any(|key| key.algorithm == algorithm && key.state == state);
            // The store allows one that signs.
            if state == KeyState::Retiring || !taken {
                let changed_at = START - old * MINUTE;
                keys.push(Key {
                    published_at: changed_at - older * MINUTE,
                    changed_at,
                    ..key(&number.to_string(), algorithm, state, START)
                });
            }
        }
        keys
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_housekeeping_does_every_minute_is_exactly_what_was_foretold(
        keys in some_keys(),
        every in prop::option::of(1_u32..3_000),
        horizon in 0_u32..6_000,
    ) {
        let policy = policy(every.map(|minutes| minutes * MINUTE));
        let horizon = horizon * MINUTE;
        let (plan, complete) = foretell(keys.clone(), &policy, START, horizon);
        let happened = ticked(keys, &policy, horizon);
        if complete {
            prop_assert_eq!(plan, happened);
        } else {
            prop_assert_eq!(&plan[..], &happened[..PLAN_LIMIT]);
        }
    }
}
