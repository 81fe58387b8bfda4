//! What is to change about the signing keys: decided on their rows alone.

use std::time::Duration;

use sealgate_model::Timestamp;
use sealgate_store::{KeyRow, KeyState};

/// A change of signing keys, to be made all at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The key that signs from now on.
    pub(super) activated: Option<String>,
    /// The key that signs no more.
    pub(super) retired: Option<String>,
    /// Keys that are no longer published.
    pub(super) dropped: Vec<String>,
    /// Keys to make, by the state they start in.
    pub(super) created: Vec<KeyState>,
}

impl Plan {
    /// What time has brought: retiring keys that were retired `kept` ago go, and what should be there
    /// and is not (on the first start: everything) is made.
    pub(super) fn upkeep(rows: &[KeyRow], now: Timestamp, kept: Duration) -> Self {
        let over = |row: &&KeyRow| row.state == KeyState::Retiring && row.changed_at + kept <= now;
        let mut plan = Self {
            dropped: rows
                .iter()
                .filter(over)
                .map(|row| row.kid.clone())
                .collect(),
            ..Self::default()
        };
        match (of(rows, KeyState::Active), of(rows, KeyState::Next)) {
            (Some(_), Some(_)) => {}
            (Some(_), None) => plan.created.push(KeyState::Next),
            (None, next @ Some(_)) => {
                plan.activated = next;
                plan.created.push(KeyState::Next);
            }
            (None, None) => plan.created.extend([KeyState::Active, KeyState::Next]),
        }
        plan
    }

    /// How much longer the next key must be published before it may sign: a client that has cached
    /// the key set does not know it until `cached` after it appeared. Nothing for the one that was
    /// made together with the first active key, of which there is no set without it.
    pub(super) fn wait(rows: &[KeyRow], now: Timestamp, cached: Duration) -> Duration {
        let in_state = |state| rows.iter().find(move |row| row.state == state);
        let (Some(active), Some(next)) = (in_state(KeyState::Active), in_state(KeyState::Next))
        else {
            return Duration::ZERO;
        };
        let first = next.created_at == active.created_at && in_state(KeyState::Retiring).is_none();
        if first {
            return Duration::ZERO;
        }
        cached.saturating_sub(now.since(next.created_at))
    }

    /// The next key signs, the active one retires, and another one is published to follow.
    pub(super) fn rotation(rows: &[KeyRow]) -> Self {
        let activated = of(rows, KeyState::Next);
        let created = match activated {
            Some(_) => vec![KeyState::Next],
            None => vec![KeyState::Active, KeyState::Next],
        };
        Self {
            activated,
            retired: of(rows, KeyState::Active),
            dropped: Vec::new(),
            created,
        }
    }

    /// Whether nothing is to change.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The moves of existing keys, as the store takes them.
    pub(super) fn moves(&self) -> Vec<(String, KeyState)> {
        let dropped = self.dropped.iter().map(|kid| (kid.clone(), KeyState::Gone));
        let retired = self
            .retired
            .iter()
            .map(|kid| (kid.clone(), KeyState::Retiring));
        let activated = self
            .activated
            .iter()
            .map(|kid| (kid.clone(), KeyState::Active));
        dropped.chain(retired).chain(activated).collect()
    }
}

/// The oldest key in `state`.
fn of(rows: &[KeyRow], state: KeyState) -> Option<String> {
    rows.iter()
        .find(|row| row.state == state)
        .map(|row| row.kid.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Duration = Duration::from_secs(660);

    fn rows(states: &[(&str, KeyState, i64)]) -> Vec<KeyRow> {
        let row = |(kid, state, changed): &(&str, KeyState, i64)| KeyRow {
            kid: (*kid).to_owned(),
            algorithm: "EdDSA".to_owned(),
            state: *state,
            sealed_private: String::new(),
            public_jwk: String::new(),
            created_at: Timestamp::from_seconds(0),
            changed_at: Timestamp::from_seconds(*changed),
        };
        states.iter().map(row).collect()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn the_first_start_makes_the_active_key_and_its_successor() {
        let plan = Plan::upkeep(&[], at(0), KEPT);
        assert_eq!(plan.created, [KeyState::Active, KeyState::Next]);
        assert!(plan.moves().is_empty());
    }

    #[test]
    fn a_rotation_moves_each_key_one_step() {
        let plan = Plan::rotation(&rows(&[
            ("a", KeyState::Active, 0),
            ("b", KeyState::Next, 0),
        ]));
        let moves = [
            ("a".to_owned(), KeyState::Retiring),
            ("b".to_owned(), KeyState::Active),
        ];
        assert_eq!(plan.moves(), moves);
        assert_eq!(plan.created, [KeyState::Next]);
    }

    #[test]
    fn a_key_signs_only_after_it_was_published_for_as_long_as_a_key_set_is_cached() {
        let cached = Duration::from_secs(300);
        let mut keys = rows(&[("a", KeyState::Active, 0), ("b", KeyState::Next, 0)]);
        assert_eq!(Plan::wait(&keys, at(0), cached), Duration::ZERO);
        keys = rows(&[
            ("a", KeyState::Retiring, 100),
            ("b", KeyState::Active, 100),
            ("c", KeyState::Next, 100),
        ]);
        keys[2].created_at = at(100);
        assert_eq!(Plan::wait(&keys, at(100), cached), cached);
        assert_eq!(Plan::wait(&keys, at(399), cached), Duration::from_secs(1));
        assert_eq!(Plan::wait(&keys, at(400), cached), Duration::ZERO);
        // A clock that was set back tells nothing of how long it was.
        assert_eq!(Plan::wait(&keys, at(50), cached), cached);
        // Without a retiring key too.
        assert_eq!(Plan::wait(&keys[1..], at(100), cached), cached);
    }

    #[test]
    fn a_retiring_key_goes_only_when_its_last_token_and_every_cache_have_expired() {
        let keys = rows(&[
            ("a", KeyState::Retiring, 100),
            ("b", KeyState::Active, 100),
            ("c", KeyState::Next, 100),
        ]);
        assert!(Plan::upkeep(&keys, at(100 + 659), KEPT).is_empty());
        assert_eq!(
            Plan::upkeep(&keys, at(100 + 660), KEPT).moves(),
            [("a".to_owned(), KeyState::Gone)]
        );
    }

    #[test]
    fn a_clock_that_stepped_back_drops_nothing() {
        let keys = rows(&[
            ("a", KeyState::Retiring, 1000),
            ("b", KeyState::Active, 0),
            ("c", KeyState::Next, 0),
        ]);
        assert!(Plan::upkeep(&keys, at(10), KEPT).is_empty());
    }

    #[test]
    fn what_is_missing_is_made_good() {
        let plan = Plan::upkeep(&rows(&[("b", KeyState::Next, 0)]), at(1), KEPT);
        assert_eq!(
            (plan.activated.as_deref(), plan.created.as_slice()),
            (Some("b"), [KeyState::Next].as_slice())
        );
        let plan = Plan::upkeep(&rows(&[("a", KeyState::Active, 0)]), at(1), KEPT);
        assert_eq!(plan.created, [KeyState::Next]);
    }
}
