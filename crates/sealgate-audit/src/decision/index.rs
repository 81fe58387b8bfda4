//! What a block may hold, in few bytes: whoever looks for an actor or a route passes over blocks without it.

use super::batch::Batch;
use super::record::Trace;

/// The text columns that can be looked for: reason, actor, user, client, session, route.
const FIELDS: [usize; 6] = [0, 2, 3, 4, 6, 8];
/// Stands for traces, which are no texts.
const TRACE: usize = 63;

/// Bits for each entry: one block in a hundred or so is read in vain.
const BITS: usize = 10;
/// The shortest and longest index, in bytes.
const LEAST: usize = 32;
const MOST: usize = 16 * 1024;

/// A Bloom filter over what can be looked for in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index(Vec<u8>);

impl Index {
    /// The index of `batch`.
    pub fn of(batch: &Batch<'_>) -> Self {
        let mut marks = Vec::new();
        batch.distinct(&FIELDS, |field, text| {
            marks.push(mark(field, text.as_bytes()));
        });
        let mut before: &[u8] = &[];
        for trace in batch.traces() {
            if trace != before && trace != [0; 16] {
                marks.push(mark(TRACE, trace));
            }
            before = trace;
        }
        let bytes = (marks.len() * BITS / 8).next_power_of_two();
        let mut index = Self(vec![0; bytes.clamp(LEAST, MOST)]);
        for mark in marks {
            for bit in index.bits(mark) {
                index.0[bit / 8] |= 1 << (bit % 8);
            }
        }
        index
    }

    /// One that was kept. One of another length than any that is made may hold everything.
    pub const fn kept(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there may be a record with `reason`.
    pub fn may_hold_reason(&self, reason: &str) -> bool {
        self.may_hold(0, reason.as_bytes())
    }

    /// Whether there may be a record of `actor`.
    pub fn may_hold_actor(&self, actor: &str) -> bool {
        self.may_hold(2, actor.as_bytes())
    }

    /// Whether there may be a record of an agent that acted for `user`.
    pub fn may_hold_user(&self, user: &str) -> bool {
        self.may_hold(3, user.as_bytes())
    }

    /// Whether there may be a record of a credential of `client`.
    pub fn may_hold_client(&self, client: &str) -> bool {
        self.may_hold(4, client.as_bytes())
    }

    /// Whether there may be a record of `session`.
    pub fn may_hold_session(&self, session: &str) -> bool {
        self.may_hold(6, session.as_bytes())
    }

    /// Whether there may be a record of a request to `route`.
    pub fn may_hold_route(&self, route: &str) -> bool {
        self.may_hold(8, route.as_bytes())
    }

    /// Whether there may be a record of `trace`.
    pub fn may_hold_trace(&self, trace: &Trace) -> bool {
        self.may_hold(TRACE, trace)
    }

    fn may_hold(&self, field: usize, value: &[u8]) -> bool {
        let known = self.0.len().is_power_of_two() && (LEAST..=MOST).contains(&self.0.len());
        !known
            || self
                .bits(mark(field, value))
                .into_iter()
                .all(|bit| self.0[bit / 8] & (1 << (bit % 8)) != 0)
    }

    fn bits(&self, mark: u64) -> [usize; 4] {
        let all = 8 * self.0.len() - 1;
        let (one, other) = (mark & 0xffff_ffff, (mark >> 32) | 1);
        std::array::from_fn(|turn| {
            let bit = one.wrapping_add(other.wrapping_mul(turn as u64));
            usize::try_from(bit).unwrap_or(0) & all
        })
    }
}

/// A hash that need not resist anybody: whoever makes entries fall together slows down the search in their own
/// blocks.
fn mark(field: usize, value: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325 ^ (field as u64);
    for byte in value {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}
