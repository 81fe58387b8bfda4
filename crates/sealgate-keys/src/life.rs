//! What is to change about the signing keys, and when: decided on their states and ages alone.

use std::time::Duration;

use sealgate_jose::Algorithm;
use sealgate_model::Timestamp;
use sealgate_store::KeyState;
use serde::{Deserialize, Serialize};

use crate::{JWKS_MAX_AGE, KeyPolicy};

/// A signing key, as far as its life is concerned. `K` is what it goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key<K> {
    pub(crate) name: K,
    pub(crate) algorithm: Algorithm,
    pub(crate) state: KeyState,
    /// Since when it is in the key set.
    pub(crate) published_at: Timestamp,
    /// Since when it is in its state.
    pub(crate) changed_at: Timestamp,
}

/// Why keys move without anybody's command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There is no key that signs, or none to follow it.
    Missing,
    /// Whatever the key signed has expired, in every cache.
    Outlived,
    /// It is time for the next key.
    Scheduled,
}

/// A change of signing keys, to be made all at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change<K> {
    /// The new states of keys that are there. What leaves a state comes before what takes it.
    pub(crate) moves: Vec<(K, KeyState)>,
    /// Keys to make, by the state they start in.
    pub(crate) created: Vec<(Algorithm, KeyState)>,
}

impl<K> Default for Change<K> {
    fn default() -> Self {
        Self {
            moves: Vec::new(),
            created: Vec::new(),
        }
    }
}

impl<K> Change<K> {
    /// Whether nothing is to change.
    pub(crate) fn is_empty(&self) -> bool {
        self.moves.is_empty() && self.created.is_empty()
    }

    /// Adds what else is to change.
    pub(crate) fn extend(&mut self, other: Self) {
        self.moves.extend(other.moves);
        self.created.extend(other.created);
    }
}

/// What is due, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due<K> {
    pub(crate) at: Timestamp,
    pub(crate) why: Why,
    pub(crate) change: Change<K>,
}

/// What is due first among `keys`, now or later; none if they stay as they are. Whatever is missing is
/// due at once: `now`.
pub(crate) fn first_due<K: Clone + Ord>(
    keys: &[Key<K>],
    policy: &KeyPolicy,
    now: Timestamp,
) -> Option<Due<K>> {
    let outlived = keys
        .iter()
        .filter(|key| key.state == KeyState::Retiring)
        .map(|key| Due {
            at: key.changed_at + policy.kept(),
            why: Why::Outlived,
            change: Change {
                moves: vec![(key.name.clone(), KeyState::Gone)],
                created: Vec::new(),
            },
        });
    let others = algorithms(keys, policy)
        .into_iter()
        .filter_map(|algorithm| {
            let change = missing(keys, algorithm);
            if change.is_empty() {
                scheduled(keys, algorithm, policy)
            } else {
                let (at, why) = (now, Why::Missing);
                Some(Due { at, why, change })
            }
        });
    // What is overdue comes in this order, however long it is overdue.
    outlived
        .chain(others)
        .min_by_key(|due| (due.at.max(now), due.why, due.at))
}

/// The algorithms to look after: the one that is always there, and every other that has keys and is
/// allowed.
pub(crate) fn algorithms<K>(keys: &[Key<K>], policy: &KeyPolicy) -> Vec<Algorithm> {
    let has = |algorithm| keys.iter().any(|key| key.algorithm == algorithm);
    Algorithm::ALL
        .into_iter()
        .filter(|algorithm| *algorithm == Algorithm::Ed25519 || has(*algorithm))
        .filter(|algorithm| policy.allows(*algorithm))
        .collect()
}

/// What `algorithm` lacks: a key that signs and one to follow it.
pub(crate) fn missing<K: Clone>(keys: &[Key<K>], algorithm: Algorithm) -> Change<K> {
    let next = in_state(keys, algorithm, KeyState::Next);
    match (in_state(keys, algorithm, KeyState::Active), next) {
        (Some(_), Some(_)) => Change::default(),
        (Some(_), None) => Change {
            moves: Vec::new(),
            created: vec![(algorithm, KeyState::Next)],
        },
        (None, next) => promotion(next, algorithm),
    }
}

