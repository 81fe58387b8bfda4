//! Signing keys, their private parts sealed by the caller.

use rusqlite::{Connection, Row, params};
use sealgate_model::Timestamp;

use super::revocations::Entry;
use super::writer::Tx;
use super::{audit, revocations, sql};
use crate::{Audit, KeyRow, KeyState, RevokeReason, Revoked, StoreError};

/// Keys that are not gone, oldest first. A few rows: read whole.
pub(super) fn list(connection: &Connection) -> Result<Vec<KeyRow>, StoreError> {
    sql::many(
        connection,
        "SELECT kid, algorithm, state, sealed_private, public_jwk, created_at, changed_at
         FROM signing_keys WHERE state <> 'gone' ORDER BY created_at, kid",
        (),
        read,
    )
}

/// Keys leave their places before others take them, because `signing_keys_active` allows one active
/// key for each algorithm at every moment.
pub(super) fn change(
    tx: &Tx<'_>,
    new: &[KeyRow],
    moves: &[(String, KeyState)],
    audit: &Audit,
) -> Result<(), StoreError> {
    carry_out(tx, new, moves, audit)?;
    audit::append(tx, audit)
}

/// The key leaves first: its place may be wanted by the next.
pub(super) fn revoke(
    tx: &Tx<'_>,
    kid: &str,
    new: &[KeyRow],
    moves: &[(String, KeyState)],
    expires_at: Timestamp,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let there = sql::one(
        tx,
        "SELECT 1 FROM signing_keys WHERE kid = ?1 AND state <> 'gone'",
        params![kid],
        |_row| Ok(()),
    )?;
    if there.is_none() {
        return Ok(false);
    }
    shift(tx, kid, KeyState::Gone, audit)?;
    carry_out(tx, new, moves, audit)?;
    let what = Revoked::Key(kid.to_owned());
    let entry = Entry {
        reason: Some(RevokeReason::KeyRevoked.as_str()),
        ..Entry::of(&what, audit.at, expires_at)
    };
    revocations::log(tx, &entry)?;
    audit::append(tx, audit)?;
    Ok(true)
}

fn carry_out(
    tx: &Tx<'_>,
    new: &[KeyRow],
    moves: &[(String, KeyState)],
    audit: &Audit,
) -> Result<(), StoreError> {
    let leaves = |state: KeyState| matches!(state, KeyState::Retiring | KeyState::Gone);
    for (kid, state) in moves.iter().filter(|(_, state)| leaves(*state)) {
        shift(tx, kid, *state, audit)?;
    }
    for key in new {
        insert(tx, key)?;
    }
    for (kid, state) in moves.iter().filter(|(_, state)| !leaves(*state)) {
        shift(tx, kid, *state, audit)?;
    }
    Ok(())
}

/// A key that goes loses its private part in the same step.
fn shift(tx: &Tx<'_>, kid: &str, state: KeyState, audit: &Audit) -> Result<(), StoreError> {
    let moved = sql::run(
        tx,
        "UPDATE signing_keys
         SET state = ?2, changed_at = ?3,
             sealed_private = CASE WHEN ?2 = 'gone' THEN '' ELSE sealed_private END
         WHERE kid = ?1 AND state <> 'gone'",
        params![kid, state.as_str(), audit.at.as_millis()],
    )?;
    if moved == 1 {
        Ok(())
    } else {
        Err(StoreError::Invalid("there is no such signing key"))
    }
}

fn insert(tx: &Tx<'_>, key: &KeyRow) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO signing_keys
            (kid, algorithm, state, sealed_private, public_jwk, created_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            key.kid,
            key.algorithm,
            key.state.as_str(),
            key.sealed_private,
            key.public_jwk,
            key.created_at.as_millis(),
            key.changed_at.as_millis(),
        ],
    )
    .map(drop)
}

fn read(row: &Row<'_>) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        kid: row.get("kid")?,
        algorithm: row.get("algorithm")?,
        state: sql::word(row, "state", &KeyState::ALL, KeyState::as_str)?,
        sealed_private: row.get("sealed_private")?,
        public_jwk: row.get("public_jwk")?,
        created_at: sql::time(row, "created_at")?,
        changed_at: sql::time(row, "changed_at")?,
    })
}
