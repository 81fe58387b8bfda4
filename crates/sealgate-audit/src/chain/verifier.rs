//! Verification of a chain, one record after the other, in constant room.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::shapes::{Hole, Suspect, judge};
use super::{FindingKind, Hash, Judged, Report, Retired, RetiredNote, Stamp};

/// How far numbers are tried to have been moved, and how often that is tried.
const MOVED: i64 = 1024;
const TRIES: u32 = 256;

/// Suspects and holes that are kept for the end; later ones are called altered at once.
const KEPT: usize = 4096;

/// Verifies a chain. Ranges and checkpoints come first, then every record in the order of its number.
#[derive(Debug)]
pub struct Verifier {
    report: Report,
    /// The number that the next record should have.
    expected: i64,
    /// What the next record should stand on; none after a hole.
    previous: Option<Hash>,
    /// What it may stand on as well: the true hash of the record before, when that one's stored hash is not.
    truly: Option<Hash>,
    /// By how much stored numbers are higher than those that records were written under.
    moved: i64,
    tries: u32,
    suspects: Vec<Suspect>,
    holes: Vec<Hole>,
    ranges: VecDeque<Retired>,
    /// The ranges by the record that has to tell of them.
    told: BTreeMap<i64, Vec<Retired>>,
    stamps: VecDeque<Stamp>,
    /// The records after which keys were out of use.
    gone: HashMap<String, i64>,
    /// The last good checkpoint whose hash is the chain's, and the first of those after it whose is not.
    matched: i64,
    rewritten: Option<(i64, i64)>,
    whole: bool,
}

impl Verifier {
    /// A verifier of a whole chain, from record 1. `ranges` and `stamps` in any order; of the stored stamps
    /// each is held to the one before.
    pub fn new(ranges: Vec<Retired>, stamps: Vec<Stamp>) -> Self {
        Self::of(ranges, stamps, true)
    }

    /// The same for a part of a chain, which begins with whatever record comes first. What the first one and
    /// the first checkpoint stand on is not known.
    pub fn of_part(ranges: Vec<Retired>, stamps: Vec<Stamp>) -> Self {
        Self::of(ranges, stamps, false)
    }

    fn of(mut ranges: Vec<Retired>, mut stamps: Vec<Stamp>, whole: bool) -> Self {
        ranges.sort_by_key(|range| (range.first, range.last));
        stamps.sort_by_key(|stamp| (stamp.number, stamp.external));
        let mut told: BTreeMap<i64, Vec<Retired>> = BTreeMap::new();
        for range in &ranges {
            told.entry(range.by).or_default().push(*range);
        }
        let mut verifier = Self {
            report: Report::default(),
            expected: 1,
            previous: whole.then_some(Hash::GENESIS),
            truly: None,
            moved: 0,
            tries: 0,
            suspects: Vec::new(),
            holes: Vec::new(),
            ranges: ranges.into(),
            told,
            stamps: VecDeque::new(),
            gone: HashMap::new(),
            matched: 0,
            rewritten: None,
            whole,
        };
        verifier.take(stamps);
        verifier
    }

    /// Holds the checkpoints to one another, and keeps those that are good.
    fn take(&mut self, stamps: Vec<Stamp>) {
        let mut before: Option<Hash> = None;
        let mut linked = self.whole;
        for stamp in stamps {
            let at = stamp.number;
            match &stamp.judged {
                Judged::Refused { kind, detail } => {
                    self.report.find(*kind, at, at, detail.clone());
                    if !stamp.external {
                        before = Some(stamp.digest);
                    }
                    continue;
                }
                Judged::Good { claims, .. } if claims.number != at => {
                    let said = format!(
                        "a checkpoint of record {} is kept under {at}",
                        claims.number
                    );
                    self.report
                        .find(FindingKind::CheckpointMalformed, at, at, said);
                    continue;
                }
                Judged::Good { claims, .. } => {
                    if !stamp.external {
                        if linked && claims.previous != before {
                            let said = format!(
                                "the checkpoint of record {at} does not follow the one before: one was removed or put between"
                            );
                            self.report.find(FindingKind::CheckpointChain, at, at, said);
                        }
                        before = Some(stamp.digest);
                        linked = true;
                    }
                }
            }
            self.stamps.push_back(stamp);
        }
    }

