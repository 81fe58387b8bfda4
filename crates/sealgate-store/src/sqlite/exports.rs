//! Exports: where records go, and how far each has come, in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use sealgate_model::Timestamp;

use super::writer::Tx;
use super::{SqliteStore, audit, sql};
use crate::{Audit, ExportStore, NewSink, Sink, SinkPlaces, SinkSource, SinkStart, StoreError};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, target, form, streams, sealed, pause_after, created_at, paused,
                    pause_reason, audit_place, allowed_place, denied_place, delivered, delivered_at,
                    failed, failures, failing_since, next_try_at, last_error, last_error_at
             FROM sinks ",
            $rest
        )
    };
}

fn create(tx: &Tx<'_>, sink: &NewSink, most: u32, audit: &Audit) -> Result<(), StoreError> {
    let has = sql::one(tx, "SELECT count(*) AS sinks FROM sinks", (), |row| {
        Ok(row.get::<_, u32>("sinks")?)
    })?;
    if has.is_none_or(|has| has >= most) {
        return Err(StoreError::TooMany("sinks"));
    }
    let audit_place = match sink.start {
        SinkStart::Beginning => 0,
        SinkStart::Now => head(tx)?,
    };
    sql::run(
        tx,
        "INSERT INTO sinks
            (name, target, form, streams, sealed, pause_after, created_at, audit_place, allowed_place,
             denied_place, next_try_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?7)",
        params![
            sink.name,
            sink.target,
            sink.form,
            sql::json_text(&sink.streams)?,
            sink.sealed,
            sink.pause_after,
            audit.at.as_millis(),
            audit_place,
            sink.places.allowed,
            sink.places.denied,
        ],
    )
    .map_err(|error| match error {
        StoreError::Conflict(_) => StoreError::Conflict("sink"),
        other => other,
    })?;
    audit::append(tx, audit)
}

fn by_name(connection: &Connection, name: &str) -> Result<Option<Sink>, StoreError> {
    sql::one(connection, select!("WHERE name = ?1"), params![name], read)
}

/// All of them; there are few.
fn list(connection: &Connection) -> Result<Vec<Sink>, StoreError> {
    sql::many(connection, select!("ORDER BY name"), (), read)
}

fn remove(tx: &Tx<'_>, name: &str, audit: &Audit) -> Result<bool, StoreError> {
    let gone = sql::run(tx, "DELETE FROM sinks WHERE name = ?1", params![name])?;
    audit::append_if(tx, gone > 0, audit)
}

fn pause(
    tx: &Tx<'_>,
    name: &str,
    paused: bool,
    reason: Option<&str>,
    audit: &Audit,
) -> Result<bool, StoreError> {
    // Whoever lets it go on has seen to what was wrong: it is counted and waited for anew.
    let changed = sql::run(
        tx,
        "UPDATE sinks SET paused = ?2, pause_reason = ?3, failures = 0, failing_since = NULL,
            next_try_at = ?4
         WHERE name = ?1 AND paused <> ?2",
        params![name, paused, reason, audit.at.as_millis()],
    )?;
    audit::append_if(tx, changed > 0, audit)
}

fn set_secrets(
    tx: &Tx<'_>,
    name: &str,
    before: Option<&str>,
    sealed: &str,
    audit: &Audit,
) -> Result<bool, StoreError> {
    match by_name(tx, name)? {
        None => return Ok(false),
        Some(sink) if sink.sealed.as_deref() != before => {
            return Err(StoreError::Conflict("sink"));
        }
        Some(_) => {}
    }
    sql::run(
        tx,
        "UPDATE sinks SET sealed = ?2, next_try_at = ?3 WHERE name = ?1",
        params![name, sealed, audit.at.as_millis()],
    )?;
    audit::append_if(tx, true, audit)
}

/// How far a sink has come after a try.
struct Step {
    id: i64,
    source: SinkSource,
    from: i64,
    to: i64,
    records: u32,
    at: Timestamp,
}

fn advance(tx: &Tx<'_>, step: &Step, audit: Option<&Audit>) -> Result<bool, StoreError> {
    let statement = match step.source {
        SinkSource::Audit => {
            "UPDATE sinks SET audit_place = ?3, delivered = delivered + ?4,
                delivered_at = iif(?4 > 0, ?5, delivered_at),
                failures = iif(?4 > 0, 0, failures), failing_since = iif(?4 > 0, NULL, failing_since)
             WHERE id = ?1 AND audit_place = ?2"
        }
        SinkSource::Allowed => {
            "UPDATE sinks SET allowed_place = ?3, delivered = delivered + ?4,
                delivered_at = iif(?4 > 0, ?5, delivered_at),
                failures = iif(?4 > 0, 0, failures), failing_since = iif(?4 > 0, NULL, failing_since)
             WHERE id = ?1 AND allowed_place = ?2"
        }
        SinkSource::Denied => {
            "UPDATE sinks SET denied_place = ?3, delivered = delivered + ?4,
                delivered_at = iif(?4 > 0, ?5, delivered_at),
                failures = iif(?4 > 0, 0, failures), failing_since = iif(?4 > 0, NULL, failing_since)
             WHERE id = ?1 AND denied_place = ?2"
        }
    };
    let values = params![
        step.id,
        step.from,
        step.to,
        step.records,
        step.at.as_millis()
    ];
    let moved = sql::run(tx, statement, values)? > 0;
    match audit {
        Some(audit) => audit::append_if(tx, moved, audit),
        None => Ok(moved),
    }
}

