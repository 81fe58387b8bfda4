//! Signals that are owed on streams: written in the transaction of the act that they tell of, for the
//! streams of those clients that may know of it, and forgotten when the receiver has them.

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, SessionId, StreamId, TenantId, Timestamp, UserId};
use serde_json::{Value, json};

use super::writer::Tx;
use super::{audit, measures, reaches, sql};
use crate::{Audit, RevokeReason, Session, Settled, Signal, SignalKind, StoreError, StreamStatus};

/// The most signals that wait on one stream.
pub(super) const MOST: u64 = 10_000;

/// How many signals go at once when they are too old.
const SLICE: u32 = 1000;

/// What a signal tells, for whichever streams.
#[derive(Default)]
struct Told<'a> {
    user: Option<UserId>,
    session: Option<SessionId>,
    tenant: Option<&'a str>,
    reason: Option<&'a str>,
    details: Option<Value>,
}

/// A session was revoked, and `readers` hear of it.
pub(super) fn session_revoked(
    tx: &Tx<'_>,
    session: SessionId,
    user: UserId,
    readers: &[ClientId],
    reason: RevokeReason,
    at: Timestamp,
) -> Result<(), StoreError> {
    let tenant = if any(tx)? {
        sql::one(
            tx,
            "SELECT tenant FROM sessions WHERE id = ?1",
            params![session.as_bytes()],
            |row| Ok(row.get::<_, Option<String>>("tenant")?),
        )?
        .flatten()
    } else {
        return Ok(());
    };
    let told = Told {
        user: Some(user),
        session: Some(session),
        tenant: tenant.as_deref(),
        reason: Some(reason.as_str()),
        details: None,
    };
    tell(tx, readers, SignalKind::SessionRevoked, &told, at)
}

/// A session has started.
pub(super) fn session_established(tx: &Tx<'_>, session: &Session) -> Result<(), StoreError> {
    if !any(tx)? {
        return Ok(());
    }
    let told = Told {
        user: Some(session.user),
        session: Some(session.id),
        tenant: session.details.tenant.as_ref().map(TenantId::as_str),
        reason: None,
        details: Some(json!({ "acr": session.details.acr, "amr": session.methods })),
    };
    let readers = reaches::readers(tx, session.id)?;
    let kind = SignalKind::SessionEstablished;
    tell(tx, &readers, kind, &told, session.created_at)
}

/// Something about an account has changed: told to every client that any of the user's tokens can be
/// presented to.
pub(super) fn account(
    tx: &Tx<'_>,
    user: UserId,
    kind: SignalKind,
    details: Option<Value>,
    at: Timestamp,
) -> Result<(), StoreError> {
    if !any(tx)? {
        return Ok(());
    }
    let readers = reaches::readers_of(tx, user)?;
    let readers: Vec<_> = readers.into_iter().map(|(client, _)| client).collect();
    let told = Told {
        user: Some(user),
        details,
        ..Told::default()
    };
    tell(tx, &readers, kind, &told, at)
}

/// Whether there are any streams at all. Most houses have none, and shall not pay for it.
fn any(tx: &Tx<'_>) -> Result<bool, StoreError> {
    let found = sql::one(tx, "SELECT 1 FROM streams LIMIT 1", (), |_row| Ok(()))?;
    Ok(found.is_some())
}

/// The same of what must not fail for it: that others are told of an act is worth less than the act, and who
/// revokes must not be hindered by what is wrong with a stream. What cannot be queued is lost, loudly. On a disk
/// that is full the whole act is tried again with the reserve, so that this is told.
fn tell(
    tx: &Tx<'_>,
    readers: &[ClientId],
    kind: SignalKind,
    told: &Told<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql::run(tx, "SAVEPOINT telling", ())?;
    let outcome = tell_each(tx, readers, kind, told, at);
    match outcome {
        Err(error @ StoreError::Full) => return Err(error),
        // SQLite has undone everything by itself.
        Err(error) if tx.is_autocommit() => return Err(error),
        Err(error) => {
            sql::run(tx, "ROLLBACK TO telling", ())?;
            let (kind, reason) = (kind.as_str(), error.code());
            tracing::error!(kind, reason, %error, "a security event could not be queued and is lost");
        }
        Ok(()) => {}
    }
    sql::run(tx, "RELEASE telling", ()).map(drop)
}

/// The streams of `readers` that carry such signals and want to hear of this user are owed one.
fn tell_each(
    tx: &Tx<'_>,
    readers: &[ClientId],
    kind: SignalKind,
    told: &Told<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    for reader in readers {
        let streams = sql::many(
            tx,
            "SELECT id FROM streams INDEXED BY streams_by_client
             WHERE client_id = ?1 AND status <> 'disabled' AND instr(kinds, ?2) > 0
               AND NOT EXISTS (SELECT 1 FROM stream_exclusions
                               WHERE stream_id = streams.id AND user_id = ?3)
             ORDER BY id",
            params![
                reader.as_str(),
                format!("\"{}\"", kind.as_str()),
                told.user.as_ref().map(UserId::as_bytes),
            ],
            |row| Ok(StreamId::from_bytes(row.get("id")?)),
        )?;
        for stream in streams {
            owe(tx, stream, kind, told, at)?;
        }
    }
    Ok(())
}