    /// The next record: its number, its stored hash (none if that is none), the hash of its content, and what
    /// it tells the chain itself: its action and its object; none if that was left out.
    pub fn record(
        &mut self,
        number: i64,
        stored: Option<Hash>,
        content: &Hash,
        says: Option<(&str, Option<&str>)>,
    ) {
        if self.report.records == 0 {
            self.report.first = number;
            if !self.whole {
                self.expected = number;
            }
        }
        if number < self.expected {
            let said = format!("record {number} comes after record {}", self.expected - 1);
            self.report
                .find(FindingKind::Reordered, number, number, said);
            return;
        }
        self.report.records += 1;
        self.reach(number);
        let (fits, truth) = self.fits(number, stored.as_ref(), content);
        if !fits {
            self.suspect(number, stored, *content);
        }
        self.truly = if fits { None } else { truth };
        self.previous = stored.or(truth);
        self.report.last = number;
        self.report.head = self.previous;
        self.expected = number.saturating_add(1);
        if let Some((action, object)) = says.filter(|_| fits) {
            self.heed(number, action, object);
        }
        self.stamped(number, stored, truth);
    }

    /// Goes over what is between the last record and `number`: retired ranges and holes.
    fn reach(&mut self, number: i64) {
        let mut at = self.expected;
        while at < number {
            let range = self.ranges.front().copied();
            match range {
                Some(range) if range.first < at => {
                    // Begins in what is there, or in another one.
                    self.ranges.pop_front();
                    self.present(range);
                }
                Some(range) if range.first == at && range.last < number && range.last >= at => {
                    self.ranges.pop_front();
                    self.pass(range);
                    at = range.last.saturating_add(1);
                }
                Some(range) if range.first == at => {
                    self.ranges.pop_front();
                    self.present(range);
                }
                other => {
                    let until = other.map_or(number, |range| range.first.min(number));
                    self.hole(at, until - 1);
                    at = until;
                }
            }
        }
        while let Some(range) = self.ranges.front().copied()
            && range.first <= number
        {
            self.ranges.pop_front();
            self.present(range);
        }
    }

    fn pass(&mut self, range: Retired) {
        while let Some(stamp) = self.next_stamp(range.last) {
            if stamp.number == range.last {
                self.compare(&stamp, Some(range.after), None);
            }
            // What was signed over inside of the range is not known any more.
        }
        self.previous = Some(range.after);
        self.truly = None;
        let many = range.last.saturating_sub(range.first).saturating_add(1);
        self.report.retired += u64::try_from(many).unwrap_or(0);
    }

    fn present(&mut self, range: Retired) {
        let Retired { first, last, .. } = range;
        let said = format!("records {first} to {last} are called retired, and some are there");
        self.report
            .find(FindingKind::RetiredPresent, first, last, said);
    }

    fn hole(&mut self, first: i64, last: i64) {
        let said = format!("records {first} to {last} are gone, and nothing tells why");
        self.report.find(FindingKind::Removed, first, last, said);
        if self.holes.len() < KEPT {
            let previous = self.previous;
            self.holes.push(Hole { first, previous });
        }
        while self.next_stamp(last).is_some() {}
        self.previous = None;
        self.truly = None;
    }

    /// Whether the record has its hash, and the hash that it should have by the one before.
    fn fits(&mut self, number: i64, stored: Option<&Hash>, content: &Hash) -> (bool, Option<Hash>) {
        // Whoever tampers may have given any number.
        let origin = number.wrapping_sub(self.moved);
        let Some(previous) = self.previous else {
            // After a hole: what it stood on is gone.
            return (stored.is_some(), None);
        };
        let should = Hash::link(&previous, origin, content);
        if stored == Some(&should) {
            return (true, Some(should));
        }
        if let (Some(truly), Some(stored)) = (&self.truly, stored)
            && Hash::link(truly, origin, content) == *stored
        {
            return (true, Some(*stored));
        }
        if let Some(stored) = stored
            && self.shifted(number, &previous, stored, content)
        {
            return (true, Some(*stored));
        }
        (false, Some(should))
    }

    /// Whether the record is sound under another number: then records were put before it or taken away, and
    /// the numbers after them moved.
    fn shifted(&mut self, number: i64, previous: &Hash, stored: &Hash, content: &Hash) -> bool {
        // The record before has just lost its link: it is the one that stood after the change.
        if self.tries >= TRIES
            || self
                .suspects
                .last()
                .is_none_or(|last| last.number != number - 1)
        {
            return false;
        }
        self.tries += 1;
        let origin = number.wrapping_sub(self.moved);
        let fits = |by: &i64| Hash::link(previous, origin.wrapping_sub(*by), content) == *stored;
        let mut steps = (1..=MOVED).flat_map(|by| [by, -by]);
        let Some(by) = steps.find(fits) else {
            return false;
        };
        self.moved += by;
        let place = number - 1;
        if by > 0 {
            let first = place - by;
            self.suspects.retain(|one| one.number < first);
            let said =
                format!("{by} records were put in before record {place}, whose number was moved");
            self.report
                .find(FindingKind::Inserted, first, place - 1, said);
        } else {
            self.suspects.retain(|one| one.number < place);
            let (first, last) = (place - self.moved + by, place - self.moved - 1);
            let said = format!(
                "records {first} to {last} are gone, and the numbers after them were moved"
            );
            self.report.find(FindingKind::Removed, first, last, said);
        }
        true
    }

