//! Credentials that are good once, for a service account to register a key with.

use rusqlite::{Connection, Row, params};
use sealgate_model::{BootstrapId, ClientId, Timestamp};
use serde_json::{Value, json};

use super::super::writer::Tx;
use super::super::{audit, clients, sql};
use crate::{Audit, Bootstrap, Client, Enrolled, StoreError};

/// The most keys of a client, of which each is looked at for each of its assertions.
const MOST_KEYS: usize = 16;

/// At most one that was not used stands for a service account. Whoever has it can use `scopes`, and that was found
/// to be right of no others.
pub(super) fn create(
    tx: &Tx<'_>,
    bootstrap: &Bootstrap,
    scopes: &[String],
    audit: &Audit,
) -> Result<bool, StoreError> {
    let client = clients::by_id(tx, &bootstrap.client)?;
    let fits = |client: &Client| client.details.machine.is_some() && client.is_usable(audit.at);
    match client.filter(fits) {
        None => return Ok(false),
        Some(client) if client.scopes != scopes => return Err(StoreError::Conflict("client")),
        Some(_) => {}
    }
    drop_unused(tx, &bootstrap.client)?;
    sql::run(
        tx,
        "INSERT INTO bootstraps
            (id, secret_hash, client_id, keeps_keys, created_at, expires_at, used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            bootstrap.id.as_bytes(),
            bootstrap.secret_hash.as_bytes(),
            bootstrap.client.as_str(),
            bootstrap.keeps_keys,
            bootstrap.created_at.as_millis(),
            bootstrap.expires_at.as_millis(),
            bootstrap.used_at.map(Timestamp::as_millis),
        ],
    )?;
    audit::append(tx, audit)?;
    Ok(true)
}

/// Drops those that were not used; how many there were.
pub(in crate::sqlite) fn drop_unused(tx: &Tx<'_>, client: &ClientId) -> Result<usize, StoreError> {
    sql::run(
        tx,
        "DELETE FROM bootstraps INDEXED BY bootstraps_by_client
         WHERE client_id = ?1 AND used_at IS NULL",
        params![client.as_str()],
    )
}

pub(super) fn by_id(
    connection: &Connection,
    id: BootstrapId,
) -> Result<Option<Bootstrap>, StoreError> {
    sql::one(
        connection,
        "SELECT id, secret_hash, client_id, keeps_keys, created_at, expires_at, used_at
         FROM bootstraps WHERE id = ?1",
        params![id.as_bytes()],
        read,
    )
}

/// The one of a service account that was not used.
pub(super) fn open_of(
    connection: &Connection,
    client: &ClientId,
) -> Result<Option<Bootstrap>, StoreError> {
    sql::one(
        connection,
        "SELECT id, secret_hash, client_id, keeps_keys, created_at, expires_at, used_at
         FROM bootstraps INDEXED BY bootstraps_by_client
         WHERE client_id = ?1 AND used_at IS NULL",
        params![client.as_str()],
        read,
    )
}

/// All is looked at again here, where nobody else writes: of two that come at once with one credential the
/// second finds it used.
pub(super) fn spend(
    tx: &Tx<'_>,
    id: BootstrapId,
    key: &Value,
    audit: &Audit,
) -> Result<Enrolled, StoreError> {
    let Some(bootstrap) = by_id(tx, id)? else {
        return Ok(Enrolled::Gone);
    };
    if bootstrap.used_at.is_some() {
        return Ok(Enrolled::Used);
    }
    if bootstrap.expires_at <= audit.at {
        return Ok(Enrolled::Expired);
    }
    let before = clients::by_id(tx, &bootstrap.client)?;
    let fits = |client: &Client| client.details.machine.is_some() && client.is_usable(audit.at);
    let Some(before) = before.filter(fits) else {
        return Ok(Enrolled::Ended);
    };
    let mut keys = Vec::new();
    if bootstrap.keeps_keys {
        if before.details.jwks_uri.is_some() {
            return Ok(Enrolled::Full);
        }
        let set = before.details.jwks.as_ref();
        let known = set.and_then(|set| set["keys"].as_array());
        keys.extend(known.into_iter().flatten().cloned());
    }
    if !keys.contains(key) {
        keys.push(key.clone());
    }
    if keys.len() > MOST_KEYS {
        return Ok(Enrolled::Full);
    }
    let mut client = before.clone();
    client.details.jwks = Some(json!({ "keys": keys }));
    client.details.jwks_uri = None;
    // With the record, and a revocation of what was got by keys that are gone.
    if !clients::update(tx, &before, &client, audit)? {
        return Ok(Enrolled::Ended);
    }
    sql::run(
        tx,
        "UPDATE bootstraps SET used_at = ?2 WHERE id = ?1",
        params![id.as_bytes(), audit.at.as_millis()],
    )?;
    Ok(Enrolled::Done(Box::new(client)))
}

fn read(row: &Row<'_>) -> Result<Bootstrap, StoreError> {
    Ok(Bootstrap {
        id: BootstrapId::from_bytes(row.get("id")?),
        secret_hash: sql::hash(row, "secret_hash")?,
        client: sql::client_id(row, "client_id")?,
        keeps_keys: row.get("keeps_keys")?,
        created_at: sql::time(row, "created_at")?,
        expires_at: sql::time(row, "expires_at")?,
        used_at: sql::maybe_time(row, "used_at")?,
    })
}
