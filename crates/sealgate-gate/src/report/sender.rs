//! From the buffer to the control plane, batch by batch.
//!
//! There is one batch of each stream on its way at most, and what follows is not taken out of the buffer before there
//! is room for it: so everything that waits is bounded by the buffer, what was taken from it, and two batches. A batch
//! keeps its number until it is known what became of it. What cannot be delivered goes to the spool if there is one,
//! and stays where it is if not.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use sealgate_audit::decision::{Draft, LeftOut, Stream};
use tokio::time::Instant;

use super::buffer::{Left, Taken};
use super::entry::{Entry, Key, Sum};
use super::spool::{Held, Item, Spool};
use super::{Delivery, Reports};
use crate::common::Common;

/// The first pause after a failure, and the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(20);
/// How long the last round of a process may wait for the control plane.
const LAST_WORD: Duration = Duration::from_millis(1_500);
/// Files of the spool that are delivered in one round.
const FILES: usize = 256;
/// Rows of a batch: some hundred kilobytes.
const ROWS: usize = 2_048;

/// A batch that waits for its answer.
struct Sealed {
    item: Item,
    bytes: Vec<u8>,
    /// How many lost decisions it tells of.
    lost: u64,
}

/// What is known of one stream between rounds.
#[derive(Default)]
struct Line {
    entries: VecDeque<Entry>,
    sums: VecDeque<(Key, Sum)>,
    left: VecDeque<(Option<Arc<str>>, Left)>,
    sealed: Option<Arc<Sealed>>,
}

impl Line {
    fn is_drained(&self) -> bool {
        self.entries.is_empty() && self.sums.is_empty() && self.left.is_empty()
    }

    fn decisions(&self) -> u64 {
        let sums: u64 = self.sums.iter().map(|(_, sum)| sum.count).sum();
        let sealed = self
            .sealed
            .as_ref()
            .map_or(0, |sealed| sealed.item.decisions);
        self.entries.len() as u64 + sums + sealed
    }
}

/// What is known between rounds. It outlives the task that works with it.
pub(super) struct State {
    instance: [u8; 16],
    sequence: u64,
    lines: [Line; 2],
    /// Decisions that are lost and not reported as such yet.
    lost: u64,
    pause: Duration,
    /// Until when the control plane is not tried.
    away: Option<Instant>,
    /// Whether the spool may hold something.
    spooled: bool,
    off: bool,
}

impl State {
    pub(super) fn new(instance: [u8; 16]) -> Self {
        Self {
            instance,
            sequence: 0,
            lines: [Line::default(), Line::default()],
            lost: 0,
            pause: FIRST,
            away: None,
            // From a process before.
            spooled: true,
            off: false,
        }
    }

    fn is_away(&self) -> bool {
        self.away.is_some_and(|until| Instant::now() < until)
    }

    fn failed(&mut self, common: &Common, reports: &Reports, code: &'static str, why: &str) {
        reports.figures.failed(code, why);
        let share = u32::from(u16::from_le_bytes(common.random().bytes()));
        let pause = self.pause / 2 + self.pause / 2 * share / u32::from(u16::MAX);
        self.away = Some(Instant::now() + pause);
        self.pause = (self.pause * 2).min(LONGEST);
    }

    fn went_on(&mut self, reports: &Reports) {
        self.away = None;
        self.pause = FIRST;
        reports.figures.went_on();
    }

    /// Takes what waits, delivers it or puts it away. False if there is nothing to report to.
    pub(super) async fn round(&mut self, common: &Common, reports: &Reports) -> bool {
        if self.off {
            return false;
        }
        loop {
            let full = self.fill(reports);
            for stream in [Stream::Denied, Stream::Allowed] {
                while self.seal(common, reports, stream) {
                    if !self.settle(common, reports, stream).await {
                        break;
                    }
                }
                if self.off {
                    return false;
                }
            }
            // The buffer filled up while this went on.
            if !full || self.is_away() {
                break;
            }
        }
        if self.spooled && !self.is_away() {
            self.deliver_spool(common, reports).await;
        }
        !self.off
    }

    /// Takes what waits of each stream if everything before it is under way. True if there was enough of it to look
    /// again.
    fn fill(&mut self, reports: &Reports) -> bool {
        let mut many = false;
        for stream in Stream::ALL {
            let line = &mut self.lines[usize::from(stream.number())];
            if !line.is_drained() {
                continue;
            }
            let taken: Taken = reports.take(stream);
            many |= taken.entries.len() >= super::buffer::WORTH;
            let summed = taken.sums.iter().map(|(_, sum)| sum.count).sum();
            reports.figures.summed(summed);
            line.entries = taken.entries.into();
            line.sums = taken.sums.into();
            line.left = taken.left.into();
        }
        many
    }

