//! OAuth clients.

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, SecretHash};

use super::writer::Tx;
use super::{audit, sql};
use crate::{Audit, Client, ClientKind, StoreError};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, kind, secret_hash, redirect_uris, logout_uris, scopes, created_at
             FROM clients ",
            $rest
        )
    };
}

pub(super) fn create(tx: &Tx<'_>, client: &Client, audit: &Audit) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO clients
            (id, name, kind, secret_hash, redirect_uris, logout_uris, scopes, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            client.id.as_str(),
            client.name,
            client.kind.as_str(),
            client.secret_hash.as_ref().map(SecretHash::as_bytes),
            sql::list_text(&client.redirect_uris)?,
            sql::list_text(&client.logout_uris)?,
            sql::list_text(&client.scopes)?,
            client.created_at.as_millis(),
        ],
    )?;
    audit::append(tx, audit)
}

pub(super) fn by_id(connection: &Connection, id: &ClientId) -> Result<Option<Client>, StoreError> {
    sql::one(
        connection,
        select!("WHERE id = ?1"),
        params![id.as_str()],
        read,
    )
}

/// Every client, by id (primary key).
pub(super) fn list(connection: &Connection) -> Result<Vec<Client>, StoreError> {
    sql::many(connection, select!("ORDER BY id"), (), read)
}

fn read(row: &Row<'_>) -> Result<Client, StoreError> {
    Ok(Client {
        id: sql::client_id(row, "id")?,
        name: row.get("name")?,
        kind: sql::word(row, "kind", &ClientKind::ALL, ClientKind::as_str)?,
        secret_hash: row
            .get::<_, Option<_>>("secret_hash")?
            .map(SecretHash::from_bytes),
        redirect_uris: sql::list(row, "redirect_uris")?,
        logout_uris: sql::list(row, "logout_uris")?,
        scopes: sql::list(row, "scopes")?,
        created_at: sql::time(row, "created_at")?,
    })
}
