//! Letting go of what is kept no longer.
//!
//! A batch goes, and its block stays as a stub: place, head and hashes. So the chain holds over what a legal hold
//! keeps in its middle. Stubs before everything that is still there go too, but for the last one.

use rusqlite::{Connection, OptionalExtension as _, params};
use sealgate_audit::decision::{Index, Stream};
use sealgate_model::Timestamp;

use super::writer::{signed, unsigned};
use super::{Hold, Retention, Retired, seen};
use crate::StoreError;

/// How many blocks of a stream go in one pass: what comes in waits meanwhile.
pub(super) const PASS: usize = 500;
/// For how long it is known what was kept already.
const SEEN: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);

/// One pass over both streams, inside a transaction.
pub(super) fn pass(
    connection: &Connection,
    retention: &Retention,
    holds: &[Hold],
    now: Timestamp,
    retired: &mut Vec<Retired>,
) -> Result<(), StoreError> {
    for stream in Stream::ALL {
        let keep = retention.of(stream);
        let gone = one(connection, stream, keep.bytes, now - keep.age, holds, now)?;
        retired.extend(gone);
        trim(connection, stream)?;
    }
    seen::forget(connection, now - SEEN)
}

/// A block that may go.
struct Old {
    number: i64,
    place: u64,
    kept_at: Timestamp,
    first: Timestamp,
    last: Timestamp,
    rows: i64,
    decisions: u64,
    bytes: u64,
}

fn one(
    connection: &Connection,
    stream: Stream,
    most: u64,
    before: Timestamp,
    holds: &[Hold],
    now: Timestamp,
) -> Result<Option<Retired>, StoreError> {
    let bytes: i64 = connection
        .prepare_cached("SELECT bytes FROM total WHERE stream = ?1")?
        .query_row(params![stream.number()], |row| row.get(0))?;
    let over = unsigned(bytes).saturating_sub(most);
    let old = oldest(connection, stream, (before, over), holds)?;
    let mut gone: Option<Retired> = None;
    for block in old {
        connection
            .prepare_cached(
                "UPDATE block SET body = NULL, idx = NULL, retired_at = ?2 WHERE number = ?1",
            )?
            .execute(params![block.number, now.as_millis()])?;
        connection
            .prepare_cached(
                "UPDATE total SET blocks = blocks - 1, rows = rows - ?2,
                 decisions = max(0, decisions - ?3), bytes = bytes - ?4 WHERE stream = ?1",
            )?
            .execute(params![
                stream.number(),
                block.rows,
                signed(block.decisions),
                signed(block.bytes)
            ])?;
        let sum = gone.get_or_insert(Retired {
            stream,
            blocks: 0,
            decisions: 0,
            early: 0,
            through: 0,
        });
        sum.blocks += 1;
        sum.early += u64::from(block.kept_at >= before);
        sum.decisions = sum.decisions.saturating_add(block.decisions);
        sum.through = block.place;
    }
    Ok(gone)
}

/// The oldest blocks of `stream` that no hold keeps, as far as they were kept before `before`, or there are so many
/// bytes too many.
fn oldest(
    connection: &Connection,
    stream: Stream,
    (before, mut over): (Timestamp, u64),
    holds: &[Hold],
) -> Result<Vec<Old>, StoreError> {
    // Uses block_alive.
    let mut statement = connection.prepare_cached(
        "SELECT number, place, kept_at, first_at, last_at, rows, decisions, bytes, idx, client FROM block
         WHERE stream = ?1 AND body IS NOT NULL ORDER BY number",
    )?;
    let mut rows = statement.query(params![stream.number()])?;
    let mut old = Vec::new();
    while old.len() < PASS
        && let Some(row) = rows.next()?
    {
        let block = Old {
            number: row.get(0)?,
            place: unsigned(row.get(1)?),
            kept_at: Timestamp::from_millis(row.get(2)?),
            first: Timestamp::from_millis(row.get(3)?),
            last: Timestamp::from_millis(row.get(4)?),
            rows: row.get(5)?,
            decisions: unsigned(row.get(6)?),
            bytes: unsigned(row.get(7)?),
        };
        if block.kept_at >= before && over == 0 {
            break;
        }
        let in_time: Vec<&Hold> = holds
            .iter()
            .filter(|hold| {
                // By the gate's clock or by ours: whichever would keep it.
                let (first, last) = (
                    block.first.min(block.kept_at),
                    block.last.max(block.kept_at),
                );
                hold.from.is_none_or(|from| last >= from)
                    && hold.until.is_none_or(|until| first <= until)
            })
            .collect();
        if in_time.is_empty() {
            over = over.saturating_sub(block.bytes);
            old.push(block);
            continue;
        }
        // What cannot be told apart is held.
        let index = Index::kept(row.get::<_, Option<Vec<u8>>>(8)?.unwrap_or_default());
        let client: String = row.get(9)?;
        let is_held = in_time.iter().any(|hold| {
            hold.actor
                .as_deref()
                .is_none_or(|id| index.may_hold_actor(id) || index.may_hold_user(id))
                && hold
                    .client
                    .as_deref()
                    .is_none_or(|id| id == client || index.may_hold_client(id))
                && hold.trace.is_none_or(|trace| index.may_hold_trace(&trace))
        });
        if !is_held {
            over = over.saturating_sub(block.bytes);
            old.push(block);
        }
    }
    Ok(old)
}

/// Deletes the stubs before everything that is still there; the last of them is what the next block stands on.
fn trim(connection: &Connection, stream: Stream) -> Result<(), StoreError> {
    let first: Option<i64> = connection
        .prepare_cached(
            "SELECT place FROM block WHERE stream = ?1 AND body IS NOT NULL ORDER BY number LIMIT 1",
        )?
        .query_row(params![stream.number()], |row| row.get(0))
        .optional()?;
    let first = match first {
        Some(first) => first,
        None => signed(super::writer::head(connection, stream)?.place) + 1,
    };
    connection
        .prepare_cached("DELETE FROM block WHERE stream = ?1 AND place < ?2")?
        .execute(params![stream.number(), first - 1])?;
    Ok(())
}
