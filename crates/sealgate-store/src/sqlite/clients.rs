//! OAuth clients. The row of one that was removed stays, so that its id is never given again and what
//! it did stays readable.

use rusqlite::{Connection, Row, TransactionBehavior, params};
use sealgate_model::{ClientId, SecretHash, Timestamp};

use super::bulk::{self, Batch};
use super::writer::Tx;
use super::{audit, consents, devices, pushed, sql};
use crate::{Audit, AuditActor, Client, ClientKind, RevokeReason, StoreError};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, kind, secret_hash, redirect_uris, logout_uris, scopes, details,
                    created_at, disabled_at
             FROM clients ",
            $rest
        )
    };
}

pub(super) fn create(tx: &Tx<'_>, client: &Client, audit: &Audit) -> Result<(), StoreError> {
    if client.id.looks_like_user() {
        return Err(StoreError::Invalid("the client id reads as a UUID"));
    }
    sql::run(
        tx,
        "INSERT INTO clients
            (id, name, kind, secret_hash, redirect_uris, logout_uris, scopes, details, created_at,
             disabled_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            client.id.as_str(),
            client.name,
            client.kind.as_str(),
            client.secret_hash.as_ref().map(SecretHash::as_bytes),
            sql::json_text(&client.redirect_uris)?,
            sql::json_text(&client.logout_uris)?,
            sql::json_text(&client.scopes)?,
            sql::json_text(&client.details)?,
            client.created_at.as_millis(),
            client.disabled_at.map(Timestamp::as_millis),
        ],
    )?;
    audit::append(tx, audit)
}

pub(super) fn by_id(connection: &Connection, id: &ClientId) -> Result<Option<Client>, StoreError> {
    sql::one(
        connection,
        select!("WHERE id = ?1 AND removed_at IS NULL"),
        params![id.as_str()],
        read,
    )
}

/// Every client, by id (primary key).
pub(super) fn list(connection: &Connection) -> Result<Vec<Client>, StoreError> {
    sql::many(
        connection,
        select!("WHERE removed_at IS NULL ORDER BY id"),
        (),
        read,
    )
}

pub(super) fn update(tx: &Tx<'_>, client: &Client, audit: &Audit) -> Result<bool, StoreError> {
    tx.clients_change();
    let changed = sql::run(
        tx,
        "UPDATE clients
         SET name = ?2, kind = ?3, redirect_uris = ?4, logout_uris = ?5, scopes = ?6, details = ?7,
             disabled_at = ?8,
             secret_hash = CASE ?3 WHEN 'public' THEN NULL ELSE secret_hash END
         WHERE id = ?1 AND removed_at IS NULL",
        params![
            client.id.as_str(),
            client.name,
            client.kind.as_str(),
            sql::json_text(&client.redirect_uris)?,
            sql::json_text(&client.logout_uris)?,
            sql::json_text(&client.scopes)?,
            sql::json_text(&client.details)?,
            client.disabled_at.map(Timestamp::as_millis),
        ],
    )?;
    audit::append_if(tx, changed > 0, audit)
}

pub(super) fn set_secret(
    tx: &Tx<'_>,
    id: &ClientId,
    secret_hash: SecretHash,
    audit: &Audit,
) -> Result<bool, StoreError> {
    tx.clients_change();
    let changed = sql::run(
        tx,
        "UPDATE clients SET secret_hash = ?2
         WHERE id = ?1 AND removed_at IS NULL AND kind = 'confidential'",
        params![id.as_str(), secret_hash.as_bytes()],
    )?;
    audit::append_if(tx, changed > 0, audit)
}

/// Removes it and revokes the first batch of its sessions, or the next one if that was cut short before;
/// none if there is no such client. Where it wants to hear of their end is still on its row.
pub(super) fn remove(
    tx: &Tx<'_>,
    id: &ClientId,
    audit: &Audit,
) -> Result<Option<Batch>, StoreError> {
    tx.clients_change();
    let removed = sql::run(
        tx,
        "UPDATE clients SET removed_at = ?2, secret_hash = NULL
         WHERE id = ?1 AND removed_at IS NULL",
        params![id.as_str(), audit.at.as_millis()],
    )?;
    if removed == 0 {
        return finish_removal(tx, id, audit);
    }
    consents::forget_client(tx, id)?;
    devices::forget_client(tx, id)?;
    pushed::forget_client(tx, id)?;
    sql::run(
        tx,
        "UPDATE resources SET client_id = NULL WHERE client_id = ?1",
        params![id.as_str()],
    )?;
    let selector = bulk::everything_on(id, None, audit.at);
    bulk::begin(tx, &selector, RevokeReason::ClientRemoved, audit).map(Some)
}

/// Revokes a batch of the sessions that a removed client has left; none if it has left none.
fn finish_removal(tx: &Tx<'_>, id: &ClientId, audit: &Audit) -> Result<Option<Batch>, StoreError> {
    let selector = bulk::everything_on(id, None, audit.at);
    let batch = bulk::go_on(tx, &selector, None, RevokeReason::ClientRemoved, audit)?;
    Ok((batch.sessions > 0).then_some(batch))
}

/// Finishes the removals that the end of the process before has cut short.
pub(super) fn finish_removals(
    connection: &mut Connection,
    now: Timestamp,
) -> Result<(), StoreError> {
    let unfinished = sql::many(
        connection,
        "SELECT id FROM clients WHERE removed_at IS NOT NULL AND EXISTS
            (SELECT 1 FROM sessions INDEXED BY sessions_by_client
             WHERE client_id = clients.id AND revoked_at IS NULL AND expires_at > ?1)",
        params![now.as_millis()],
        |row| sql::client_id(row, "id"),
    )?;
    for id in unfinished {
        let audit = Audit {
            client: Some(id.clone()),
            ..Audit::allowed(now, AuditActor::System, "client.remove")
        };
        let mut more = true;
        while more {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            more = finish_removal(&Tx::on(&transaction), &id, &audit)?.is_some();
            transaction.commit()?;
        }
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Client, StoreError> {
    Ok(Client {
        id: sql::client_id(row, "id")?,
        name: row.get("name")?,
        kind: sql::word(row, "kind", &ClientKind::ALL, ClientKind::as_str)?,
        secret_hash: row
            .get::<_, Option<_>>("secret_hash")?
            .map(SecretHash::from_bytes),
        redirect_uris: sql::json(row, "redirect_uris")?,
        logout_uris: sql::json(row, "logout_uris")?,
        scopes: sql::json(row, "scopes")?,
        details: sql::json(row, "details")?,
        created_at: sql::time(row, "created_at")?,
        disabled_at: sql::maybe_time(row, "disabled_at")?,
    })
}
