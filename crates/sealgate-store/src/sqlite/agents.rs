//! AI agents in SQLite: clients like others, of whom people want to know more.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use sealgate_model::{ClientId, Timestamp, UserId};

use super::bulk::{self, Batch};
use super::writer::Tx;
use super::{SqliteStore, clients, consents, sign_ins, sql};
use crate::{AgentRow, AgentStore, Audit, RevokeReason, StoreError, Withdrawn};

#[async_trait]
impl AgentStore for SqliteStore {
    async fn agents(
        &self,
        after: Option<&ClientId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<AgentRow>, StoreError> {
        let after = after.cloned();
        let read = move |db: &Connection| list(db, after.as_ref(), limit, now);
        self.readers.read(read).await
    }

    async fn agents_withdraw(&self, user: UserId, audit: Audit) -> Result<u64, StoreError> {
        let act = move |tx: &Tx<'_>| withdraw_all(tx, user, &audit);
        self.home.writer.write_ending(act).await
    }

    async fn agent_revoke(
        &self,
        id: &ClientId,
        audit: Audit,
    ) -> Result<Option<Withdrawn>, StoreError> {
        let id = id.clone();
        self.whole(|home| async move {
            let all = bulk::everything_on(&id, None, audit.at);
            let record = audit.clone();
            let act = move |tx: &Tx<'_>| begin(tx, &id, &record);
            let Some((consents, first)) = home.writer.write_ending(act).await? else {
                return Ok(None);
            };
            let sessions = home.revoke_rest(first, all, REASON, audit).await?;
            Ok(Some(Withdrawn { consents, sessions }))
        })
        .await
    }

    async fn browsers_sign_out(
        &self,
        user: UserId,
        reason: RevokeReason,
        audit: Audit,
    ) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| sign_ins::end_browsers(tx, user, reason, &audit);
        self.home.writer.write_ending(act).await
    }
}

const REASON: RevokeReason = RevokeReason::ConsentWithdrawn;

/// Clients are few beside what users start on them, so that they are looked through in order of id.
fn list(
    connection: &Connection,
    after: Option<&ClientId>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<AgentRow>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let rows = sql::many(
        &moment,
        "SELECT clients.id,
                (SELECT count(*) FROM consents INDEXED BY consents_by_client
                 WHERE client_id = clients.id) AS consents,
                (SELECT count(*) FROM sessions INDEXED BY sessions_by_client
                 WHERE client_id = clients.id AND revoked_at IS NULL AND expires_at > ?3) AS sessions,
                (SELECT count(*) FROM
                    (SELECT user_id FROM consents INDEXED BY consents_by_client
                     WHERE client_id = clients.id
                     UNION
                     SELECT user_id FROM sessions INDEXED BY sessions_by_client
                     WHERE client_id = clients.id AND revoked_at IS NULL AND expires_at > ?3)) AS users,
                (SELECT max(renewed_at) FROM sessions INDEXED BY sessions_by_client
                 WHERE client_id = clients.id) AS last_used_at
         FROM clients
         WHERE id > ?1 AND removed_at IS NULL AND details ->> '$.agent' = 1
         ORDER BY id LIMIT ?2",
        params![
            after.map_or("", ClientId::as_str),
            limit,
            now.as_millis()
        ],
        |row| {
            Ok((
                sql::client_id(row, "id")?,
                u64::from(row.get::<_, u32>("consents")?),
                u64::from(row.get::<_, u32>("sessions")?),
                u64::from(row.get::<_, u32>("users")?),
                sql::maybe_time(row, "last_used_at")?,
            ))
        },
    )?;
    let mut agents = Vec::with_capacity(rows.len());
    for (id, consents, sessions, users, last_used_at) in rows {
        let client = clients::by_id(&moment, &id)?.ok_or_else(|| sql::unreadable("id"))?;
        agents.push(AgentRow {
            client,
            users,
            consents,
            sessions,
            last_used_at,
        });
    }
    Ok(agents)
}

/// Also what is on its way to become a session.
fn withdraw_all(tx: &Tx<'_>, user: UserId, audit: &Audit) -> Result<u64, StoreError> {
    let agents = sql::many(
        tx,
        "SELECT client_id FROM
            (SELECT client_id FROM consents WHERE user_id = ?1
             UNION
             SELECT client_id FROM sessions INDEXED BY sessions_by_user
             WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2
             UNION
             SELECT client_id FROM codes INDEXED BY codes_unused_by_expiry
             WHERE used_at IS NULL AND expires_at > ?2 AND user_id = ?1
             UNION
             SELECT client_id FROM device_codes INDEXED BY device_codes_approved
             WHERE state = 'approved' AND expires_at > ?2 AND user_id = ?1)
         WHERE (SELECT details ->> '$.agent' FROM clients WHERE id = client_id) = 1
         ORDER BY client_id",
        params![user.as_bytes(), audit.at.as_millis()],
        |row| sql::client_id(row, "client_id"),
    )?;
    let mut withdrawn = 0;
    for client in agents {
        let audit = Audit {
            client: Some(client.clone()),
            ..audit.clone()
        };
        withdrawn += u64::from(consents::withdraw(tx, user, &client, &audit)?);
    }
    Ok(withdrawn)
}

fn begin(tx: &Tx<'_>, id: &ClientId, audit: &Audit) -> Result<Option<(u64, Batch)>, StoreError> {
    if clients::by_id(tx, id)?.is_none() {
        return Ok(None);
    }
    let consents = consents::forget_client(tx, id)?;
    let all = bulk::everything_on(id, None, audit.at);
    let first = bulk::begin(tx, &all, REASON, audit)?;
    Ok(Some((consents, first)))
}
