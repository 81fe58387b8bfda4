//! What was used a moment ago and must not be used again: a memory with a bound.
//!
//! It is never full: when there is no room, what came first is forgotten. So it is for guards behind
//! which another one stands, or where forgetting too early does no harm.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sealgate_host::sha256;
use sealgate_model::Timestamp;

/// The first 16 bytes of a SHA-256: nobody finds two texts that share them.
type Mark = [u8; 16];

/// Marks of texts, each kept until its time or until there are too many.
pub(crate) struct Recent {
    most: usize,
    marks: Mutex<Marks>,
}

#[derive(Default)]
struct Marks {
    /// Until when a mark counts, and its place in the order of arrival.
    known: HashMap<Mark, (Timestamp, u64)>,
    order: VecDeque<(Mark, u64)>,
    next: u64,
}

impl Recent {
    /// Nothing yet, and never more than `most`.
    pub(crate) fn up_to(most: usize) -> Self {
        Self {
            most,
            marks: Mutex::default(),
        }
    }

    /// Notes `text` until `until`; false if it was noted before and that still counts at `now`.
    pub(crate) fn note(&self, text: &str, until: Timestamp, now: Timestamp) -> bool {
        let mark = mark(text);
        let mut marks = self.lock();
        if marks
            .known
            .get(&mark)
            .is_some_and(|(until, _)| *until > now)
        {
            return false;
        }
        marks.forget(self.most, now);
        let place = marks.next;
        marks.next += 1;
        marks.known.insert(mark, (until, place));
        marks.order.push_back((mark, place));
        true
    }

    /// Forgets `text`, when nothing came of its use.
    pub(crate) fn give_back(&self, text: &str) {
        self.lock().known.remove(&mark(text));
    }

    fn lock(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    /// Makes room for one more among `most`. What is over goes while it is the oldest; whatever is the
    /// oldest goes where there is no room. Places in the order whose mark is gone count until they come
    /// up, so that the order is no longer than `most` either.
    fn forget(&mut self, most: usize, now: Timestamp) {
        while let Some((mark, place)) = self.order.front() {
            let holder = self.known.get(mark).filter(|(_, at)| at == place);
            let counts = holder.is_some_and(|(until, _)| *until > now);
            if counts && self.order.len() < most {
                break;
            }
            if holder.is_some() {
                self.known.remove(mark);
            }
            self.order.pop_front();
        }
    }
}

fn mark(text: &str) -> Mark {
    let mut mark = [0; 16];
    mark.copy_from_slice(&sha256(text.as_bytes()).as_bytes()[..16]);
    mark
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_text_is_taken_once_until_its_time_is_over() {
        let recent = Recent::up_to(8);
        assert!(recent.note("a", at(10), at(0)));
        assert!(!recent.note("a", at(20), at(9)));
        assert!(recent.note("b", at(10), at(9)));
        assert!(recent.note("a", at(20), at(10)));
        recent.give_back("a");
        assert!(recent.note("a", at(20), at(10)));
    }

    #[test]
    fn the_oldest_makes_room() {
        let recent = Recent::up_to(2);
        for text in ["a", "b", "c"] {
            assert!(recent.note(text, at(10), at(0)));
        }
        assert!(!recent.note("b", at(10), at(0)) && !recent.note("c", at(10), at(0)));
        assert!(recent.note("a", at(10), at(0)));
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_its_bound(
            steps in proptest::collection::vec((0..40_u8, 0..30_i64, 0..4_i64, any::<bool>()), 1..300),
        ) {
            let recent = Recent::up_to(5);
            let mut now = 0;
            for (text, life, passes, back) in steps {
                now += passes;
                recent.note(&text.to_string(), at(now + life), at(now));
                if back {
                    recent.give_back(&text.to_string());
                }
                let marks = recent.lock();
                prop_assert!(marks.known.len() <= 5 && marks.order.len() <= 5, "{:?}", marks.order);
                // Whatever is known has its place, or it could never go.
                for (mark, (_, place)) in &marks.known {
                    prop_assert!(marks.order.contains(&(*mark, *place)));
                }
            }
        }
    }
}
