//! What credentials tell of a user, and who was told of it.

use rusqlite::params;
use sealgate_model::{ClientId, Timestamp, UserId};

use super::writer::Tx;
use super::{reaches, revocations, signals, sql};
use crate::{Revoked, SignalKind, StoreError, UserChange, UserRow};

/// Says that what credentials tell of a user is not so any more, to whoever was told. A session's tenant is
/// the one that it was started for, whatever becomes of the user's.
pub(super) fn renew(
    tx: &Tx<'_>,
    current: &UserRow,
    change: &UserChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (readers, reason) = if change.roles.as_ref().is_some_and(|to| *to != current.roles) {
        (reaches::readers_of(tx, current.id)?, "roles_changed")
    } else if change.name.as_ref().is_some_and(|to| *to != current.name) {
        (told_the_name(tx, current.id)?, "name_changed")
    } else {
        return Ok(());
    };
    // What was told by acts that were recorded before this one was told of the user as they were.
    let before = tx.newest(now);
    revocations::tell(
        tx,
        &Revoked::UserClaims(current.id),
        before,
        &readers,
        now,
        reason,
    )
}

/// Tells streams the new values of what access tokens say of a user.
pub(super) fn tell_streams(
    tx: &Tx<'_>,
    current: &UserRow,
    change: &UserChange,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut claims = serde_json::Map::new();
    if let Some(roles) = change.roles.as_ref().filter(|to| **to != current.roles) {
        claims.insert("roles".to_owned(), roles.clone().into());
    }
    if claims.is_empty() {
        return Ok(());
    }
    let kind = SignalKind::ClaimsChange;
    signals::account(tx, current.id, kind, Some(claims.into()), at)
}

/// The clients whose ID tokens tell a user's name, in order of id, each with the latest end of such a session.
fn told_the_name(tx: &Tx<'_>, user: UserId) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
    sql::many(
        tx,
        "SELECT client_id AS reader, max(expires_at) AS last_end
         FROM sessions INDEXED BY sessions_by_user
         WHERE user_id = ?1
           AND (EXISTS (SELECT 1 FROM json_each(sessions.scopes) WHERE value = 'profile')
                OR details ->> '$.claims' IS NOT NULL)
         GROUP BY client_id ORDER BY client_id",
        params![user.as_bytes()],
        |row| Ok((sql::client_id(row, "reader")?, sql::time(row, "last_end")?)),
    )
}
