//! A database that was put back from a copy: how it is noticed, and what is done then.
//!
//! Somebody remembers more of the log than the database does: the witness beside it, or a gate that was
//! told. What was revoked meanwhile is not known any more, so everything is: a new history begins, and
//! nothing that the copy believes in is good in it.

use rusqlite::{Connection, TransactionBehavior, params};
use sealgate_model::{Random, Timestamp};

use super::bulk::{self, Batch};
use super::writer::Tx;
use super::{policies, revocations, schema, sql};
use crate::{Audit, AuditActor, HistoryMark, Restored, RevokeReason, SessionSelector, StoreError};

/// What the database would have to know, and does not, if `mark` is true; none if it knows all of it.
fn lost(connection: &Connection, mark: &HistoryMark) -> Result<Option<Restored>, StoreError> {
    let history = schema::epoch(connection)?;
    let head = revocations::head(connection)?;
    let knows = if mark.history == history {
        mark.seq <= head
    } else {
        // One that is over was left for good. One that was never heard of came after the copy was made.
        let known = sql::one(
            connection,
            "SELECT 1 FROM histories WHERE id = ?1",
            params![mark.history],
            |_row| Ok(()),
        )?;
        known.is_some()
    };
    Ok((!knows).then(|| Restored {
        known: HistoryMark { history, seq: head },
        shown: mark.clone(),
    }))
}

/// When another history began for the last time; none if this is still the first one.
pub(super) fn last_left(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let left = sql::one(
        connection,
        "SELECT max(left_at) AS at FROM histories",
        (),
        |row| sql::maybe_time(row, "at"),
    )?;
    Ok(left.flatten())
}

/// Begins history `next` if `mark` shows that the database was put back from a copy, and revokes
/// everything up to now, the first batch of sessions with it.
pub(super) fn begin(
    tx: &Tx<'_>,
    mark: &HistoryMark,
    next: &str,
    audit: &Audit,
) -> Result<Option<(Restored, Batch)>, StoreError> {
    let Some(restored) = lost(tx, mark)? else {
        return Ok(None);
    };
    for left in [&restored.known.history, &mark.history] {
        sql::run(
            tx,
            "INSERT INTO histories (id, left_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![left, audit.at.as_millis()],
        )?;
    }
    sql::run(
        tx,
        "UPDATE meta SET epoch = ?1 WHERE one = 1",
        params![next],
    )?;
    // Links that were spent after the copy was made, and what was taken back: they do not come again.
    sql::run(
        tx,
        "UPDATE invitations SET used_at = ?1 WHERE used_at IS NULL",
        params![audit.at.as_millis()],
    )?;
    sql::run(tx, "DELETE FROM consents", ())?;
    policies::begin_anew(tx, audit.at)?;
    let audit = Audit {
        object: Some(next.to_owned()),
        ..audit.clone()
    };
    let batch = bulk::begin(tx, &everything(audit.at), RevokeReason::Restored, &audit)?;
    Ok(Some((restored, batch)))
}

/// All that anybody started, up to the moment when this commits.
pub(super) fn everything(now: Timestamp) -> SessionSelector {
    SessionSelector {
        user: None,
        client: None,
        tenant: None,
        started_at_or_before: now + bulk::RACE,
    }
}

/// The record of it.
pub(super) fn record(now: Timestamp) -> Audit {
    Audit::allowed(now, AuditActor::System, "store.restored")
}

/// Does it while nobody else writes: when the database is opened.
pub(super) fn look_back(
    connection: &mut Connection,
    witness: Option<&HistoryMark>,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Option<Restored>, StoreError> {
    let Some(mark) = witness else {
        return Ok(None);
    };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tx = Tx::on(&transaction);
    let audit = record(now);
    let Some((restored, mut batch)) = begin(&tx, mark, &schema::fresh_epoch(random), &audit)?
    else {
        return Ok(None);
    };
    let all = everything(now);
    while let Some(after) = batch.next {
        batch = bulk::go_on(&tx, &all, Some(after), RevokeReason::Restored, &audit)?;
    }
    transaction.commit()?;
    Ok(Some(restored))
}
