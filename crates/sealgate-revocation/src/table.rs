//! One generation of the table of what is revoked: how large it is, and whose words it is in. What is in the
//! words, `slots.rs` tells.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::slot::Span;
use crate::slots::{BITS, SOONEST, Slots, words_for};
use crate::{MemoryError, Words, words};

/// The smallest table has 2^10 slots, 17 KiB; the largest, 2^32. Tests of this crate see it grow sooner.
pub(crate) const LEAST_BITS: u32 = if cfg!(test) { 4 } else { 10 };
const MOST_BITS: u32 = 32;

/// One generation of the table.
pub(crate) struct Table {
    words: Arc<dyn Words>,
    generation: u64,
    bits: u32,
}

impl Table {
    /// The smallest table that is at most half full with so many entries.
    pub(crate) fn bits_for(entries: usize) -> u32 {
        let slots = entries.saturating_mul(2).max(1).checked_next_power_of_two();
        slots
            .map_or(MOST_BITS, usize::trailing_zeros)
            .clamp(LEAST_BITS, MOST_BITS)
    }

    /// An empty table in `words`, which are all zero and as many as [`words_for`] says.
    pub(crate) fn lay_out(words: Arc<dyn Words>, generation: u64, bits: u32) -> Self {
        let header = words.words();
        words::put(&header[SOONEST], u64::from(Span::NEVER.0));
        words::put(&header[BITS], u64::from(bits));
        Self {
            words,
            generation,
            bits,
        }
    }

    /// The table that is in `words`.
    pub(crate) fn open(words: Arc<dyn Words>, generation: u64) -> Result<Self, MemoryError> {
        let all = words.words();
        let bits = all.get(BITS).map_or(0, |bits| bits.load(Ordering::Acquire));
        let bits = u32::try_from(bits).unwrap_or_default();
        if !(LEAST_BITS..=MOST_BITS).contains(&bits) || all.len() < words_for(bits) {
            return Err(MemoryError(format!("table {generation} is not whole")));
        }
        Ok(Self {
            words,
            generation,
            bits,
        })
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) const fn bits(&self) -> u32 {
        self.bits
    }

    /// What is in it.
    pub(crate) fn slots(&self) -> Slots<'_> {
        Slots::of(self.words.words(), self.bits)
    }
}
