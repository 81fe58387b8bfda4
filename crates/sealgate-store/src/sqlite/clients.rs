//! OAuth clients. The row of one that was removed stays, so that its id is never given again and what
//! it did stays readable.

use rusqlite::{Connection, Row, TransactionBehavior, params};
use sealgate_model::{ClientId, Grant, SecretHash, Timestamp};

use super::bulk::{self, Batch};
use super::machines::{bootstraps, ends};
use super::revocations::Entry;
use super::writer::Tx;
use super::{audit, consents, devices, pushed, revocations, sessions, sql, streams};
use crate::{
    Audit, AuditActor, Client, ClientAuthentication, ClientKind, RevokeReason, Revoked, StoreError,
};

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
            client
                .secret_hash
                .as_ref()
                .filter(|_| has_secret(client))
                .map(SecretHash::as_bytes),
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

/// Whether a secret is how it proves who it is. Of any other no hash is kept, so that a secret that was
/// given up is not good again when the client comes back to secrets.
fn has_secret(client: &Client) -> bool {
    client.kind == ClientKind::Confidential
        && client.details.authentication == ClientAuthentication::Secret
        && client.details.machine.is_none()
}

pub(super) fn by_id(connection: &Connection, id: &ClientId) -> Result<Option<Client>, StoreError> {
    sql::one(
        connection,
        select!("WHERE id = ?1 AND removed_at IS NULL"),
        params![id.as_str()],
        read,
    )
}

