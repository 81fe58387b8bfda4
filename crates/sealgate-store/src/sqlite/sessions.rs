//! Sessions, and the one way in which they are revoked: the row and the log together.

use rusqlite::{Connection, Params, Row, params};
use sealgate_model::{ClientId, SessionId, SignInId, Timestamp, UserId};

use super::writer::Tx;
use super::{audit, revocations, sql};
use crate::{Audit, Page, RevokeReason, Revoked, Session, SessionFilter, StoreError};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, user_id, client_id, sign_in_id, scopes, auth_time, methods, created_at,
                    renewed_at, expires_at, revoked_at, revoked_for
             FROM sessions ",
            $rest
        )
    };
}

pub(super) fn insert(tx: &Tx<'_>, session: &Session) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO sessions
            (id, user_id, client_id, sign_in_id, scopes, auth_time, methods, created_at,
             renewed_at, expires_at, revoked_at, revoked_for)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            session.id.as_bytes(),
            session.user.as_bytes(),
            session.client.as_str(),
            session.sign_in.as_bytes(),
            sql::list_text(&session.scopes)?,
            session.auth_time.as_millis(),
            sql::list_text(&session.methods)?,
            session.created_at.as_millis(),
            session.renewed_at.as_millis(),
            session.expires_at.as_millis(),
            session.revoked_at.map(Timestamp::as_millis),
            session.revoked_for.map(RevokeReason::as_str),
        ],
    )
    .map(drop)
}

pub(super) fn by_id(connection: &Connection, id: SessionId) -> Result<Option<Session>, StoreError> {
    sql::one(
        connection,
        select!("WHERE id = ?1"),
        params![id.as_bytes()],
        read,
    )
}

/// A slice in order of id, which is the order of creation. Each secondary index of a table without
/// rowid ends in the primary key, so that every one of these reads its rows in order.
pub(super) fn list(
    connection: &Connection,
    filter: &SessionFilter,
    page: Page,
) -> Result<Vec<Session>, StoreError> {
    let live_at = filter.live_at.map(Timestamp::as_millis);
    let (after, limit) = (sql::after(&page), sql::limit(&page));
    match (&filter.user, &filter.client) {
        (None, None) => sql::many(
            connection,
            select!(
                "WHERE id > ?1
                   AND (?3 IS NULL OR (revoked_at IS NULL AND expires_at > ?3))
                 ORDER BY id LIMIT ?2"
            ),
            params![after, limit, live_at],
            read,
        ),
        (None, Some(client)) => sql::many(
            connection,
            select!(
                "INDEXED BY sessions_by_client
                 WHERE client_id = ?4 AND id > ?1
                   AND (?3 IS NULL OR (revoked_at IS NULL AND expires_at > ?3))
                 ORDER BY id LIMIT ?2"
            ),
            params![after, limit, live_at, client.as_str()],
            read,
        ),
        (Some(user), client) => sql::many(
            connection,
            select!(
                "INDEXED BY sessions_by_user
                 WHERE user_id = ?5 AND id > ?1 AND (?4 IS NULL OR client_id = ?4)
                   AND (?3 IS NULL OR (revoked_at IS NULL AND expires_at > ?3))
                 ORDER BY id LIMIT ?2"
            ),
            params![
                after,
                limit,
                live_at,
                client.as_ref().map(ClientId::as_str),
                user.as_bytes()
            ],
            read,
        ),
    }
}

pub(super) fn revoke(
    tx: &Tx<'_>,
    id: SessionId,
    reason: RevokeReason,
    audit: &Audit,
) -> Result<bool, StoreError> {
    match revoke_one(tx, id, reason, audit.at)? {
        Was::Missing => Ok(false),
        Was::Revoked => Ok(true),
        Was::Alive => {
            audit::append(tx, audit)?;
            Ok(true)
        }
    }
}

/// What a session was before it was to be revoked.
pub(super) enum Was {
    /// There is none.
    Missing,
    /// Revoked before; nothing changed.
    Revoked,
    /// Not revoked; it is now, and the log says so.
    Alive,
}

