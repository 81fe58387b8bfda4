//! Sessions, and the one way in which they are revoked: the row and the log together.

use rusqlite::{Connection, Params, Row, params};
use sealgate_model::{ClientId, SessionId, SignInId, TenantId, Timestamp, UserId};

use super::revocations::Entry;
use super::writer::Tx;
use super::{audit, deliveries, measures, reaches, revocations, signals, sql};
use crate::{
    Audit, Page, RevokeReason, Revoked, Session, SessionFilter, SessionSelector, StoreError,
};

macro_rules! select {
    ($($rest:tt)*) => {
        concat!(
            "SELECT id, user_id, client_id, sign_in_id, scopes, details, auth_time, methods, created_at,
                    renewed_at, network, expires_at, revoked_at, revoked_for
             FROM sessions ",
            $($rest)*
        )
    };
}

/// Stores a session as one from `sign_in`.
pub(super) fn insert(tx: &Tx<'_>, session: &Session, sign_in: SignInId) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO sessions
            (id, user_id, client_id, sign_in_id, scopes, details, auth_time, methods, created_at,
             renewed_at, expires_at, revoked_at, revoked_for, network)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            session.id.as_bytes(),
            session.user.as_bytes(),
            session.client.as_str(),
            sign_in.as_bytes(),
            sql::json_text(&session.scopes)?,
            sql::json_text(&session.details)?,
            session.auth_time.as_millis(),
            sql::json_text(&session.methods)?,
            session.created_at.as_millis(),
            session.renewed_at.as_millis(),
            session.expires_at.as_millis(),
            session.revoked_at.map(Timestamp::as_millis),
            session.revoked_for.map(RevokeReason::as_str),
            session.network,
        ],
    )
    .map(drop)?;
    signals::session_established(tx, session)
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
    macro_rules! slice {
        ($index:literal, $own:literal) => {
            concat!(
                $index,
                " WHERE id > ?1
                   AND (?3 IS NULL OR (revoked_at IS NULL AND expires_at > ?3))
                   AND (?4 IS NULL OR user_id = ?4) AND (?5 IS NULL OR client_id = ?5)
                   AND (?6 IS NULL OR tenant = ?6) AND ",
                $own,
                " ORDER BY id LIMIT ?2"
            )
        };
    }
    let query = match (&filter.user, &filter.tenant, &filter.client) {
        (Some(_), ..) => select!(slice!("INDEXED BY sessions_by_user", "user_id = ?4")),
        (None, Some(_), _) => select!(slice!("INDEXED BY sessions_by_tenant", "tenant = ?6")),
        (None, None, Some(_)) => select!(slice!("INDEXED BY sessions_by_client", "client_id = ?5")),
        (None, None, None) => select!(slice!("NOT INDEXED", "true")),
    };
    sql::many(
        connection,
        query,
        params![
            sql::after(&page),
            sql::limit(&page),
            filter.live_at.map(Timestamp::as_millis),
            filter.user.as_ref().map(UserId::as_bytes),
            filter.client.as_ref().map(ClientId::as_str),
            filter.tenant.as_ref().map(TenantId::as_str),
        ],
        read,
    )
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
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Was {
    /// There is none.
    Missing,
    /// Revoked before; nothing changed.
    Revoked,
    /// Not revoked; it is now, and the log says so.
    Alive,
}

