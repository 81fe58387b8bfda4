//! Delegations in SQLite: found or made by a token exchange, revoked with all that is under them.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, GrantId, SessionId, Timestamp, UserId};

use super::revocations::Entry;
use super::writer::Tx;
use super::{SqliteStore, audit, clients, footing, measures, reaches, revocations, sessions, sql};
use crate::{
    Audit, Delegated, DelegationFilter, DelegationRow, DelegationStore, Footing, NewDelegation,
    Page, RevokeReason, Revoked, StoreError,
};

/// How many a session may have: each takes a row and, revoked, a place in the snapshots of its readers.
const MOST: u32 = 256;

#[async_trait]
impl DelegationStore for SqliteStore {
    async fn delegation(&self, id: GrantId) -> Result<Option<DelegationRow>, StoreError> {
        self.readers.look_up(move |db| by_id(db, id)).await
    }

    async fn delegation_of(
        &self,
        session: SessionId,
        client: &ClientId,
        parent: Option<GrantId>,
    ) -> Result<Option<GrantId>, StoreError> {
        let client = client.clone();
        let find =
            move |db: &Connection| Ok(place(db, session, &client, parent)?.map(|(id, _)| id));
        self.readers.look_up(find).await
    }

    async fn delegations(
        &self,
        filter: DelegationFilter,
        page: Page,
    ) -> Result<Vec<DelegationRow>, StoreError> {
        self.readers.read(move |db| list(db, &filter, page)).await
    }

    async fn delegation_revoke(
        &self,
        id: GrantId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let write = move |tx: &Tx<'_>| revoke(tx, id, reason, &audit);
        self.home.writer.write_ending(write).await
    }
}

macro_rules! select {
    ($($rest:tt)*) => {
        concat!(
            "SELECT delegations.id, delegations.session_id, sessions.user_id, delegations.client_id,
                    delegations.parent, delegations.created_at, delegations.last_used_at,
                    delegations.expires_at, delegations.revoked_at, delegations.revoked_for,
                    (SELECT json_group_array(resource) FROM
                        (SELECT resource FROM delegation_resources
                         WHERE delegation_id = delegations.id ORDER BY resource)) AS resources
             FROM delegations ",
            $($rest)*
        )
    };
}

fn by_id(connection: &Connection, id: GrantId) -> Result<Option<DelegationRow>, StoreError> {
    sql::one(
        connection,
        select!(
            "CROSS JOIN sessions ON sessions.id = delegations.session_id WHERE delegations.id = ?1"
        ),
        params![id.as_bytes()],
        read,
    )
}

/// A slice in order of id, which is the order of creation.
fn list(
    connection: &Connection,
    filter: &DelegationFilter,
    page: Page,
) -> Result<Vec<DelegationRow>, StoreError> {
    macro_rules! slice {
        ($from:literal) => {
            select!(
                $from,
                " WHERE delegations.id > ?1
                   AND (?3 IS NULL OR (delegations.revoked_at IS NULL AND sessions.revoked_at IS NULL
                                       AND delegations.expires_at > ?3))
                   AND (?4 IS NULL OR session_id = ?4) AND (?5 IS NULL OR sessions.user_id = ?5)
                   AND (?6 IS NULL OR delegations.client_id = ?6)
                 ORDER BY delegations.id LIMIT ?2"
            )
        };
    }
    let query = match (&filter.session, &filter.user, &filter.client) {
        (Some(_), ..) => slice!(
            "INDEXED BY delegations_by_session
             CROSS JOIN sessions ON sessions.id = session_id AND session_id = ?4"
        ),
        // The user's sessions first: they are few, and each leads to its delegations.
        (None, Some(_), _) => slice!(
            "INDEXED BY delegations_by_session
             JOIN (SELECT id, user_id, revoked_at FROM sessions INDEXED BY sessions_by_user
                   WHERE user_id = ?5) AS sessions ON sessions.id = session_id"
        ),
        (None, None, Some(_)) => slice!(
            "INDEXED BY delegations_by_client
             CROSS JOIN sessions ON sessions.id = session_id AND delegations.client_id = ?6"
        ),
        (None, None, None) => {
            slice!("NOT INDEXED CROSS JOIN sessions ON sessions.id = session_id")
        }
    };
    sql::many(
        connection,
        query,
        params![
            sql::after(&page),
            sql::limit(&page),
            filter.live_at.map(Timestamp::as_millis),
            filter.session.as_ref().map(SessionId::as_bytes),
            filter.user.as_ref().map(UserId::as_bytes),
            filter.client.as_ref().map(ClientId::as_str),
        ],
        read,
    )
}

