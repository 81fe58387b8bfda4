//! A batch as it comes: read where it lies.

use minicbor::Decoder;
use minicbor::data::Type;
use sealgate_model::Timestamp;
use thiserror::Error;

use super::record::{Decided, Outcome, Stream, TEXTS, Trace};
use super::{BATCH_LIMIT, ROWS_LIMIT, TEXT_LIMIT, TEXTS_LIMIT, VERSION};

/// How many columns a batch has: the five of numbers, and the texts.
pub(super) const COLUMNS: usize = 5 + TEXTS;
/// The longest name of a gate, in bytes.
const GATE_LIMIT: usize = 64;
/// The latest moment that is believed: the end of the year 9999.
const LATEST: u64 = 253_402_300_799_999;

/// Why bytes are no batch. The gate that made them is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BatchError {
    /// It is longer than [`BATCH_LIMIT`], or tells of more than its limits allow.
    #[error("the batch is too large")]
    TooLarge,
    /// It is of a version that is not known here.
    #[error("the batch is of an unknown version")]
    Version,
    /// It is not CBOR of the form that is asked for.
    #[error("the batch is malformed: {0}")]
    Malformed(&'static str),
}

impl BatchError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "decisions_too_large",
            Self::Version => "decisions_version",
            Self::Malformed(_) => "decisions_malformed",
        }
    }
}

/// How many allowed requests have no record, by their route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut<'a> {
    /// The route's template, where it is known.
    pub route: Option<&'a str>,
    /// Left out by sampling.
    pub sampled: u64,
    /// Left out because there was no room.
    pub unkept: u64,
}

/// What a batch adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// When the first decision fell; when it was made, if there is none.
    pub first: Timestamp,
    /// When the last one fell.
    pub last: Timestamp,
    /// How many rows there are.
    pub rows: usize,
    /// How many decisions they stand for.
    pub decisions: u64,
    /// How many allowed requests were left out by sampling.
    pub sampled: u64,
    /// How many for want of room.
    pub unkept: u64,
    /// How many decisions are lost but for their number.
    pub lost: u64,
}

#[derive(Debug)]
enum Column {
    Same(u64),
    Each(Vec<u64>),
}

impl Column {
    fn at(&self, row: usize) -> u64 {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values[row],
        }
    }

    fn all(&self, holds: impl Fn(u64) -> bool) -> bool {
        match self {
            Self::Same(value) => holds(*value),
            Self::Each(values) => values.iter().all(|value| holds(*value)),
        }
    }
}

/// A batch that was read and is sound.
#[derive(Debug)]
pub struct Batch<'a> {
    stream: Stream,
    instance: [u8; 16],
    sequence: u64,
    gate: &'a str,
    made_at: Timestamp,
    texts: Vec<&'a str>,
    rows: usize,
    since: u64,
    columns: Vec<Column>,
    traces: &'a [u8],
    left_out: Vec<LeftOut<'a>>,
    lost: u64,
}

type Read<T> = Result<T, BatchError>;

