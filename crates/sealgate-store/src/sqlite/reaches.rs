//! Whom a session's tokens can be presented to: its own client, and the clients that serve a resource which
//! it was granted for or a token of it was exchanged for. They are who hears of its end.
//!
//! Who serves a resource is looked up when something ends. A client that begins to serve one later is told
//! then of what has ended before ([`catch_up`]).

use rusqlite::{Row, params};
use sealgate_model::{ClientId, SessionId, TenantId, Timestamp, UserId};

use super::revocations::Entry;
use super::writer::Tx;
use super::{delegations, revocations, sql};
use crate::{Revoked, StoreError};

/// Notes that a token of a session is given out for `resources`.
pub(super) fn note(tx: &Tx<'_>, id: SessionId, resources: &[String]) -> Result<(), StoreError> {
    for uri in resources {
        sql::run(
            tx,
            "INSERT INTO reaches (session_id, resource) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![id.as_bytes(), uri],
        )?;
    }
    Ok(())
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

/// The clients that tokens of sessions for a tenant, and of machines that belong to it, can be presented to,
/// in order of id, each with the latest end of such a session. Sessions count that have not been swept yet.
pub(super) fn readers_of_tenant(
    tx: &Tx<'_>,
    tenant: &TenantId,
) -> Result<Vec<(ClientId, Timestamp)>, StoreError> {
    sql::many(
        tx,
        "SELECT reader, max(expires_at) AS last_end FROM (
            SELECT client_id AS reader, expires_at FROM sessions INDEXED BY sessions_by_tenant
            WHERE tenant = ?1
            UNION ALL
            SELECT resources.client_id, sessions.expires_at
            FROM sessions INDEXED BY sessions_by_tenant
                 CROSS JOIN json_each(sessions.details, '$.resources') AS granted
                 CROSS JOIN resources ON resources.uri = granted.value
            WHERE sessions.tenant = ?1 AND resources.client_id IS NOT NULL
            UNION ALL
            SELECT resources.client_id, sessions.expires_at
            FROM sessions INDEXED BY sessions_by_tenant
                 CROSS JOIN reaches ON reaches.session_id = sessions.id
                 CROSS JOIN resources ON resources.uri = reaches.resource
            WHERE sessions.tenant = ?1 AND resources.client_id IS NOT NULL
            UNION ALL
            SELECT id, 0 FROM clients WHERE details ->> '$.tenant' = ?1 AND removed_at IS NULL
            UNION ALL
            SELECT resources.client_id, 0
            FROM clients CROSS JOIN json_each(clients.details, '$.resources') AS named
                 CROSS JOIN resources ON resources.uri = named.value
            WHERE clients.details ->> '$.tenant' = ?1 AND clients.removed_at IS NULL
              AND resources.client_id IS NOT NULL)
         GROUP BY reader ORDER BY reader",
        params![tenant.as_str()],
        |row| Ok((sql::client_id(row, "reader")?, sql::time(row, "last_end")?)),
    )
}

/// Tells a client that begins to serve a resource of the sessions for it that have ended, of the delegations for
/// it that are revoked, of users of it whose roles have changed, and of the single tokens and tenants that the
/// client before it was told of: tokens from before may still be presented, now to this one.
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
        "SELECT DISTINCT sessions.id, sessions.revoked_at, sessions.expires_at, sessions.revoked_for
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
                row.get::<_, Option<String>>("revoked_for")?,
            ))
        },
    )?;
    for (id, at, expires_at, reason) in ended {
        let what = Revoked::Session(id);
        let entry = Entry {
            client: Some(server),
            reason: reason.as_deref(),
            ..Entry::of(&what, at, expires_at)
        };
        revocations::log(tx, &entry)?;
    }
    delegations::catch_up(tx, uri, server, now)?;
    changes(tx, uri, server, now)?;
    match before {
        Some(before) => {
            revocations::copy(tx, "token", before, Some(server), now)?;
            revocations::copy(tx, "tenant", before, Some(server), now)
        }
        // Then everybody was told of the tokens: when they were given up, or by `leave`. A tenant's sessions are
        // told one by one; its machines have none.
        None => tenants(tx, uri, server, now),
    }
}

/// Tells a client that begins to serve a resource of the users with tokens for it whose roles have changed.
fn changes(tx: &Tx<'_>, uri: &str, server: &ClientId, now: Timestamp) -> Result<(), StoreError> {
    let changed = sql::many(
        tx,
        "SELECT subject, max(at) AS at, max(expires_at) AS expires_at, reason
         FROM revocations INDEXED BY revocations_by_subject
         WHERE kind <> 'session' AND kind = 'user_claims' AND expires_at > ?2
           AND reason IS NOT 'name_changed'
           AND EXISTS (SELECT 1 FROM sessions INDEXED BY sessions_by_user
                       WHERE user_id = revocations.subject AND sessions.expires_at > ?2
                         AND (EXISTS (SELECT 1 FROM json_each(sessions.details, '$.resources')
                                      WHERE value = ?1)
                              OR EXISTS (SELECT 1 FROM reaches
                                         WHERE session_id = sessions.id AND resource = ?1)))
         GROUP BY subject ORDER BY subject",
        params![uri, now.as_millis()],
        |row| {
            let what = Revoked::UserClaims(UserId::from_bytes(row.get("subject")?));
            told(row, what)
        },
    )?;
    tell(tx, server, &changed)
}

/// The same of tenants that are revoked, as far as machines that belong to them have tokens for the resource.
fn tenants(tx: &Tx<'_>, uri: &str, server: &ClientId, now: Timestamp) -> Result<(), StoreError> {
    let ended = sql::many(
        tx,
        "SELECT CAST(subject AS TEXT) AS tenant, max(at) AS at, max(expires_at) AS expires_at, reason
         FROM revocations INDEXED BY revocations_by_subject
         WHERE kind <> 'session' AND kind = 'tenant' AND expires_at > ?2
           AND EXISTS (SELECT 1 FROM clients
                       WHERE details ->> '$.tenant' = CAST(subject AS TEXT) AND removed_at IS NULL
                         AND EXISTS (SELECT 1 FROM json_each(clients.details, '$.resources')
                                     WHERE value = ?1))
         GROUP BY subject ORDER BY subject",
        params![uri, now.as_millis()],
        |row| {
            let tenant: String = row.get("tenant")?;
            let tenant = tenant.parse().map_err(|_| sql::unreadable("subject"))?;
            told(row, Revoked::Tenant(tenant))
        },
    )?;
    tell(tx, server, &ended)
}

/// What was told of, up to which moment, until when, and why.
type Told = (Revoked, Timestamp, Timestamp, Option<String>);

fn told(row: &Row<'_>, what: Revoked) -> Result<Told, StoreError> {
    let (at, expires_at) = (sql::time(row, "at")?, sql::time(row, "expires_at")?);
    Ok((what, at, expires_at, row.get("reason")?))
}

fn tell(tx: &Tx<'_>, server: &ClientId, known: &[Told]) -> Result<(), StoreError> {
    for (what, at, expires_at, reason) in known {
        let entry = Entry {
            client: Some(server),
            reason: reason.as_deref(),
            ..Entry::of(what, *at, *expires_at)
        };
        revocations::log(tx, &entry)?;
    }
    Ok(())
}

/// A resource that `server` has served is served by nobody now. Who will be next is not known, so that
/// everybody is told of the single tokens that `server` was told of.
pub(super) fn leave(tx: &Tx<'_>, server: &ClientId, now: Timestamp) -> Result<(), StoreError> {
    revocations::copy(tx, "token", server, None, now)
}
