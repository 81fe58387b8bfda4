//! Tokens by which clients may register themselves.

use rusqlite::{Connection, Row, params};
use sealgate_model::RegistrationTokenId;

use super::super::writer::Tx;
use super::super::{audit, sql};
use crate::{Audit, RegistrationToken, StoreError};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, secret_hash, name, created_at, expires_at, uses_left
             FROM registration_tokens ",
            $rest
        )
    };
}

pub(super) fn create(
    tx: &Tx<'_>,
    token: &RegistrationToken,
    audit: &Audit,
) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO registration_tokens (id, secret_hash, name, created_at, expires_at, uses_left)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            token.id.as_bytes(),
            token.secret_hash.as_bytes(),
            token.name,
            token.created_at.as_millis(),
            token.expires_at.as_millis(),
            token.uses_left,
        ],
    )?;
    audit::append(tx, audit)
}

pub(super) fn by_id(
    connection: &Connection,
    id: RegistrationTokenId,
) -> Result<Option<RegistrationToken>, StoreError> {
    let id = params![id.as_bytes()];
    sql::one(connection, select!("WHERE id = ?1"), id, read)
}

/// By id, and so by age (primary key).
pub(super) fn list(connection: &Connection) -> Result<Vec<RegistrationToken>, StoreError> {
    sql::many(connection, select!("ORDER BY id"), (), read)
}

/// Takes one use; false if none is left.
pub(super) fn spend(tx: &Tx<'_>, id: RegistrationTokenId) -> Result<bool, StoreError> {
    let spent = sql::run(
        tx,
        "UPDATE registration_tokens SET uses_left = uses_left - 1 WHERE id = ?1 AND uses_left > 0",
        params![id.as_bytes()],
    )?;
    Ok(spent > 0)
}

pub(super) fn remove(
    tx: &Tx<'_>,
    id: RegistrationTokenId,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let delete = "DELETE FROM registration_tokens WHERE id = ?1";
    let gone = sql::run(tx, delete, params![id.as_bytes()])?;
    audit::append_if(tx, gone > 0, audit)
}

fn read(row: &Row<'_>) -> Result<RegistrationToken, StoreError> {
    Ok(RegistrationToken {
        id: RegistrationTokenId::from_bytes(row.get("id")?),
        secret_hash: sql::hash(row, "secret_hash")?,
        name: row.get("name")?,
        created_at: sql::time(row, "created_at")?,
        expires_at: sql::time(row, "expires_at")?,
        uses_left: row.get("uses_left")?,
    })
}