fn failed(
    tx: &Tx<'_>,
    id: i64,
    reason: &str,
    next_try_at: Timestamp,
    at: Timestamp,
    audit: Option<&Audit>,
) -> Result<(), StoreError> {
    let known = sql::run(
        tx,
        "UPDATE sinks SET failures = failures + 1, failed = failed + 1, next_try_at = ?2,
            failing_since = coalesce(failing_since, ?4), last_error = ?3, last_error_at = ?4
         WHERE id = ?1",
        params![id, next_try_at.as_millis(), reason, at.as_millis()],
    )?;
    match audit {
        Some(audit) => audit::append_if(tx, known > 0, audit).map(drop),
        None => Ok(()),
    }
}

/// The newest record's number (primary key).
fn head(connection: &Connection) -> Result<i64, StoreError> {
    let newest = sql::one(
        connection,
        "SELECT number FROM audit ORDER BY number DESC LIMIT 1",
        (),
        |row| Ok(row.get("number")?),
    )?;
    Ok(newest.unwrap_or(0))
}

fn read(row: &Row<'_>) -> Result<Sink, StoreError> {
    let count = |column: &'static str| {
        let number = row.get::<_, i64>(column)?;
        u64::try_from(number).map_err(|_| sql::unreadable(column))
    };
    let error: Option<String> = row.get("last_error")?;
    let error_at = sql::maybe_time(row, "last_error_at")?;
    Ok(Sink {
        id: row.get("id")?,
        name: row.get("name")?,
        target: row.get("target")?,
        form: row.get("form")?,
        streams: sql::json(row, "streams")?,
        sealed: row.get("sealed")?,
        pause_after: row.get("pause_after")?,
        created_at: sql::time(row, "created_at")?,
        paused: row.get("paused")?,
        pause_reason: row.get("pause_reason")?,
        places: SinkPlaces {
            audit: row.get("audit_place")?,
            allowed: row.get("allowed_place")?,
            denied: row.get("denied_place")?,
        },
        delivered: count("delivered")?,
        delivered_at: sql::maybe_time(row, "delivered_at")?,
        failed: count("failed")?,
        failures: row.get("failures")?,
        failing_since: sql::maybe_time(row, "failing_since")?,
        next_try_at: sql::time(row, "next_try_at")?,
        last_error: error.zip(error_at),
    })
}

#[async_trait]
impl ExportStore for SqliteStore {
    async fn sink_create(&self, sink: NewSink, most: u32, audit: Audit) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| create(tx, &sink, most, &audit);
        self.home.writer.write(act).await
    }

    async fn sink(&self, name: &str) -> Result<Option<Sink>, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |db| by_name(db, &name)).await
    }

    async fn sinks(&self) -> Result<Vec<Sink>, StoreError> {
        self.readers.read(list).await
    }

    async fn sink_remove(&self, name: &str, audit: Audit) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let act = move |tx: &Tx<'_>| remove(tx, &name, &audit);
        self.home.writer.write(act).await
    }

    async fn sink_pause(
        &self,
        name: &str,
        paused: bool,
        reason: Option<&'static str>,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let act = move |tx: &Tx<'_>| pause(tx, &name, paused, reason, &audit);
        self.home.writer.write(act).await
    }

    async fn sink_set_secrets(
        &self,
        name: &str,
        before: Option<String>,
        sealed: String,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let act = move |tx: &Tx<'_>| set_secrets(tx, &name, before.as_deref(), &sealed, &audit);
        self.home.writer.write(act).await
    }

    async fn sink_advance(
        &self,
        id: i64,
        source: SinkSource,
        from: i64,
        to: i64,
        records: u32,
        at: Timestamp,
        audit: Option<Audit>,
    ) -> Result<bool, StoreError> {
        let step = Step {
            id,
            source,
            from,
            to,
            records,
            at,
        };
        let act = move |tx: &Tx<'_>| advance(tx, &step, audit.as_ref());
        self.home.writer.write(act).await
    }

    async fn sink_failed(
        &self,
        id: i64,
        reason: &'static str,
        next_try_at: Timestamp,
        at: Timestamp,
        audit: Option<Audit>,
    ) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| failed(tx, id, reason, next_try_at, at, audit.as_ref());
        self.home.writer.write(act).await
    }

    async fn audit_head(&self) -> Result<i64, StoreError> {
        self.readers.read(head).await
    }
}
