//! Where decisions wait until somebody takes them: bounded, and nothing that was denied is ever left out of its
//! counts.
//!
//! Each stream has room for so many entries. When there is none, what was denied is counted together with what is
//! like it, by route, reason, actor and network; when there are too many kinds of that, by route and reason; and when
//! even those are too many, by reason. What was allowed is counted as not kept, by route.

use std::collections::HashMap;
use std::sync::Arc;

use sealgate_audit::decision::{Outcome, Stream};

use super::entry::{Entry, Key, Sum};
use super::network::Network;

/// How many entries a stream has room for.
pub(super) const ENTRIES: usize = 8_192;
/// From how many on they are worth sending at once.
pub(super) const WORTH: usize = 2_048;
/// How many kinds are counted together in each way.
const KINDS: usize = 4_096;
/// How many routes have counts of their own.
const ROUTES: usize = 4_096;

/// How many allowed requests to a route were left out by sampling, and for want of room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) sampled: u64,
    pub(super) unkept: u64,
}

impl Left {
    pub(super) fn add(&mut self, other: Self) {
        self.sampled = self.sampled.saturating_add(other.sampled);
        self.unkept = self.unkept.saturating_add(other.unkept);
    }
}

/// Decisions that wait.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    allowed: Vec<Entry>,
    denied: Vec<Entry>,
    /// By route, reason, actor and network.
    fine: HashMap<Key, Sum>,
    /// By route and reason, or by reason alone.
    coarse: HashMap<Key, Sum>,
    left: HashMap<Option<Arc<str>>, Left>,
}

/// What a buffer held of one stream.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) entries: Vec<Entry>,
    pub(super) sums: Vec<(Key, Sum)>,
    pub(super) left: Vec<(Option<Arc<str>>, Left)>,
}

impl Buffer {
    /// Puts an entry in. `network` is asked for only where it has to be counted with others. True if there is
    /// enough to be sent at once.
    pub(super) fn put(&mut self, entry: Entry, network: impl FnOnce() -> Option<Network>) -> bool {
        let entries = match entry.outcome.stream() {
            Stream::Allowed => &mut self.allowed,
            Stream::Denied => &mut self.denied,
        };
        if entries.len() < ENTRIES {
            entries.push(entry);
            return entries.len() == WORTH;
        }
        if entry.outcome == Outcome::Allowed {
            let left = Left {
                sampled: 0,
                unkept: 1,
            };
            self.leave(entry.about.route, left);
        } else {
            self.count(&entry, network());
        }
        false
    }

    /// Counts an allowed request that has no record.
    pub(super) fn leave(&mut self, route: Option<Arc<str>>, left: Left) {
        let route = route.filter(|route| {
            self.left.len() < ROUTES || self.left.contains_key(&Some(Arc::clone(route)))
        });
        self.left.entry(route).or_default().add(left);
    }

    fn count(&mut self, entry: &Entry, network: Option<Network>) {
        let sum = Sum::of(entry.at);
        let fine = entry.fine(network);
        if let Some(kept) = self.fine.get_mut(&fine) {
            return kept.add(sum);
        }
        if self.fine.len() < KINDS {
            self.fine.insert(fine, sum);
            return;
        }
        let coarse = entry.coarse();
        let key = if self.coarse.len() < KINDS || self.coarse.contains_key(&coarse) {
            coarse
        } else {
            // Reasons are the gate's own words: there are only so many.
            Key {
                route: None,
                ..coarse
            }
        };
        self.coarse
            .entry(key)
            .and_modify(|kept| kept.add(sum))
            .or_insert(sum);
    }

    /// Everything that waits of `stream`. It is quick, however much that is: what takes time is done with the
    /// result.
    pub(super) fn take(&mut self, stream: Stream) -> Self {
        match stream {
            Stream::Allowed => Self {
                allowed: std::mem::take(&mut self.allowed),
                left: std::mem::take(&mut self.left),
                ..Self::default()
            },
            Stream::Denied => Self {
                denied: std::mem::take(&mut self.denied),
                fine: std::mem::take(&mut self.fine),
                coarse: std::mem::take(&mut self.coarse),
                ..Self::default()
            },
        }
    }

