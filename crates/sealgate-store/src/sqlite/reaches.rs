//! Whom a session's tokens can be presented to: its own client, and the clients that serve a resource which
//! it was granted for or a token of it was exchanged for. They are who hears of its end.
//!
//! Who serves a resource is looked up when something ends. A client that begins to serve one later is told
//! then of what has ended before ([`catch_up`]).

use rusqlite::params;
use sealgate_model::{ClientId, SessionId, Timestamp, UserId};

use super::writer::Tx;
use super::{audit, revocations, sql};
use crate::{Audit, Revoked, StoreError};

/// Notes that a token of a session is given out for `resources`. It commits before the session ends, and then
/// their servers hear of that; or after, and then there is no token.
pub(super) fn delegate(
    tx: &Tx<'_>,
    id: SessionId,
    resources: &[String],
    audit: &Audit,
) -> Result<bool, StoreError> {
    let alive = sql::one(
        tx,
        "SELECT 1 FROM sessions WHERE id = ?1 AND revoked_at IS NULL AND expires_at > ?2",
        params![id.as_bytes(), audit.at.as_millis()],
        |_row| Ok(()),
    )?;
    if alive.is_none() {
        return Ok(false);
    }
    for uri in resources {
        sql::run(
            tx,
            "INSERT INTO reaches (session_id, resource) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![id.as_bytes(), uri],
        )?;
    }
    audit::append(tx, audit)?;
    Ok(true)
}

/// The clients that a session's tokens can be presented to, in order of id.
pub(super) fn readers(tx: &Tx<'_>, id: SessionId) -> Result<Vec<ClientId>, StoreError> {
    sql::many(
        tx,
        "SELECT client_id AS reader FROM sessions WHERE id = ?1
         UNION
         SELECT resources.client_id
         FROM sessions CROSS JOIN json_each(sessions.details, '$.resources') AS granted
              CROSS JOIN resources ON resources.uri = granted.value
         WHERE sessions.id = ?1 AND resources.client_id IS NOT NULL
         UNION
         SELECT resources.client_id
         FROM reaches CROSS JOIN resources ON resources.uri = reaches.resource
         WHERE reaches.session_id = ?1 AND resources.client_id IS NOT NULL
         ORDER BY reader",
        params![id.as_bytes()],
        |row| sql::client_id(row, "reader"),
    )
}

/// The clients that any of a user's tokens can be presented to, in order of id, each with the latest end of
/// such a session. Sessions count that have not been swept yet.
pub(super) fn readers_of(
    tx: &Tx<'_>,
    user: UserId,
) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
    sql::many(
        tx,
        "SELECT reader, max(expires_at) AS last_end FROM (
            SELECT client_id AS reader, expires_at FROM sessions INDEXED BY sessions_by_user
            WHERE user_id = ?1
            UNION ALL
            SELECT resources.client_id, sessions.expires_at
            FROM sessions INDEXED BY sessions_by_user
                 CROSS JOIN json_each(sessions.details, '$.resources') AS granted
                 CROSS JOIN resources ON resources.uri = granted.value
            WHERE sessions.user_id = ?1 AND resources.client_id IS NOT NULL
            UNION ALL
            SELECT resources.client_id, sessions.expires_at
            FROM sessions INDEXED BY sessions_by_user
                 CROSS JOIN reaches ON reaches.session_id = sessions.id
                 CROSS JOIN resources ON resources.uri = reaches.resource
            WHERE sessions.user_id = ?1 AND resources.client_id IS NOT NULL)
         GROUP BY reader ORDER BY reader",
        params![user.as_bytes()],
        |row| Ok((sql::client_id(row, "reader")?, sql::time(row, "last_end")?)),
    )
}

/// Tells a client that begins to serve a resource of the sessions for it that have ended, and of the single
/// tokens that the client before it was told of: tokens from before may still be presented, now to this one.
/// Most of the log is of sessions, so that all of it is read; it holds a day at the most.
pub(super) fn catch_up(
    tx: &Tx<'_>,
    uri: &str,
    server: &ClientId,
    before: Option<&ClientId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let ended = sql::many(
        tx,
        "SELECT DISTINCT sessions.id, sessions.revoked_at, sessions.expires_at
         FROM revocations CROSS JOIN sessions ON sessions.id = revocations.subject
         WHERE revocations.kind = 'session' AND revocations.expires_at > ?3
           AND sessions.client_id <> ?2 AND sessions.revoked_at IS NOT NULL
           AND (EXISTS (SELECT 1 FROM json_each(sessions.details, '$.resources') WHERE value = ?1)
                OR EXISTS (SELECT 1 FROM reaches
                           WHERE session_id = sessions.id AND resource = ?1))
         ORDER BY sessions.id",
        params![uri, server.as_str(), now.as_millis()],
        |row| {
            Ok((
                SessionId::from_bytes(row.get("id")?),
                sql::time(row, "revoked_at")?,
                sql::time(row, "expires_at")?,
            ))
        },
    )?;
    for (id, at, expires_at) in ended {
        revocations::append(tx, &Revoked::Session(id), at, Some(server), expires_at)?;
    }
    match before {
        Some(before) => revocations::copy_tokens(tx, before, Some(server), now),
        // Then everybody was told of them: when they were given up, or by `leave`.
        None => Ok(()),
    }
}

/// A resource that `server` has served is served by nobody now. Who will be next is not known, so that
/// everybody is told of the single tokens that `server` was told of.
pub(super) fn leave(tx: &Tx<'_>, server: &ClientId, now: Timestamp) -> Result<(), StoreError> {
    revocations::copy_tokens(tx, server, None, now)
}
