//! Anomalies: what was raised, and who has seen to it, in SQLite.

mod reports;

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use sealgate_audit::anomaly::Severity;
use sealgate_model::{ClientId, Timestamp};
use serde_json::Value;

use super::writer::Tx;
use super::{SqliteStore, audit, sql};
use crate::{
    AnomalyFilter, AnomalyProgress, AnomalyRaise, AnomalyRaised, AnomalyRow, AnomalyState,
    AnomalyStore, Audit, GateReportRow, GateRoutes, OTHERS, StoreError,
};

/// How many records' numbers are kept of one anomaly.
const EVIDENCE: usize = 32;

macro_rules! select {
    ($($rest:tt)*) => {
        concat!(
            "SELECT id, rule, severity, subject, detail, state, since, last_at, count, evidence,
                    acknowledged_at, acknowledged_by, acknowledged_for, resolved_at
             FROM anomalies ",
            $($rest)*
        )
    };
}

#[async_trait]
impl AnomalyStore for SqliteStore {
    async fn gate_report(
        &self,
        report: GateReportRow,
        routes: Option<GateRoutes>,
        room: u32,
    ) -> Result<bool, StoreError> {
        let act = move |tx: &Tx<'_>| reports::keep(tx, &report, routes.as_ref(), room);
        self.home.writer.write(act).await
    }

    async fn gate_reports(&self, since: Timestamp) -> Result<Vec<GateReportRow>, StoreError> {
        let find = move |db: &Connection| reports::since(db, since);
        self.readers.read(find).await
    }

    async fn gate_routes(
        &self,
        client: &ClientId,
        digest: &str,
    ) -> Result<Option<Value>, StoreError> {
        let (client, digest) = (client.clone(), digest.to_owned());
        let find = move |db: &Connection| reports::routes(db, &client, &digest);
        self.readers.read(find).await
    }

    async fn gate_reports_forget(&self, before: Timestamp) -> Result<u64, StoreError> {
        let act = move |tx: &Tx<'_>| reports::forget(tx, before);
        self.home.writer.write(act).await
    }

    async fn anomaly_progress(&self) -> Result<AnomalyProgress, StoreError> {
        self.readers.read(progress).await
    }

    async fn anomaly_progress_keep(&self, progress: AnomalyProgress) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| keep_progress(tx, &progress);
        self.home.writer.write(act).await
    }

    async fn anomaly_raise(
        &self,
        raise: AnomalyRaise,
        audit: Audit,
    ) -> Result<AnomalyRaised, StoreError> {
        let act = move |tx: &Tx<'_>| self::raise(tx, &raise, &audit);
        self.home.writer.write(act).await
    }

    async fn anomaly_resolve(&self, id: i64, audit: Audit) -> Result<bool, StoreError> {
        let act = move |tx: &Tx<'_>| resolve(tx, id, &audit);
        self.home.writer.write(act).await
    }

    async fn anomaly_acknowledge(
        &self,
        id: i64,
        by: &str,
        why: &str,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let (by, why) = (by.to_owned(), why.to_owned());
        let act = move |tx: &Tx<'_>| acknowledge(tx, id, &by, &why, &audit);
        self.home.writer.write(act).await
    }

    async fn anomaly(&self, id: i64) -> Result<Option<AnomalyRow>, StoreError> {
        let find = move |db: &Connection| sql::one(db, select!("WHERE id = ?1"), params![id], read);
        self.readers.read(find).await
    }

    async fn anomalies(
        &self,
        filter: AnomalyFilter,
        limit: u32,
    ) -> Result<Vec<AnomalyRow>, StoreError> {
        let find = move |db: &Connection| list(db, &filter, limit);
        self.readers.read(find).await
    }

    async fn anomaly_counts(&self) -> Result<Vec<(String, AnomalyState, u64)>, StoreError> {
        self.readers.read(counts).await
    }

    async fn anomalies_forget(&self, before: Timestamp) -> Result<u64, StoreError> {
        let act = move |tx: &Tx<'_>| {
            let gone = sql::run(
                tx,
                "DELETE FROM anomalies WHERE resolved_at < ?1 OR (state = 'acknowledged' AND last_at < ?1)",
                params![before.as_millis()],
            )?;
            Ok(u64::try_from(gone).unwrap_or(u64::MAX))
        };
        self.home.writer.write(act).await
    }
}