/// Queues a signal, or notes that there was no room for it.
fn owe(
    tx: &Tx<'_>,
    stream: StreamId,
    kind: SignalKind,
    told: &Told<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let room = sql::run(
        tx,
        "UPDATE streams SET dropped = dropped + 1 WHERE id = ?1 AND queued >= ?2",
        params![stream.as_bytes(), MOST.cast_signed()],
    )?;
    if room == 0 {
        return insert(tx, stream, kind, told, at);
    }
    measures::signals(stream, "dropped", 1);
    lost(tx, stream, at)
}

/// Lets a stream tell, once until its queue is shorter again, that signals are lost from here on.
fn lost(tx: &Tx<'_>, stream: StreamId, at: Timestamp) -> Result<(), StoreError> {
    let status = sql::one(
        tx,
        "UPDATE streams SET gap = 1 WHERE id = ?1 AND gap = 0 RETURNING status",
        params![stream.as_bytes()],
        |row| sql::word(row, "status", &StreamStatus::ALL, StreamStatus::as_str),
    )?;
    match status {
        Some(status) => updated(tx, stream, status, Some("signals_lost"), at),
        None => Ok(()),
    }
}

/// Queues what a stream has to tell of itself, whether or not there is room: there is little of it.
pub(super) fn updated(
    tx: &Tx<'_>,
    stream: StreamId,
    status: StreamStatus,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let told = Told {
        reason,
        details: Some(json!({ "status": status.as_str() })),
        ..Told::default()
    };
    insert(tx, stream, SignalKind::StreamUpdated, &told, at)
}

/// Queues the answer to a receiver that asks whether the stream works.
pub(super) fn verification(
    tx: &Tx<'_>,
    stream: StreamId,
    state: Option<&str>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let told = Told {
        details: state.map(|state| json!({ "state": state })),
        ..Told::default()
    };
    owe(tx, stream, SignalKind::Verification, &told, at)
}

/// The record of the act is the next one: it is written last in the same transaction.
fn insert(
    tx: &Tx<'_>,
    stream: StreamId,
    kind: SignalKind,
    told: &Told<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let number = sql::one(
        tx,
        "UPDATE streams SET next_number = next_number + 1, queued = queued + 1 WHERE id = ?1
         RETURNING next_number - 1 AS number",
        params![stream.as_bytes()],
        |row| Ok(row.get::<_, i64>("number")?),
    )?;
    let number = number.ok_or_else(|| sql::unreadable("streams"))?;
    let details = told.details.as_ref().map(sql::json_text).transpose()?;
    sql::run(
        tx,
        "INSERT INTO signals
            (stream_id, number, kind, at, user_id, session_id, tenant, reason, details, cause)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
            1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0))",
        params![
            stream.as_bytes(),
            number,
            kind.as_str(),
            at.as_millis(),
            told.user.as_ref().map(UserId::as_bytes),
            told.session.as_ref().map(SessionId::as_bytes),
            told.tenant,
            told.reason,
            details,
        ],
    )?;
    measures::signals(stream, "queued", 1);
    Ok(())
}

/// Up to `limit` signals that the stream may carry, in order (primary key, or the few of itself).
pub(super) fn list(
    connection: &Connection,
    stream: StreamId,
    limit: u32,
) -> Result<Vec<Signal>, StoreError> {
    macro_rules! select {
        ($index:literal, $own:literal) => {
            concat!(
                "SELECT stream_id, signals.number, kind, signals.at, signals.user_id,
                        signals.session_id, tenant, signals.reason, details, cause, actor
                 FROM signals ",
                $index,
                " LEFT JOIN audit ON audit.number = cause AND audit.at = signals.at
                 WHERE stream_id = ?1 AND ",
                $own,
                " ORDER BY signals.number LIMIT ?2"
            )
        };
    }
    let moment = connection.unchecked_transaction()?;
    let status = sql::one(
        &moment,
        "SELECT status FROM streams WHERE id = ?1",
        params![stream.as_bytes()],
        |row| sql::word(row, "status", &StreamStatus::ALL, StreamStatus::as_str),
    )?;
    let query = match status {
        None => return Ok(Vec::new()),
        Some(StreamStatus::Enabled) => select!("", "true"),
        Some(StreamStatus::Paused | StreamStatus::Disabled) => {
            select!("INDEXED BY signals_of_streams", "kind = 'stream-updated'")
        }
    };
    sql::many(&moment, query, params![stream.as_bytes(), limit], read)
}

