//! The table of what is revoked: open addressing over atomic words, one writer at a time, and readers in any
//! number of threads and processes, without locks.
//!
//! A tag is 60 bits of a keyed hash (`slot.rs`), not the name itself. Two names with one tag are taken for
//! one: what is not revoked is then denied, and nothing that is revoked is let through. With a million entries
//! that happens to one lookup in a million millions, and nobody who does not know the key can bring it about.
//!
//! Words of a table: 32 of header (the number of slots as a power of two; the soonest expiry; how many there
//! are of each kind), a filter of one word for eight slots, the tags of all slots, and their values. The filter
//! (a Bloom filter in blocks of one word) is small enough for a processor's cache and answers nearly every
//! miss; tags and values are not, and cost a miss several times as much.
//!
//! A slot is counted first, then put into the filter, then comes its value, then its tag: whoever sees a tag
//! sees its value, and wherever a writer dies, nothing has a tag that the counts and the filter do not know of.
//! Nothing is ever taken out; sweeping and growing copy into a new table.

use std::sync::atomic::{AtomicU64, Ordering};

use sealgate_model::Timestamp;

use crate::slot::{Kind, Packed, Span, kind_of};
use crate::words;

/// The header's words.
pub(crate) const BITS: usize = 0;
pub(crate) const SOONEST: usize = 1;
const COUNTS: usize = 8;
const HEADER: usize = 32;
/// How many slots share a word of the filter: at most four entries do then, and one miss in some hundreds
/// has to look further.
const SLOTS_TO_FILTER: usize = 8;

/// How many words a table with 2^`bits` slots has.
pub(crate) const fn words_for(bits: u32) -> usize {
    HEADER + (1 << bits) / SLOTS_TO_FILTER + (2 << bits)
}

/// The words of one table, by what they are for.
pub(crate) struct Slots<'a> {
    header: &'a [AtomicU64],
    filter: &'a [AtomicU64],
    tags: &'a [AtomicU64],
    values: &'a [AtomicU64],
    /// By how many bits a tag is shifted to the place where it belongs.
    shift: u32,
}

impl<'a> Slots<'a> {
    /// What is in `words`, which are at least as many as [`words_for`] says.
    pub(crate) fn of(words: &'a [AtomicU64], bits: u32) -> Self {
        let slots = 1 << bits;
        let (header, rest) = words.split_at(HEADER);
        let (filter, rest) = rest.split_at(slots / SLOTS_TO_FILTER);
        let (tags, rest) = rest.split_at(slots);
        Self {
            header,
            filter,
            tags,
            values: &rest[..slots],
            shift: u64::BITS - bits,
        }
    }

    /// How many there are of one kind.
    pub(crate) fn count(&self, kind: Kind) -> u64 {
        self.header[COUNTS + kind.place()].load(Ordering::Acquire)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        let counted: u64 = Kind::ALL.iter().map(|kind| self.count(*kind)).sum();
        usize::try_from(counted).unwrap_or(usize::MAX)
    }

    /// More than half full, lookups grow long.
    pub(crate) fn are_half_full(&self) -> bool {
        self.len() >= self.tags.len() / 2
    }

    /// From here on not even a table that cannot grow takes more: there must be empty slots, or a miss would
    /// look at all of them.
    pub(crate) fn are_full(&self) -> bool {
        self.len() >= self.tags.len() / 8 * 7
    }

    /// The value of `tag`.
    pub(crate) fn find(&self, tag: u64) -> Option<Packed> {
        match self.look(tag) {
            Place::Found(place) => Some(Packed(self.values[place].load(Ordering::Acquire))),
            Place::Empty(_) | Place::None => None,
        }
    }

    /// Whether `tag` is there.
    pub(crate) fn hold(&self, tag: u64) -> bool {
        matches!(self.look(tag), Place::Found(_))
    }

    fn look(&self, tag: u64) -> Place {
        let bits = filter_bits(tag);
        if self.filter_of(tag).load(Ordering::Acquire) & bits == bits {
            self.probe(tag)
        } else {
            Place::None
        }
    }

