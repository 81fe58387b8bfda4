//! The streams of the Shared Signals transmitter in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, StreamId, Timestamp, UserId};

use super::writer::Tx;
use super::{SqliteStore, audit, signals, sql};
use crate::{
    Audit, PushTarget, Settled, Signal, SignalKind, StoreError, Stream, StreamConfig, StreamStatus,
    StreamStore, Verification,
};

/// The most users whom one stream is not told of.
const EXCLUSIONS: u32 = 10_000;

/// No receiver is left alone for longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

macro_rules! select {
    ($($rest:tt)*) => {
        concat!(
            "SELECT id, client_id, push_url, sealed_authorization, requested, kinds, description,
                    status, status_reason, held, inactivity, created_at, active_at, verified_at, queued,
                    delivered, dropped, failures, next_try_at, last_error, last_error_at
             FROM streams ",
            $($rest)*
        )
    };
}

fn create(tx: &Tx<'_>, stream: &Stream, most: u32, audit: &Audit) -> Result<(), StoreError> {
    let has = sql::one(
        tx,
        "SELECT count(*) AS streams FROM streams INDEXED BY streams_by_client WHERE client_id = ?1",
        params![stream.client.as_str()],
        |row| Ok(row.get::<_, u32>("streams")?),
    )?;
    if has.is_none_or(|has| has >= most) {
        return Err(StoreError::TooMany("streams of one client"));
    }
    let config = &stream.config;
    sql::run(
        tx,
        "INSERT INTO streams
            (id, client_id, push_url, sealed_authorization, requested, kinds, description, status,
             status_reason, inactivity, created_at, active_at, next_try_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            stream.id.as_bytes(),
            stream.client.as_str(),
            config.push.as_ref().map(|push| &push.url),
            config.push.as_ref().map(|push| &push.sealed_authorization),
            config.requested.as_ref().map(sql::json_text).transpose()?,
            sql::json_text(&config.kinds)?,
            config.description,
            stream.status.as_str(),
            stream.status_reason,
            stream.inactivity,
            stream.created_at.as_millis(),
            stream.active_at.as_millis(),
            stream.next_try_at.as_millis(),
        ],
    )?;
    audit::append(tx, audit)
}

fn by_id(connection: &Connection, id: StreamId) -> Result<Option<Stream>, StoreError> {
    sql::one(
        connection,
        select!("WHERE id = ?1"),
        params![id.as_bytes()],
        read,
    )
}

/// All of them, or a client's; there are few.
fn list(connection: &Connection, client: Option<&ClientId>) -> Result<Vec<Stream>, StoreError> {
    match client {
        Some(client) => sql::many(
            connection,
            select!("INDEXED BY streams_by_client WHERE client_id = ?1 ORDER BY id"),
            params![client.as_str()],
            read,
        ),
        None => sql::many(connection, select!("ORDER BY id"), (), read),
    }
}

fn configure(
    tx: &Tx<'_>,
    id: StreamId,
    before: &StreamConfig,
    config: &StreamConfig,
    audit: &Audit,
) -> Result<bool, StoreError> {
    match by_id(tx, id)? {
        None => return Ok(false),
        Some(current) if current.config != *before => return Err(StoreError::Conflict("stream")),
        Some(_) => {}
    }
    sql::run(
        tx,
        "UPDATE streams SET push_url = ?2, sealed_authorization = ?3, requested = ?4, kinds = ?5,
            description = ?6, failures = 0, next_try_at = ?7
         WHERE id = ?1",
        params![
            id.as_bytes(),
            config.push.as_ref().map(|push| &push.url),
            config.push.as_ref().map(|push| &push.sealed_authorization),
            config.requested.as_ref().map(sql::json_text).transpose()?,
            sql::json_text(&config.kinds)?,
            config.description,
            audit.at.as_millis(),
        ],
    )?;
    audit::append_if(tx, true, audit)
}

fn set_status(
    tx: &Tx<'_>,
    id: StreamId,
    status: StreamStatus,
    reason: Option<&str>,
    held: Option<bool>,
    announce: bool,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let known = sql::run(
        tx,
        "UPDATE streams SET status = ?2, status_reason = ?3, held = coalesce(?4, held), failures = 0,
            next_try_at = ?5, active_at = ?5
         WHERE id = ?1",
        params![
            id.as_bytes(),
            status.as_str(),
            reason,
            held,
            audit.at.as_millis(),
        ],
    )?;
    if known == 0 {
        return Ok(false);
    }
    if status == StreamStatus::Disabled {
        signals::clear(tx, id)?;
    }
    if announce {
        signals::updated(tx, id, status, reason, audit.at)?;
    }
    audit::append_if(tx, true, audit)
}

fn remove(tx: &Tx<'_>, id: StreamId, audit: &Audit) -> Result<bool, StoreError> {
    let gone = forget(tx, id)?;
    audit::append_if(tx, gone, audit)
}

