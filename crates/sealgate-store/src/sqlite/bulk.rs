//! Many sessions revoked at once, a bounded batch at a time: each batch is whole in itself (rows, log
//! and record), and the first one also bars what is on its way.

use std::time::Duration;

use rusqlite::params;
use sealgate_model::{ClientId, SessionId, TenantId, Timestamp, UserId};

use super::revocations::Entry;
use super::writer::Tx;
use super::{audit, clients, reaches, revocations, sessions, sql, users};
use crate::{Audit, RevokeReason, Revoked, SessionSelector, StoreError};

/// Sessions in one batch: some milliseconds, and room in the reserve for a full disk.
const BATCH: u32 = 256;

/// How far past the moment of its end a grant is looked for sessions and codes, where all of them have
/// to go: another request may have read a later time and still have committed first.
pub(super) const RACE: Duration = Duration::from_secs(60 * 60);

/// Whatever a user or anybody has started on a client, up to the moment when this commits.
pub(super) fn everything_on(
    client: &ClientId,
    user: Option<UserId>,
    now: Timestamp,
) -> SessionSelector {
    SessionSelector {
        user,
        client: Some(client.clone()),
        tenant: None,
        started_at_or_before: now + RACE,
    }
}

/// What one batch did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Batch {
    /// Sessions revoked.
    pub(super) sessions: u64,
    /// Where the next batch begins, if there may be more.
    pub(super) next: Option<SessionId>,
}

/// The first batch: the barriers, and up to a batch of sessions.
pub(super) fn begin(
    tx: &Tx<'_>,
    selector: &SessionSelector,
    reason: RevokeReason,
    audit: &Audit,
) -> Result<Batch, StoreError> {
    let barred = bar(tx, selector, reason, audit.at)?;
    let ended = if selector.client.is_none() {
        end_sign_ins(tx, selector, audit.at)?
    } else {
        0
    };
    let dropped = drop_codes(tx, selector, audit.at)?;
    let batch = revoke(tx, selector, None, reason, audit.at)?;
    let changed = barred || ended + dropped > 0 || batch.sessions > 0;
    record(tx, &batch, changed, audit)?;
    Ok(batch)
}

/// Each further batch, of sessions after `after` or of any.
pub(super) fn go_on(
    tx: &Tx<'_>,
    selector: &SessionSelector,
    after: Option<SessionId>,
    reason: RevokeReason,
    audit: &Audit,
) -> Result<Batch, StoreError> {
    let batch = revoke(tx, selector, after, reason, audit.at)?;
    record(tx, &batch, batch.sessions > 0, audit)?;
    Ok(batch)
}

fn record(tx: &Tx<'_>, batch: &Batch, changed: bool, audit: &Audit) -> Result<(), StoreError> {
    let count = u32::try_from(batch.sessions.max(1)).unwrap_or(u32::MAX);
    let audit = Audit {
        count,
        ..audit.clone()
    };
    audit::append_if(tx, changed, &audit).map(drop)
}

/// Logs the "not before" that fits the selector; whether there is one. A tenant's users on one client have
/// none of their own: each batch logs them.
fn bar(
    tx: &Tx<'_>,
    selector: &SessionSelector,
    reason: RevokeReason,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let before = if selector.started_at_or_before > now {
        tx.newest(now)
    } else {
        selector.started_at_or_before
    };
    let what = match (&selector.user, &selector.tenant, &selector.client) {
        (Some(user), None, client) => {
            return users::bar(tx, *user, client.as_ref(), before, now, reason);
        }
        (None, Some(tenant), None) => {
            let readers = reaches::readers_of_tenant(tx, tenant)?;
            let what = Revoked::Tenant(tenant.clone());
            revocations::tell(tx, &what, before, &readers, now, reason.as_str())?;
            return Ok(!readers.is_empty());
        }
        (None, None, Some(client)) => Revoked::Client(client.clone()),
        (None, None, None) => Revoked::All,
        (_, Some(_), _) => return Ok(false),
    };
    if let Revoked::Client(client) = &what
        && !clients::is_known(tx, client)?
    {
        return Ok(false);
    }
    let expires_at = sessions::last_end(tx)?.max(now + revocations::KEPT);
    let entry = Entry {
        reason: Some(reason.as_str()),
        ..Entry::of(&what, before, expires_at)
    };
    revocations::log(tx, &entry)?;
    Ok(true)
}

