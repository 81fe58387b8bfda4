//! A batch in the making.

use std::collections::HashMap;

use minicbor::Encoder;
use sealgate_model::Timestamp;

use super::batch::{COLUMNS, LeftOut};
use super::record::{Decided, Stream, TEXTS};
use super::{BATCH_LIMIT, ROWS_LIMIT, TEXT_LIMIT, TEXTS_LIMIT, VERSION};

/// There is no room for another record: encode what is there first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch is full")]
pub struct DraftFull;

/// Records that become one batch. Its size is bounded by that of a batch.
#[derive(Debug, Default)]
pub struct Draft {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
    /// What texts and rows take on the wire at most.
    bytes: usize,
    rows: Vec<Row>,
    left_out: Vec<(u32, u64, u64)>,
    lost: u64,
    decisions: u64,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    at: i64,
    last: i64,
    count: u64,
    outcome: u64,
    status: u16,
    texts: [u32; TEXTS],
    trace: [u8; 16],
}

/// What stands around the rows: the head, and the heads of lists.
const FRAME_BYTES: usize = 512;
/// What a row takes at most besides its counts, references and trace: its time, its outcome and its status.
const ROW_BYTES: usize = 9 + 1 + 3;
/// The longest reference to a text: there are fewer than 65,536.
const REFERENCE: usize = 3;

impl Draft {
    /// One without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.left_out.is_empty() && self.lost == 0
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// How many decisions they stand for.
    pub const fn decisions(&self) -> u64 {
        self.decisions
    }

    /// Adds a record. Control characters in texts become U+FFFD, what is too long is cut, and an empty text or a
    /// status that is none is left out: one odd record must not make its whole batch one that nobody takes.
    ///
    /// # Errors
    /// [`DraftFull`] where it has no room; then nothing was added.
    pub fn add(&mut self, record: &Decided<'_>) -> Result<(), DraftFull> {
        let texts = record
            .texts()
            .map(|text| text.filter(|text| !text.is_empty()));
        let new = texts
            .iter()
            .flatten()
            .filter(|text| !self.numbers.contains_key(**text));
        let new: usize = new
            .map(|text| text.len().min(TEXT_LIMIT) * 3 + REFERENCE)
            .sum();
        let references = texts.iter().map(|text| text.map_or(1, |_| REFERENCE));
        let references: usize = references.sum();
        let last = record
            .last
            .as_millis()
            .saturating_sub(record.at.as_millis());
        let counts = width(u64::try_from(last).unwrap_or(0)) + width(record.count);
        let size = ROW_BYTES + counts + references + 16;
        self.room_for(size + new)?;
        let mut row = Row {
            at: record.at.as_millis().max(0),
            last: record.last.as_millis().max(0),
            count: record.count.max(1),
            outcome: record.outcome.number(),
            status: record
                .status
                .filter(|status| (100..=999).contains(status))
                .unwrap_or(0),
            texts: [0; TEXTS],
            trace: record.trace.unwrap_or_default(),
        };
        row.last = row.last.max(row.at);
        for (number, text) in row.texts.iter_mut().zip(texts) {
            *number = text.map_or(0, |text| self.number(text));
        }
        self.decisions = self.decisions.saturating_add(row.count);
        self.bytes += size;
        self.rows.push(row);
        Ok(())
    }

    /// Adds how many allowed requests to `route` have no record: as many were left out by sampling, as many for
    /// want of room.
    ///
    /// # Errors
    /// [`DraftFull`] where it has no room; then nothing was added.
    pub fn leave_out(&mut self, left: &LeftOut<'_>) -> Result<(), DraftFull> {
        let route = left.route.unwrap_or_default();
        let counts = REFERENCE + width(left.sampled) + width(left.unkept);
        self.room_for(counts + 3 * route.len().min(TEXT_LIMIT) + REFERENCE)?;
        let number = if route.is_empty() {
            0
        } else {
            self.number(route)
        };
        self.bytes += counts;
        self.left_out.push((number, left.sampled, left.unkept));
        Ok(())
    }

