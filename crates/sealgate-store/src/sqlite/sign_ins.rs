//! Browsers signed in at the control plane itself.

use rusqlite::{Connection, params};
use sealgate_model::{SessionId, SignInId, Timestamp, UserId};

use super::writer::Tx;
use super::{audit, sessions, sql};
use crate::{Audit, RevokeReason, SignIn, StoreError};

pub(super) fn create(tx: &Tx<'_>, sign_in: &SignIn, audit: &Audit) -> Result<(), StoreError> {
    insert(tx, sign_in)?;
    audit::append(tx, audit)
}

/// Stores a sign-in in the place of an earlier one of the same user, which keeps nothing.
pub(super) fn replace(
    tx: &Tx<'_>,
    before: SignInId,
    sign_in: &SignIn,
    audit: &Audit,
) -> Result<(), StoreError> {
    let ended = sql::run(
        tx,
        "UPDATE sign_ins SET ended_at = ?3 WHERE id = ?1 AND user_id = ?2 AND ended_at IS NULL",
        params![
            before.as_bytes(),
            sign_in.user.as_bytes(),
            audit.at.as_millis()
        ],
    )?;
    // One that ended meanwhile took its sessions along: there is nothing to take over.
    if ended > 0 {
        sql::run(
            tx,
            "UPDATE sessions INDEXED BY sessions_by_sign_in SET sign_in_id = ?2
             WHERE sign_in_id = ?1 AND revoked_at IS NULL",
            params![before.as_bytes(), sign_in.id.as_bytes()],
        )?;
        // Codes live for a minute, so that few are looked through.
        sql::run(
            tx,
            "UPDATE codes INDEXED BY codes_unused_by_expiry SET sign_in_id = ?2
             WHERE used_at IS NULL AND expires_at > ?3 AND sign_in_id = ?1",
            params![
                before.as_bytes(),
                sign_in.id.as_bytes(),
                audit.at.as_millis()
            ],
        )?;
        sql::run(
            tx,
            "UPDATE device_codes INDEXED BY device_codes_approved SET sign_in_id = ?2
             WHERE state = 'approved' AND sign_in_id = ?1",
            params![before.as_bytes(), sign_in.id.as_bytes()],
        )?;
    }
    create(tx, sign_in, audit)
}

/// Ends every sign-in and every live session of a user.
pub(super) fn end_all(
    tx: &Tx<'_>,
    user: UserId,
    reason: RevokeReason,
    audit: &Audit,
) -> Result<(), StoreError> {
    end_all_of(tx, user, audit.at)?;
    sessions::revoke_all_of(tx, user, reason, audit.at)?;
    audit::append(tx, audit)
}

/// Ends every sign-in of a user, and every live session but those that go on without one.
pub(super) fn end_browsers(
    tx: &Tx<'_>,
    user: UserId,
    reason: RevokeReason,
    audit: &Audit,
) -> Result<(), StoreError> {
    end_all_of(tx, user, audit.at)?;
    sessions::revoke_browsers_of(tx, user, reason, audit.at)?;
    audit::append(tx, audit)
}

/// A sign-in that lost a race against the disabling of its account is born ended, so that enabling
/// the account later does not bring it to life.
pub(super) fn insert(tx: &Tx<'_>, sign_in: &SignIn) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO sign_ins
            (id, secret_hash, user_id, auth_time, methods, expires_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6,
                 coalesce(?7, (SELECT disabled_at FROM users WHERE id = ?3)))",
        params![
            sign_in.id.as_bytes(),
            sign_in.secret_hash.as_bytes(),
            sign_in.user.as_bytes(),
            sign_in.auth_time.as_millis(),
            sql::json_text(&sign_in.methods)?,
            sign_in.expires_at.as_millis(),
            sign_in.ended_at.map(Timestamp::as_millis),
        ],
    )
    .map(drop)
}

pub(super) fn by_id(connection: &Connection, id: SignInId) -> Result<Option<SignIn>, StoreError> {
    sql::one(
        connection,
        "SELECT id, secret_hash, user_id, auth_time, methods, expires_at, ended_at
         FROM sign_ins WHERE id = ?1",
        params![id.as_bytes()],
        |row| {
            Ok(SignIn {
                id: SignInId::from_bytes(row.get("id")?),
                secret_hash: sql::hash(row, "secret_hash")?,
                user: UserId::from_bytes(row.get("user_id")?),
                auth_time: sql::time(row, "auth_time")?,
                methods: sql::json(row, "methods")?,
                expires_at: sql::time(row, "expires_at")?,
                ended_at: sql::maybe_time(row, "ended_at")?,
            })
        },
    )
}

/// Ends one sign-in and every live session that came from it and does not go on without it. A sign-in that is already swept may
/// still have sessions, so these are looked for in any case.
pub(super) fn end(
    tx: &Tx<'_>,
    id: SignInId,
    reason: RevokeReason,
    audit: &Audit,
) -> Result<(), StoreError> {
    let ended = end_one(tx, id, reason, audit.at)?;
    audit::append_if(tx, ended, audit).map(drop)
}

/// Ends the sign-in that a session came from, and the session whether or not it has expired.
pub(super) fn end_of_session(
    tx: &Tx<'_>,
    id: SessionId,
    reason: RevokeReason,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let Some(session) = sessions::by_id(tx, id)? else {
        return Ok(false);
    };
    let ended = end_one(tx, session.sign_in, reason, audit.at)?;
    let was = sessions::revoke_one(tx, id, reason, audit.at)?;
    audit::append_if(tx, ended || was == sessions::Was::Alive, audit)?;
    Ok(true)
}

/// Whether anything was left to end.
fn end_one(
    tx: &Tx<'_>,
    id: SignInId,
    reason: RevokeReason,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let ended = sql::run(
        tx,
        "UPDATE sign_ins SET ended_at = ?2 WHERE id = ?1 AND ended_at IS NULL",
        params![id.as_bytes(), at.as_millis()],
    )?;
    let revoked = sessions::revoke_all_from(tx, id, reason, at)?;
    Ok(ended > 0 || revoked.is_some())
}

/// Ends every sign-in of a user.
pub(super) fn end_all_of(tx: &Tx<'_>, user: UserId, at: Timestamp) -> Result<(), StoreError> {
    sql::run(
        tx,
        "UPDATE sign_ins INDEXED BY sign_ins_by_user SET ended_at = ?2
         WHERE user_id = ?1 AND ended_at IS NULL",
        params![user.as_bytes(), at.as_millis()],
    )
    .map(drop)
}