/// `next` signs, and another one is made to follow it; without `next` both are made.
fn promotion<K: Clone>(next: Option<&Key<K>>, algorithm: Algorithm) -> Change<K> {
    let next = next.map(|key| (key.name.clone(), KeyState::Active));
    let mut created = Vec::new();
    if next.is_none() {
        created.push((algorithm, KeyState::Active));
    }
    created.push((algorithm, KeyState::Next));
    Change {
        moves: next.into_iter().collect(),
        created,
    }
}

/// The rotation that time will bring to an algorithm that has both its keys.
fn scheduled<K: Clone>(
    keys: &[Key<K>],
    algorithm: Algorithm,
    policy: &KeyPolicy,
) -> Option<Due<K>> {
    let every = policy.rotates(algorithm)?;
    let active = in_state(keys, algorithm, KeyState::Active)?;
    let known = known_from(keys, algorithm).unwrap_or(active.changed_at);
    Some(Due {
        at: (active.changed_at + every).max(known),
        why: Why::Scheduled,
        change: rotation(keys, algorithm),
    })
}

/// From when on every client that caches the key set knows the next key. Nothing for one that was made
/// together with the first active key, of which there is no set without it.
fn known_from<K>(keys: &[Key<K>], algorithm: Algorithm) -> Option<Timestamp> {
    let active = in_state(keys, algorithm, KeyState::Active)?;
    let next = in_state(keys, algorithm, KeyState::Next)?;
    let first = next.published_at == active.published_at
        && in_state(keys, algorithm, KeyState::Retiring).is_none();
    (!first).then(|| next.published_at + JWKS_MAX_AGE)
}

/// How much longer the next key must be published before it may sign.
pub(crate) fn wait<K>(keys: &[Key<K>], algorithm: Algorithm, now: Timestamp) -> Duration {
    // A clock that was set back tells nothing of how long it was: never more than all of it.
    known_from(keys, algorithm).map_or(Duration::ZERO, |at| at.since(now).min(JWKS_MAX_AGE))
}

/// The next key signs, the active one retires, and another one is published to follow.
pub(crate) fn rotation<K: Clone>(keys: &[Key<K>], algorithm: Algorithm) -> Change<K> {
    let active = in_state(keys, algorithm, KeyState::Active);
    let mut change = Change {
        moves: active
            .map(|key| (key.name.clone(), KeyState::Retiring))
            .into_iter()
            .collect(),
        created: Vec::new(),
    };
    change.extend(promotion(
        in_state(keys, algorithm, KeyState::Next),
        algorithm,
    ));
    change
}

/// The key goes at once. Another takes its place, unless its algorithm is no longer allowed.
pub(crate) fn revocation<K: Clone + PartialEq>(
    keys: &[Key<K>],
    name: &K,
    policy: &KeyPolicy,
) -> Option<Change<K>> {
    let algorithm = keys.iter().find(|key| key.name == *name)?.algorithm;
    let mut change = Change {
        moves: vec![(name.clone(), KeyState::Gone)],
        created: Vec::new(),
    };
    if policy.allows(algorithm) {
        let rest: Vec<Key<K>> = keys
            .iter()
            .filter(|key| key.name != *name)
            .cloned()
            .collect();
        change.extend(missing(&rest, algorithm));
    }
    Some(change)
}

/// The oldest key of `algorithm` in `state`.
pub(crate) fn in_state<K>(
    keys: &[Key<K>],
    algorithm: Algorithm,
    state: KeyState,
) -> Option<&Key<K>> {
    keys.iter()
        .find(|key| key.algorithm == algorithm && key.state == state)
}

#[cfg(test)]
pub(crate) mod tests;
