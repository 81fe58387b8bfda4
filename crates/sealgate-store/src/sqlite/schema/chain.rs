//! The memory of the audit chain: checkpoints, retention and legal holds.

use rusqlite::{Connection, params};
use sealgate_audit::chain::{Hash, Record};
use sealgate_model::Timestamp;

use crate::StoreError;
use crate::sqlite::chain;

/// No references, and nothing here is ever swept. `hash` has a default only because a column that is added
/// needs one: [`begin`] gives every row that is there its own.
pub(super) const STEP: &str = "
ALTER TABLE audit ADD COLUMN actor_type TEXT;
ALTER TABLE audit ADD COLUMN credential TEXT;
ALTER TABLE audit ADD COLUMN route TEXT;
ALTER TABLE audit ADD COLUMN policy_version INTEGER;
ALTER TABLE audit ADD COLUMN hash BLOB NOT NULL DEFAULT x'';

CREATE TABLE audit_checkpoints (
    number INTEGER NOT NULL PRIMARY KEY,
    at     INTEGER NOT NULL,
    kid    TEXT    NOT NULL,
    token  TEXT    NOT NULL
) STRICT;

-- The public keys that checkpoints are verified with, sealed under the master key: whoever can only write
-- the database cannot vouch for a key of their own.
CREATE TABLE audit_keys (
    kid        TEXT NOT NULL PRIMARY KEY,
    sealed_jwk TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_retired (
    first   INTEGER NOT NULL PRIMARY KEY,
    last    INTEGER NOT NULL,
    after   BLOB    NOT NULL,
    told_by INTEGER NOT NULL
) STRICT;

-- What the last start knew, to tell what has changed since.
CREATE TABLE audit_marks (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_holds (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    made_at     INTEGER NOT NULL,
    made_by     TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    user_id     BLOB,
    client_id   TEXT,
    actor       TEXT,
    trace       TEXT,
    since       INTEGER,
    until       INTEGER,
    released_at INTEGER,
    released_by TEXT
) STRICT;

-- What the chain tells of holds is looked up before anything is retired. Other records are not in it.
CREATE INDEX audit_of_holds ON audit (number)
    WHERE action IN ('audit.hold_add', 'audit.hold_release');
";

/// Chains the records that were written before there was a chain. What they say is taken as it stands, which
/// a last one tells.
pub(super) fn begin(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut select = connection.prepare(&format!(
        "SELECT {} FROM audit ORDER BY number",
        chain::COLUMNS
    ))?;
    let mut update = connection.prepare("UPDATE audit SET hash = ?2 WHERE number = ?1")?;
    let (mut rows, mut scratch) = (select.query(())?, Vec::new());
    let (mut previous, mut last, mut many) = (Hash::GENESIS, 0, 0_u32);
    // A row that has its hash is not met again: the order is that of the numbers.
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        previous = Hash::link(&previous, number, &chain::content(row, &mut scratch));
        update.execute(params![number, previous.as_bytes()])?;
        (last, many) = (number, many.saturating_add(1));
    }
    if many == 0 {
        return Ok(());
    }
    let object = format!("1-{last}");
    let told = Record {
        at: now.as_millis(),
        actor: "system",
        actor_type: Some("system"),
        action: "audit.begin",
        outcome: "allowed",
        object: Some(&object),
        count: i64::from(many),
        ..Record::default()
    };
    let hash = Hash::link(&previous, last + 1, &told.content(&mut scratch));
    connection.execute(
        "INSERT INTO audit
            (number, at, actor, actor_type, action, outcome, reason, object, count, hash)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5, '', ?6, ?7, ?8)",
        params![
            last + 1,
            told.at,
            told.actor,
            told.action,
            told.outcome,
            object,
            many,
            hash.as_bytes(),
        ],
    )?;
    Ok(())
}