/// Whether the id is or was a client's.
pub(super) fn is_known(connection: &Connection, id: &ClientId) -> Result<bool, StoreError> {
    let found = sql::one(
        connection,
        "SELECT 1 FROM clients WHERE id = ?1",
        params![id.as_str()],
        |_row| Ok(()),
    )?;
    Ok(found.is_some())
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

/// Whoever changes a client has read it a while ago. If it is not as it was then, the change would undo
/// one that nobody meant to undo.
pub(super) fn update(
    tx: &Tx<'_>,
    before: &Client,
    client: &Client,
    audit: &Audit,
) -> Result<bool, StoreError> {
    if before.id != client.id {
        return Err(StoreError::Invalid("a client keeps its id"));
    }
    if before.details.machine.is_some() != client.details.machine.is_some() {
        return Err(StoreError::Invalid(
            "a service account stays one, and nothing else becomes one",
        ));
    }
    match by_id(tx, &client.id)? {
        None => return Ok(false),
        Some(current) if current != *before => return Err(StoreError::Conflict("client")),
        Some(_) => tx.clients_change(),
    }
    let changed = sql::run(
        tx,
        "UPDATE clients
         SET name = ?2, kind = ?3, redirect_uris = ?4, logout_uris = ?5, scopes = ?6, details = ?7,
             secret_hash = CASE WHEN ?8 THEN secret_hash END
         WHERE id = ?1 AND removed_at IS NULL",
        params![
            client.id.as_str(),
            client.name,
            client.kind.as_str(),
            sql::json_text(&client.redirect_uris)?,
            sql::json_text(&client.logout_uris)?,
            sql::json_text(&client.scopes)?,
            sql::json_text(&client.details)?,
            has_secret(client),
        ],
    )?;
    if changed > 0 {
        if is_machine(before) && proves_otherwise(before, client) {
            tell(
                tx,
                &Revoked::Client(client.id.clone()),
                audit.at,
                "credentials_changed",
            )?;
        } else if is_less(before, client) {
            let what = Revoked::ClientClaims(client.id.clone());
            tell(tx, &what, audit.at, "registration_changed")?;
        }
    }
    audit::append_if(tx, changed > 0, audit)
}

/// Tells every client something that holds for whatever a client was given until now.
fn tell(tx: &Tx<'_>, what: &Revoked, now: Timestamp, reason: &str) -> Result<(), StoreError> {
    let expires_at = sessions::last_end(tx)?.max(now + revocations::KEPT);
    let entry = Entry {
        reason: Some(reason),
        ..Entry::of(what, tx.newest(now), expires_at)
    };
    revocations::log(tx, &entry)
}

/// Whether it only acts for itself, or for users of others: nobody signs in to it. All that it has, it has
/// by its credentials alone.
fn is_machine(client: &Client) -> bool {
    let signs_in = |grant: &Grant| matches!(grant, Grant::AuthorizationCode | Grant::DeviceCode);
    !client.details.grants.iter().any(signs_in)
}

/// Whether it proves who it is in another way than before, or by keys or identities of other issuers of which one
/// that it had is missing. One more takes none away.
pub(super) fn proves_otherwise(before: &Client, after: &Client) -> bool {
    let keys = |client: &Client| -> Vec<serde_json::Value> {
        let set = client.details.jwks.as_ref();
        let keys = set.and_then(|set| set["keys"].as_array());
        keys.cloned().unwrap_or_default()
    };
    let identities = |client: &Client| {
        let machine = client.details.machine.as_ref();
        machine.map_or_else(Vec::new, |machine| machine.identities.clone())
    };
    let (kept, still) = (keys(after), identities(after));
    before.details.authentication != after.details.authentication
        || before.details.jwks_uri != after.details.jwks_uri
        || keys(before).iter().any(|key| !kept.contains(key))
        || identities(before).iter().any(|one| !still.contains(one))
}

/// Whether such a change takes something away that credentials from before still have.
pub(super) fn takes_away(before: &Client, after: &Client) -> bool {
    is_less(before, after) || (is_machine(before) && proves_otherwise(before, after))
}

/// Whether tokens from before tell of more than it may have now, or of something else.
fn is_less(before: &Client, after: &Client) -> bool {
    fn lost<T: PartialEq>(before: &[T], after: &[T]) -> bool {
        before.iter().any(|one| !after.contains(one))
    }
    let (was, is) = (&before.details, &after.details);
    lost(&before.scopes, &after.scopes)
        || lost(&was.resources, &is.resources)
        || lost(&was.grants, &is.grants)
        || was.agent != is.agent
        || was.tenant != is.tenant
        // Also where nobody was named before: tokens from then are exchanged by whoever serves what they are for.
        || was.may_act != is.may_act
        || (is.require_dpop && !was.require_dpop)
        // Tokens from before may live longer than the service account does now.
        || matches!((before.ends_at(), after.ends_at()), (Some(was), Some(is)) if is < was)
}

/// Whoever has the secret can use `scopes`, and that was found to be right of no others.
pub(super) fn set_secret(
    tx: &Tx<'_>,
    id: &ClientId,
    scopes: &[String],
    secret_hash: SecretHash,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let current = match by_id(tx, id)? {
        None => return Ok(false),
        Some(current) if current.scopes != scopes => return Err(StoreError::Conflict("client")),
        Some(current) => current,
    };
    tx.clients_change();
    let changed = sql::run(
        tx,
        "UPDATE clients SET secret_hash = ?2
         WHERE id = ?1 AND removed_at IS NULL AND kind = 'confidential'
           AND coalesce(details ->> '$.authentication', 'secret') = 'secret'
           AND machine_ends_at IS NULL",
        params![id.as_str(), secret_hash.as_bytes()],
    )?;
    if changed > 0 && is_machine(&current) {
        tell(
            tx,
            &Revoked::Client(id.clone()),
            audit.at,
            "credentials_changed",
        )?;
    }
    audit::append_if(tx, changed > 0, audit)
}

/// Disables it and revokes the first batch of its sessions; none if there is no such client.
pub(super) fn disable(
    tx: &Tx<'_>,
    id: &ClientId,
    audit: &Audit,
) -> Result<Option<Batch>, StoreError> {
    tx.clients_change();
    let known = sql::run(
        tx,
        "UPDATE clients SET disabled_at = coalesce(disabled_at, ?2)
         WHERE id = ?1 AND removed_at IS NULL",
        params![id.as_str(), audit.at.as_millis()],
    )?;
    if known == 0 {
        return Ok(None);
    }
    bootstraps::drop_unused(tx, id)?;
    let selector = bulk::everything_on(id, None, audit.at);
    bulk::begin(tx, &selector, RevokeReason::Admin, audit).map(Some)
}

/// Enables it, or revokes a batch of the sessions that a disabling cut short has left, which must not
/// come back with it; whether it is enabled now. None if there is no such client.
pub(super) fn enable(
    tx: &Tx<'_>,
    id: &ClientId,
    audit: &Audit,
) -> Result<Option<bool>, StoreError> {
    let Some(client) = by_id(tx, id)? else {
        return Ok(None);
    };
    if client.disabled_at.is_some() {
        if finish(tx, id, RevokeReason::Admin, audit)?.is_some() {
            return Ok(Some(false));
        }
        tx.clients_change();
        sql::run(
            tx,
            "UPDATE clients SET disabled_at = NULL WHERE id = ?1",
            params![id.as_str()],
        )?;
    }
    audit::append(tx, audit)?;
    Ok(Some(true))
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
        return finish(tx, id, RevokeReason::ClientRemoved, audit);
    }
    bootstraps::drop_unused(tx, id)?;
    streams::forget_client(tx, id)?;
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

/// Revokes a batch of the sessions that a removed or disabled client has left; none if it has left none.
fn finish(
    tx: &Tx<'_>,
    id: &ClientId,
    reason: RevokeReason,
    audit: &Audit,
) -> Result<Option<Batch>, StoreError> {
    let selector = bulk::everything_on(id, None, audit.at);
    let batch = bulk::go_on(tx, &selector, None, reason, audit)?;
    Ok((batch.sessions > 0).then_some(batch))
}

/// Finishes what the end of the process before has cut short: removals and disablings.
pub(super) fn finish_ends(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    let unfinished = sql::many(
        connection,
        "SELECT id, removed_at IS NOT NULL AS gone FROM clients
         WHERE (removed_at IS NOT NULL OR disabled_at IS NOT NULL) AND EXISTS
            (SELECT 1 FROM sessions INDEXED BY sessions_by_client
             WHERE client_id = clients.id AND revoked_at IS NULL AND expires_at > ?1)",
        params![now.as_millis()],
        |row| Ok((sql::client_id(row, "id")?, row.get::<_, bool>("gone")?)),
    )?;
    for (id, gone) in unfinished {
        let (action, reason) = if gone {
            ("client.remove", RevokeReason::ClientRemoved)
        } else {
            ("client.disable", RevokeReason::Admin)
        };
        let audit = Audit {
            client: Some(id.clone()),
            ..Audit::allowed(now, AuditActor::System, action)
        };
        let mut more = true;
        while more {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            more = finish(&Tx::on(&transaction), &id, reason, &audit)?.is_some();
            transaction.commit()?;
        }
    }
    ends::finish(connection, now)
}

pub(super) fn read(row: &Row<'_>) -> Result<Client, StoreError> {
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
