use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const POLICY: KeyPolicy = KeyPolicy {
    token_life: Duration::from_secs(300),
    session_life: Duration::from_secs(24 * 3600),
    rotate_every: None,
    ml_dsa: false,
    schedules: crate::Schedules::NONE,
};
const KEPT: i64 = 660;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn key(name: &'static str, state: KeyState, changed: i64) -> Key<&'static str> {
    Key {
        name,
        algorithm: Algorithm::Ed25519,
        state,
        published_at: at(0),
        changed_at: at(changed),
    }
}

fn due(keys: &[Key<&'static str>], policy: &KeyPolicy, now: i64) -> Option<Due<&'static str>> {
    first_due(keys, policy, at(now)).filter(|due| due.at <= at(now))
}

#[test]
fn the_first_start_makes_the_active_key_and_its_successor() {
    let first = due(&[], &POLICY, 0).unwrap();
    let made = [KeyState::Active, KeyState::Next].map(|state| (Algorithm::Ed25519, state));
    assert_eq!(
        (first.why, first.change.created),
        (Why::Missing, made.to_vec())
    );
    assert!(first.change.moves.is_empty());
}

#[test]
fn a_rotation_moves_each_key_one_step() {
    let keys = [key("a", KeyState::Active, 0), key("b", KeyState::Next, 0)];
    let change = rotation(&keys, Algorithm::Ed25519);
    assert_eq!(
        change.moves,
        [("a", KeyState::Retiring), ("b", KeyState::Active)]
    );
    assert_eq!(change.created, [(Algorithm::Ed25519, KeyState::Next)]);
}

#[test]
fn a_rotation_leaves_other_algorithms_alone() {
    let other = Key {
        algorithm: Algorithm::Es256,
        ..key("e", KeyState::Active, 0)
    };
    let keys = [
        key("a", KeyState::Active, 0),
        other,
        key("b", KeyState::Next, 0),
    ];
    let moved: Vec<_> = rotation(&keys, Algorithm::Ed25519).moves;
    assert!(moved.iter().all(|(name, _)| *name != "e"));
    // What it lacks itself is made good on its own.
    let lack = due(&keys, &POLICY, 0).unwrap();
    assert_eq!(lack.change.created, [(Algorithm::Es256, KeyState::Next)]);
}

#[test]
fn a_key_signs_only_after_it_was_published_for_as_long_as_a_key_set_is_cached() {
    let algorithm = Algorithm::Ed25519;
    let first = [key("a", KeyState::Active, 0), key("b", KeyState::Next, 0)];
    assert_eq!(wait(&first, algorithm, at(0)), Duration::ZERO);
    let mut keys = [
        key("a", KeyState::Retiring, 100),
        key("b", KeyState::Active, 100),
        key("c", KeyState::Next, 100),
    ];
    keys[2].published_at = at(100);
    assert_eq!(wait(&keys, algorithm, at(100)), JWKS_MAX_AGE);
    assert_eq!(wait(&keys, algorithm, at(399)), Duration::from_secs(1));
    assert_eq!(wait(&keys, algorithm, at(400)), Duration::ZERO);
    // Without a retiring key too.
    assert_eq!(wait(&keys[1..], algorithm, at(100)), JWKS_MAX_AGE);
}

#[test]
fn a_retiring_key_goes_only_when_its_last_token_and_every_cache_have_expired() {
    let keys = [
        key("a", KeyState::Retiring, 100),
        key("b", KeyState::Active, 100),
        key("c", KeyState::Next, 100),
    ];
    assert_eq!(due(&keys, &POLICY, 100 + KEPT - 1), None);
    let gone = due(&keys, &POLICY, 100 + KEPT).unwrap();
    assert_eq!(
        (gone.why, gone.change.moves),
        (Why::Outlived, vec![("a", KeyState::Gone)])
    );
}

#[test]
fn a_scheduled_rotation_waits_until_the_next_key_is_known() {
    let policy = KeyPolicy {
        rotate_every: Some(Duration::from_secs(3600)),
        ..POLICY
    };
    let mut keys = [key("a", KeyState::Active, 0), key("b", KeyState::Next, 0)];
    assert_eq!(due(&keys, &policy, 3599), None);
    assert_eq!(due(&keys, &policy, 3600).unwrap().why, Why::Scheduled);
    // The next key was made anew a minute before.
    keys[1].published_at = at(3540);
    assert_eq!(due(&keys, &policy, 3839), None);
    assert_eq!(due(&keys, &policy, 3840).unwrap().why, Why::Scheduled);
    assert_eq!(due(&keys, &POLICY, 1_000_000), None, "switched off");
}

#[test]
fn what_is_missing_is_made_good() {
    let change = due(&[key("b", KeyState::Next, 0)], &POLICY, 1)
        .unwrap()
        .change;
    assert_eq!(change.moves, [("b", KeyState::Active)]);
    assert_eq!(change.created, [(Algorithm::Ed25519, KeyState::Next)]);
    let change = due(&[key("a", KeyState::Active, 0)], &POLICY, 1)
        .unwrap()
        .change;
    assert!(change.moves.is_empty());
    assert_eq!(change.created, [(Algorithm::Ed25519, KeyState::Next)]);
}

#[test]
fn a_revoked_key_goes_at_once_and_another_takes_its_place() {
    let keys = [
        key("a", KeyState::Retiring, 0),
        key("b", KeyState::Active, 0),
        key("c", KeyState::Next, 0),
    ];
    let change = |name| revocation(&keys, &name, &POLICY).unwrap();
    assert_eq!(change("a").moves, [("a", KeyState::Gone)]);
    assert!(change("a").created.is_empty());
    assert_eq!(
        change("b").moves,
        [("b", KeyState::Gone), ("c", KeyState::Active)]
    );
    assert_eq!(change("b").created, [(Algorithm::Ed25519, KeyState::Next)]);
    assert_eq!(change("c").moves, [("c", KeyState::Gone)]);
    assert_eq!(change("c").created, [(Algorithm::Ed25519, KeyState::Next)]);
    assert_eq!(revocation(&keys, &"d", &POLICY), None);
}

#[test]
fn an_algorithm_that_is_switched_off_gets_no_new_keys_and_loses_its_old_ones() {
    let ml_dsa = |name, state| Key {
        algorithm: Algorithm::MlDsa65,
        ..key(name, state, 0)
    };
    let keys = [
        key("a", KeyState::Active, 0),
        key("b", KeyState::Next, 0),
        ml_dsa("m", KeyState::Active),
    ];
    assert_eq!(due(&keys, &POLICY, 0), None);
    let change = revocation(&keys, &"m", &POLICY).unwrap();
    assert_eq!(change.moves, [("m", KeyState::Gone)]);
    assert!(change.created.is_empty());
    let allowed = KeyPolicy {
        ml_dsa: true,
        ..POLICY
    };
    let change = due(&keys, &allowed, 0).unwrap().change;
    assert_eq!(change.created, [(Algorithm::MlDsa65, KeyState::Next)]);
}

/// Keys under the rules, with all that ever was published and signed.
pub(crate) struct World {
    pub(crate) keys: Vec<Key<u32>>,
    pub(crate) now: Timestamp,
    policy: KeyPolicy,
    made: u32,
    /// The key set from each moment on.
    sets: Vec<(Timestamp, BTreeSet<u32>)>,
    signed: Vec<(u32, Timestamp)>,
    /// How often the signing key changed.
    rotations: Vec<Timestamp>,
}

impl World {
    fn new(policy: KeyPolicy) -> Self {
        let mut world = Self {
            keys: Vec::new(),
            now: at(1_800_000_000),
            policy,
            made: 0,
            sets: Vec::new(),
            signed: Vec::new(),
            rotations: Vec::new(),
        };
        world.tick();
        world
    }

    fn apply(&mut self, change: &Change<u32>) {
        for (name, to) in &change.moves {
            let key = self.keys.iter_mut().find(|key| key.name == *name).unwrap();
            (key.state, key.changed_at) = (*to, self.now);
            if *to == KeyState::Active {
                self.rotations.push(self.now);
            }
        }
        self.keys.retain(|key| key.state != KeyState::Gone);
        for (algorithm, state) in &change.created {
            self.made += 1;
            self.keys.push(Key {
                name: self.made,
                algorithm: *algorithm,
                state: *state,
                published_at: self.now,
                changed_at: self.now,
            });
        }
        let set = self.keys.iter().map(|key| key.name).collect();
        self.sets.push((self.now, set));
    }

    fn tick(&mut self) {
        while let Some(due) = first_due(&self.keys, &self.policy, self.now) {
            if due.at > self.now {
                break;
            }
            self.apply(&due.change);
        }
    }

    fn rotate(&mut self) {
        if wait(&self.keys, Algorithm::Ed25519, self.now).is_zero() {
            let change = rotation(&self.keys, Algorithm::Ed25519);
            self.apply(&change);
        }
    }

    fn sign(&mut self) {
        let active = in_state(&self.keys, Algorithm::Ed25519, KeyState::Active);
        self.signed.push((active.unwrap().name, self.now));
    }

    /// Time passes; housekeeping comes by every minute.
    fn pass(&mut self, seconds: u64) {
        for second in 1..=seconds {
            self.now = self.now + Duration::from_secs(1);
            if second.is_multiple_of(60) {
                self.tick();
            }
        }
    }

    fn set_at(&self, time: Timestamp) -> &BTreeSet<u32> {
        let earlier = self.sets.iter().rev().find(|(from, _)| *from <= time);
        &earlier.unwrap_or(&self.sets[0]).1
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is signed, whenever, by whatever rotations: wherever the key set is cached for as long as it
    /// may be, the token verifies from its first second to its last.
    #[test]
    fn every_token_verifies_until_it_expires_in_every_cache_of_the_key_set(
        steps in prop::collection::vec((1_u64..2_500, any::<bool>()), 1..40),
        every in prop::option::of(0_u64..7_200),
        uses in prop::collection::vec((0_u64..=300, 0_u64..=300), 8),
    ) {
        let policy = KeyPolicy { rotate_every: every.map(Duration::from_secs), ..POLICY };
        let mut world = World::new(policy);
        for (gap, rotate) in steps {
            world.sign();
            world.pass(gap);
            world.sign();
            if rotate {
                world.rotate();
            }
        }
        world.sign();
        world.pass(300);
        let start = world.sets[0].0;
        for (name, signed) in &world.signed {
            for (used, cached) in uses.iter().chain(&[(0, 300), (300, 300), (300, 0)]) {
                let used = *signed + Duration::from_secs(*used);
                // Nobody has cached a set before there was one.
                let fetched = (used - Duration::from_secs(*cached)).max(start);
                prop_assert!(world.set_at(fetched).contains(name));
            }
        }
        // A short schedule is no storm: the wait holds for it too.
        for pair in world.rotations.windows(2) {
            prop_assert!(pair[1].since(pair[0]) >= JWKS_MAX_AGE);
        }
    }
}