    /// The slot of `tag`, or the one to put it into.
    fn probe(&self, tag: u64) -> Place {
        let mask = self.tags.len() - 1;
        let mut place = self.home(tag) & mask;
        for _ in 0..self.tags.len() {
            match self.tags[place].load(Ordering::Acquire) {
                0 => return Place::Empty(place),
                known if known == tag => return Place::Found(place),
                _ => place = (place + 1) & mask,
            }
        }
        Place::None
    }

    /// Where a tag belongs, by its upper bits: the lowest are the kind.
    fn home(&self, tag: u64) -> usize {
        usize::try_from(tag >> self.shift).unwrap_or_default()
    }

    fn filter_of(&self, tag: u64) -> &AtomicU64 {
        &self.filter[self.home(tag) / SLOTS_TO_FILTER]
    }

    /// Adds `value` to what is known of `tag`. For the one writer.
    pub(crate) fn put(&self, kind: Kind, tag: u64, value: Packed) -> Put {
        match self.probe(tag) {
            Place::Found(place) => {
                let known = &self.values[place];
                let old = Packed(known.load(Ordering::Acquire));
                let merged = old.merge(value);
                if merged == old {
                    return Put::Known;
                }
                words::put(known, merged.0);
                Put::Done
            }
            Place::Empty(place) => {
                let count = &self.header[COUNTS + kind.place()];
                words::put(count, count.load(Ordering::Acquire) + 1);
                let soonest = &self.header[SOONEST];
                let span = u64::from(value.span().0);
                if span < soonest.load(Ordering::Acquire) {
                    words::put(soonest, span);
                }
                self.let_through(tag);
                words::put(&self.values[place], value.0);
                words::put(&self.tags[place], tag);
                Put::Done
            }
            Place::None => Put::NoRoom,
        }
    }

    /// Puts `tag` into the filter.
    fn let_through(&self, tag: u64) {
        let word = self.filter_of(tag);
        let before = word.load(Ordering::Acquire);
        words::put(word, before | filter_bits(tag));
    }

    /// Whether anything may have expired at `now`; no needs no look at the slots.
    pub(crate) fn may_have_expired(&self, now: Timestamp) -> bool {
        let soonest = self.header[SOONEST].load(Ordering::Acquire);
        u16::try_from(soonest).is_ok_and(|soonest| Span(soonest).is_over(now))
    }

    /// Every slot that is taken.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Kind, u64, Packed)> + use<'a> {
        self.tags
            .iter()
            .zip(self.values)
            .filter_map(|(tag, value)| {
                let tag = tag.load(Ordering::Acquire);
                let kind = Kind::ALL.get(kind_of(tag)?)?;
                Some((*kind, tag, Packed(value.load(Ordering::Acquire))))
            })
    }

    /// Sets header and filter right by the slots, after a writer that died or a sweep that found nothing to do.
    pub(crate) fn recount(&self) {
        let mut counts = [0_u64; Kind::ALL.len()];
        let mut soonest = Span::NEVER;
        for (kind, tag, value) in self.entries() {
            self.let_through(tag);
            counts[kind.place()] += 1;
            soonest = soonest.min(value.span());
        }
        for (kind, count) in Kind::ALL.iter().zip(counts) {
            words::put(&self.header[COUNTS + kind.place()], count);
        }
        words::put(&self.header[SOONEST], u64::from(soonest.0));
    }
}

/// The bits of a tag in its word of the filter: up to four.
const fn filter_bits(tag: u64) -> u64 {
    1 << (tag >> 4 & 63) | 1 << (tag >> 10 & 63) | 1 << (tag >> 16 & 63) | 1 << (tag >> 22 & 63)
}

enum Place {
    Found(usize),
    Empty(usize),
    None,
}

/// What became of something that was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Done,
    /// It tells nothing new.
    Known,
    NoRoom,
}
