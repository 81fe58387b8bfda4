//! How service accounts end: by themselves when their time is over, and for good when somebody says so.

use rusqlite::{Connection, TransactionBehavior, params};
use sealgate_model::{ClientId, Timestamp};

use super::super::bulk::{self, Batch};
use super::super::writer::Tx;
use super::super::{Home, SqliteStore, audit, clients, measures, sql};
use super::bootstraps;
use crate::{Audit, AuditActor, Offboarded, RevokeReason, StoreError};

/// Delegations of one client that end in one transaction, beside those under them.
const BATCH: u32 = 256;

/// Those that had expired by then and are not disabled, the first that did first.
pub(super) fn due(
    connection: &Connection,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<ClientId>, StoreError> {
    sql::many(
        connection,
        "SELECT id FROM clients INDEXED BY clients_machines
         WHERE machine_ends_at IS NOT NULL AND machine_ends_at <= ?1
           AND disabled_at IS NULL AND removed_at IS NULL
         ORDER BY machine_ends_at LIMIT ?2",
        params![before.as_millis(), limit],
        |row| sql::client_id(row, "id"),
    )
}

/// Disables one that has expired. It may have been given more time since it was found.
pub(super) fn expire(
    tx: &Tx<'_>,
    id: &ClientId,
    audit: &Audit,
) -> Result<Option<Batch>, StoreError> {
    match clients::by_id(tx, id)? {
        Some(client)
            if client.disabled_at.is_none()
                && client.ends_at().is_some_and(|end| end <= audit.at) =>
        {
            clients::disable(tx, id, audit)
        }
        _ => Ok(None),
    }
}

/// Ends one for good. What does not fit into the first transaction goes in further ones: by then nothing that it
/// has is good any more, since everything started on it is revoked.
pub(super) async fn offboard(
    store: &SqliteStore,
    id: &ClientId,
    audit: Audit,
) -> Result<Option<Offboarded>, StoreError> {
    let id = id.clone();
    store
        .whole(|home| async move {
            let (client, record) = (id.clone(), audit.clone());
            let act = move |tx: &Tx<'_>| begin(tx, &client, &record);
            let Some((mut done, first)) = home.writer.write_ending(act).await? else {
                return Ok(None);
            };
            let all = bulk::everything_on(&id, None, audit.at);
            let reason = RevokeReason::ClientRemoved;
            let rest = std::sync::Arc::clone(&home);
            done.sessions = rest.revoke_rest(first, all, reason, audit.clone()).await?;
            done.delegations = end_all_delegations(&home, &id, &audit).await?;
            Ok(Some(done))
        })
        .await
}

/// Marks every delegation of a client that has ended as revoked, a batch at a time; how many.
pub(in super::super) async fn end_all_delegations(
    home: &Home,
    id: &ClientId,
    audit: &Audit,
) -> Result<u64, StoreError> {
    let mut all = 0;
    loop {
        let (client, record) = (id.clone(), audit.clone());
        let act = move |tx: &Tx<'_>| end_delegations(tx, &client, &record);
        let ended = home.writer.write_ending(act).await?;
        all += u64::try_from(ended).unwrap_or(u64::MAX);
        if ended == 0 {
            return Ok(all);
        }
    }
}

/// Finishes what the end of the process before has cut short: delegations of service accounts that were offboarded.
pub(in super::super) fn finish(
    connection: &mut Connection,
    now: Timestamp,
) -> Result<(), StoreError> {
    let unfinished = sql::many(
        connection,
        "SELECT id FROM clients
         WHERE removed_at IS NOT NULL AND details ->> '$.machine' IS NOT NULL AND EXISTS
            (SELECT 1 FROM delegations INDEXED BY delegations_by_client
             WHERE client_id = clients.id AND revoked_at IS NULL)",
        (),
        |row| sql::client_id(row, "id"),
    )?;
    for id in unfinished {
        let audit = Audit {
            client: Some(id.clone()),
            ..Audit::allowed(now, AuditActor::System, "machine.offboard")
        };
        loop {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let ended = end_delegations(&Tx::on(&transaction), &id, &audit)?;
            transaction.commit()?;
            if ended == 0 {
                break;
            }
        }
    }
    Ok(())
}

pub(in super::super) fn begin(
    tx: &Tx<'_>,
    id: &ClientId,
    audit: &Audit,
) -> Result<Option<(Offboarded, Batch)>, StoreError> {
    let Some(machine) = super::bare(tx, id)? else {
        return Ok(None);
    };
    let served = sql::many(
        tx,
        "SELECT uri FROM resources WHERE client_id = ?1 ORDER BY uri",
        params![id.as_str()],
        |row| Ok(row.get("uri")?),
    )?;
    let may_act_of = sql::many(
        tx,
        "SELECT id FROM clients WHERE removed_at IS NULL AND details ->> '$.may_act' = ?1
         ORDER BY id",
        params![id.as_str()],
        |row| sql::client_id(row, "id"),
    )?;
    let bootstraps = bootstraps::drop_unused(tx, id)?;
    let batch = clients::remove(tx, id, audit)?.unwrap_or_default();
    let done = Offboarded {
        at: machine.offboarded_at.unwrap_or(audit.at),
        again: machine.offboarded_at.is_some(),
        bootstraps: u64::try_from(bootstraps).unwrap_or(u64::MAX),
        delegations: 0,
        sessions: 0,
        served,
        may_act_of,
    };
    Ok(Some((done, batch)))
}

/// Marks delegations of a client that has ended, and those under them, as revoked; how many. Gates need not be
/// told of each: the revocation of the client is one of every token that it acts by.
fn end_delegations(tx: &Tx<'_>, id: &ClientId, audit: &Audit) -> Result<usize, StoreError> {
    let reason = RevokeReason::ClientRemoved;
    let ended = sql::run(
        tx,
        "WITH RECURSIVE under (id) AS (
            SELECT id FROM
                (SELECT id FROM delegations INDEXED BY delegations_by_client
                 WHERE client_id = ?1 AND revoked_at IS NULL LIMIT ?4)
            UNION
            SELECT delegations.id FROM under CROSS JOIN
                delegations INDEXED BY delegations_by_parent ON delegations.parent = under.id)
         UPDATE delegations SET revoked_at = ?2, revoked_for = ?3
         WHERE revoked_at IS NULL AND id IN (SELECT id FROM under)",
        params![id.as_str(), audit.at.as_millis(), reason.as_str(), BATCH],
    )?;
    for _ in 0..ended {
        measures::delegation_revoked(reason);
    }
    let record = Audit {
        action: "delegation.revoke",
        count: u32::try_from(ended.max(1)).unwrap_or(u32::MAX),
        ..audit.clone()
    };
    audit::append_if(tx, ended > 0, &record)?;
    Ok(ended)
}
