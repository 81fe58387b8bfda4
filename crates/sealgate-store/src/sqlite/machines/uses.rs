//! What clients may use since when, and when they last did.

use rusqlite::{Connection, params};
use sealgate_model::{ClientId, Timestamp};

use super::super::writer::Tx;
use super::super::{audit, sql};
use crate::{Audit, Client, ClientUse, StoreError, UseKind, Used};

/// How long after a use the next one of the same thing is not written.
const HOUR_MILLIS: i64 = 60 * 60 * 1000;

pub(super) fn record(tx: &Tx<'_>, audit: &Audit, used: &Used) -> Result<(), StoreError> {
    note(tx, used, audit.at)?;
    audit::append(tx, audit)
}

/// Whoever asks twice in an hour, after a restart or from elsewhere, changes nothing.
pub(super) fn note(tx: &Tx<'_>, used: &Used, at: Timestamp) -> Result<(), StoreError> {
    for (kind, name) in &used.what {
        sql::run(
            tx,
            "INSERT INTO client_uses (client_id, kind, name, since, used_at)
             VALUES (?1, ?2, ?3, ?4, ?4)
             ON CONFLICT (client_id, kind, name) DO UPDATE SET used_at = excluded.used_at
             WHERE used_at IS NULL OR used_at <= excluded.used_at - ?5",
            params![
                used.client.as_str(),
                kind.as_str(),
                name,
                at.as_millis(),
                HOUR_MILLIS
            ],
        )?;
    }
    Ok(())
}

/// Notes since when a client may use what was not registered before, and forgets what is not any more.
pub(super) fn register(
    tx: &Tx<'_>,
    before: Option<&Client>,
    client: &Client,
    at: Timestamp,
) -> Result<(), StoreError> {
    for kind in [UseKind::Scope, UseKind::Resource] {
        let was = before.map(|before| names(before, kind));
        let (was, is) = (was.unwrap_or_default(), names(client, kind));
        for gone in was.iter().filter(|name| !is.contains(name)) {
            sql::run(
                tx,
                "DELETE FROM client_uses WHERE client_id = ?1 AND kind = ?2 AND name = ?3",
                params![client.id.as_str(), kind.as_str(), gone],
            )?;
        }
        for new in is.iter().filter(|name| !was.contains(name)) {
            sql::run(
                tx,
                "INSERT INTO client_uses (client_id, kind, name, since, used_at)
                 VALUES (?1, ?2, ?3, ?4, NULL)
                 ON CONFLICT (client_id, kind, name) DO UPDATE
                 SET since = excluded.since, used_at = NULL",
                params![client.id.as_str(), kind.as_str(), new, at.as_millis()],
            )?;
        }
    }
    Ok(())
}

/// What of this kind a client is registered for.
fn names(client: &Client, kind: UseKind) -> &[String] {
    match kind {
        UseKind::Client | UseKind::Token => &[],
        UseKind::Scope => &client.scopes,
        UseKind::Resource => &client.details.resources,
    }
}

/// What is known of a client's uses, by kind and name (primary key).
pub(super) fn of(connection: &Connection, id: &ClientId) -> Result<Vec<ClientUse>, StoreError> {
    sql::many(
        connection,
        "SELECT kind, name, since, used_at FROM client_uses WHERE client_id = ?1
         ORDER BY kind, name",
        params![id.as_str()],
        |row| {
            Ok(ClientUse {
                kind: sql::word(row, "kind", &UseKind::ALL, UseKind::as_str)?,
                name: row.get("name")?,
                since: sql::time(row, "since")?,
                used_at: sql::maybe_time(row, "used_at")?,
            })
        },
    )
}
