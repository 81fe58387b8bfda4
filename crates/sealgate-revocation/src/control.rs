//! The control words: where the table is, what is proven, and how far the feed has been followed.
//!
//! | word | holds |
//! | --- | --- |
//! | 0 | `MAGIC`, written last when the memory is set up |
//! | 1 | the layout's version |
//! | 2 | the generation of the table that counts |
//! | 3 | the proven moment, milliseconds of uptime and one; 0: none |
//! | 4 | counts changes, for whoever polls |
//! | 5, 6 | the key of the tags |
//! | 7 | 1 while somebody writes; found so, its writer died, and the table is counted anew |
//! | 8 | how many revocations found no room since the last snapshot; but for none, nothing is fresh |
//! | 16–447 | the leader's position, see `position.rs` |
//! | 448–511 | the memory's own, never touched here |
//!
//! The rest is zero.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sealgate_model::Uptime;

use crate::memory::CONTROL_WORDS;
use crate::{MemoryError, Words, words};

const MAGIC: u64 = u64::from_be_bytes(*b"SGREVOKE");
const LAYOUT: u64 = 2;

const MAGIC_AT: usize = 0;
const LAYOUT_AT: usize = 1;
const GENERATION: usize = 2;
const PROVEN: usize = 3;
const CHANGES: usize = 4;
const KEY: usize = 5;
const WRITING: usize = 7;
const LOST: usize = 8;

/// From here on the words are the memory's own.
pub(crate) const FREE_FROM: usize = 448;

/// What a reader takes from the control words.
pub(crate) struct Glance {
    pub(crate) proven: Option<Uptime>,
    pub(crate) generation: u64,
    pub(crate) has_lost: bool,
}

/// The control words of one view.
pub(crate) struct Control(Arc<dyn Words>);

impl Control {
    /// The control words of a memory, at least [`CONTROL_WORDS`].
    pub(crate) fn new(words: Arc<dyn Words>) -> Self {
        Self(words)
    }

    /// The words of a memory, set up or not.
    pub(crate) fn of(words: Arc<dyn Words>) -> Result<Self, MemoryError> {
        if words.words().len() < CONTROL_WORDS {
            return Err(MemoryError("too few control words".to_owned()));
        }
        Ok(Self::new(words))
    }

    pub(crate) fn word(&self, at: usize) -> &AtomicU64 {
        &self.0.words()[at]
    }

    fn get(&self, at: usize) -> u64 {
        self.word(at).load(Ordering::Acquire)
    }

    fn set(&self, at: usize, value: u64) {
        words::put(self.word(at), value);
    }

    /// Whether a view is there. Another layout's is not understood, and left alone.
    pub(crate) fn is_set_up(&self) -> Result<bool, MemoryError> {
        match (self.get(MAGIC_AT), self.get(LAYOUT_AT)) {
            (0, _) => Ok(false),
            (MAGIC, LAYOUT) => Ok(true),
            _ => Err(MemoryError("of another version".to_owned())),
        }
    }

    /// Says that a view is there, with tags made by `key` and its first table in place.
    pub(crate) fn set_up(&self, key: [u64; 2], generation: u64) {
        self.set(KEY, key[0]);
        self.set(KEY + 1, key[1]);
        self.set(GENERATION, generation);
        self.set(LAYOUT_AT, LAYOUT);
        self.set(MAGIC_AT, MAGIC);
    }

    pub(crate) fn key(&self) -> [u64; 2] {
        [self.get(KEY), self.get(KEY + 1)]
    }

    pub(crate) fn generation(&self) -> u64 {
        self.get(GENERATION)
    }

    /// From here on, readers look into table `generation`.
    pub(crate) fn publish(&self, generation: u64) {
        self.set(GENERATION, generation);
    }

    pub(crate) fn proven(&self) -> Option<Uptime> {
        moment(self.get(PROVEN))
    }

    /// What every decision needs, in the order in which it has to be read: what is proven before all else.
    pub(crate) fn glance(&self) -> Glance {
        let words = self.0.words();
        let proven = words[PROVEN].load(Ordering::Acquire);
        Glance {
            proven: moment(proven),
            generation: words[GENERATION].load(Ordering::Acquire),
            has_lost: words[LOST].load(Ordering::Acquire) != 0,
        }
    }

    /// Rounded down: never more than is proven. What is proven once stays so, because views only grow.
    pub(crate) fn prove(&self, moment: Uptime) {
        let millis = u64::try_from(moment.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        let word = millis.saturating_add(1);
        if words::raise(self.word(PROVEN), word) < word {
            self.change();
        }
    }

    pub(crate) fn forget_proven(&self) {
        self.set(PROVEN, 0);
        self.change();
    }

    pub(crate) fn changes(&self) -> u64 {
        self.get(CHANGES)
    }

    pub(crate) fn change(&self) {
        words::count(self.word(CHANGES));
    }

    /// Begins to write; whether the one before never ended.
    pub(crate) fn begin(&self) -> bool {
        words::exchange(self.word(WRITING), 1) != 0
    }

    pub(crate) fn end(&self) {
        self.set(WRITING, 0);
    }

    /// A revocation found no room.
    pub(crate) fn lose(&self) {
        words::count(self.word(LOST));
        self.change();
    }

    pub(crate) fn has_lost(&self) -> bool {
        self.get(LOST) != 0
    }

    pub(crate) fn is_whole_again(&self) {
        if self.has_lost() {
            self.set(LOST, 0);
            self.change();
        }
    }
}

fn moment(word: u64) -> Option<Uptime> {
    let millis = word.checked_sub(1)?;
    Some(Uptime::from_elapsed(Duration::from_millis(millis)))
}
