//! What users have granted clients.

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, UserId};

use super::writer::Tx;
use super::{audit, bulk, sessions, sql, users};
use crate::{Audit, ConsentRow, GrantedTogether, RevokeReason, StoreError};

/// How many different answers to one client are remembered.
const GRANTS: usize = 32;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT user_id, client_id, scopes, resources, grants, granted_at FROM consents ",
            $rest
        )
    };
}

pub(super) fn of(
    connection: &Connection,
    user: UserId,
    client: &ClientId,
) -> Result<Option<ConsentRow>, StoreError> {
    sql::one(
        connection,
        select!("WHERE user_id = ?1 AND client_id = ?2"),
        params![user.as_bytes(), client.as_str()],
        read,
    )
}

/// A user's consents, by client (primary key).
pub(super) fn list(connection: &Connection, user: UserId) -> Result<Vec<ConsentRow>, StoreError> {
    sql::many(
        connection,
        select!("WHERE user_id = ?1 ORDER BY client_id"),
        params![user.as_bytes()],
        read,
    )
}

/// What was granted before stays granted: a request for less takes nothing back.
pub(super) fn grant(tx: &Tx<'_>, consent: &ConsentRow, audit: &Audit) -> Result<(), StoreError> {
    let before = of(tx, consent.user, &consent.client)?;
    let (scopes, resources, mut grants) = match before {
        Some(before) => (before.scopes, before.resources, before.grants),
        None => (Vec::new(), Vec::new(), Vec::new()),
    };
    let new = GrantedTogether {
        scopes: union(Vec::new(), &consent.scopes),
        resources: union(Vec::new(), &consent.resources),
    };
    grants.retain(|known: &GrantedTogether| !new.covers(&known.scopes, &known.resources));
    if !grants
        .iter()
        .any(|known| known.covers(&new.scopes, &new.resources))
    {
        grants.push(new);
    }
    // Who has answered so many different questions is asked again for the first of them.
    let surplus = grants.len().saturating_sub(GRANTS);
    grants.drain(..surplus);
    sql::run(
        tx,
        "INSERT INTO consents (user_id, client_id, scopes, resources, grants, granted_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (user_id, client_id) DO UPDATE
         SET scopes = excluded.scopes, resources = excluded.resources, grants = excluded.grants,
             granted_at = excluded.granted_at",
        params![
            consent.user.as_bytes(),
            consent.client.as_str(),
            sql::json_text(&union(scopes, &consent.scopes))?,
            sql::json_text(&union(resources, &consent.resources))?,
            sql::json_text(&grants)?,
            consent.granted_at.as_millis(),
        ],
    )?;
    audit::append(tx, audit)
}

fn union(mut known: Vec<String>, more: &[String]) -> Vec<String> {
    known.extend_from_slice(more);
    known.sort_unstable();
    known.dedup();
    known
}

pub(super) fn withdraw(
    tx: &Tx<'_>,
    user: UserId,
    client: &ClientId,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let forgotten = sql::run(
        tx,
        "DELETE FROM consents WHERE user_id = ?1 AND client_id = ?2",
        params![user.as_bytes(), client.as_str()],
    )?;
    let all = bulk::everything_on(client, Some(user), audit.at);
    let dropped = bulk::drop_codes(tx, &all, audit.at)?;
    let reason = RevokeReason::ConsentWithdrawn;
    let revoked = sessions::revoke_all_on(tx, user, client, reason, audit.at)?;
    let changed = forgotten > 0 || dropped > 0 || revoked.is_some();
    if changed {
        users::bar(tx, user, Some(client), audit.at, audit.at, reason)?;
    }
    audit::append_if(tx, changed, audit)
}

/// Forgets every consent given to a client; how many there were.
pub(super) fn forget_client(tx: &Tx<'_>, client: &ClientId) -> Result<u64, StoreError> {
    let forgotten = sql::run(
        tx,
        "DELETE FROM consents INDEXED BY consents_by_client WHERE client_id = ?1",
        params![client.as_str()],
    )?;
    Ok(u64::try_from(forgotten).unwrap_or(u64::MAX))
}

fn read(row: &Row<'_>) -> Result<ConsentRow, StoreError> {
    Ok(ConsentRow {
        user: UserId::from_bytes(row.get("user_id")?),
        client: sql::client_id(row, "client_id")?,
        scopes: sql::json(row, "scopes")?,
        resources: sql::json(row, "resources")?,
        grants: sql::json(row, "grants")?,
        granted_at: sql::time(row, "granted_at")?,
    })
}