impl<'a> Batch<'a> {
    /// Reads a batch of at most [`BATCH_LIMIT`] bytes.
    ///
    /// # Errors
    /// [`BatchError`]: a row that refers to no text, an outcome of the other stream, a control character and
    /// whatever else does not fit makes the whole batch malformed.
    pub fn read(bytes: &'a [u8]) -> Read<Self> {
        if bytes.len() > BATCH_LIMIT {
            return Err(BatchError::TooLarge);
        }
        let mut from = Decoder::new(bytes);
        let members = length(&mut from, "frame")?;
        if unsigned(&mut from, "version")? != VERSION {
            return Err(BatchError::Version);
        }
        if members != 12 {
            return Err(BatchError::Malformed("frame"));
        }
        let stream = Stream::of_number(unsigned(&mut from, "stream")?)
            .ok_or(BatchError::Malformed("stream"))?;
        let instance = definite(&mut from, Type::Bytes, "instance")?.bytes();
        let instance = instance
            .ok()
            .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())
            .ok_or(BatchError::Malformed("instance"))?;
        let sequence = unsigned(&mut from, "sequence")?;
        if sequence == 0 || sequence > u64::from(u32::MAX) {
            return Err(BatchError::Malformed("sequence"));
        }
        let gate = text(&mut from, GATE_LIMIT, "gate")?;
        let made_at = moment(unsigned(&mut from, "made_at")?)?;
        let texts = texts(&mut from)?;
        let rows = usize::try_from(unsigned(&mut from, "rows")?).unwrap_or(usize::MAX);
        if rows > ROWS_LIMIT {
            return Err(BatchError::TooLarge);
        }
        let since = unsigned(&mut from, "since")?;
        if length(&mut from, "columns")? != COLUMNS {
            return Err(BatchError::Malformed("columns"));
        }
        let columns = (0..COLUMNS)
            .map(|_| column(&mut from, rows))
            .collect::<Read<Vec<_>>>()?;
        let traces = definite(&mut from, Type::Bytes, "traces")?.bytes();
        let traces = traces.map_err(|_| BatchError::Malformed("traces"))?;
        if !traces.is_empty() && traces.len() != 16 * rows {
            return Err(BatchError::Malformed("traces"));
        }
        let (lost, left_out) = rest(&mut from, &texts)?;
        if from.position() != bytes.len() {
            return Err(BatchError::Malformed("end"));
        }
        let batch = Self {
            stream,
            instance,
            sequence,
            gate,
            made_at,
            texts,
            rows,
            since,
            columns,
            traces,
            left_out,
            lost,
        };
        batch.check()?;
        Ok(batch)
    }

    fn check(&self) -> Read<()> {
        let [at, last, count, outcome, status, texts @ ..] = self.columns.as_slice() else {
            return Err(BatchError::Malformed("columns"));
        };
        let known = self.texts.len() as u64;
        let stream = self.stream;
        let is_sound = self.rows == 0
            || (self.since <= LATEST
                && at.all(|value| value <= LATEST)
                && last.all(|value| value <= LATEST)
                && (0..self.rows).all(|row| self.since + at.at(row) + last.at(row) <= LATEST)
                && count.all(|value| (1..=u64::from(u32::MAX) << 16).contains(&value))
                && outcome.all(|value| {
                    Outcome::of_number(value).is_some_and(|outcome| outcome.stream() == stream)
                })
                && status.all(|value| value == 0 || (100..=999).contains(&value))
                && texts
                    .iter()
                    .all(|column| column.all(|value| value <= known)));
        if is_sound {
            Ok(())
        } else {
            Err(BatchError::Malformed("rows"))
        }
    }

    /// The stream that its records belong to.
    pub const fn stream(&self) -> Stream {
        self.stream
    }

    /// Which process of the gate made it.
    pub const fn instance(&self) -> &[u8; 16] {
        &self.instance
    }

    /// Its number among what that process said, from 1 on.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What the gate calls itself.
    pub const fn gate(&self) -> &'a str {
        self.gate
    }

    /// When it was made, by the gate's clock.
    pub const fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// How many decisions are lost but for their number.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// How many allowed requests have no record, by route.
    pub fn left_out(&self) -> &[LeftOut<'a>] {
        &self.left_out
    }

    /// Its records, in the order in which they were added.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = Decided<'a>> + ExactSizeIterator + '_ {
        (0..self.rows).map(|row| self.record(row))
    }

    fn record(&self, row: usize) -> Decided<'a> {
        let value = |column: usize| self.columns[column].at(row);
        let at = self.since + value(0);
        let texts = std::array::from_fn(|index| {
            let number = usize::try_from(value(5 + index)).unwrap_or(0);
            number.checked_sub(1).map(|index| self.texts[index])
        });
        let outcome = Outcome::of_number(value(3)).unwrap_or(Outcome::Refused);
        let decided = Decided::new(millis(at), outcome);
        Decided {
            last: millis(at + value(1)),
            count: value(2),
            status: u16::try_from(value(4)).ok().filter(|status| *status != 0),
            trace: self.trace(row),
            ..decided.with_texts(texts)
        }
    }

    fn trace(&self, row: usize) -> Option<Trace> {
        let trace = self.traces.get(16 * row..16 * row + 16)?;
        <Trace>::try_from(trace)
            .ok()
            .filter(|trace| *trace != [0; 16])
    }

    /// What it adds up to.
    pub fn lengths(&self) -> Lengths {
        let (at, last, count) = (&self.columns[0], &self.columns[1], &self.columns[2]);
        let mut lengths = Lengths {
            first: self.made_at,
            last: self.made_at,
            rows: self.rows,
            decisions: 0,
            sampled: sum(self.left_out.iter().map(|left| left.sampled)),
            unkept: sum(self.left_out.iter().map(|left| left.unkept)),
            lost: self.lost,
        };
        if self.rows > 0 {
            let firsts = (0..self.rows).map(|row| self.since + at.at(row));
            let lasts = (0..self.rows).map(|row| self.since + at.at(row) + last.at(row));
            lengths.first = millis(firsts.min().unwrap_or(0));
            lengths.last = millis(lasts.max().unwrap_or(0));
            lengths.decisions = sum((0..self.rows).map(|row| count.at(row)));
        }
        lengths
    }

    /// Calls `told` once with each text that stands in one of the text columns `wanted`, by the column's place
    /// among the texts.
    pub(super) fn distinct(&self, wanted: &[usize], mut told: impl FnMut(usize, &'a str)) {
        let mut seen = vec![false; self.texts.len()];
        for field in wanted {
            seen.fill(false);
            let mut tell = |value: u64| {
                let Some(index) = usize::try_from(value)
                    .ok()
                    .and_then(|one| one.checked_sub(1))
                else {
                    return;
                };
                if !std::mem::replace(&mut seen[index], true) {
                    told(*field, self.texts[index]);
                }
            };
            match &self.columns[5 + field] {
                Column::Same(value) if self.rows > 0 => tell(*value),
                Column::Same(_) => {}
                Column::Each(values) => values.iter().copied().for_each(tell),
            }
        }
    }

    /// The traces of its rows, as they lie there.
    pub(super) fn traces(&self) -> impl Iterator<Item = &'a [u8]> {
        self.traces.chunks_exact(16)
    }
}