/// Forgets signals and counts what became of them; how many there were.
pub(super) fn settle(
    tx: &Tx<'_>,
    stream: StreamId,
    numbers: &[u64],
    how: &Settled,
    audit: &Audit,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    for number in numbers {
        let Ok(number) = i64::try_from(*number) else {
            continue;
        };
        gone += sql::run(
            tx,
            "DELETE FROM signals WHERE stream_id = ?1 AND number = ?2",
            params![stream.as_bytes(), number],
        )?;
    }
    if gone == 0 {
        return Ok(0);
    }
    let count = u64::try_from(gone).unwrap_or(u64::MAX);
    match how {
        Settled::Delivered => {
            sql::run(
                tx,
                "UPDATE streams SET queued = queued - ?2, delivered = delivered + ?2, failures = 0,
                    next_try_at = ?3, gap = iif(queued - ?2 < ?4, 0, gap)
                 WHERE id = ?1",
                params![
                    stream.as_bytes(),
                    count.cast_signed(),
                    audit.at.as_millis(),
                    (MOST / 2).cast_signed(),
                ],
            )?;
            measures::signals(stream, "delivered", count);
        }
        Settled::Refused(reason) => {
            drop_counted(tx, stream, count, reason, audit.at)?;
            measures::signals(stream, "refused", count);
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let audit = Audit {
                count,
                ..audit.clone()
            };
            audit::append(tx, &audit)?;
        }
    }
    Ok(count)
}

fn drop_counted(
    tx: &Tx<'_>,
    stream: StreamId,
    count: u64,
    reason: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql::run(
        tx,
        "UPDATE streams SET queued = queued - ?2, dropped = dropped + ?2, last_error = ?3,
            last_error_at = ?4, gap = iif(queued - ?2 < ?5, 0, gap)
         WHERE id = ?1",
        params![
            stream.as_bytes(),
            count.cast_signed(),
            reason,
            at.as_millis(),
            (MOST / 2).cast_signed(),
        ],
    )
    .map(drop)
}

/// Drops a slice of what is too old (index of the age), with a record for each stream.
pub(super) fn expire(tx: &Tx<'_>, before: Timestamp, audit: &Audit) -> Result<u64, StoreError> {
    let old = sql::many(
        tx,
        "SELECT stream_id, number FROM signals INDEXED BY signals_by_age
         WHERE at < ?1 ORDER BY at LIMIT ?2",
        params![before.as_millis(), SLICE],
        |row| {
            let stream = StreamId::from_bytes(row.get("stream_id")?);
            Ok((stream, row.get::<_, i64>("number")?))
        },
    )?;
    let mut streams: Vec<(StreamId, u64)> = Vec::new();
    for (stream, number) in &old {
        sql::run(
            tx,
            "DELETE FROM signals WHERE stream_id = ?1 AND number = ?2",
            params![stream.as_bytes(), number],
        )?;
        match streams.iter_mut().find(|(known, _)| known == stream) {
            Some((_, count)) => *count += 1,
            None => streams.push((*stream, 1)),
        }
    }
    for (stream, count) in streams {
        drop_counted(tx, stream, count, &audit.reason, audit.at)?;
        measures::signals(stream, "dropped", count);
        lost(tx, stream, audit.at)?;
        let audit = Audit {
            object: Some(stream.to_string()),
            count: u32::try_from(count).unwrap_or(u32::MAX),
            ..audit.clone()
        };
        audit::append(tx, &audit)?;
    }
    Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
}

/// Forgets whatever waits on a stream.
pub(super) fn clear(tx: &Tx<'_>, stream: StreamId) -> Result<(), StoreError> {
    sql::run(
        tx,
        "DELETE FROM signals WHERE stream_id = ?1",
        params![stream.as_bytes()],
    )?;
    sql::run(
        tx,
        "UPDATE streams SET queued = 0, gap = 0 WHERE id = ?1",
        params![stream.as_bytes()],
    )
    .map(drop)
}

fn read(row: &Row<'_>) -> Result<Signal, StoreError> {
    let details: Option<String> = row.get("details")?;
    Ok(Signal {
        stream: StreamId::from_bytes(row.get("stream_id")?),
        number: u64::try_from(row.get::<_, i64>("number")?)
            .map_err(|_| sql::unreadable("number"))?,
        kind: sql::word(row, "kind", &SignalKind::ALL, SignalKind::as_str)?,
        at: sql::time(row, "at")?,
        user: row.get::<_, Option<_>>("user_id")?.map(UserId::from_bytes),
        session: row
            .get::<_, Option<_>>("session_id")?
            .map(SessionId::from_bytes),
        tenant: sql::maybe_tenant(row, "tenant")?,
        reason: row.get("reason")?,
        details: details
            .map(|text| serde_json::from_str(&text).map_err(|_| sql::unreadable("details")))
            .transpose()?,
        cause: row.get("cause")?,
        actor: row.get("actor")?,
    })
}

#[cfg(test)]
mod tests;
