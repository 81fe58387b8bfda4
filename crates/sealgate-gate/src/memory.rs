//! What was found out before, kept so that it need not be found out again: a memory with a bound.
//!
//! What comes to be looked up is somebody's secret, so it is known by its hash alone.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sealgate_host::sha256;

/// SHA-256 of a secret: nobody finds two that share it, and none is found by trying its letters.
pub(crate) type SecretMark = [u8; 32];

/// How a secret is known.
pub(crate) fn mark(secret: &[u8]) -> SecretMark {
    *sha256(secret).as_bytes()
}

/// What takes up room.
pub(crate) trait Weighed {
    /// About how many bytes it takes up.
    fn weight(&self) -> usize;
}

/// Values by the hash of a secret. The oldest makes room, unless it was used since it was last looked at.
pub(crate) struct Memory<V> {
    entries: usize,
    bytes: usize,
    kept: Mutex<Kept<V>>,
}

struct Kept<V> {
    known: HashMap<SecretMark, Entry<V>>,
    /// Every known hash once.
    order: VecDeque<SecretMark>,
    bytes: usize,
}

struct Entry<V> {
    value: V,
    used: bool,
}

impl<V: Weighed + Clone> Memory<V> {
    /// Nothing yet, and never more than so many entries of so many bytes together.
    pub(crate) fn up_to(entries: usize, bytes: usize) -> Self {
        let kept = Kept {
            known: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        };
        Self {
            entries,
            bytes,
            kept: Mutex::new(kept),
        }
    }

    /// How a secret is known.
    pub(crate) fn mark(secret: &[u8]) -> SecretMark {
        mark(secret)
    }

    /// What is kept under the hash, if it `holds` still.
    pub(crate) fn get(&self, mark: &SecretMark, holds: impl FnOnce(&V) -> bool) -> Option<V> {
        let mut kept = self.lock();
        let entry = kept.known.get_mut(mark)?;
        if !holds(&entry.value) {
            return None;
        }
        entry.used = true;
        Some(entry.value.clone())
    }

    /// Keeps `value` under the hash, in place of what was there.
    pub(crate) fn keep(&self, mark: SecretMark, value: V) {
        let weight = value.weight();
        if weight > self.bytes || self.entries == 0 {
            return;
        }
        let mut kept = self.lock();
        let entry = Entry { value, used: false };
        kept.bytes += weight;
        match kept.known.insert(mark, entry) {
            Some(old) => kept.bytes -= old.value.weight(),
            None => kept.order.push_back(mark),
        }
        kept.forget(self.entries, self.bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Kept<V>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Weighed> Kept<V> {
    /// Each entry gets a second turn at most, so that this ends.
    fn forget(&mut self, entries: usize, bytes: usize) {
        while self.known.len() > entries || self.bytes > bytes {
            let Some(mark) = self.order.pop_front() else {
                return;
            };
            match self.known.get_mut(&mark) {
                Some(entry) if entry.used => {
                    entry.used = false;
                    self.order.push_back(mark);
                }
                _ => {
                    let entry = self.known.remove(&mark);
                    self.bytes -= entry.map_or(0, |entry| entry.value.weight());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Load(usize);

    impl Weighed for Load {
        fn weight(&self) -> usize {
            self.0
        }
    }

    type Loads = Memory<Load>;

    fn knows(loads: &Loads, secret: &str) -> bool {
        loads
            .get(&Loads::mark(secret.as_bytes()), |_| true)
            .is_some()
    }

    fn keep(loads: &Loads, secret: &str, weight: usize) {
        loads.keep(Loads::mark(secret.as_bytes()), Load(weight));
    }

    #[test]
    fn what_is_used_stays_longer() {
        let loads = Loads::up_to(2, 100);
        keep(&loads, "a", 1);
        keep(&loads, "b", 1);
        assert!(knows(&loads, "a"));
        keep(&loads, "c", 1);
        assert!(knows(&loads, "a") && !knows(&loads, "b") && knows(&loads, "c"));
    }

    #[test]
    fn what_holds_no_longer_is_not_given() {
        let loads = Loads::up_to(2, 100);
        keep(&loads, "a", 1);
        let mark = Loads::mark(b"a");
        assert_eq!(loads.get(&mark, |load| load.0 == 2), None);
        keep(&loads, "a", 2);
        assert_eq!(loads.get(&mark, |load| load.0 == 2), Some(Load(2)));
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_its_bound(
            steps in proptest::collection::vec(("[a-h]{1,2}", 0..40_usize, any::<bool>()), 1..200),
            most in 0..6_usize,
        ) {
            let loads = Loads::up_to(most, 60);
            for (name, weight, read) in steps {
                if read {
                    knows(&loads, &name);
                } else {
                    keep(&loads, &name, weight);
                }
                let kept = loads.lock();
                prop_assert!(kept.known.len() <= most && kept.bytes <= 60);
                prop_assert_eq!(kept.order.len(), kept.known.len());
                prop_assert!(kept.order.iter().all(|mark| kept.known.contains_key(mark)));
                let bytes: usize = kept.known.values().map(|entry| entry.value.weight()).sum();
                prop_assert_eq!(kept.bytes, bytes);
            }
        }
    }
}
