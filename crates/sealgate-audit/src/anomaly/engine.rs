//! The judgement of records, one after another, with bounded memory.

use std::collections::BTreeMap;

use sealgate_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::Event;
use super::group::{Group, Taken};
use super::rule::{Counted, How, Rule, Severity, Window};

/// The most entries that are remembered for one rule, of all its groups together. Where there is no room, the
/// group is forgotten that was seen longest ago; what that may have missed is counted.
pub const ENTRIES: usize = 8_192;

/// The version of what [`Engine::memory`] writes.
const VERSION: u32 = 1;

/// Something that should worry somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// The rule that found it.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, as [`Rule::subject`] tells it.
    pub subject: String,
    /// When it was found.
    pub at: Timestamp,
    /// How many records it tells of that no raise before it did.
    pub count: u64,
    /// The numbers of the last records that show it.
    pub evidence: Vec<i64>,
    /// What was found, in words.
    pub detail: String,
}

/// What is remembered for one rule.
#[derive(Debug, Clone, Default)]
struct Memory {
    groups: BTreeMap<String, Group>,
    /// The groups in the order of their use.
    order: BTreeMap<u64, String>,
    entries: usize,
    touches: u64,
}

/// What is remembered for one rule, as it is written.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// What the rule was: of another one nothing is taken over.
    rule: String,
    groups: BTreeMap<String, Group>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    forgotten: u64,
    rules: BTreeMap<String, Kept>,
}

/// Judges records by rules.
#[derive(Debug, Clone)]
pub struct Engine {
    rules: Vec<(Rule, Memory)>,
    room: usize,
    forgotten: u64,
}

impl Engine {
    /// Nothing is remembered yet. Rules about states are left aside.
    pub fn new(rules: &[Rule]) -> Self {
        let counting = rules
            .iter()
            .filter(|rule| matches!(rule.how, How::Counts(_)));
        Self {
            rules: counting
                .map(|rule| (rule.clone(), Memory::default()))
                .collect(),
            room: ENTRIES,
            forgotten: 0,
        }
    }

    /// With what [`Engine::memory`] wrote; without what was remembered for rules that are others now. Nothing is
    /// remembered if it is not of this form.
    pub fn remembering(rules: &[Rule], memory: &Value) -> Self {
        let mut engine = Self::new(rules);
        let Ok(document) = Document::deserialize(memory) else {
            return engine;
        };
        if document.version != VERSION {
            return engine;
        }
        engine.forgotten = document.forgotten;
        let mut known = document.rules;
        for (rule, memory) in &mut engine.rules {
            let kept = known.remove(&rule.id);
            if let Some(kept) = kept.filter(|kept| kept.rule == print(rule)) {
                *memory = Memory::of(kept.groups);
                engine.forgotten += memory.make_room(engine.room);
            }
        }
        engine
    }

    /// What is remembered, to be kept.
    pub fn memory(&self) -> Value {
        let each = |(rule, memory): &(Rule, Memory)| {
            let kept = Kept {
                rule: print(rule),
                groups: memory.groups.clone(),
            };
            (rule.id.clone(), kept)
        };
        let document = Document {
            version: VERSION,
            forgotten: self.forgotten,
            rules: self.rules.iter().map(each).collect(),
        };
        // Maps with text for keys, numbers and text: it can be written.
        serde_json::to_value(document).unwrap_or_default()
    }

    /// How many groups were forgotten, for want of room, of which something still counted. What they would have
    /// come to is not known.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many entries are remembered, for all rules together.
    pub fn entries(&self) -> usize {
        self.rules.iter().map(|(_, memory)| memory.entries).sum()
    }

    /// Judges a record.
    pub fn judge(&mut self, event: &Event<'_>) -> Vec<Raise> {
        let mut raised = Vec::new();
        for (rule, memory) in &mut self.rules {
            let How::Counts(window) = &rule.how else {
                continue;
            };
            if !rule.counts(event) {
                continue;
            }
            let value = match window.counted {
                Counted::Records => None,
                Counted::Distinct(fact) | Counted::New(fact, _) => match event.fact(fact) {
                    Some(value) => Some(value),
                    None => continue,
                },
            };
            let Some(subject) = rule.subject(event) else {
                continue;
            };
            let taken = Taken {
                at: event.at,
                number: event.number,
                weight: event.count.max(1),
                value,
            };
            let hit = memory.take(&subject, window, rule.threshold, &taken);
            self.forgotten += memory.forget(window, event.at, self.room);
            if let Some(hit) = hit {
                raised.push(Raise {
                    rule: rule.id.clone(),
                    severity: rule.severity,
                    subject,
                    at: event.at,
                    count: hit.count,
                    evidence: hit.evidence,
                    detail: hit.detail,
                });
            }
        }
        raised
    }

    /// One with less room.
    #[cfg(test)]
    pub(super) fn with_room(rules: &[Rule], room: usize) -> Self {
        Self {
            room,
            ..Self::new(rules)
        }
    }
}

impl Memory {
    fn of(groups: BTreeMap<String, Group>) -> Self {
        let mut memory = Self::default();
        let mut known: Vec<(String, Group)> = groups.into_iter().collect();
        known.sort_by_key(|(_, group)| group.touched);
        for (subject, mut group) in known {
            memory.touches += 1;
            group.touched = memory.touches;
            memory.entries += group.len();
            memory.order.insert(group.touched, subject.clone());
            memory.groups.insert(subject, group);
        }
        memory
    }

    fn take(
        &mut self,
        subject: &str,
        window: &Window,
        threshold: i64,
        taken: &Taken<'_>,
    ) -> Option<super::group::Hit> {
        self.touches += 1;
        if !self.groups.contains_key(subject) {
            self.groups.insert(subject.to_owned(), Group::new(taken.at));
        }
        let group = self.groups.get_mut(subject)?;
        self.order.remove(&group.touched);
        group.touched = self.touches;
        self.order.insert(self.touches, subject.to_owned());
        let before = group.len();
        let hit = group.take(window, threshold, taken);
        self.entries = self.entries + group.len() - before;
        hit
    }

    /// Forgets what is over, as far as it is the oldest, and the oldest for which there is no room. How many of
    /// those something still counted of.
    fn forget(&mut self, window: &Window, at: Timestamp, room: usize) -> u64 {
        while let Some((touched, subject)) = self.order.first_key_value() {
            let is_over = self
                .groups
                .get(subject)
                .is_none_or(|group| group.is_over(window, at));
            if !is_over {
                break;
            }
            let (touched, subject) = (*touched, subject.clone());
            self.drop_group(touched, &subject);
        }
        self.make_room(room)
    }

    fn make_room(&mut self, room: usize) -> u64 {
        let mut forgotten = 0;
        // The one that was just seen stays: it has fewer entries than there is room.
        while self.entries > room && self.order.len() > 1 {
            let Some((touched, subject)) = self.order.first_key_value() else {
                break;
            };
            let (touched, subject) = (*touched, subject.clone());
            self.drop_group(touched, &subject);
            forgotten += 1;
        }
        forgotten
    }

    fn drop_group(&mut self, touched: u64, subject: &str) {
        self.order.remove(&touched);
        if let Some(group) = self.groups.remove(subject) {
            self.entries -= group.len();
        }
    }
}

/// What decides how much of a rule's memory means anything.
fn print(rule: &Rule) -> String {
    format!("{:?} {:?} {}", rule.how, rule.group_by, rule.threshold)
}
