//! Legal holds: which records are not retired.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, Timestamp, UserId};

use super::writer::Tx;
use super::{audit, sql};
use crate::{Audit, Hold, HoldScope, StoreError};

/// So many hold at once: each record that is due is held against each of them.
const LIMIT: usize = 1000;

/// Holds, oldest first.
pub(super) fn list(connection: &Connection, all: bool) -> Result<Vec<Hold>, StoreError> {
    sql::many(
        connection,
        "SELECT id, made_at, made_by, reason, user_id, client_id, actor, trace, since, until,
                released_at, released_by
         FROM audit_holds WHERE ?1 OR released_at IS NULL ORDER BY id",
        params![all],
        read,
    )
}

/// A hold that is not kept as the chain tells it.
pub(super) struct Differs {
    /// The record that tells of it.
    pub(super) number: i64,
    /// What differs, in words.
    pub(super) said: String,
}

/// Holds that the chain says are in force and that are not kept so: somebody has changed the table. Records of
/// holds are never retired, and what is in them a verification vouches for.
pub(super) fn differing(connection: &Connection) -> Result<Vec<Differs>, StoreError> {
    let told = sql::many(
        connection,
        "SELECT number, action, object FROM audit INDEXED BY audit_of_holds
         WHERE action IN ('audit.hold_add', 'audit.hold_release') AND outcome = 'allowed'
         ORDER BY number",
        (),
        |row| {
            let object: Option<String> = row.get(2)?;
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                object.unwrap_or_default(),
            ))
        },
    )?;
    let mut in_force = BTreeMap::new();
    for (number, action, object) in told {
        let id = object.split(' ').next().unwrap_or_default().to_owned();
        if action == "audit.hold_add" {
            in_force.insert(id, (number, object));
        } else {
            in_force.remove(&id);
        }
    }
    for hold in list(connection, false)? {
        let is = told_of(&hold);
        in_force.retain(|_, (_, object)| *object != is);
    }
    let differs = in_force.into_values().map(|(number, object)| Differs {
        number,
        said: format!("record {number} tells of a hold that is not kept so: {object}"),
    });
    Ok(differs.collect())
}

/// The holds by which records are judged. Refused where one that is on record is gone or another: then nobody
/// knows what is to be kept, and everything is.
pub(super) fn in_force(connection: &Connection) -> Result<Vec<Hold>, StoreError> {
    let differing = differing(connection)?;
    if let Some(first) = differing.first() {
        tracing::error!(
            said = first.said,
            "a legal hold was changed behind the server's back: nothing is retired"
        );
        let said = "a hold is not kept as the audit log tells it";
        return Err(StoreError::Corrupt(said.to_owned()));
    }
    list(connection, false)
}

/// Makes a hold; its number.
pub(super) fn add(tx: &Tx<'_>, hold: &Hold, audit: &Audit) -> Result<i64, StoreError> {
    if list(tx, false)?.len() >= LIMIT {
        return Err(StoreError::Invalid("there are too many holds"));
    }
    let scope = &hold.scope;
    sql::run(
        tx,
        "INSERT INTO audit_holds
            (made_at, made_by, reason, user_id, client_id, actor, trace, since, until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            hold.made_at.as_millis(),
            hold.made_by,
            hold.reason,
            scope.user.as_ref().map(UserId::as_bytes),
            scope.client.as_ref().map(ClientId::as_str),
            scope.actor,
            scope.trace,
            scope.since.map(Timestamp::as_millis),
            scope.until.map(Timestamp::as_millis),
        ],
    )?;
    let id = tx.last_insert_rowid();
    let told = Audit {
        object: Some(told(id, scope)),
        ..audit.clone()
    };
    audit::append(tx, &told)?;
    Ok(id)
}

/// Releases a hold that holds.
pub(super) fn release(
    tx: &Tx<'_>,
    id: i64,
    at: Timestamp,
    by: &str,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let released = sql::run(
        tx,
        "UPDATE audit_holds SET released_at = ?2, released_by = ?3
         WHERE id = ?1 AND released_at IS NULL",
        params![id, at.as_millis(), by],
    )?;
    let told = Audit {
        object: Some(format!("hold={id}")),
        ..audit.clone()
    };
    audit::append_if(tx, released == 1, &told)
}

/// What a hold is about, for its record: what is held stays told when the row is tampered with.
fn told(id: i64, scope: &HoldScope) -> String {
    let named = [
        ("user", scope.user.map(|id| id.to_string())),
        ("client", scope.client.as_ref().map(ToString::to_string)),
        ("actor", scope.actor.clone()),
        ("trace", scope.trace.clone()),
        ("since", scope.since.map(|at| at.as_millis().to_string())),
        ("until", scope.until.map(|at| at.as_millis().to_string())),
    ];
    let mut text = format!("hold={id}");
    for (name, value) in named {
        if let Some(value) = value {
            text.extend([" ", name, "=", &value]);
        }
    }
    text
}

fn told_of(hold: &Hold) -> String {
    told(hold.id, &hold.scope)
}

/// What a hold is asked of a record.
pub(super) struct Asked<'a> {
    pub(super) at: Timestamp,
    pub(super) actor: &'a str,
    pub(super) user: Option<&'a [u8]>,
    pub(super) client: Option<&'a str>,
    pub(super) through: Option<&'a str>,
    pub(super) trace: Option<&'a str>,
}

/// Whether the record is held by `scope`: everything that it names fits.
pub(super) fn fits(scope: &HoldScope, record: &Asked<'_>) -> bool {
    let by = |kind: &str, id: &str| {
        let rest = record.actor.strip_prefix(kind);
        rest.and_then(|rest| rest.strip_prefix(':')) == Some(id)
    };
    let user = |id: &UserId| record.user == Some(&id.as_bytes()[..]) || by("user", &id.to_string());
    let client = |id: &ClientId| {
        let id = id.as_str();
        record.client == Some(id) || record.through == Some(id) || by("client", id)
    };
    scope.user.as_ref().is_none_or(user)
        && scope.client.as_ref().is_none_or(client)
        && scope
            .actor
            .as_deref()
            .is_none_or(|actor| actor == record.actor)
        && scope
            .trace
            .as_deref()
            .is_none_or(|trace| record.trace == Some(trace))
        && scope.since.is_none_or(|since| record.at >= since)
        && scope.until.is_none_or(|until| record.at < until)
}

fn read(row: &Row<'_>) -> Result<Hold, StoreError> {
    Ok(Hold {
        id: row.get("id")?,
        made_at: sql::time(row, "made_at")?,
        made_by: row.get("made_by")?,
        reason: row.get("reason")?,
        scope: HoldScope {
            user: row.get::<_, Option<_>>("user_id")?.map(UserId::from_bytes),
            client: sql::maybe_client_id(row, "client_id")?,
            actor: row.get("actor")?,
            trace: row.get("trace")?,
            since: sql::maybe_time(row, "since")?,
            until: sql::maybe_time(row, "until")?,
        },
        released_at: sql::maybe_time(row, "released_at")?,
        released_by: row.get("released_by")?,
    })
}
