//! Records of acts, appended in the transaction of the act.

use rusqlite::{Connection, Row, params};
use sealgate_audit::chain::{Hash, Record};
use sealgate_model::{ClientId, SessionId, Timestamp, UserId};

use super::chain::COLUMNS;
use super::writer::Tx;
use super::{measures, sql};
use crate::{
    ActorType, Audit, AuditActor, AuditFilter, AuditRow, CredentialType, Outcome, StoreError,
};

/// Appends a record, joined to the one before: both are undone with the transaction, so that the chain has
/// no gaps.
pub(super) fn append(tx: &Tx<'_>, audit: &Audit) -> Result<(), StoreError> {
    let actor = match &audit.actor {
        AuditActor::User(id) => format!("user:{id}"),
        AuditActor::Client(id) => format!("client:{id}"),
        AuditActor::Operator => "operator".to_owned(),
        AuditActor::Anonymous => "anonymous".to_owned(),
        AuditActor::System => "system".to_owned(),
    };
    let network = tx.kept_network(audit.network.as_deref());
    let record = Record {
        at: audit.at.as_millis(),
        actor: &actor,
        actor_type: audit.actor_type().map(ActorType::as_str),
        credential: audit.credential.map(CredentialType::as_str),
        through: audit.through.as_ref().map(ClientId::as_str),
        through_session: audit.through_session.as_ref().map(|id| &id.as_bytes()[..]),
        action: audit.action,
        outcome: audit.outcome.as_str(),
        reason: &audit.reason,
        user: audit.user.as_ref().map(|id| &id.as_bytes()[..]),
        client: audit.client.as_ref().map(ClientId::as_str),
        session: audit.session.as_ref().map(|id| &id.as_bytes()[..]),
        object: audit.object.as_deref(),
        network: network.as_deref(),
        route: audit.route.as_deref(),
        trace: audit.trace.as_deref(),
        count: i64::from(audit.count),
        policy_version: tx.policy_in_force()?,
    };
    let joined = tx.audit_next(&record)?;
    sql::run(
        tx,
        "INSERT INTO audit
            (number, at, actor, actor_type, credential, through, through_session, action, outcome,
             reason, user_id, client_id, session_id, object, network, route, trace, count,
             policy_version, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                 ?19, ?20)",
        params![
            joined.number,
            record.at,
            record.actor,
            record.actor_type,
            record.credential,
            record.through,
            record.through_session,
            record.action,
            record.outcome,
            record.reason,
            record.user,
            record.client,
            record.session,
            record.object,
            record.network,
            record.route,
            record.trace,
            record.count,
            record.policy_version,
            joined.hash.as_bytes(),
        ],
    )?;
    tx.audit_advance(joined);
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
        &format!("SELECT {COLUMNS} FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2"),
        params![number, limit],
        read,
    )
}

/// Up to `limit` records that fit, newest first, or oldest first after the number that the filter names
/// (primary key). No index for what they are looked for by: each would cost every act, and few are ever
/// looked for.
pub(super) fn list(
    connection: &Connection,
    filter: &AuditFilter,
    limit: u32,
) -> Result<Vec<AuditRow>, StoreError> {
    let order = if filter.after.is_some() {
        "ASC"
    } else {
        "DESC"
    };
    let select = format!(
        "SELECT {COLUMNS}
         FROM audit
         WHERE number > ?1 AND number < ?2
           AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR action = ?4)
           AND (?5 IS NULL OR outcome = ?5) AND (?6 IS NULL OR user_id = ?6)
           AND (?7 IS NULL OR client_id = ?7) AND (?8 IS NULL OR session_id = ?8)
           AND (?9 IS NULL OR reason = ?9) AND (?10 IS NULL OR route = ?10)
           AND (?11 IS NULL OR actor_type = ?11) AND (?12 IS NULL OR credential = ?12)
           AND (?13 IS NULL OR trace = ?13) AND (?14 IS NULL OR at >= ?14)
           AND (?15 IS NULL OR at < ?15)
         ORDER BY number {order} LIMIT ?16"
    );
    sql::many(
        connection,
        &select,
        params![
            filter.after.unwrap_or(i64::MIN),
            filter.before.unwrap_or(i64::MAX),
            filter.actor,
            filter.action,
            filter.outcome.map(Outcome::as_str),
            filter.user.as_ref().map(UserId::as_bytes),
            filter.client.as_ref().map(ClientId::as_str),
            filter.session.as_ref().map(SessionId::as_bytes),
            filter.reason,
            filter.route,
            filter.actor_type.map(ActorType::as_str),
            filter.credential.map(CredentialType::as_str),
            filter.trace,
            filter.since.map(Timestamp::as_millis),
            filter.until.map(Timestamp::as_millis),
            limit,
        ],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        number: row.get("number")?,
        at: sql::time(row, "at")?,
        actor: row.get("actor")?,
        actor_type: row.get("actor_type")?,
        credential: row.get("credential")?,
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
        route: row.get("route")?,
        trace: row.get("trace")?,
        count: row.get("count")?,
        policy_version: row.get("policy_version")?,
        hash: row
            .get_ref("hash")?
            .as_blob()
            .ok()
            .and_then(Hash::from_slice),
    })
}