fn forget(tx: &Tx<'_>, id: StreamId) -> Result<bool, StoreError> {
    let mut rows = 0;
    for delete in [
        "DELETE FROM signals WHERE stream_id = ?1",
        "DELETE FROM stream_exclusions WHERE stream_id = ?1",
        "DELETE FROM streams WHERE id = ?1",
    ] {
        rows = sql::run(tx, delete, params![id.as_bytes()])?;
    }
    Ok(rows > 0)
}

/// A client that is removed receives nothing any more.
pub(super) fn forget_client(tx: &Tx<'_>, client: &ClientId) -> Result<(), StoreError> {
    for stream in list(tx, Some(client))? {
        forget(tx, stream.id)?;
    }
    Ok(())
}

fn heard(tx: &Tx<'_>, id: StreamId, at: Timestamp) -> Result<(), StoreError> {
    sql::run(
        tx,
        "UPDATE streams SET active_at = max(active_at, ?2) WHERE id = ?1",
        params![id.as_bytes(), at.as_millis()],
    )
    .map(drop)
}

fn verify(
    tx: &Tx<'_>,
    id: StreamId,
    state: Option<&str>,
    interval: Duration,
    audit: &Audit,
) -> Result<Verification, StoreError> {
    let Some(stream) = by_id(tx, id)?.filter(|stream| stream.status != StreamStatus::Disabled)
    else {
        return Ok(Verification::Missing);
    };
    if let Some(last) = stream.verified_at {
        // A clock that was set back does not bar the receiver for longer.
        let wait = (last + interval).since(audit.at).min(interval);
        if !wait.is_zero() {
            let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            return Ok(Verification::TooSoon(millis));
        }
    }
    sql::run(
        tx,
        "UPDATE streams SET verified_at = ?2, active_at = ?2, next_try_at = min(next_try_at, ?2)
         WHERE id = ?1",
        params![id.as_bytes(), audit.at.as_millis()],
    )?;
    signals::verification(tx, id, state, audit.at)?;
    audit::append(tx, audit)?;
    Ok(Verification::Queued)
}

fn set_told(
    tx: &Tx<'_>,
    id: StreamId,
    user: UserId,
    told: bool,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let values = params![id.as_bytes(), user.as_bytes()];
    if told {
        let changed = sql::run(
            tx,
            "DELETE FROM stream_exclusions WHERE stream_id = ?1 AND user_id = ?2",
            values,
        )?;
        return audit::append_if(tx, changed > 0, audit);
    }
    let has = sql::one(
        tx,
        "SELECT count(*) AS users FROM stream_exclusions WHERE stream_id = ?1",
        params![id.as_bytes()],
        |row| Ok(row.get::<_, u32>("users")?),
    )?;
    if has.is_none_or(|has| has >= EXCLUSIONS) {
        return Err(StoreError::TooMany("users whom a stream is not told of"));
    }
    let changed = sql::run(
        tx,
        "INSERT INTO stream_exclusions (stream_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        values,
    )?;
    audit::append_if(tx, changed > 0, audit)
}

/// A stream of which no try has failed is due whatever its time says, and none waits for longer than the longest
/// pause: the clock may have been set back since.
fn due(connection: &Connection, now: Timestamp) -> Result<Vec<Stream>, StoreError> {
    sql::many(
        connection,
        select!(
            "WHERE push_url IS NOT NULL AND queued > 0
               AND (failures = 0 OR next_try_at <= ?1 OR next_try_at > ?2)
               AND (status = 'enabled' OR EXISTS
                   (SELECT 1 FROM signals INDEXED BY signals_of_streams
                    WHERE stream_id = streams.id AND kind = 'stream-updated'))
             ORDER BY next_try_at, id"
        ),
        params![now.as_millis(), (now + LONGEST_PAUSE).as_millis()],
        read,
    )
}

fn idle(connection: &Connection, now: Timestamp) -> Result<Vec<Stream>, StoreError> {
    sql::many(
        connection,
        select!(
            "WHERE status = 'enabled' AND inactivity IS NOT NULL
               AND active_at + inactivity * 1000 < ?1 ORDER BY id"
        ),
        params![now.as_millis()],
        read,
    )
}

fn failed(
    tx: &Tx<'_>,
    id: StreamId,
    reason: &str,
    next_try_at: Timestamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql::run(
        tx,
        "UPDATE streams SET failures = failures + 1, next_try_at = ?2, last_error = ?3,
            last_error_at = ?4
         WHERE id = ?1",
        params![
            id.as_bytes(),
            next_try_at.as_millis(),
            reason,
            at.as_millis(),
        ],
    )
    .map(drop)
}

