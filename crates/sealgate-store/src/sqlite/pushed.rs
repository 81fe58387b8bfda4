//! Pushed authorization requests, each taken once, and assertions, each used once.

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, PushedId, Timestamp};

use super::writer::Tx;
use super::{audit, sql};
use crate::{Audit, PushedRequest, StoreError};

pub(super) fn create(
    tx: &Tx<'_>,
    request: &PushedRequest,
    audit: &Audit,
) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO pushed_requests
            (id, secret_hash, client_id, parameters, details, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            request.id.as_bytes(),
            request.secret_hash.as_bytes(),
            request.client.as_str(),
            sql::json_text(&request.parameters)?,
            sql::json_text(&request.details)?,
            request.created_at.as_millis(),
            request.expires_at.as_millis(),
        ],
    )?;
    audit::append(tx, audit)
}

pub(super) fn by_id(
    connection: &Connection,
    id: PushedId,
) -> Result<Option<PushedRequest>, StoreError> {
    sql::one(
        connection,
        "SELECT id, secret_hash, client_id, parameters, details, created_at, expires_at
         FROM pushed_requests WHERE id = ?1",
        params![id.as_bytes()],
        read,
    )
}

/// The delete decides who takes it.
pub(super) fn take(
    tx: &Tx<'_>,
    id: PushedId,
    client: &ClientId,
    now: Timestamp,
) -> Result<Option<PushedRequest>, StoreError> {
    sql::one(
        tx,
        "DELETE FROM pushed_requests WHERE id = ?1 AND client_id = ?2 AND expires_at > ?3
         RETURNING id, secret_hash, client_id, parameters, details, created_at, expires_at",
        params![id.as_bytes(), client.as_str(), now.as_millis()],
        read,
    )
}

/// Forgets what a client has pushed. Requests live for a minute, so that few are looked through.
pub(super) fn forget_client(tx: &Tx<'_>, client: &ClientId) -> Result<(), StoreError> {
    sql::run(
        tx,
        "DELETE FROM pushed_requests WHERE client_id = ?1",
        params![client.as_str()],
    )
    .map(drop)
}

/// The insert decides who used it first. An entry whose time is over stands for nothing any more.
pub(super) fn use_assertion(
    tx: &Tx<'_>,
    client: &ClientId,
    jti_hash: &[u8; 32],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let used = sql::run(
        tx,
        "INSERT INTO assertion_ids (client_id, jti_hash, expires_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (client_id, jti_hash) DO UPDATE SET expires_at = excluded.expires_at
         WHERE assertion_ids.expires_at <= ?4",
        params![
            client.as_str(),
            jti_hash,
            expires_at.as_millis(),
            now.as_millis()
        ],
    )?;
    Ok(used == 1)
}

fn read(row: &Row<'_>) -> Result<PushedRequest, StoreError> {
    Ok(PushedRequest {
        id: PushedId::from_bytes(row.get("id")?),
        secret_hash: sql::hash(row, "secret_hash")?,
        client: sql::client_id(row, "client_id")?,
        parameters: sql::json(row, "parameters")?,
        details: sql::json(row, "details")?,
        created_at: sql::time(row, "created_at")?,
        expires_at: sql::time(row, "expires_at")?,
    })
}
