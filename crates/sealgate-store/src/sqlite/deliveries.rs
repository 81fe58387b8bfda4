//! Back-channel logouts that are owed: written where a session is revoked, forgotten when told.

use rusqlite::{Connection, params};
use sealgate_model::{ClientId, LogoutDeliveryId, SessionId, Timestamp, UserId};

use super::writer::Tx;
use super::{audit, sql};
use crate::{Audit, LogoutDelivery, StoreError};

/// Owes the client of a session word of its end, if it has asked for that. A session ends once, so
/// that its own id also names what is owed for it.
pub(super) fn owe(
    tx: &Tx<'_>,
    session: SessionId,
    user: UserId,
    client: &ClientId,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO logout_deliveries
            (id, client_id, user_id, session_id, uri, created_at, next_try_at, attempts)
         SELECT ?1, id, ?2, ?1, details ->> '$.backchannel_logout_uri', ?4, ?4, 0
         FROM clients WHERE id = ?3 AND details ->> '$.backchannel_logout_uri' IS NOT NULL",
        params![
            session.as_bytes(),
            user.as_bytes(),
            client.as_str(),
            at.as_millis(),
        ],
    )
    .map(drop)
}

/// The addresses are walked along the index, and of each only as many rows are read as it may have: one
/// with a long queue costs no more than any other.
pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
    each: u32,
) -> Result<Vec<LogoutDelivery>, StoreError> {
    sql::many(
        connection,
        "WITH RECURSIVE addresses (address) AS (
             SELECT min(uri) FROM logout_deliveries INDEXED BY logout_deliveries_by_uri
             UNION ALL
             SELECT (SELECT min(uri) FROM logout_deliveries INDEXED BY logout_deliveries_by_uri
                     WHERE uri > address)
             FROM addresses WHERE address IS NOT NULL
         )
         SELECT id, client_id, user_id, session_id, uri, created_at, next_try_at, attempts
         FROM addresses CROSS JOIN logout_deliveries ON id IN
             (SELECT id FROM logout_deliveries INDEXED BY logout_deliveries_by_uri
              WHERE uri = address AND next_try_at <= ?1 ORDER BY next_try_at, id LIMIT ?3)
         ORDER BY next_try_at, id LIMIT ?2",
        params![now.as_millis(), limit, each],
        |row| {
            Ok(LogoutDelivery {
                id: LogoutDeliveryId::from_bytes(row.get("id")?),
                client: sql::client_id(row, "client_id")?,
                user: UserId::from_bytes(row.get("user_id")?),
                session: row
                    .get::<_, Option<_>>("session_id")?
                    .map(SessionId::from_bytes),
                uri: row.get("uri")?,
                created_at: sql::time(row, "created_at")?,
                next_try_at: sql::time(row, "next_try_at")?,
                attempts: row.get("attempts")?,
            })
        },
    )
}

pub(super) fn done(tx: &Tx<'_>, id: LogoutDeliveryId, audit: &Audit) -> Result<bool, StoreError> {
    let gone = sql::run(
        tx,
        "DELETE FROM logout_deliveries WHERE id = ?1",
        params![id.as_bytes()],
    )?;
    audit::append_if(tx, gone > 0, audit)
}

pub(super) fn failed(
    tx: &Tx<'_>,
    id: LogoutDeliveryId,
    next_try_at: Timestamp,
) -> Result<bool, StoreError> {
    let noted = sql::run(
        tx,
        "UPDATE logout_deliveries SET attempts = attempts + 1, next_try_at = ?2 WHERE id = ?1",
        params![id.as_bytes(), next_try_at.as_millis()],
    )?;
    Ok(noted > 0)
}
