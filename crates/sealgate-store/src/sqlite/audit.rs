//! Records of acts, appended in the transaction of the act.

use rusqlite::{Connection, Row, params};
use sealgate_model::{SessionId, UserId};

use super::sql;
use crate::{Audit, AuditActor, AuditRow, Outcome, StoreError};

/// Appends a record. The number is the table's own: undone with the transaction, so gapless.
pub(super) fn append(connection: &Connection, audit: &Audit) -> Result<(), StoreError> {
    let actor = match &audit.actor {
        AuditActor::User(id) => format!("user:{id}"),
        AuditActor::Client(id) => format!("client:{id}"),
        AuditActor::Operator => "operator".to_owned(),
        AuditActor::Anonymous => "anonymous".to_owned(),
        AuditActor::System => "system".to_owned(),
    };
    let outcome = match audit.outcome {
        Outcome::Allowed => "allowed",
        Outcome::Denied => "denied",
    };
    sql::run(
        connection,
        "INSERT INTO audit
            (at, actor, action, outcome, reason, user_id, client_id, session_id, network, trace,
             count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            audit.at.as_millis(),
            actor,
            audit.action,
            outcome,
            audit.reason,
            audit.user.as_ref().map(UserId::as_bytes),
            audit.client.as_ref().map(sealgate_model::ClientId::as_str),
            audit.session.as_ref().map(SessionId::as_bytes),
            audit.network,
            audit.trace,
            audit.count,
        ],
    )
    .map(drop)
}

/// Up to `limit` records after `number`, in order (primary key).
pub(super) fn after(
    connection: &Connection,
    number: i64,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    sql::many(
        connection,
        "SELECT number, at, actor, action, outcome, reason, user_id, client_id, session_id,
                network, trace, count
         FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2",
        params![number, limit],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        number: row.get("number")?,
        at: sql::time(row, "at")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        outcome: row.get("outcome")?,
        reason: row.get("reason")?,
        user: row.get::<_, Option<_>>("user_id")?.map(UserId::from_bytes),
        client: sql::maybe_client_id(row, "client_id")?,
        session: row
            .get::<_, Option<_>>("session_id")?
            .map(SessionId::from_bytes),
        network: row.get("network")?,
        trace: row.get("trace")?,
        count: row.get("count")?,
    })
}
