//! Writing words. Every write goes through here, so that a test can have its writer die at any one of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// Writes a word that whoever reads it may act on.
pub(crate) fn put(word: &AtomicU64, value: u64) {
    if alive() {
        word.store(value, Ordering::Release);
    }
}

/// Writes a word that another one vouches for.
pub(crate) fn put_unordered(word: &AtomicU64, value: u64) {
    if alive() {
        word.store(value, Ordering::Relaxed);
    }
}

/// Writes a word and says what was there.
pub(crate) fn exchange(word: &AtomicU64, value: u64) -> u64 {
    if alive() {
        word.swap(value, Ordering::AcqRel)
    } else {
        word.load(Ordering::Acquire)
    }
}

/// Writes a word unless it is greater, and says what was there.
pub(crate) fn raise(word: &AtomicU64, value: u64) -> u64 {
    if alive() {
        word.fetch_max(value, Ordering::AcqRel)
    } else {
        word.load(Ordering::Acquire)
    }
}

/// Adds one.
pub(crate) fn count(word: &AtomicU64) {
    if alive() {
        word.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(not(test))]
const fn alive() -> bool {
    true
}

#[cfg(test)]
use death::alive;

/// How many words this thread still writes before it is dead for all that others can see.
#[cfg(test)]
pub(crate) mod death {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    }

    pub(crate) fn after(writes: u64) {
        LEFT.set(writes);
    }

    pub(crate) fn never() {
        LEFT.set(u64::MAX);
    }

    pub(crate) fn is_dead() -> bool {
        LEFT.get() == 0
    }

    pub(crate) fn left() -> u64 {
        LEFT.get()
    }

    pub(super) fn alive() -> bool {
        let left = LEFT.get();
        LEFT.set(left.saturating_sub(1));
        left > 0
    }
}