fn progress(connection: &Connection) -> Result<AnomalyProgress, StoreError> {
    let found = sql::one(
        connection,
        "SELECT number, memory FROM anomaly_progress WHERE one = 1",
        (),
        |row| {
            Ok(AnomalyProgress {
                number: row.get("number")?,
                memory: row.get("memory")?,
            })
        },
    )?;
    Ok(found.unwrap_or_default())
}

fn keep_progress(tx: &Tx<'_>, progress: &AnomalyProgress) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO anomaly_progress (one, number, memory) VALUES (1, ?1, ?2)
         ON CONFLICT (one) DO UPDATE SET number = excluded.number, memory = excluded.memory",
        params![progress.number, progress.memory],
    )
    .map(drop)
}

/// What is known of one that a raise goes to.
struct Standing {
    id: i64,
    state: AnomalyState,
    last_number: i64,
    evidence: Vec<i64>,
}

fn standing(tx: &Tx<'_>, rule: &str, subject: &str) -> Result<Option<Standing>, StoreError> {
    // Those that are open come first; of acts the others count only to know what was judged before.
    sql::one(
        tx,
        "SELECT id, state, last_number, evidence FROM anomalies INDEXED BY anomalies_unresolved
         WHERE rule = ?1 AND subject = ?2 AND resolved_at IS NULL
         ORDER BY state = 'open' DESC, id DESC",
        params![rule, subject],
        |row| {
            Ok(Standing {
                id: row.get("id")?,
                state: sql::word(row, "state", &AnomalyState::ALL, AnomalyState::as_str)?,
                last_number: row.get("last_number")?,
                evidence: sql::json(row, "evidence")?,
            })
        },
    )
}

/// How many of a rule nobody has seen to.
fn open(tx: &Tx<'_>, rule: &str) -> Result<u32, StoreError> {
    let count = sql::one(
        tx,
        "SELECT count(*) AS open FROM anomalies INDEXED BY anomalies_open
         WHERE rule = ?1 AND state = 'open'",
        params![rule],
        |row| Ok(row.get("open")?),
    )?;
    Ok(count.unwrap_or(0))
}

fn raise(tx: &Tx<'_>, raise: &AnomalyRaise, audit: &Audit) -> Result<AnomalyRaised, StoreError> {
    let found = &raise.raise;
    let newest = found.evidence.iter().copied().max().unwrap_or(0);
    let mut subject = found.subject.as_str();
    let mut known = standing(tx, &found.rule, subject)?;
    if known.is_none() && open(tx, &found.rule)? >= raise.room {
        subject = OTHERS;
        known = standing(tx, &found.rule, subject)?;
    }
    if let Some(known) = &known {
        if newest > 0 && newest <= known.last_number {
            return Ok(AnomalyRaised::Known(known.id));
        }
        if raise.lasting || known.state == AnomalyState::Open {
            let mut evidence = known.evidence.clone();
            evidence.extend(
                found
                    .evidence
                    .iter()
                    .filter(|one| **one > known.last_number),
            );
            let rest = evidence.split_off(evidence.len().saturating_sub(EVIDENCE));
            // A state is there or is not: that it was looked at again is no second one.
            let count = if raise.lasting { 0 } else { found.count };
            sql::run(
                tx,
                "UPDATE anomalies
                 SET last_at = max(last_at, ?2), count = count + ?3, last_number = max(last_number, ?4),
                     evidence = ?5, detail = ?6
                 WHERE id = ?1",
                params![
                    known.id,
                    found.at.as_millis(),
                    i64::try_from(count).unwrap_or(i64::MAX),
                    newest,
                    sql::json_text(&rest)?,
                    found.detail,
                ],
            )?;
            return Ok(AnomalyRaised::Again(known.id));
        }
    }
    let skip = found.evidence.len().saturating_sub(EVIDENCE);
    let evidence: Vec<i64> = found.evidence.iter().skip(skip).copied().collect();
    sql::run(
        tx,
        "INSERT INTO anomalies
            (rule, severity, subject, detail, state, since, last_at, count, last_number, evidence)
         VALUES (?1, ?2, ?3, ?4, 'open', ?5, ?5, ?6, ?7, ?8)",
        params![
            found.rule,
            found.severity.as_str(),
            subject,
            found.detail,
            found.at.as_millis(),
            i64::try_from(found.count).unwrap_or(i64::MAX),
            newest,
            sql::json_text(&evidence)?,
        ],
    )?;
    let id = tx.last_insert_rowid();
    let audit = Audit {
        object: Some(format!("{} {id} {subject}", found.rule)),
        ..audit.clone()
    };
    audit::append(tx, &audit)?;
    Ok(AnomalyRaised::New(id))
}