/// The one way a session is revoked: the row, the log of each client that its tokens can be presented to,
/// and word to its own client. Whether or not it has
/// expired: a gate's clock may be behind.
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
         RETURNING user_id, client_id, expires_at",
        params![id.as_bytes(), at.as_millis(), reason.as_str()],
        |row| {
            Ok((
                UserId::from_bytes(row.get("user_id")?),
                sql::client_id(row, "client_id")?,
                sql::time(row, "expires_at")?,
            ))
        },
    )?;
    if let Some((user, client, expires_at)) = revoked {
        let what = Revoked::Session(id);
        let readers = reaches::readers(tx, id)?;
        for reader in &readers {
            let entry = Entry {
                client: Some(reader),
                reason: Some(reason.as_str()),
                ..Entry::of(&what, at, expires_at)
            };
            revocations::log(tx, &entry)?;
        }
        measures::session_revoked(reason, expires_at, at);
        // What has expired, the client has ended by itself.
        if expires_at > at {
            signals::session_revoked(tx, id, user, &readers, reason, at)?;
            deliveries::owe(tx, id, user, &client, at)?;
        }
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

/// Revokes every live session of a user on a client; the latest end among them, if there were any.
pub(super) fn revoke_all_on(
    tx: &Tx<'_>,
    user: UserId,
    client: &ClientId,
    reason: RevokeReason,
    at: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    revoke_each(
        tx,
        "SELECT id, expires_at FROM sessions INDEXED BY sessions_by_user
         WHERE user_id = ?1 AND client_id = ?3 AND revoked_at IS NULL AND expires_at > ?2
         ORDER BY id",
        params![user.as_bytes(), at.as_millis(), client.as_str()],
        reason,
        at,
    )
}

/// The latest end of any session there is.
pub(super) fn last_end(connection: &Connection) -> Result<Timestamp, StoreError> {
    let last = sql::one(
        connection,
        "SELECT expires_at FROM sessions INDEXED BY sessions_by_expiry
         ORDER BY expires_at DESC LIMIT 1",
        (),
        |row| sql::time(row, "expires_at"),
    )?;
    Ok(last.unwrap_or(Timestamp::from_millis(0)))
}

/// Up to `limit` live sessions that fit, after `after` in order of id, with their users and clients.
pub(super) fn matching(
    connection: &Connection,
    selector: &SessionSelector,
    after: Option<SessionId>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(SessionId, UserId, ClientId)>, StoreError> {
    macro_rules! select {
        ($index:literal, $own:literal) => {
            concat!(
                "SELECT id, user_id, client_id FROM sessions ",
                $index,
                " WHERE id > ?1 AND revoked_at IS NULL AND expires_at > ?2
                   AND CASE WHEN ?5 IS NULL THEN auth_time ELSE created_at END <= ?3
                   AND (?4 IS NULL OR user_id = ?4) AND (?5 IS NULL OR client_id = ?5)
                   AND (?6 IS NULL OR tenant = ?6) AND ",
                $own,
                " ORDER BY id LIMIT ?7"
            )
        };
    }
    let query = match (&selector.user, &selector.tenant, &selector.client) {
        (Some(_), ..) => select!("INDEXED BY sessions_by_user", "user_id = ?4"),
        (None, Some(_), _) => select!("INDEXED BY sessions_by_tenant", "tenant = ?6"),
        (None, None, Some(_)) => select!("INDEXED BY sessions_by_client", "client_id = ?5"),
        (None, None, None) => select!("NOT INDEXED", "true"),
    };
    sql::many(
        connection,
        query,
        params![
            after.as_ref().map_or(&[][..], |id| id.as_bytes()),
            now.as_millis(),
            selector.started_at_or_before.as_millis(),
            selector.user.as_ref().map(UserId::as_bytes),
            selector.client.as_ref().map(ClientId::as_str),
            selector.tenant.as_ref().map(TenantId::as_str),
            limit,
        ],
        |row| {
            Ok((
                SessionId::from_bytes(row.get("id")?),
                UserId::from_bytes(row.get("user_id")?),
                sql::client_id(row, "client_id")?,
            ))
        },
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

/// Revokes every live session that came from a browser sign-in, but those that go on without it; the latest
/// end among them.
pub(super) fn revoke_all_from(
    tx: &Tx<'_>,
    sign_in: SignInId,
    reason: RevokeReason,
    at: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    revoke_each(
        tx,
        "SELECT id, expires_at FROM sessions INDEXED BY sessions_by_sign_in
         WHERE sign_in_id = ?1 AND revoked_at IS NULL AND expires_at > ?2
           AND details ->> '$.lasting' IS NULL ORDER BY id",
        params![sign_in.as_bytes(), at.as_millis()],
        reason,
        at,
    )
}

/// Revokes every live session of a user, but those that go on without a browser's sign-in; the latest end
/// among them.
pub(super) fn revoke_browsers_of(
    tx: &Tx<'_>,
    user: UserId,
    reason: RevokeReason,
    at: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    revoke_each(
        tx,
        "SELECT id, expires_at FROM sessions INDEXED BY sessions_by_user
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2
           AND details ->> '$.lasting' IS NULL ORDER BY id",
        params![user.as_bytes(), at.as_millis()],
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
        scopes: sql::json(row, "scopes")?,
        details: sql::json(row, "details")?,
        auth_time: sql::time(row, "auth_time")?,
        methods: sql::json(row, "methods")?,
        created_at: sql::time(row, "created_at")?,
        renewed_at: sql::time(row, "renewed_at")?,
        network: row.get("network")?,
        expires_at: sql::time(row, "expires_at")?,
        revoked_at: sql::maybe_time(row, "revoked_at")?,
        revoked_for: sql::maybe_word(row, "revoked_for", &RevokeReason::ALL, RevokeReason::as_str)?,
    })
}
