//! Records of acts, appended in the transaction of the act.

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, SessionId, Timestamp, UserId};

use super::writer::Tx;
use super::{measures, sql};
use crate::{Audit, AuditActor, AuditFilter, AuditRow, Outcome, StoreError};

/// Appends a record. The number is the table's own: undone with the transaction, so gapless.
pub(super) fn append(tx: &Tx<'_>, audit: &Audit) -> Result<(), StoreError> {
    let actor = match &audit.actor {
        AuditActor::User(id) => format!("user:{id}"),
        AuditActor::Client(id) => format!("client:{id}"),
        AuditActor::Operator => "operator".to_owned(),
        AuditActor::Anonymous => "anonymous".to_owned(),
        AuditActor::System => "system".to_owned(),
    };
    sql::run(
        tx,
        "INSERT INTO audit
            (at, actor, action, outcome, reason, user_id, client_id, session_id, object, network,
             trace, count, through, through_session)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        params![
            audit.at.as_millis(),
            actor,
            audit.action,
            audit.outcome.as_str(),
            audit.reason,
            audit.user.as_ref().map(UserId::as_bytes),
            audit.client.as_ref().map(ClientId::as_str),
            audit.session.as_ref().map(SessionId::as_bytes),
            audit.object,
            audit.network,
            audit.trace,
            audit.count,
            audit.through.as_ref().map(ClientId::as_str),
            audit.through_session.as_ref().map(SessionId::as_bytes),
        ],
    )?;
    tx.note(audit.at);
    measures::acted(audit);
    Ok(())
}

/// Appends a record of what was done, if anything was; whether it was.
pub(super) fn append_if(tx: &Tx<'_>, done: bool, audit: &Audit) -> Result<bool, StoreError> {
    if done {
        append(tx, audit)?;
    }
    Ok(done)
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
                object, network, trace, count, through, through_session
         FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2",
        params![number, limit],
        read,
    )
}

/// Up to `limit` records that fit, newest first (primary key). No index for what they are looked for
/// by: each would cost every act, and few are ever looked for.
pub(super) fn list(
    connection: &Connection,
    filter: &AuditFilter,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    sql::many(
        connection,
        "SELECT number, at, actor, action, outcome, reason, user_id, client_id, session_id,
                object, network, trace, count, through, through_session
         FROM audit
         WHERE number < ?1
           AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR action = ?3)
           AND (?4 IS NULL OR outcome = ?4) AND (?5 IS NULL OR user_id = ?5)
           AND (?6 IS NULL OR client_id = ?6) AND (?7 IS NULL OR at >= ?7)
           AND (?9 IS NULL OR trace = ?9)
         ORDER BY number DESC LIMIT ?8",
        params![
            filter.before.unwrap_or(i64::MAX),
            filter.actor,
            filter.action,
            filter.outcome.map(Outcome::as_str),
            filter.user.as_ref().map(UserId::as_bytes),
            filter.client.as_ref().map(ClientId::as_str),
            filter.since.map(Timestamp::as_millis),
            limit,
            filter.trace,
        ],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        number: row.get("number")?,
        at: sql::time(row, "at")?,
        actor: row.get("actor")?,
        through: sql::maybe_client_id(row, "through")?,
        through_session: row
            .get::<_, Option<_>>("through_session")?
            .map(SessionId::from_bytes),
        action: row.get("action")?,
        outcome: row.get("outcome")?,
        reason: row.get("reason")?,
        user: row.get::<_, Option<_>>("user_id")?.map(UserId::from_bytes),
        client: sql::maybe_client_id(row, "client_id")?,
        session: row
            .get::<_, Option<_>>("session_id")?
            .map(SessionId::from_bytes),
        object: row.get("object")?,
        network: row.get("network")?,
        trace: row.get("trace")?,
        count: row.get("count")?,
    })
}
