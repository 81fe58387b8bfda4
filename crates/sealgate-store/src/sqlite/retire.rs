//! Retirement: records that have been kept for as long as is declared go, in ranges that a chained record
//! tells of.

use rusqlite::{Connection, params};
use sealgate_audit::chain::{Hash, Retired, RetiredNote};
use sealgate_model::Timestamp;

use super::holds::{self, Asked};
use super::writer::Tx;
use super::{audit, measures, sql};
use crate::{Audit, Hold, RetireSlice, RetiredSlice, StoreError};

/// What stays however old it is: a verification needs it, or it tells of what is gone.
const KEPT: [&str; 8] = [
    "audit.begin",
    "audit.retire",
    "audit.diverged",
    "audit.hold_add",
    "audit.hold_release",
    "key.revoke",
    "key.remove",
    "store.restored",
];

/// Ranges in order, those that begin after `after` (primary key).
pub(super) fn ranges(
    connection: &Connection,
    after: i64,
    limit: u32,
) -> Result<Vec<Retired>, StoreError> {
    sql::many(
        connection,
        "SELECT first, last, after, told_by FROM audit_retired
         WHERE first > ?1 ORDER BY first LIMIT ?2",
        params![after, limit],
        |row| {
            let after: Vec<u8> = row.get("after")?;
            Ok(Retired {
                first: row.get("first")?,
                last: row.get("last")?,
                // Whatever else is there fits no record after it.
                after: Hash::from_slice(&after).unwrap_or(Hash::GENESIS),
                by: row.get("told_by")?,
            })
        },
    )
}

/// Takes away what is due of a slice, and says so in the chain.
pub(super) fn slice(
    tx: &Tx<'_>,
    slice: &RetireSlice,
    audit: &Audit,
) -> Result<RetiredSlice, StoreError> {
    let by = tx.audit_head()?.number + 1;
    let (ranges, done) = due(tx, slice, by, audit.at)?;
    for range in &ranges {
        sql::run(
            tx,
            "DELETE FROM audit WHERE number BETWEEN ?1 AND ?2",
            params![range.first, range.last],
        )?;
        sql::run(
            tx,
            "INSERT INTO audit_retired (first, last, after, told_by) VALUES (?1, ?2, ?3, ?4)",
            params![range.first, range.last, range.after.as_bytes(), by],
        )?;
    }
    if !ranges.is_empty() {
        let told = Audit {
            object: Some(RetiredNote::of(&ranges).to_string()),
            count: u32::try_from(done.records).unwrap_or(u32::MAX),
            ..audit.clone()
        };
        audit::append(tx, &told)?;
        measures::retired(slice.stream, done.records);
    }
    Ok(done)
}

/// The ranges that are due of the next rows of the table (primary key), whatever stream those are of.
fn due(
    tx: &Tx<'_>,
    slice: &RetireSlice,
    by: i64,
    now: Timestamp,
) -> Result<(Vec<Retired>, RetiredSlice), StoreError> {
    let holds = holds::in_force(tx)?;
    let mut done = RetiredSlice {
        after: slice.after,
        ..RetiredSlice::default()
    };
    let (mut ranges, mut looked, mut young): (Vec<Retired>, _, _) = (Vec::new(), 0_u32, None);
    let mut select = tx.prepare_cached(
        "SELECT number, at, actor, user_id, client_id, through, trace, action, outcome, hash
         FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2",
    )?;
    let mut rows = select.query(params![slice.after, slice.limit])?;
    while let Some(row) = rows.next()? {
        looked += 1;
        let number: i64 = row.get(0)?;
        done.after = number;
        let at = Timestamp::from_millis(row.get(1)?);
        if at >= slice.before {
            // One of the future was written while the clock was ahead. It holds up nobody: what is behind it is
            // older than it.
            if at <= now {
                young.get_or_insert(number);
            }
            continue;
        }
        let action = row.get_ref(7)?.as_str().unwrap_or_default();
        let stream = row.get_ref(8)?.as_str().unwrap_or_default();
        if stream != slice.stream.as_str() || KEPT.contains(&action) {
            continue;
        }
        let asked = Asked {
            at,
            actor: row.get_ref(2)?.as_str().unwrap_or_default(),
            user: row.get_ref(3)?.as_blob_or_null().unwrap_or_default(),
            client: row.get_ref(4)?.as_str_or_null().unwrap_or_default(),
            through: row.get_ref(5)?.as_str_or_null().unwrap_or_default(),
            trace: row.get_ref(6)?.as_str_or_null().unwrap_or_default(),
        };
        if is_held(&holds, &asked) {
            done.held += 1;
            continue;
        }
        // A row that has no hash was tampered with: it stays, so that this is found.
        let hash = row.get_ref(9)?.as_blob().ok().and_then(Hash::from_slice);
        let Some(after) = hash else {
            continue;
        };
        done.records += 1;
        match ranges.last_mut() {
            Some(range) if range.last + 1 == number => {
                range.last = number;
                range.after = after;
            }
            _ => ranges.push(Retired {
                first: number,
                last: number,
                after,
                by,
            }),
        }
    }
    // Those that are too young are looked at again when they have aged, and what is behind them with them.
    done.more = looked == slice.limit && young.is_none();
    if let Some(young) = young {
        done.after = young - 1;
    }
    Ok((ranges, done))
}

fn is_held(holds: &[Hold], asked: &Asked<'_>) -> bool {
    holds.iter().any(|hold| holds::fits(&hold.scope, asked))
}
