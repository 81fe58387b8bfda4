//! Clients of their own that are of no use to anybody are forgotten, row and all: strangers can make as many as
//! they like, and nobody would ever tidy up. What was revoked for them stays in the log for as long as it counts.

use rusqlite::params;
use sealgate_model::{ClientId, SessionId};

use super::super::writer::Tx;
use super::super::{audit, consents, devices, pushed, sql, sweep};
use crate::{Audit, StoreError, Unused};

/// Clients, and sessions of each, in one transaction.
const CLIENTS: u32 = 32;
const SESSIONS: u32 = 64;

pub(super) fn forget(
    tx: &Tx<'_>,
    unused: Unused,
    audit: &Audit,
) -> Result<(u64, bool), StoreError> {
    // A session that was neither begun nor renewed for so long cannot be renewed any more. Who serves a
    // resource or acts for others was given more than it took, by somebody who may want to know.
    let found = sql::many(
        tx,
        "SELECT id FROM clients INDEXED BY clients_of_their_own
         WHERE origin IN ('document', 'dynamic') AND removed_at IS NULL AND disabled_at IS NULL
           AND created_at < ?1
           AND NOT EXISTS (SELECT 1 FROM sessions INDEXED BY sessions_by_client
                           WHERE client_id = clients.id AND renewed_at > ?2)
           AND NOT EXISTS (SELECT 1 FROM codes INDEXED BY codes_by_client
                           WHERE client_id = clients.id AND used_at IS NULL AND expires_at > ?3)
           AND NOT EXISTS (SELECT 1 FROM delegations INDEXED BY delegations_by_client
                           WHERE client_id = clients.id)
           AND NOT EXISTS (SELECT 1 FROM resources WHERE client_id = clients.id)
         LIMIT ?4",
        params![
            unused.made_before.as_millis(),
            unused.idle_since.as_millis(),
            audit.at.as_millis(),
            CLIENTS
        ],
        |row| sql::client_id(row, "id"),
    )?;
    if found.is_empty() {
        return Ok((0, false));
    }
    tx.clients_change();
    let mut forgotten = 0;
    for id in &found {
        if !forget_sessions(tx, id)? {
            continue;
        }
        consents::forget_client(tx, id)?;
        devices::forget_client(tx, id)?;
        pushed::forget_client(tx, id)?;
        for delete in [
            "DELETE FROM codes INDEXED BY codes_by_client WHERE client_id = ?1",
            "DELETE FROM client_uses WHERE client_id = ?1",
            "DELETE FROM assertion_ids WHERE client_id = ?1",
            "DELETE FROM clients WHERE id = ?1",
        ] {
            sql::run(tx, delete, params![id.as_str()])?;
        }
        let audit = Audit {
            client: Some(id.clone()),
            ..audit.clone()
        };
        audit::append(tx, &audit)?;
        forgotten += 1;
    }
    Ok((forgotten, true))
}

/// Deletes what is left of a client's sessions; whether that was all.
fn forget_sessions(tx: &Tx<'_>, id: &ClientId) -> Result<bool, StoreError> {
    let sessions = sql::many(
        tx,
        "SELECT id FROM sessions INDEXED BY sessions_by_client WHERE client_id = ?1 LIMIT ?2",
        params![id.as_str(), SESSIONS],
        |row| Ok(SessionId::from_bytes(row.get("id")?)),
    )?;
    for session in &sessions {
        sweep::forget_session(tx, *session)?;
    }
    Ok(sessions.len() < SESSIONS as usize)
}