/// Ends the browser sign-ins from which more sessions could start.
fn end_sign_ins(
    tx: &Tx<'_>,
    selector: &SessionSelector,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let (now, before) = (now.as_millis(), selector.started_at_or_before.as_millis());
    match (&selector.user, &selector.tenant) {
        (Some(user), _) => sql::run(
            tx,
            "UPDATE sign_ins INDEXED BY sign_ins_by_user SET ended_at = ?1
             WHERE user_id = ?3 AND ended_at IS NULL AND auth_time <= ?2",
            params![now, before, user.as_bytes()],
        ),
        (None, Some(tenant)) => sql::run(
            tx,
            "UPDATE sign_ins INDEXED BY sign_ins_by_user SET ended_at = ?1
             WHERE user_id IN
                (SELECT id FROM users INDEXED BY users_by_tenant WHERE tenant = ?3)
               AND ended_at IS NULL AND auth_time <= ?2",
            params![now, before, tenant.as_str()],
        ),
        (None, None) => sql::run(
            tx,
            "UPDATE sign_ins INDEXED BY sign_ins_by_expiry SET ended_at = ?1
             WHERE expires_at > ?1 AND ended_at IS NULL AND auth_time <= ?2",
            params![now, before],
        ),
    }
}

/// Drops what would become such a session: unused authorization codes and approved device codes. They
/// live for minutes, so that few are looked through.
pub(super) fn drop_codes(
    tx: &Tx<'_>,
    selector: &SessionSelector,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut dropped = 0;
    for delete in [
        "DELETE FROM codes INDEXED BY codes_unused_by_expiry
         WHERE used_at IS NULL AND expires_at > ?5 AND auth_time <= ?1
           AND (?2 IS NULL OR user_id = ?2) AND (?3 IS NULL OR client_id = ?3)
           AND (?4 IS NULL OR details ->> '$.tenant' = ?4)",
        "DELETE FROM device_codes INDEXED BY device_codes_approved
         WHERE state = 'approved' AND expires_at > ?5 AND auth_time <= ?1
           AND (?2 IS NULL OR user_id = ?2) AND (?3 IS NULL OR client_id = ?3)
           AND (?4 IS NULL OR details ->> '$.tenant' = ?4)",
    ] {
        dropped += sql::run(
            tx,
            delete,
            params![
                selector.started_at_or_before.as_millis(),
                selector.user.as_ref().map(UserId::as_bytes),
                selector.client.as_ref().map(ClientId::as_str),
                selector.tenant.as_ref().map(TenantId::as_str),
                now.as_millis(),
            ],
        )?;
    }
    Ok(dropped)
}

fn revoke(
    tx: &Tx<'_>,
    selector: &SessionSelector,
    after: Option<SessionId>,
    reason: RevokeReason,
    now: Timestamp,
) -> Result<Batch, StoreError> {
    let found = sessions::matching(tx, selector, after, now, BATCH)?;
    let mut batch = Batch::default();
    let mut barred: Vec<(UserId, ClientId)> = Vec::new();
    for (id, user, client) in &found {
        sessions::revoke_one(tx, *id, reason, now)?;
        batch.sessions += 1;
        let pair = (*user, client.clone());
        let on_one = selector.user.is_none() && selector.client.is_some();
        if selector.tenant.is_some() && on_one && !barred.contains(&pair) {
            let before = selector.started_at_or_before;
            users::bar(tx, *user, Some(client), before, now, reason)?;
            barred.push(pair);
        }
    }
    if found.len() == BATCH as usize {
        batch.next = found.last().map(|(id, ..)| *id);
    }
    Ok(batch)
}
