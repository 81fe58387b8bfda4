//! How far the feed has been followed, in the control words, so that another process can go on from there.
//!
//! It is written twice in turn: a writer that dies halfway leaves the one before, whose numbers are a little
//! older. What comes after them is then told again, and nothing is missed.
//!
//! | word | holds |
//! | --- | --- |
//! | 16 | how often it was written: the copy that counts is the one of its lowest bit; 0: none yet |
//! | 18–232, 233–447 | the copies |
//!
//! A copy holds the number of histories; 1 if the stream can be opened from the last of them, 0 if a snapshot is
//! needed; 1 if there is an anchor; the anchor (nanoseconds of uptime, the server's time, its newest, both in
//! milliseconds); and for each history 19 words: `seq`, `as_of`, the length of its name in bytes, its name.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sealgate_model::{Timestamp, Uptime};

use crate::control::{Control, FREE_FROM};
use crate::freshness::Anchor;
use crate::{Epoch, words};

/// How many histories are remembered, so that an old snapshot of one is known as such.
pub(crate) const MARKS: usize = 16;

/// How many of them are written down: as many as there is room for.
const KEPT: usize = 11;

const WRITTEN: usize = 16;
const FIRST_COPY: usize = 18;
const COPY_WORDS: usize = FIRST_MARK + KEPT * MARK_WORDS;

/// Within a copy.
const COUNT: usize = 0;
const FOLLOWING: usize = 1;
const ANCHORED: usize = 2;
const ANCHOR: usize = 3;
const FIRST_MARK: usize = 6;
const NAME_WORDS: usize = 16;
const MARK_WORDS: usize = 3 + NAME_WORDS;

const _: () = assert!(FIRST_COPY + 2 * COPY_WORDS <= FREE_FROM);

/// The furthest that was seen of one history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) epoch: Epoch,
    pub(crate) seq: u64,
    pub(crate) as_of: Timestamp,
}

/// What a follower knows apart from what is revoked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The newest last; the last one is the history being followed.
    pub(crate) marks: VecDeque<Mark>,
    pub(crate) anchor: Option<Anchor>,
    /// Whether the stream can be opened from the last mark.
    pub(crate) following: bool,
}

impl Position {
    /// A snapshot is needed before anything can be followed.
    pub(crate) fn stop(&mut self) {
        self.anchor = None;
        self.following = false;
    }

    /// Writes it down, under the lock.
    pub(crate) fn write(&self, control: &Control) {
        let written = control.word(WRITTEN).load(Ordering::Acquire) + 1;
        let copy = copy_of(written);
        let set = |at, value| words::put_unordered(control.word(copy + at), value);
        let skipped = self.marks.len().saturating_sub(KEPT);
        set(COUNT, (self.marks.len() - skipped) as u64);
        set(FOLLOWING, u64::from(self.following));
        set(ANCHORED, u64::from(self.anchor.is_some()));
        if let Some(anchor) = &self.anchor {
            let nanos = u64::try_from(anchor.local.elapsed().as_nanos()).unwrap_or(u64::MAX);
            set(ANCHOR, nanos);
            set(ANCHOR + 1, word_of(anchor.server));
            set(ANCHOR + 2, word_of(anchor.newest));
        }
        for (place, mark) in self.marks.iter().skip(skipped).enumerate() {
            let at = FIRST_MARK + place * MARK_WORDS;
            set(at, mark.seq);
            set(at + 1, word_of(mark.as_of));
            let name = mark.epoch.as_str().as_bytes();
            set(at + 2, name.len() as u64);
            for (word, bytes) in name.chunks(8).enumerate() {
                let mut padded = [0; 8];
                padded[..bytes.len()].copy_from_slice(bytes);
                set(at + 3 + word, u64::from_le_bytes(padded));
            }
        }
        words::put(control.word(WRITTEN), written);
    }

    /// The position that was written down last, if there is one.
    pub(crate) fn read(control: &Control) -> Option<Self> {
        let written = control.word(WRITTEN).load(Ordering::Acquire);
        let copy = copy_of(written);
        let get = |at| control.word(copy + at).load(Ordering::Acquire);
        if written == 0 {
            return None;
        }
        let count = usize::try_from(get(COUNT)).ok()?;
        if !(1..=KEPT).contains(&count) {
            return None;
        }
        let mut marks = VecDeque::with_capacity(count);
        for place in 0..count {
            let at = FIRST_MARK + place * MARK_WORDS;
            let name: Vec<u8> = (at + 3..at + MARK_WORDS)
                .flat_map(|word| get(word).to_le_bytes())
                .collect();
            let name = name.get(..usize::try_from(get(at + 2)).ok()?)?;
            marks.push_back(Mark {
                epoch: std::str::from_utf8(name).ok()?.parse().ok()?,
                seq: get(at),
                as_of: time_of(get(at + 1)),
            });
        }
        let anchor = (get(ANCHORED) == 1).then(|| Anchor {
            local: Uptime::from_elapsed(Duration::from_nanos(get(ANCHOR))),
            server: time_of(get(ANCHOR + 1)),
            newest: time_of(get(ANCHOR + 2)),
        });
        Some(Self {
            marks,
            following: get(FOLLOWING) == 1 && anchor.is_some(),
            anchor,
        })
    }
}

const fn copy_of(written: u64) -> usize {
    FIRST_COPY
        + if written.is_multiple_of(2) {
            0
        } else {
            COPY_WORDS
        }
}

const fn word_of(time: Timestamp) -> u64 {
    time.as_millis().cast_unsigned()
}

const fn time_of(word: u64) -> Timestamp {
    Timestamp::from_millis(word.cast_signed())
}
