//! What is remembered of one group: as much as it takes to know when its rule raises, and no more.

use std::collections::VecDeque;
use std::time::Duration;

use sealgate_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::rule::{Counted, Window};
use super::span;

/// The most values of a fact that a group is known to have had.
const KNOWN: usize = 32;
/// The most records that a raise names.
const EVIDENCE: usize = 16;
/// The most values that a raise names.
const NAMED: usize = 8;

/// A record that counts, or a value that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "a")]
    at: Timestamp,
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    number: i64,
    #[serde(rename = "w", default = "one", skip_serializing_if = "is_one")]
    weight: u32,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_one(number: &u32) -> bool {
    *number == 1
}

const fn one() -> u32 {
    1
}

/// A group of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    /// When it was first seen.
    first_at: Timestamp,
    /// When it was seen last.
    pub(super) last_at: Timestamp,
    /// When it was last raised.
    raised_at: Option<Timestamp>,
    /// What it came to since, or since it began anew.
    pending: u64,
    /// Its place in the order of use.
    pub(super) touched: u64,
    /// Oldest first.
    entries: VecDeque<Entry>,
}

/// One record, as a group takes it.
pub(super) struct Taken<'a> {
    pub(super) at: Timestamp,
    pub(super) number: i64,
    pub(super) weight: u32,
    pub(super) value: Option<&'a str>,
}

/// What a group has come to.
pub(super) struct Hit {
    pub(super) count: u64,
    pub(super) evidence: Vec<i64>,
    pub(super) detail: String,
}

impl Group {
    pub(super) const fn new(at: Timestamp) -> Self {
        Self {
            first_at: at,
            last_at: at,
            raised_at: None,
            pending: 0,
            touched: 0,
            entries: VecDeque::new(),
        }
    }

    /// How many entries are remembered of it.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing of it counts any more at `at`.
    pub(super) fn is_over(&self, window: &Window, at: Timestamp) -> bool {
        at.since(self.last_at) >= window.window.max(window.suppress)
    }

    /// Counts a record, and says what the group has come to, if it is time to raise.
    pub(super) fn take(
        &mut self,
        window: &Window,
        threshold: i64,
        taken: &Taken<'_>,
    ) -> Option<Hit> {
        let at = taken.at;
        self.last_at = at;
        self.entries
            .retain(|entry| within(entry.at, at, window.window));
        let before = self.entries.len();
        let entry = Entry {
            at,
            number: taken.number,
            weight: taken.weight,
            value: taken.value.map(str::to_owned),
        };
        let hit = match window.counted {
            Counted::Records => {
                self.begin_anew(before);
                self.pending += u64::from(taken.weight);
                self.records(entry, threshold)
            }
            Counted::Distinct(_) => {
                self.begin_anew(before);
                self.pending += u64::from(taken.weight);
                self.distinct(entry, threshold)
            }
            Counted::New(_, learn) => self.new_value(entry, learn),
        };
        let is_suppressed = self
            .raised_at
            .is_some_and(|raised| within(raised, at, window.suppress));
        if !hit || is_suppressed {
            return None;
        }
        self.raised_at = Some(at);
        let count = std::mem::take(&mut self.pending);
        Some(Hit {
            count,
            evidence: self.evidence(window.counted),
            detail: self.detail(window, count),
        })
    }

    /// What was before has nothing to do with what begins now.
    fn begin_anew(&mut self, before: usize) {
        if before == 0 {
            self.pending = 0;
        }
    }

    fn records(&mut self, entry: Entry, threshold: i64) -> bool {
        self.entries.push_back(entry);
        let mut sum: i64 = self.entries.iter().map(|one| i64::from(one.weight)).sum();
        // The newest that are enough are all that is needed to know it the next time.
        while let Some(oldest) = self.entries.front() {
            if sum - i64::from(oldest.weight) < threshold {
                break;
            }
            sum -= i64::from(oldest.weight);
            self.entries.pop_front();
        }
        sum >= threshold
    }

    fn distinct(&mut self, entry: Entry, threshold: i64) -> bool {
        self.entries.retain(|one| one.value != entry.value);
        self.entries.push_back(entry);
        let enough = usize::try_from(threshold).unwrap_or(usize::MAX);
        if self.entries.len() > enough {
            self.entries.pop_front();
        }
        self.entries.len() >= enough
    }

    fn new_value(&mut self, entry: Entry, learn: Duration) -> bool {
        let before = self.entries.len();
        self.entries.retain(|one| one.value != entry.value);
        let is_known = self.entries.len() < before;
        let (at, weight) = (entry.at, entry.weight);
        self.entries.push_back(entry);
        if self.entries.len() > KNOWN {
            self.entries.pop_front();
        }
        let is_new = !is_known && at > self.first_at && at.since(self.first_at) >= learn;
        if is_new {
            self.pending += u64::from(weight);
        }
        is_new
    }

    fn evidence(&self, counted: Counted) -> Vec<i64> {
        let most = if matches!(counted, Counted::New(..)) {
            1
        } else {
            EVIDENCE
        };
        let numbers = self.entries.iter().map(|one| one.number);
        let mut known: Vec<i64> = numbers.filter(|number| *number > 0).collect();
        known.sort_unstable();
        known.dedup();
        let skip = known.len().saturating_sub(most);
        known.split_off(skip)
    }

    fn detail(&self, window: &Window, count: u64) -> String {
        let over = span::text(window.window);
        let values = || {
            let newest = self.entries.iter().rev().take(NAMED);
            let named: Vec<&str> = newest.filter_map(|one| one.value.as_deref()).collect();
            named.join(", ")
        };
        match window.counted {
            Counted::Records => {
                let sum: u64 = self.entries.iter().map(|one| u64::from(one.weight)).sum();
                format!("{} within {over}", sum.max(count))
            }
            Counted::Distinct(fact) => {
                let (many, fact) = (self.entries.len(), fact.as_str());
                format!(
                    "{many} different values of {fact} within {over}: {}",
                    values()
                )
            }
            Counted::New(fact, _) => {
                let newest = self.entries.back().and_then(|one| one.value.as_deref());
                let (fact, newest) = (fact.as_str(), newest.unwrap_or_default());
                format!("{fact} {newest} is new")
            }
        }
    }
}

/// Whether two moments lie less than `span` apart. Either may be the later one: a clock that is set makes records
/// out of order, and what is far ahead is as far away as what is long ago.
fn within(one: Timestamp, other: Timestamp, span: Duration) -> bool {
    one.since(other).max(other.since(one)) < span
}