    fn suspect(&mut self, number: i64, stored: Option<Hash>, content: Hash) {
        if self.suspects.len() < KEPT {
            self.suspects.push(Suspect {
                number,
                previous: self.previous,
                stored,
                content,
            });
        } else {
            let said = format!("record {number} or its hash was changed");
            self.report.find(FindingKind::Altered, number, number, said);
        }
    }

    /// The next checkpoint up to record `number`.
    fn next_stamp(&mut self, number: i64) -> Option<Stamp> {
        let due = self
            .stamps
            .front()
            .is_some_and(|stamp| stamp.number <= number);
        due.then(|| self.stamps.pop_front()).flatten()
    }

    fn stamped(&mut self, number: i64, stored: Option<Hash>, truth: Option<Hash>) {
        while let Some(stamp) = self.next_stamp(number) {
            if stamp.number == number {
                self.compare(&stamp, stored, truth);
            }
        }
    }

    /// Holds a checkpoint to the chain at its number.
    fn compare(&mut self, stamp: &Stamp, stored: Option<Hash>, truth: Option<Hash>) {
        let Judged::Good { kid, claims } = &stamp.judged else {
            return;
        };
        let at = stamp.number;
        if self.gone.get(kid).is_some_and(|since| at >= *since) {
            let said =
                format!("the checkpoint of record {at} is signed by {kid}, which was out of use");
            self.report
                .find(FindingKind::CheckpointKeyGone, at, at, said);
        } else if stored == Some(claims.hash) || truth == Some(claims.hash) {
            self.report.checkpoints += 1;
            self.report.signed = self.report.signed.max(at);
            self.matched = self.matched.max(at);
        } else if stamp.external {
            let said = format!(
                "the checkpoint that was kept elsewhere is of another record {at}, in history {}: there are two histories",
                claims.history
            );
            self.report.find(FindingKind::Fork, at, at, said);
        } else {
            let first = self.matched.saturating_add(1);
            let until = self.rewritten.map_or(at, |(_, until)| until.max(at));
            self.rewritten = Some((self.rewritten.map_or(first, |(first, _)| first), until));
        }
    }

    /// What a record says that is about the chain.
    fn heed(&mut self, number: i64, action: &str, object: Option<&str>) {
        match action {
            "key.revoke" | "key.remove" => {
                for kid in object.unwrap_or_default().split(' ') {
                    self.gone.entry(kid.to_owned()).or_insert(number);
                }
            }
            "audit.retire" => {
                let ranges = self.told.remove(&number).unwrap_or_default();
                let said = object.and_then(RetiredNote::parse);
                if said != Some(RetiredNote::of(&ranges)) {
                    let said = "this record does not agree with what is kept of the retired ranges";
                    self.report
                        .find(FindingKind::RetireMismatch, number, number, said.to_owned());
                }
            }
            _ => {}
        }
    }

    /// Notes that the hold which record `number` tells of is not kept so; `said` tells in which way.
    pub fn hold(&mut self, number: i64, said: String) {
        self.report
            .find(FindingKind::HoldAltered, number, number, said);
    }

    /// What was found, after the last record.
    pub fn finish(mut self) -> Report {
        while let Some(range) = self.ranges.pop_front() {
            // Retired up to the end: the record that tells of it would be after it.
            self.present(range);
        }
        for (by, ranges) in std::mem::take(&mut self.told) {
            for Retired { first, last, .. } in ranges {
                let said = format!(
                    "records {first} to {last} are called retired by record {by}, which does not tell of it"
                );
                self.report
                    .find(FindingKind::RetiredUnrecorded, first, last, said);
            }
        }
        if let Some(last) = self.stamps.iter().map(|stamp| stamp.number).max() {
            let first = self.report.last.saturating_add(1);
            let said = format!(
                "a checkpoint was signed over record {last}, and the last one there is {}",
                self.report.last
            );
            self.report.find(FindingKind::Truncated, first, last, said);
        }
        if let Some((first, last)) = self.rewritten {
            let said = format!(
                "records {first} to {last} are not those that checkpoints were signed over"
            );
            self.report.find(FindingKind::Rewritten, first, last, said);
        }
        judge(&self.suspects, &self.holes, &mut self.report);
        self.report
            .findings
            .sort_by_key(|finding| (finding.first, finding.last, finding.kind));
        self.report
    }
}