    /// The same in lists.
    pub(super) fn into_taken(mut self) -> Taken {
        self.allowed.append(&mut self.denied);
        Taken {
            entries: self.allowed,
            sums: self.fine.into_iter().chain(self.coarse).collect(),
            left: self.left.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use sealgate_model::Timestamp;

    use super::super::entry::{About, Verb};
    use super::super::network::NetworkTold;
    use super::*;
    use crate::request::Transport;

    const REASONS: [&str; 3] = ["scope_missing", "session_revoked", "policy_denied"];

    fn entry(outcome: Outcome, second: i64, reason: usize, route: u16) -> Entry {
        Entry {
            at: Timestamp::from_seconds(second),
            outcome,
            reason: Cow::Borrowed(REASONS[reason % REASONS.len()]),
            status: None,
            about: About {
                route: Some(format!("/{route}").into()),
                method: Verb::of("GET"),
                transport: Transport::Http,
                address: Some([10, 0, route.to_be_bytes()[0], route.to_be_bytes()[1]].into()),
                trace: None,
            },
            caller: None,
            policy: None,
            deciding: None,
        }
    }

    #[derive(Default)]
    struct Found {
        allowed: u64,
        sampled: u64,
        reasons: BTreeMap<String, u64>,
    }

    impl Found {
        fn take(&mut self, buffer: &mut Buffer) {
            let taken = buffer.take(Stream::Allowed).into_taken();
            let left = |count: fn(&Left) -> u64| {
                taken.left.iter().map(|(_, left)| count(left)).sum::<u64>()
            };
            self.allowed += taken.entries.len() as u64 + left(|left| left.unkept);
            self.sampled += left(|left| left.sampled);
            assert!(taken.sums.is_empty());
            let taken = buffer.take(Stream::Denied).into_taken();
            assert!(taken.left.is_empty());
            for entry in &taken.entries {
                *self.reasons.entry(entry.reason.to_string()).or_default() += 1;
            }
            for (key, sum) in &taken.sums {
                assert!(sum.first <= sum.last);
                *self.reasons.entry(key.reason.to_string()).or_default() += sum.count;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        /// Whatever comes, and whenever it is taken: every decision is counted once, and the room is bounded.
        #[test]
        fn nothing_is_lost_and_nothing_grows(
            floods in proptest::collection::vec(
                (any::<bool>(), 0_usize..3, 1_u16..20_000, 1_usize..12_000, any::<bool>()), 1..6)
        ) {
            let mut buffer = Buffer::default();
            let (mut allowed, mut sampled) = (0, 0);
            let mut expected: BTreeMap<String, u64> = BTreeMap::new();
            let mut found = Found::default();
            let mut second = 0;
            for (is_allowed, reason, routes, many, take) in floods {
                for number in 0..many {
                    second += 1;
                    let outcome = if is_allowed { Outcome::Allowed } else { Outcome::Refused };
                    let route = u16::try_from(number % usize::from(routes)).unwrap();
                    let entry = entry(outcome, second, reason, route);
                    let address = entry.about.address;
                    buffer.put(entry, || NetworkTold::Full.of(address));
                    if is_allowed {
                        allowed += 1;
                        buffer.leave(Some(format!("/{route}").into()), Left { sampled: 1, unkept: 0 });
                        sampled += 1;
                    } else {
                        *expected.entry(REASONS[reason].to_owned()).or_default() += 1;
                    }
                }
                prop_assert!(buffer.allowed.len() <= ENTRIES && buffer.denied.len() <= ENTRIES);
                prop_assert!(buffer.fine.len() <= KINDS);
                prop_assert!(buffer.coarse.len() <= KINDS + REASONS.len());
                prop_assert!(buffer.left.len() <= ROUTES + 1);
                if take {
                    found.take(&mut buffer);
                }
            }
            found.take(&mut buffer);
            prop_assert_eq!(found.allowed, allowed);
            prop_assert_eq!(found.sampled, sampled);
            prop_assert_eq!(&found.reasons, &expected);
            found.take(&mut buffer);
            prop_assert_eq!(found.allowed, allowed);
            prop_assert_eq!(found.reasons, expected);
        }
    }
}