/// Revokes one session whether or not it has expired: a gate's clock may be behind.
pub(super) fn revoke_one(
    tx: &Tx<'_>,
    id: SessionId,
    reason: RevokeReason,
    at: Timestamp,
) -> Result<Was, StoreError> {
    let revoked = sql::one(
        tx,
        "UPDATE sessions SET revoked_at = ?2, revoked_for = ?3
         WHERE id = ?1 AND revoked_at IS NULL
         RETURNING client_id, expires_at",
        params![id.as_bytes(), at.as_millis(), reason.as_str()],
        |row| {
            Ok((
                sql::client_id(row, "client_id")?,
                sql::time(row, "expires_at")?,
            ))
        },
    )?;
    if let Some((client, expires_at)) = revoked {
        revocations::append(tx, &Revoked::Session(id), at, Some(&client), expires_at)?;
        return Ok(Was::Alive);
    }
    let found = sql::one(
        tx,
        "SELECT 1 FROM sessions WHERE id = ?1",
        params![id.as_bytes()],
        |_row| Ok(()),
    )?;
    Ok(if found.is_some() {
        Was::Revoked
    } else {
        Was::Missing
    })
}

/// Revokes every live session of a user; the latest end among them, if there were any.
pub(super) fn revoke_all_of(
    tx: &Tx<'_>,
    user: UserId,
    reason: RevokeReason,
    at: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    revoke_each(
        tx,
        "SELECT id, expires_at FROM sessions INDEXED BY sessions_by_user
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 ORDER BY id",
        params![user.as_bytes(), at.as_millis()],
        reason,
        at,
    )
}

/// The clients on which a user has or had a session that has not expired, or not been swept yet, in
/// order of id, each with the latest end.
pub(super) fn clients_of(
    tx: &Tx<'_>,
    user: UserId,
) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
    sql::many(
        tx,
        "SELECT client_id, max(expires_at) AS last_end FROM sessions INDEXED BY sessions_by_user
         WHERE user_id = ?1 GROUP BY client_id ORDER BY client_id",
        params![user.as_bytes()],
        |row| {
            Ok((
                sql::client_id(row, "client_id")?,
                sql::time(row, "last_end")?,
            ))
        },
    )
}

/// Revokes every live session that came from a browser sign-in; the latest end among them.
pub(super) fn revoke_all_from(
    tx: &Tx<'_>,
    sign_in: SignInId,
    reason: RevokeReason,
    at: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    revoke_each(
        tx,
        "SELECT id, expires_at FROM sessions INDEXED BY sessions_by_sign_in
         WHERE sign_in_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 ORDER BY id",
        params![sign_in.as_bytes(), at.as_millis()],
        reason,
        at,
    )
}

fn revoke_each(
    tx: &Tx<'_>,
    select: &str,
    values: impl Params,
    reason: RevokeReason,
    at: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let live = sql::many(tx, select, values, |row| {
        Ok((
            SessionId::from_bytes(row.get("id")?),
            sql::time(row, "expires_at")?,
        ))
    })?;
    for (id, _) in &live {
        revoke_one(tx, *id, reason, at)?;
    }
    Ok(live.into_iter().map(|(_, expires_at)| expires_at).max())
}

fn read(row: &Row<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        id: SessionId::from_bytes(row.get("id")?),
        user: UserId::from_bytes(row.get("user_id")?),
        client: sql::client_id(row, "client_id")?,
        sign_in: SignInId::from_bytes(row.get("sign_in_id")?),
        scopes: sql::list(row, "scopes")?,
        auth_time: sql::time(row, "auth_time")?,
        methods: sql::list(row, "methods")?,
        created_at: sql::time(row, "created_at")?,
        renewed_at: sql::time(row, "renewed_at")?,
        expires_at: sql::time(row, "expires_at")?,
        revoked_at: sql::maybe_time(row, "revoked_at")?,
        revoked_for: sql::maybe_word(row, "revoked_for", &RevokeReason::ALL, RevokeReason::as_str)?,
    })
}