    /// Adds decisions of which nothing is left but their number.
    pub const fn lose(&mut self, decisions: u64) {
        self.lost = self.lost.saturating_add(decisions);
    }

    fn room_for(&self, bytes: usize) -> Result<(), DraftFull> {
        let is_full = self.rows.len() + self.left_out.len() >= ROWS_LIMIT
            || self.texts.len() + TEXTS > TEXTS_LIMIT
            || FRAME_BYTES + self.bytes + bytes > BATCH_LIMIT;
        if is_full { Err(DraftFull) } else { Ok(()) }
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let kept = clean(text);
        self.bytes += kept.len() + REFERENCE;
        self.texts.push(kept);
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The batch on the wire: number `sequence`, from 1 on, of what process `instance` of gate `gate` says in
    /// `stream`, made at `made_at`.
    pub fn encode(
        &self,
        stream: Stream,
        instance: &[u8; 16],
        sequence: u64,
        gate: &str,
        made_at: Timestamp,
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FRAME_BYTES + self.bytes);
        let mut encoder = Encoder::new(&mut bytes);
        // Writing to a Vec cannot fail.
        let _ = self.write(&mut encoder, stream, instance, sequence, gate, made_at);
        bytes
    }

    fn write(
        &self,
        out: &mut Encoder<&mut Vec<u8>>,
        stream: Stream,
        instance: &[u8; 16],
        sequence: u64,
        gate: &str,
        made_at: Timestamp,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        let since = self.rows.iter().map(|row| row.at).min().unwrap_or(0);
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        out.array(12)?.u64(VERSION)?.u8(stream.number())?;
        out.bytes(instance)?.u64(sequence)?.str(&clean(gate))?;
        out.u64(number(made_at.as_millis()))?;
        out.array(len(self.texts.len()))?;
        for text in &self.texts {
            out.str(text)?;
        }
        out.u64(len(self.rows.len()))?.u64(number(since))?;
        out.array(len(COLUMNS))?;
        self.column(out, |row| number(row.at - since))?;
        self.column(out, |row| number(row.last - row.at))?;
        self.column(out, |row| row.count)?;
        self.column(out, |row| row.outcome)?;
        self.column(out, |row| u64::from(row.status))?;
        for index in 0..TEXTS {
            self.column(out, |row| u64::from(row.texts[index]))?;
        }
        if self.rows.iter().any(|row| row.trace != [0; 16]) {
            let traces: Vec<u8> = self.rows.iter().flat_map(|row| row.trace).collect();
            out.bytes(&traces)?;
        } else {
            out.bytes(&[])?;
        }
        out.array(1 + 3 * len(self.left_out.len()))?
            .u64(self.lost)?;
        for (route, sampled, unkept) in &self.left_out {
            out.u32(*route)?.u64(*sampled)?.u64(*unkept)?;
        }
        Ok(())
    }

    /// One column: a number if it is the same in all rows, else one for each.
    fn column(
        &self,
        out: &mut Encoder<&mut Vec<u8>>,
        value: impl Fn(&Row) -> u64,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        let first = self.rows.first().map_or(0, &value);
        if self.rows.iter().all(|row| value(row) == first) {
            out.u64(first)?;
            return Ok(());
        }
        out.array(len(self.rows.len()))?;
        for row in &self.rows {
            out.u64(value(row))?;
        }
        Ok(())
    }
}

/// How many bytes CBOR takes for a number.
const fn width(number: u64) -> usize {
    match number {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

fn len(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// `text` as a record may hold it.
fn clean(text: &str) -> String {
    let mut end = text.len().min(TEXT_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let mut kept = String::with_capacity(text.len());
    for letter in text.chars() {
        let letter = if letter.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            letter
        };
        if kept.len() + letter.len_utf8() > TEXT_LIMIT {
            break;
        }
        kept.push(letter);
    }
    kept
}
