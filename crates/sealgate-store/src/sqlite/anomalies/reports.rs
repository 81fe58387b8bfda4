//! What gates report of themselves, and the routes of their tables.

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, Timestamp};
use serde_json::Value;

use super::super::sql;
use super::super::writer::Tx;
use crate::{GateReportRow, GateRoutes, StoreError};

/// Keeps a report; false if the routes that it names are not known.
pub(super) fn keep(
    tx: &Tx<'_>,
    row: &GateReportRow,
    routes: Option<&GateRoutes>,
    room: u32,
) -> Result<bool, StoreError> {
    if let Some(routes) = routes {
        sql::run(
            tx,
            "INSERT INTO gate_routes (client_id, digest, routes) VALUES (?1, ?2, ?3)
             ON CONFLICT (client_id, digest) DO UPDATE SET routes = excluded.routes",
            params![
                row.client.as_str(),
                routes.digest,
                sql::json_text(&routes.routes)?
            ],
        )?;
    }
    if let Some(digest) = &row.digest {
        let known = sql::one(
            tx,
            "SELECT 1 FROM gate_routes WHERE client_id = ?1 AND digest = ?2",
            params![row.client.as_str(), digest],
            |_row| Ok(()),
        )?;
        if known.is_none() {
            return Ok(false);
        }
    }
    sql::run(
        tx,
        "INSERT INTO gate_reports (client_id, gate, instance, first_seen, last_seen, digest, report)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (client_id, gate, instance) DO UPDATE
         SET last_seen = excluded.last_seen, digest = excluded.digest, report = excluded.report",
        params![
            row.client.as_str(),
            row.gate,
            row.instance,
            row.first_seen.as_millis(),
            row.last_seen.as_millis(),
            row.digest,
            sql::json_text(&row.report)?,
        ],
    )?;
    // Names and instances are the client's own words: there is a bound on how many are kept.
    let forgotten = sql::run(
        tx,
        "DELETE FROM gate_reports WHERE (client_id, gate, instance) IN (
            SELECT client_id, gate, instance FROM gate_reports INDEXED BY gate_reports_by_time
            WHERE client_id = ?1 ORDER BY last_seen DESC, gate, instance LIMIT -1 OFFSET ?2)",
        params![row.client.as_str(), room],
    )?;
    if forgotten > 0 || routes.is_some() {
        forget_routes(tx)?;
    }
    Ok(true)
}

/// By client, name and instance (primary key): as many rows as there are processes.
pub(super) fn since(
    connection: &Connection,
    since: Timestamp,
) -> Result<Vec<GateReportRow>, StoreError> {
    sql::many(
        connection,
        "SELECT client_id, gate, instance, first_seen, last_seen, digest, report FROM gate_reports
         WHERE last_seen >= ?1 ORDER BY client_id, gate, instance",
        params![since.as_millis()],
        read,
    )
}

pub(super) fn routes(
    connection: &Connection,
    client: &ClientId,
    digest: &str,
) -> Result<Option<Value>, StoreError> {
    sql::one(
        connection,
        "SELECT routes FROM gate_routes WHERE client_id = ?1 AND digest = ?2",
        params![client.as_str(), digest],
        |row| sql::json(row, "routes"),
    )
}

pub(super) fn forget(tx: &Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    let gone = sql::run(
        tx,
        "DELETE FROM gate_reports WHERE last_seen < ?1",
        params![before.as_millis()],
    )?;
    if gone > 0 {
        forget_routes(tx)?;
    }
    Ok(u64::try_from(gone).unwrap_or(u64::MAX))
}

/// Route tables that no gate has any more.
fn forget_routes(tx: &Tx<'_>) -> Result<(), StoreError> {
    sql::run(
        tx,
        "DELETE FROM gate_routes WHERE NOT EXISTS (
            SELECT 1 FROM gate_reports
            WHERE gate_reports.client_id = gate_routes.client_id
              AND gate_reports.digest = gate_routes.digest)",
        (),
    )
    .map(drop)
}

fn read(row: &Row<'_>) -> Result<GateReportRow, StoreError> {
    Ok(GateReportRow {
        client: sql::client_id(row, "client_id")?,
        gate: row.get("gate")?,
        instance: row.get("instance")?,
        first_seen: sql::time(row, "first_seen")?,
        last_seen: sql::time(row, "last_seen")?,
        digest: row.get("digest")?,
        report: sql::json(row, "report")?,
    })
}