fn read(row: &Row<'_>) -> Result<Stream, StoreError> {
    let count = |column: &'static str| {
        let number = row.get::<_, i64>(column)?;
        u64::try_from(number).map_err(|_| sql::unreadable(column))
    };
    let requested: Option<String> = row.get("requested")?;
    let url: Option<String> = row.get("push_url")?;
    let sealed_authorization: Option<String> = row.get("sealed_authorization")?;
    let error: Option<String> = row.get("last_error")?;
    Ok(Stream {
        id: StreamId::from_bytes(row.get("id")?),
        client: sql::client_id(row, "client_id")?,
        config: StreamConfig {
            push: url.map(|url| PushTarget {
                url,
                sealed_authorization,
            }),
            requested: requested
                .map(|text| serde_json::from_str(&text).map_err(|_| sql::unreadable("requested")))
                .transpose()?,
            kinds: sql::json::<Vec<SignalKind>>(row, "kinds")?,
            description: row.get("description")?,
        },
        status: sql::word(row, "status", &StreamStatus::ALL, StreamStatus::as_str)?,
        status_reason: row.get("status_reason")?,
        held: row.get("held")?,
        inactivity: row.get("inactivity")?,
        created_at: sql::time(row, "created_at")?,
        active_at: sql::time(row, "active_at")?,
        verified_at: sql::maybe_time(row, "verified_at")?,
        queued: count("queued")?,
        delivered: count("delivered")?,
        dropped: count("dropped")?,
        failures: row.get("failures")?,
        next_try_at: sql::time(row, "next_try_at")?,
        last_error: error.zip(sql::maybe_time(row, "last_error_at")?),
    })
}

#[async_trait]
impl StreamStore for SqliteStore {
    async fn stream_create(
        &self,
        stream: Stream,
        most: u32,
        audit: Audit,
    ) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| create(tx, &stream, most, &audit);
        self.home.writer.write(act).await
    }

    async fn stream(&self, id: StreamId) -> Result<Option<Stream>, StoreError> {
        self.readers.look_up(move |db| by_id(db, id)).await
    }

    async fn streams(&self, client: Option<&ClientId>) -> Result<Vec<Stream>, StoreError> {
        let client = client.cloned();
        self.readers.read(move |db| list(db, client.as_ref())).await
    }

    async fn stream_configure(
        &self,
        id: StreamId,
        before: StreamConfig,
        config: StreamConfig,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let act = move |tx: &Tx<'_>| configure(tx, id, &before, &config, &audit);
        self.home.writer.write(act).await
    }

    async fn stream_set_status(
        &self,
        id: StreamId,
        status: StreamStatus,
        reason: Option<String>,
        held: Option<bool>,
        announce: bool,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let act = move |tx: &Tx<'_>| {
            set_status(tx, id, status, reason.as_deref(), held, announce, &audit)
        };
        self.home.writer.write(act).await
    }

    async fn stream_remove(&self, id: StreamId, audit: Audit) -> Result<bool, StoreError> {
        let act = move |tx: &Tx<'_>| remove(tx, id, &audit);
        self.home.writer.write_ending(act).await
    }

    async fn stream_heard(&self, id: StreamId, at: Timestamp) -> Result<(), StoreError> {
        self.home.writer.write(move |tx| heard(tx, id, at)).await
    }

    async fn stream_verify(
        &self,
        id: StreamId,
        state: Option<String>,
        interval: Duration,
        audit: Audit,
    ) -> Result<Verification, StoreError> {
        let act = move |tx: &Tx<'_>| verify(tx, id, state.as_deref(), interval, &audit);
        self.home.writer.write(act).await
    }

    async fn stream_set_told(
        &self,
        id: StreamId,
        user: UserId,
        told: bool,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let act = move |tx: &Tx<'_>| set_told(tx, id, user, told, &audit);
        self.home.writer.write(act).await
    }

    async fn streams_due(&self, now: Timestamp) -> Result<Vec<Stream>, StoreError> {
        self.readers.read(move |db| due(db, now)).await
    }

    async fn streams_idle(&self, now: Timestamp) -> Result<Vec<Stream>, StoreError> {
        self.readers.read(move |db| idle(db, now)).await
    }

    async fn signals(&self, id: StreamId, limit: u32) -> Result<Vec<Signal>, StoreError> {
        self.readers
            .read(move |db| signals::list(db, id, limit))
            .await
    }

    async fn signals_settle(
        &self,
        id: StreamId,
        numbers: Vec<u64>,
        how: Settled,
        audit: Audit,
    ) -> Result<u64, StoreError> {
        let act = move |tx: &Tx<'_>| signals::settle(tx, id, &numbers, &how, &audit);
        // What frees room may use the reserve.
        self.home.writer.write_ending(act).await
    }

    async fn stream_failed(
        &self,
        id: StreamId,
        reason: &'static str,
        next_try_at: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| failed(tx, id, reason, next_try_at, at);
        self.home.writer.write(act).await
    }

    async fn signals_expire(&self, before: Timestamp, audit: Audit) -> Result<u64, StoreError> {
        let act = move |tx: &Tx<'_>| signals::expire(tx, before, &audit);
        self.home.writer.write_ending(act).await
    }
}
