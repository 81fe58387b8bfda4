//! The key ids that tokens named and no key set had: who named one that was looked for in vain is refused
//! without asking again.
//!
//! Strangers choose these ids, so there is a bound, and what came first makes room. Forgetting too early
//! costs a 503 where a 401 could have been said.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use sealgate_host::sha256;
use sealgate_model::Uptime;

/// The first 16 bytes of a SHA-256: nobody finds two ids that share them.
type Mark = [u8; 16];

/// How many ids are remembered.
const MOST: usize = 1_024;

/// After this long an id is looked for once more: the set in which it was missing may have come out of a
/// cache on the way that was behind.
const AGAIN: Duration = Duration::from_secs(60);

/// Ids, and when each was first seen.
#[derive(Default)]
pub(super) struct SeenIds {
    first: HashMap<Mark, Uptime>,
    order: VecDeque<Mark>,
}

impl SeenIds {
    /// When `id` was first seen, which is `now` unless it is remembered.
    pub(super) fn note(&mut self, id: &str, now: Uptime) -> Uptime {
        let mark = mark(id);
        if let Some(first) = self.first.get_mut(&mark) {
            if now.since(*first) >= AGAIN {
                *first = now;
            }
            return *first;
        }
        if self.order.len() == MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.first.remove(&oldest);
        }
        self.order.push_back(mark);
        self.first.insert(mark, now);
        now
    }
}

fn mark(id: &str) -> Mark {
    let mut mark = [0; 16];
    mark.copy_from_slice(&sha256(id.as_bytes()).as_bytes()[..16]);
    mark
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(seconds: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_secs(seconds))
    }

    #[test]
    fn an_id_keeps_the_time_of_its_first_sight_for_a_minute() {
        let mut seen = SeenIds::default();
        assert_eq!(seen.note("a", at(1)), at(1));
        assert_eq!(seen.note("a", at(60)), at(1));
        assert_eq!(seen.note("b", at(60)), at(60));
        assert_eq!(seen.note("a", at(61)), at(61));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn however_many_ids_come_only_so_many_are_kept(ids in proptest::collection::vec(0..3_000_u32, 0..4_000)) {
            let mut seen = SeenIds::default();
            for (time, id) in ids.iter().enumerate() {
                seen.note(&id.to_string(), at(time as u64));
                prop_assert!(seen.first.len() <= MOST && seen.first.len() == seen.order.len());
            }
        }
    }
}