    /// Makes a batch of what comes next in `stream`, unless one waits already. True if there is one.
    fn seal(&mut self, common: &Common, reports: &Reports, stream: Stream) -> bool {
        let line = &mut self.lines[usize::from(stream.number())];
        if line.sealed.is_some() {
            return true;
        }
        let mut draft = Draft::new();
        let told = reports.network_told;
        while draft.rows() < ROWS
            && let Some(entry) = line.entries.front()
        {
            let network = told.of(entry.about.address);
            if entry
                .with_record(network, |record| draft.add(record))
                .is_err()
            {
                break;
            }
            line.entries.pop_front();
        }
        while draft.rows() < ROWS
            && let Some((key, sum)) = line.sums.front()
        {
            if key.with_record(*sum, |record| draft.add(record)).is_err() {
                break;
            }
            line.sums.pop_front();
        }
        while let Some((route, left)) = line.left.front() {
            let told = LeftOut {
                route: route.as_deref(),
                sampled: left.sampled,
                unkept: left.unkept,
            };
            if draft.leave_out(&told).is_err() {
                break;
            }
            reports.figures.left(left.sampled, left.unkept);
            line.left.pop_front();
        }
        let lost = match stream {
            Stream::Denied => std::mem::take(&mut self.lost),
            Stream::Allowed => 0,
        };
        draft.lose(lost);
        if draft.is_empty() {
            return false;
        }
        self.sequence += 1;
        let now = common.now();
        let item = Item {
            stream,
            made_at: now.as_millis(),
            instance: self.instance,
            sequence: self.sequence,
            decisions: draft.decisions(),
        };
        let gate = common.gate_name();
        let bytes = draft.encode(stream, &self.instance, self.sequence, gate, now);
        line.sealed = Some(Arc::new(Sealed { item, bytes, lost }));
        true
    }

    /// Delivers the batch of `stream`, or puts it away. False if it stays where it is.
    async fn settle(&mut self, common: &Common, reports: &Reports, stream: Stream) -> bool {
        let index = usize::from(stream.number());
        if !self.is_away() {
            let Some(sealed) = self.lines[index].sealed.clone() else {
                return false;
            };
            let decisions = sealed.item.decisions;
            match reports.deliver(common, sealed.bytes.clone()).await {
                Delivery::Kept => {
                    reports.figures.delivered(stream, decisions);
                    self.went_on(reports);
                    self.lines[index].sealed = None;
                    return true;
                }
                Delivery::Refused(code) => {
                    // It will not be taken as it is. Its number can be told at least.
                    self.went_on(reports);
                    self.lose(reports, decisions, code);
                    self.lost = self.lost.saturating_add(sealed.lost);
                    self.lines[index].sealed = None;
                    return true;
                }
                Delivery::Nowhere => {
                    self.turn_off(reports);
                    return false;
                }
                Delivery::Crowded if stream == Stream::Allowed => {
                    // What was denied still finds room there.
                    reports
                        .figures
                        .failed("decisions_crowded", "it has no room now");
                    return false;
                }
                Delivery::Crowded => {
                    self.failed(common, reports, "decisions_crowded", "it has no room now");
                }
                Delivery::Failed(code, why) => self.failed(common, reports, code, &why),
            }
        }
        self.put_away(reports, index).await
    }

    fn lose(&mut self, reports: &Reports, decisions: u64, why: &'static str) {
        reports.figures.lost(decisions, why);
        self.lost = self.lost.saturating_add(decisions);
    }

    fn turn_off(&mut self, reports: &Reports) {
        self.off = true;
        self.lines = [Line::default(), Line::default()];
        reports.turn_off();
    }

    /// Puts the batch into the spool. False if that cannot be done.
    async fn put_away(&mut self, reports: &Reports, index: usize) -> bool {
        let (Some(spool), Some(sealed)) = (reports.spool.clone(), self.lines[index].sealed.clone())
        else {
            return false;
        };
        let decisions = sealed.item.decisions;
        // It stays here until it is there: should this be cut short, it is written again, under the same name.
        match aside(move || spool.keep(&sealed.item, &sealed.bytes)).await {
            Some(Ok(())) => {
                self.lines[index].sealed = None;
                self.spooled = true;
                reports.figures.spooled(decisions);
                true
            }
            Some(Err(error)) => {
                reports.figures.failed(error.code(), &error.to_string());
                false
            }
            None => false,
        }
    }