fn resolve(tx: &Tx<'_>, id: i64, audit: &Audit) -> Result<bool, StoreError> {
    let done = sql::run(
        tx,
        "UPDATE anomalies SET state = 'resolved', resolved_at = ?2
         WHERE id = ?1 AND resolved_at IS NULL",
        params![id, audit.at.as_millis()],
    )?;
    audit::append_if(tx, done > 0, audit)
}

fn acknowledge(
    tx: &Tx<'_>,
    id: i64,
    by: &str,
    why: &str,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let done = sql::run(
        tx,
        "UPDATE anomalies
         SET state = 'acknowledged', acknowledged_at = ?2, acknowledged_by = ?3, acknowledged_for = ?4
         WHERE id = ?1 AND resolved_at IS NULL",
        params![id, audit.at.as_millis(), by, why],
    )?;
    audit::append_if(tx, done > 0, audit)
}

/// Newest first (primary key): those that are kept are few, and those that are over go with time.
fn list(
    connection: &Connection,
    filter: &AnomalyFilter,
    limit: u32,
) -> Result<Vec<AnomalyRow>, StoreError> {
    let has = |state| filter.states.is_empty() || filter.states.contains(&state);
    sql::many(
        connection,
        select!(
            "WHERE id < ?1 AND (?2 IS NULL OR rule = ?2)
               AND ((?3 AND state = 'open') OR (?4 AND state = 'acknowledged')
                    OR (?5 AND state = 'resolved'))
             ORDER BY id DESC LIMIT ?6"
        ),
        params![
            filter.before.unwrap_or(i64::MAX),
            filter.rule,
            has(AnomalyState::Open),
            has(AnomalyState::Acknowledged),
            has(AnomalyState::Resolved),
            limit,
        ],
        read,
    )
}

fn counts(connection: &Connection) -> Result<Vec<(String, AnomalyState, u64)>, StoreError> {
    sql::many(
        connection,
        "SELECT rule, state, count(*) AS anomalies FROM anomalies GROUP BY rule, state ORDER BY rule, state",
        (),
        |row| {
            let count: i64 = row.get("anomalies")?;
            Ok((
                row.get("rule")?,
                sql::word(row, "state", &AnomalyState::ALL, AnomalyState::as_str)?,
                u64::try_from(count).unwrap_or(0),
            ))
        },
    )
}

fn read(row: &Row<'_>) -> Result<AnomalyRow, StoreError> {
    let count: i64 = row.get("count")?;
    Ok(AnomalyRow {
        id: row.get("id")?,
        rule: row.get("rule")?,
        severity: sql::word(row, "severity", &Severity::ALL, Severity::as_str)?,
        subject: row.get("subject")?,
        detail: row.get("detail")?,
        state: sql::word(row, "state", &AnomalyState::ALL, AnomalyState::as_str)?,
        since: sql::time(row, "since")?,
        last_at: sql::time(row, "last_at")?,
        count: u64::try_from(count).unwrap_or(0),
        evidence: sql::json(row, "evidence")?,
        acknowledged_at: sql::maybe_time(row, "acknowledged_at")?,
        acknowledged_by: row.get("acknowledged_by")?,
        acknowledged_for: row.get("acknowledged_for")?,
        resolved_at: sql::maybe_time(row, "resolved_at")?,
    })
}

#[cfg(test)]
mod tests;
