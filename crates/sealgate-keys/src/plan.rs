//! What would happen when: the rules of the keys' life, run ahead on paper.

use std::time::Duration;

use sealgate_jose::Algorithm;
use sealgate_model::Timestamp;
use sealgate_store::KeyState;

use crate::KeyPolicy;
pub use crate::life::Why;
use crate::life::{Change, Key, first_due};

/// A plan tells at most this many moves; it is for reading.
pub const PLAN_LIMIT: usize = 1000;

/// Which key will move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlannedKey {
    /// One that is there, by its id.
    Kid(String),
    /// One that is not made yet, by its number among those of the plan, from 1.
    New(u32),
}

/// One move of one key, as it will come unless somebody intervenes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// When it is due. Housekeeping comes by every minute, so that it may happen up to a minute later.
    pub at: Timestamp,
    /// Which key.
    pub key: PlannedKey,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// The state it leaves; none for a key that is made then.
    pub from: Option<KeyState>,
    /// The state it comes into.
    pub to: KeyState,
    /// Why.
    pub why: Why,
}

/// The moves of `keys` from `now` for as long as `horizon`, in order; at most [`PLAN_LIMIT`], and
/// whether those are all.
pub(crate) fn foretell(
    mut keys: Vec<Key<PlannedKey>>,
    policy: &KeyPolicy,
    now: Timestamp,
    horizon: Duration,
) -> (Vec<Planned>, bool) {
    let (mut time, mut made, mut plan) = (now, 0, Vec::new());
    while let Some(due) = first_due(&keys, policy, time) {
        time = due.at.max(time);
        if time.since(now) > horizon {
            return (plan, true);
        }
        plan.extend(apply(&mut keys, &due.change, time, due.why, &mut made));
        if plan.len() > PLAN_LIMIT {
            plan.truncate(PLAN_LIMIT);
            return (plan, false);
        }
    }
    (plan, true)
}

/// Makes `change` on paper. What it does to each key.
fn apply(
    keys: &mut Vec<Key<PlannedKey>>,
    change: &Change<PlannedKey>,
    at: Timestamp,
    why: Why,
    made: &mut u32,
) -> Vec<Planned> {
    let mut told = Vec::new();
    for (name, to) in &change.moves {
        let Some(key) = keys.iter_mut().find(|key| key.name == *name) else {
            continue;
        };
        told.push(Planned {
            at,
            key: name.clone(),
            algorithm: key.algorithm,
            from: Some(key.state),
            to: *to,
            why,
        });
        (key.state, key.changed_at) = (*to, at);
    }
    keys.retain(|key| key.state != KeyState::Gone);
    for (algorithm, state) in &change.created {
        *made += 1;
        told.push(Planned {
            at,
            key: PlannedKey::New(*made),
            algorithm: *algorithm,
            from: None,
            to: *state,
            why,
        });
        keys.push(Key {
            name: PlannedKey::New(*made),
            algorithm: *algorithm,
            state: *state,
            published_at: at,
            changed_at: at,
        });
    }
    told
}

#[cfg(test)]
mod tests;