    /// Delivers what waits in the spool, if no other process does.
    async fn deliver_spool(&mut self, common: &Common, reports: &Reports) {
        let Some(spool) = reports.spool.clone() else {
            self.spooled = false;
            return;
        };
        let look = {
            let spool = spool.clone();
            aside(move || {
                let Some(turn) = spool.turn()? else {
                    return Ok(None);
                };
                spool.waiting().map(|waiting| Some((turn, waiting)))
            })
        };
        let (turn, waiting) = match look.await {
            Some(Ok(Some(found))) => found,
            // Another process has the turn, or there is no directory: looked at again in the next round.
            Some(Ok(None)) | None => return,
            Some(Err(error)) => {
                let why: std::io::Error = error;
                reports.figures.failed("spool_unusable", &why.to_string());
                return;
            }
        };
        self.spooled = !waiting.is_empty();
        for file in waiting.into_iter().take(FILES) {
            if !self.deliver_file(common, reports, &spool, file).await {
                break;
            }
        }
        drop(turn);
    }

    /// Delivers one file. False if the rest has to wait.
    async fn deliver_file(
        &mut self,
        common: &Common,
        reports: &Reports,
        spool: &Spool,
        file: super::spool::Waiting,
    ) -> bool {
        let read = {
            let (spool, file) = (spool.clone(), file.clone());
            aside(move || spool.read(&file))
        };
        let decisions = file.decisions;
        let stream = if file.name.ends_with(Stream::Denied.as_str()) {
            Stream::Denied
        } else {
            Stream::Allowed
        };
        let batch = match read.await {
            Some(Ok(Held::Batch(batch))) => batch,
            Some(Ok(Held::Gone)) => return true,
            Some(Ok(Held::Damaged)) => {
                let spool = spool.clone();
                let aside = aside(move || spool.put_aside(&file)).await;
                // One that cannot be put aside would be counted again.
                if matches!(aside, Some(Ok(()))) {
                    self.lose(reports, decisions, "spool_damaged");
                }
                return true;
            }
            Some(Err(error)) => {
                // It may be readable another time, and holds up nothing behind it.
                let error: std::io::Error = error;
                reports.figures.failed("spool_unusable", &error.to_string());
                return true;
            }
            None => return false,
        };
        match reports.deliver(common, batch).await {
            Delivery::Kept => {
                reports.figures.delivered(stream, decisions);
                self.went_on(reports);
            }
            Delivery::Refused(code) => self.lose(reports, decisions, code),
            Delivery::Nowhere => return false,
            Delivery::Crowded => {
                self.failed(common, reports, "decisions_crowded", "it has no room now");
                return false;
            }
            Delivery::Failed(code, why) => {
                self.failed(common, reports, code, &why);
                return false;
            }
        }
        let spool = spool.clone();
        // Should it stay, it is delivered again, and counts once.
        let _ = aside(move || spool.forget(&file)).await;
        true
    }

    /// The last round of a process: what is left then, nobody will deliver. Without an answer in time everything is
    /// written down, if there is a place for it.
    pub(super) async fn finish(&mut self, common: &Common, reports: &Reports) {
        let sent = async {
            // The second for what came while the first was under way.
            for _ in 0..2 {
                self.round(common, reports).await;
            }
        };
        // Running out of time is no different from being refused.
        let _ = tokio::time::timeout(LAST_WORD, sent).await;
        if self.off {
            return;
        }
        loop {
            self.fill(reports);
            let mut moved = false;
            for stream in [Stream::Denied, Stream::Allowed] {
                let index = usize::from(stream.number());
                while self.seal(common, reports, stream) && self.put_away(reports, index).await {
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        let denied = usize::from(Stream::Denied.number());
        let waiting = reports.take(Stream::Denied);
        let summed: u64 = waiting.sums.iter().map(|(_, sum)| sum.count).sum();
        let left = self.lines[denied].decisions() + waiting.entries.len() as u64 + summed;
        reports.figures.lost(left, "gate_stopped");
    }
}

/// Runs `work`, which reads or writes files, where it holds nobody up; none if it was cut short.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