fn sum(values: impl Iterator<Item = u64>) -> u64 {
    values.fold(0, u64::saturating_add)
}

fn millis(value: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(value).unwrap_or(i64::MAX))
}

fn moment(value: u64) -> Read<Timestamp> {
    if value > LATEST {
        return Err(BatchError::Malformed("made_at"));
    }
    Ok(millis(value))
}

fn unsigned(from: &mut Decoder<'_>, what: &'static str) -> Read<u64> {
    from.u64().map_err(|_| BatchError::Malformed(what))
}

/// The length of an array of known length.
fn length(from: &mut Decoder<'_>, what: &'static str) -> Read<usize> {
    let length = from.array().ok().flatten();
    let length = length.and_then(|length| usize::try_from(length).ok());
    length.ok_or(BatchError::Malformed(what))
}

/// `from`, if what comes is of type `wanted`: texts and bytes in pieces are of another.
fn definite<'f, 'b>(
    from: &'f mut Decoder<'b>,
    wanted: Type,
    what: &'static str,
) -> Read<&'f mut Decoder<'b>> {
    match from.datatype() {
        Ok(found) if found == wanted => Ok(from),
        _ => Err(BatchError::Malformed(what)),
    }
}

fn text<'a>(from: &mut Decoder<'a>, most: usize, what: &'static str) -> Read<&'a str> {
    let text = definite(from, Type::String, what)?.str();
    let text = text.map_err(|_| BatchError::Malformed(what))?;
    if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
        return Err(BatchError::Malformed(what));
    }
    Ok(text)
}

fn texts<'a>(from: &mut Decoder<'a>) -> Read<Vec<&'a str>> {
    let many = length(from, "texts")?;
    // Each takes a byte of the batch at least.
    if many > TEXTS_LIMIT {
        return Err(BatchError::TooLarge);
    }
    let mut texts = Vec::with_capacity(many.min(1_024));
    for _ in 0..many {
        texts.push(text(from, TEXT_LIMIT, "texts")?);
    }
    Ok(texts)
}

fn column(from: &mut Decoder<'_>, rows: usize) -> Read<Column> {
    if from.datatype().is_ok_and(|found| found != Type::Array) {
        return unsigned(from, "columns").map(Column::Same);
    }
    if length(from, "columns")? != rows {
        return Err(BatchError::Malformed("columns"));
    }
    let mut values = Vec::with_capacity(rows);
    for _ in 0..rows {
        values.push(unsigned(from, "columns")?);
    }
    Ok(Column::Each(values))
}

/// What is lost and left out: one array of numbers.
fn rest<'a>(from: &mut Decoder<'a>, texts: &[&'a str]) -> Read<(u64, Vec<LeftOut<'a>>)> {
    const WHAT: &str = "left_out";
    let many = length(from, WHAT)?;
    if many == 0 || many % 3 != 1 {
        return Err(BatchError::Malformed(WHAT));
    }
    let routes = many / 3;
    if routes > ROWS_LIMIT {
        return Err(BatchError::TooLarge);
    }
    let lost = unsigned(from, WHAT)?;
    let mut left_out = Vec::with_capacity(routes);
    for _ in 0..routes {
        let number = usize::try_from(unsigned(from, WHAT)?).unwrap_or(usize::MAX);
        let route = match number.checked_sub(1) {
            None => None,
            Some(index) => Some(*texts.get(index).ok_or(BatchError::Malformed(WHAT))?),
        };
        left_out.push(LeftOut {
            route,
            sampled: unsigned(from, WHAT)?,
            unkept: unsigned(from, WHAT)?,
        });
    }
    Ok((lost, left_out))
}