/// The one delegation for such exchanges, and whether it is revoked.
fn place(
    connection: &Connection,
    session: SessionId,
    client: &ClientId,
    parent: Option<GrantId>,
) -> Result<Option<(GrantId, bool)>, StoreError> {
    sql::one(
        connection,
        "SELECT id, revoked_at IS NOT NULL AS revoked
         FROM delegations INDEXED BY delegations_by_session
         WHERE session_id = ?1 AND client_id = ?2 AND ifnull(parent, x'') = ifnull(?3, x'')",
        params![
            session.as_bytes(),
            client.as_str(),
            parent.as_ref().map(GrantId::as_bytes)
        ],
        |row| {
            let id = GrantId::from_bytes(row.get("id")?);
            Ok((id, row.get::<_, bool>("revoked")?))
        },
    )
}

/// Whether a delegation of a session is good.
pub(super) fn stands(
    connection: &Connection,
    id: GrantId,
    session: SessionId,
) -> Result<bool, StoreError> {
    let found = sql::one(
        connection,
        "SELECT 1 FROM delegations WHERE id = ?1 AND session_id = ?2 AND revoked_at IS NULL",
        params![id.as_bytes(), session.as_bytes()],
        |_row| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Notes that a token of a session is given out. It commits before the session or the delegation ends, and
/// then the servers of its resources hear of that; or after, and then there is no token.
pub(super) fn take(
    tx: &Tx<'_>,
    new: &NewDelegation,
    audit: &Audit,
) -> Result<Delegated, StoreError> {
    let Some(session) = sessions::by_id(tx, new.session)? else {
        return Ok(Delegated::Ended);
    };
    let client = clients::by_id(tx, &new.client)?;
    if client.is_none_or(|client| !client.is_usable(audit.at))
        || footing::fallen(tx, &Footing::of(&session), audit.at)?.is_some()
    {
        return Ok(Delegated::Ended);
    }
    // With a delegation end all under it, so that the one above is enough to look at.
    if let Some(parent) = new.parent
        && !stands(tx, parent, session.id)?
    {
        return Ok(Delegated::Revoked);
    }
    match place(tx, session.id, &new.client, new.parent)? {
        Some((_, true)) => return Ok(Delegated::Revoked),
        Some((id, false)) if id != new.id => return Ok(Delegated::Other(id)),
        Some(_) => {
            sql::run(
                tx,
                "UPDATE delegations SET last_used_at = max(last_used_at, ?2) WHERE id = ?1",
                params![new.id.as_bytes(), audit.at.as_millis()],
            )?;
        }
        None => insert(tx, new, session.expires_at, audit.at)?,
    }
    for uri in &new.resources {
        sql::run(
            tx,
            "INSERT INTO delegation_resources (delegation_id, resource) VALUES (?1, ?2)
             ON CONFLICT DO NOTHING",
            params![new.id.as_bytes(), uri],
        )?;
    }
    reaches::note(tx, session.id, &new.resources)?;
    audit::append(tx, audit)?;
    Ok(Delegated::Done)
}

fn insert(
    tx: &Tx<'_>,
    new: &NewDelegation,
    expires_at: Timestamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    let known: Option<u32> = sql::one(
        tx,
        "SELECT count(*) AS known FROM delegations INDEXED BY delegations_by_session
         WHERE session_id = ?1",
        params![new.session.as_bytes()],
        |row| Ok(row.get("known")?),
    )?;
    if known.unwrap_or(MOST) >= MOST {
        return Err(StoreError::TooMany("delegations of one session"));
    }
    sql::run(
        tx,
        "INSERT INTO delegations
            (id, session_id, client_id, parent, created_at, last_used_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
        params![
            new.id.as_bytes(),
            new.session.as_bytes(),
            new.client.as_str(),
            new.parent.as_ref().map(GrantId::as_bytes),
            at.as_millis(),
            expires_at.as_millis(),
        ],
    )
    .map(drop)
}

/// Revokes it and what is under it, each with an entry for each of its readers.
fn revoke(
    tx: &Tx<'_>,
    id: GrantId,
    reason: RevokeReason,
    audit: &Audit,
) -> Result<bool, StoreError> {
    if by_id(tx, id)?.is_none() {
        return Ok(false);
    }
    let live = sql::many(
        tx,
        "WITH RECURSIVE under (id) AS (
            SELECT ?1
            UNION
            SELECT delegations.id FROM under CROSS JOIN
                delegations INDEXED BY delegations_by_parent ON delegations.parent = under.id)
         SELECT delegations.id, delegations.expires_at
         FROM under CROSS JOIN delegations ON delegations.id = under.id
         WHERE revoked_at IS NULL ORDER BY delegations.id",
        params![id.as_bytes()],
        |row| {
            Ok((
                GrantId::from_bytes(row.get("id")?),
                sql::time(row, "expires_at")?,
            ))
        },
    )?;
    for (one, expires_at) in &live {
        sql::run(
            tx,
            "UPDATE delegations SET revoked_at = ?2, revoked_for = ?3 WHERE id = ?1",
            params![one.as_bytes(), audit.at.as_millis(), reason.as_str()],
        )?;
        let what = Revoked::Grant(*one);
        for reader in readers(tx, *one)? {
            let entry = Entry {
                client: Some(&reader),
                reason: Some(reason.as_str()),
                ..Entry::of(&what, audit.at, *expires_at)
            };
            revocations::log(tx, &entry)?;
        }
        measures::delegation_revoked(reason);
    }
    audit::append_if(tx, !live.is_empty(), audit)?;
    Ok(true)
}

/// The client that has its tokens, and those that they can be presented to, in order of id.
fn readers(tx: &Tx<'_>, id: GrantId) -> Result<Vec<ClientId>, StoreError> {
    sql::many(
        tx,
        "SELECT client_id AS reader FROM delegations WHERE id = ?1
         UNION
         SELECT resources.client_id
         FROM delegation_resources CROSS JOIN resources
              ON resources.uri = delegation_resources.resource
         WHERE delegation_id = ?1 AND resources.client_id IS NOT NULL
         ORDER BY reader",
        params![id.as_bytes()],
        |row| sql::client_id(row, "reader"),
    )
}

/// Tells a client that begins to serve a resource of the delegations for it that are revoked.
pub(super) fn catch_up(
    tx: &Tx<'_>,
    uri: &str,
    server: &ClientId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let revoked = sql::many(
        tx,
        "SELECT id, revoked_at, expires_at, revoked_for
         FROM delegations INDEXED BY delegations_revoked
         WHERE revoked_at IS NOT NULL AND expires_at > ?3 AND client_id <> ?2
           AND EXISTS (SELECT 1 FROM delegation_resources
                       WHERE delegation_id = delegations.id AND resource = ?1)
         ORDER BY id",
        params![uri, server.as_str(), now.as_millis()],
        |row| {
            Ok((
                Revoked::Grant(GrantId::from_bytes(row.get("id")?)),
                sql::time(row, "revoked_at")?,
                sql::time(row, "expires_at")?,
                row.get::<_, Option<String>>("revoked_for")?,
            ))
        },
    )?;
    for (what, at, expires_at, reason) in &revoked {
        let entry = Entry {
            client: Some(server),
            reason: reason.as_deref(),
            ..Entry::of(what, *at, *expires_at)
        };
        revocations::log(tx, &entry)?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<DelegationRow, StoreError> {
    Ok(DelegationRow {
        id: GrantId::from_bytes(row.get("id")?),
        session: SessionId::from_bytes(row.get("session_id")?),
        user: UserId::from_bytes(row.get("user_id")?),
        client: sql::client_id(row, "client_id")?,
        parent: row.get::<_, Option<_>>("parent")?.map(GrantId::from_bytes),
        resources: sql::json(row, "resources")?,
        created_at: sql::time(row, "created_at")?,
        last_used_at: sql::time(row, "last_used_at")?,
        expires_at: sql::time(row, "expires_at")?,
        revoked_at: sql::maybe_time(row, "revoked_at")?,
        revoked_for: sql::maybe_word(row, "revoked_for", &RevokeReason::ALL, RevokeReason::as_str)?,
    })
}
