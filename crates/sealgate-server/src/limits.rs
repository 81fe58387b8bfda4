//! How often something may be tried: the counters behind every limit on guessing.
//!
//! An attempt is counted before anything is looked at, so that many at once gain nothing, and given back
//! when it was no guess. What is counted is forgotten when it no longer matters, and there is a bound on
//! how much is kept.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// The most keys with attempts that still count. One is forgotten once none of its attempts counts any
/// more; while there is no room, a key that is not known yet waits.
pub(crate) const KEPT: usize = 1 << 16;

/// How long a full memory is not looked through again for what no longer counts: that takes time in
/// proportion to its size, which is nothing for a stranger to decide.
const UNSWEPT: Duration = Duration::from_millis(100);

/// How often: so many at once, then one each time `every` has passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) at_once: u32,
    pub(crate) every: Duration,
}

/// For each key, the time since the clock's start from which on none of its attempts counts (the
/// generic cell rate algorithm).
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    free: HashMap<K, Duration>,
    most: usize,
    /// When it was last looked through.
    swept: Option<Duration>,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self {
            free: HashMap::new(),
            most: KEPT,
            swept: None,
        }
    }
}

impl<K: Eq + Hash> Buckets<K> {
    /// Counts an attempt at `now`, or says after how long there is room for it.
    pub(crate) fn take(&mut self, key: K, rate: Rate, now: Duration) -> Result<(), Duration> {
        if self.free.len() >= self.most && !self.free.contains_key(&key) {
            self.sweep(now);
            if self.free.len() >= self.most {
                return Err(rate.every);
            }
        }
        let free = self.free.entry(key).or_insert(now);
        let after = (*free).max(now) + rate.every;
        let wait = after.saturating_sub(now + rate.every * rate.at_once);
        if wait.is_zero() {
            *free = after;
            Ok(())
        } else {
            Err(wait)
        }
    }

    /// Counts an attempt no longer. A key of which nothing counts is forgotten.
    pub(crate) fn give(&mut self, key: &K, rate: Rate, now: Duration) {
        if let Some(free) = self.free.get_mut(key) {
            *free = free.saturating_sub(rate.every);
            if *free <= now {
                self.free.remove(key);
            }
        }
    }

    fn sweep(&mut self, now: Duration) {
        if self.swept.is_some_and(|at| now < at + UNSWEPT) {
            return;
        }
        self.swept = Some(now);
        self.free.retain(|_, free| *free > now);
    }

    /// How many keys have attempts that may still count.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.free.len()
    }

    /// Buckets for fewer keys.
    #[cfg(test)]
    fn up_to(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate {
        at_once: 10,
        every: Duration::from_secs(6),
    };

    #[test]
    fn only_so_many_are_kept_and_forgotten_when_none_of_their_attempts_counts() {
        let mut buckets = Buckets::default();
        for number in 0..KEPT {
            buckets.take(number, RATE, Duration::ZERO).unwrap();
        }
        assert!(buckets.take(KEPT, RATE, Duration::ZERO).is_err());
        buckets.take(0, RATE, Duration::ZERO).unwrap();
        buckets.take(KEPT, RATE, RATE.every).unwrap();
        assert_eq!(buckets.len(), 2);
    }

    #[test]
    fn whoever_guesses_nothing_leaves_nothing_behind() {
        let mut buckets = Buckets::default();
        buckets.take(1, RATE, Duration::ZERO).unwrap();
        buckets.give(&1, RATE, Duration::ZERO);
        assert_eq!(buckets.len(), 0);
    }

    #[test]
    fn a_full_memory_is_not_looked_through_for_every_stranger() {
        let mut buckets = Buckets::up_to(2);
        for key in 0..2 {
            buckets.take(key, RATE, Duration::ZERO).unwrap();
        }
        let soon = RATE.every.saturating_sub(Duration::from_millis(1));
        assert_eq!(buckets.take(2, RATE, soon), Err(RATE.every));
        assert_eq!(buckets.take(2, RATE, RATE.every), Err(RATE.every));
        assert_eq!(buckets.take(2, RATE, soon + UNSWEPT), Ok(()));
        assert_eq!(buckets.len(), 1);
    }

    proptest! {
        #[test]
        fn whatever_strangers_make_up_there_are_never_more_keys_than_its_bound(
            steps in proptest::collection::vec((0..60_u8, 0..8_000_u64, any::<bool>()), 1..400)
        ) {
            let mut buckets = Buckets::up_to(7);
            let mut now = Duration::ZERO;
            for (key, millis, returned) in steps {
                now += Duration::from_millis(millis / 4);
                if buckets.take(key, RATE, now).is_ok() && returned {
                    buckets.give(&key, RATE, now);
                }
                prop_assert!(buckets.len() <= 7);
            }
        }

        #[test]
        fn no_order_of_attempts_gets_more_than_the_rate(
            steps in proptest::collection::vec((0u64..20_000, any::<bool>()), 1..200)
        ) {
            let mut buckets = Buckets::default();
            let (mut now, mut counted) = (Duration::ZERO, 0u32);
            for (millis, returned) in steps {
                now += Duration::from_millis(millis);
                if buckets.take((), RATE, now).is_ok() {
                    if returned {
                        buckets.give(&(), RATE, now);
                    } else {
                        counted += 1;
                    }
                }
                let most = 10.0 + now.as_secs_f64() / 6.0;
                prop_assert!(f64::from(counted) <= most, "{counted} by {now:?}");
            }
        }
    }
}
