//! Reading blocks, and looking through them.

use rusqlite::{Connection, Row, params};
use sealgate_audit::decision::{Block, BlockHead, Index, Stream};
use sealgate_model::Timestamp;

use super::filter::{DecisionFilter, DecisionRow, Direction, FoundDecisions, place, position};
use super::writer::{signed, unsigned};
use crate::StoreError;

/// How many bytes of batches are handed out at once, about.
const BYTES: usize = 8 << 20;
/// How many blocks a search looks at by their head, and how many of them it opens.
const LOOKED_AT: usize = 20_000;
const OPENED: usize = 256;

/// The number of the last block.
pub(super) fn last(connection: &Connection) -> Result<u64, StoreError> {
    let number: Option<i64> = connection
        .prepare_cached("SELECT max(number) FROM block")?
        .query_row((), |row| row.get(0))?;
    Ok(unsigned(number.unwrap_or(0)))
}

/// The columns that [`head`] reads.
pub(super) const HEAD: &str = "number, stream, place, client, instance, sequence, gate, kept_at";

pub(super) fn head(row: &Row<'_>) -> Result<(u64, BlockHead), StoreError> {
    let stream = Stream::of_number(unsigned(row.get("stream")?))
        .ok_or_else(|| StoreError::Corrupt("column stream".to_owned()))?;
    let head = BlockHead {
        stream,
        place: unsigned(row.get("place")?),
        client: row.get("client")?,
        instance: row.get("instance")?,
        sequence: unsigned(row.get("sequence")?),
        gate: row.get("gate")?,
        kept_at: Timestamp::from_millis(row.get("kept_at")?),
    };
    Ok((unsigned(row.get("number")?), head))
}

/// The blocks after `after` whose batch is there.
pub(super) fn after(
    connection: &Connection,
    after: u64,
    limit: u32,
) -> Result<Vec<Block>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {HEAD}, body FROM block WHERE number > ?1 AND body IS NOT NULL ORDER BY number LIMIT ?2"
    ))?;
    let mut rows = statement.query(params![signed(after), limit])?;
    let (mut blocks, mut bytes) = (Vec::new(), 0);
    while bytes < BYTES
        && let Some(row) = rows.next()?
    {
        let (number, head) = head(row)?;
        let body: Vec<u8> = row.get("body")?;
        bytes += body.len();
        blocks.push(Block { number, head, body });
    }
    Ok(blocks)
}

/// Looks for records from `from` on.
pub(super) fn find(
    connection: &Connection,
    filter: &DecisionFilter,
    direction: Direction,
    from: Option<u64>,
    limit: usize,
) -> Result<FoundDecisions, StoreError> {
    // Which rows of the first block are left to look at.
    let (start, row) = from.map_or((None, 0), |from| {
        let (number, row) = place(from);
        (Some(number), row)
    });
    let (order, start) = match direction {
        Direction::Newest => ("<= ?1 ORDER BY number DESC", start.map_or(i64::MAX, signed)),
        Direction::Oldest => (">= ?1 ORDER BY number", start.map_or(0, signed)),
    };
    let stream = filter.stream().map(Stream::number);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {HEAD}, first_at, last_at, idx, body FROM block
         WHERE body IS NOT NULL AND (?2 IS NULL OR stream = ?2) AND number {order}"
    ))?;
    let mut rows = statement.query(params![start, stream])?;
    let mut found = FoundDecisions {
        records: Vec::new(),
        next: from,
        at_end: false,
    };
    let (mut looked_at, mut opened) = (0, 0);
    while looked_at < LOOKED_AT && opened < OPENED && found.records.len() < limit {
        let Some(block) = rows.next()? else {
            found.at_end = true;
            break;
        };
        looked_at += 1;
        let number = unsigned(block.get("number")?);
        let edge = from
            .filter(|from| place(*from).0 == number)
            .map(|_| usize::try_from(row).unwrap_or(usize::MAX));
        let passed = match direction {
            Direction::Newest => position(number, 0),
            Direction::Oldest => position(number, 8_191),
        };
        if may_hold(filter, block)? {
            opened += 1;
            let whole = look(block, filter, direction, edge, limit, &mut found)?;
            if !whole {
                break;
            }
        }
        found.next = Some(passed);
    }
    Ok(found)
}

fn may_hold(filter: &DecisionFilter, block: &Row<'_>) -> Result<bool, StoreError> {
    let (first, last): (i64, i64) = (block.get("first_at")?, block.get("last_at")?);
    if filter.since.is_some_and(|since| last < since.as_millis())
        || filter.until.is_some_and(|until| first >= until.as_millis())
    {
        return Ok(false);
    }
    if let Some(application) = &filter.application
        && block.get_ref("client")?.as_str().ok() != Some(application.as_str())
    {
        return Ok(false);
    }
    let index: Option<Vec<u8>> = block.get("idx")?;
    Ok(index.is_none_or(|index| filter.may_be_in(&Index::kept(index))))
}

/// Looks through one block; false if it was left in the middle because enough was found.
fn look(
    row: &Row<'_>,
    filter: &DecisionFilter,
    direction: Direction,
    edge: Option<usize>,
    limit: usize,
    found: &mut FoundDecisions,
) -> Result<bool, StoreError> {
    let (number, head) = head(row)?;
    let body: Vec<u8> = row.get("body")?;
    let block = Block { number, head, body };
    let Ok(batch) = block.batch() else {
        // `verify` tells of it. A search goes on.
        tracing::error!(block = number, "a block of decisions cannot be read");
        return Ok(true);
    };
    let records = batch.records().enumerate();
    let mut take = |row: usize, record: &sealgate_audit::decision::Decided<'_>| {
        if filter.fits(record) {
            let position = position(number, row);
            found
                .records
                .push(DecisionRow::new(position, &block.head, record));
            found.next = Some(position);
        }
        found.records.len() < limit
    };
    let whole = match direction {
        Direction::Newest => {
            let mut rest = records
                .rev()
                .filter(|(row, _)| edge.is_none_or(|edge| *row < edge));
            rest.all(|(row, record)| take(row, &record))
        }
        Direction::Oldest => {
            let mut rest = records.filter(|(row, _)| edge.is_none_or(|edge| *row > edge));
            rest.all(|(row, record)| take(row, &record))
        }
    };
    Ok(whole)
}
