//! Policies: the versions of the bundle that gates load, in SQLite.
//!
//! A version is applied in the transaction that logs that all before it count no more, so that no gate can hear of the
//! one without the other.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use sealgate_model::Timestamp;

use super::writer::Tx;
use super::{SqliteStore, audit, revocations, sql};
use crate::{
    Audit, AuditActor, NewPolicy, PolicyApplied, PolicyStore, PolicyVersion, Revoked, StoreError,
    StoredPolicy,
};

/// How many versions are kept.
const KEPT: u64 = 1_000;
/// The longest document, in bytes: what a signed bundle has room for.
const DOCUMENT_MOST: usize = 380 * 1024;
/// The longest note, in bytes.
const NOTE_MOST: usize = 500;
/// By so many numbers the next version is ahead after a database was put back from a copy: what was applied after the
/// copy was made had numbers too, and none of them comes again.
const SKIPPED: u64 = 1_000;
/// That older versions count no more is told for ever: a gate that starts anew has to hear it. The largest moment
/// that every reader of JSON keeps exactly.
const FOR_EVER: Timestamp = Timestamp::from_millis((1 << 53) - 1);

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT version, made_at, digest, octet_length(document) AS bytes, author, note, repeats, document
             FROM policies ",
            $rest
        )
    };
}
#[async_trait]
impl PolicyStore for SqliteStore {
    async fn policy_apply(
        &self,
        new: NewPolicy,
        audit: Audit,
    ) -> Result<PolicyApplied, StoreError> {
        let act = move |tx: &Tx<'_>| apply(tx, &new, &audit);
        self.home.writer.write(act).await
    }

    async fn policy_current(&self) -> Result<Option<StoredPolicy>, StoreError> {
        self.readers.read(current).await
    }

    async fn policy(&self, version: u64) -> Result<Option<StoredPolicy>, StoreError> {
        let sought = move |db: &Connection| {
            let Ok(version) = i64::try_from(version) else {
                return Ok(None);
            };
            sql::one(db, select!("WHERE version = ?1"), params![version], read)
        };
        self.readers.read(sought).await
    }

    async fn policies(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<PolicyVersion>, StoreError> {
        self.readers.read(move |db| list(db, before, limit)).await
    }
}

/// Applies `new` within a transaction: for acts that change other things with it.
pub(super) fn apply(
    tx: &Tx<'_>,
    new: &NewPolicy,
    audit: &Audit,
) -> Result<PolicyApplied, StoreError> {
    let is_sound = (1..=DOCUMENT_MOST).contains(&new.document.len())
        && new.note.as_ref().is_none_or(|note| note.len() <= NOTE_MOST);
    if !is_sound {
        return Err(StoreError::Invalid(
            "the policies or their note are too long",
        ));
    }
    let last = newest(tx)?;
    let number = last.as_ref().map_or(0, |last| last.version);
    if new.before.is_some_and(|before| before != number) {
        return Ok(PolicyApplied::Outdated(number));
    }
    if let Some(last) = last.filter(|last| last.digest == new.digest) {
        return Ok(PolicyApplied::Unchanged(last));
    }
    let version = add(tx, number + 1, new, audit)?;
    Ok(PolicyApplied::Applied(version))
}

/// The newest version again, under a number that none had: what the database was put back from a copy of may have
/// had newer ones, by which gates decide. None where there is no version.
pub(super) fn begin_anew(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    let Some(last) = current(tx)? else {
        return Ok(());
    };
    let number = last.version.version;
    let again = NewPolicy {
        document: last.document,
        digest: last.version.digest,
        before: None,
        note: Some("the database was put back from a copy".to_owned()),
        repeats: Some(number),
    };
    let audit = Audit {
        reason: "restored".to_owned(),
        ..Audit::allowed(now, AuditActor::System, "policy.apply")
    };
    add(tx, number + SKIPPED, &again, &audit).map(|_version| ())
}

fn add(
    tx: &Tx<'_>,
    version: u64,
    new: &NewPolicy,
    audit: &Audit,
) -> Result<PolicyVersion, StoreError> {
    let made_at = moment(tx, audit.at)?;
    let added = PolicyVersion {
        version,
        made_at,
        digest: new.digest.clone(),
        bytes: new.document.len() as u64,
        by: author(&audit.actor),
        note: new.note.clone(),
        repeats: new.repeats,
    };
    sql::run(
        tx,
        "INSERT INTO policies (version, made_at, document, digest, author, note, repeats)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            place(version)?,
            made_at.as_millis(),
            new.document,
            added.digest,
            added.by,
            added.note,
            added.repeats.map(place).transpose()?,
        ],
    )?;
    tx.policies_change();
    tx.policies_change();
    sql::run(
        tx,
        "DELETE FROM policies WHERE version <=
            (SELECT version FROM policies ORDER BY version DESC LIMIT 1 OFFSET ?1)",
        params![place(KEPT)?],
    )?;
    // Whoever hears of this one needs none of those before it; who is on the way to it still gets them in order.
    sql::run(
        tx,
        "UPDATE revocations INDEXED BY revocations_by_subject SET expires_at = ?1
         WHERE kind <> 'session' AND kind = 'policy' AND expires_at > ?1",
        params![(audit.at + revocations::KEPT).as_millis()],
    )?;
    let what = Revoked::Policy;
    let entry = revocations::Entry {
        reason: Some("policy_applied"),
        ..revocations::Entry::of(&what, made_at - Duration::from_millis(1), FOR_EVER)
    };
    revocations::log(tx, &entry)?;
    let audit = Audit {
        object: Some(version.to_string()),
        ..audit.clone()
    };
    audit::append(tx, &audit)?;
    Ok(added)
}

/// The moment of the next version: now, or just after that of the last one and of what was ever told to gates, where
/// the clock was set back.
fn moment(connection: &Connection, now: Timestamp) -> Result<Timestamp, StoreError> {
    let last = newest(connection)?.map(|last| last.made_at);
    let told = revocations::latest(connection, &Revoked::Policy, None)?;
    let tick = Duration::from_millis(1);
    let mut moment = now;
    if let Some(last) = last {
        moment = moment.max(last + tick);
    }
    if let Some(told) = told {
        // What was told is the moment before a version's own.
        moment = moment.max(told + tick + tick);
    }
    Ok(moment)
}

/// The version that counts: the newest (primary key).
pub(super) fn current(connection: &Connection) -> Result<Option<StoredPolicy>, StoreError> {
    sql::one(
        connection,
        select!("ORDER BY version DESC LIMIT 1"),
        (),
        read,
    )
}

/// The same without its document.
fn newest(connection: &Connection) -> Result<Option<PolicyVersion>, StoreError> {
    Ok(list(connection, None, 1)?.pop())
}

fn list(
    connection: &Connection,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<PolicyVersion>, StoreError> {
    let before = before.and_then(|before| i64::try_from(before).ok());
    sql::many(
        connection,
        "SELECT version, made_at, digest, octet_length(document) AS bytes, author, note, repeats
         FROM policies WHERE version < ?1 ORDER BY version DESC LIMIT ?2",
        params![before.unwrap_or(i64::MAX), limit],
        read_version,
    )
}

fn read(row: &Row<'_>) -> Result<StoredPolicy, StoreError> {
    Ok(StoredPolicy {
        version: read_version(row)?,
        document: row.get("document")?,
    })
}

fn read_version(row: &Row<'_>) -> Result<PolicyVersion, StoreError> {
    let number = |column: &str| {
        let value: i64 = row.get(column)?;
        u64::try_from(value).map_err(|_| sql::unreadable("policies"))
    };
    let repeats: Option<i64> = row.get("repeats")?;
    Ok(PolicyVersion {
        version: number("version")?,
        made_at: sql::time(row, "made_at")?,
        digest: row.get("digest")?,
        bytes: number("bytes")?,
        by: row.get("author")?,
        note: row.get("note")?,
        repeats: repeats.and_then(|repeats| u64::try_from(repeats).ok()),
    })
}

fn place(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(|_| StoreError::Invalid("there is no such version"))
}

/// Who it was, as the audit log calls them.
fn author(actor: &AuditActor) -> String {
    match actor {
        AuditActor::User(id) => format!("user:{id}"),
        AuditActor::Client(id) => format!("client:{id}"),
        AuditActor::Operator => "operator".to_owned(),
        AuditActor::Anonymous => "anonymous".to_owned(),
        AuditActor::System => "system".to_owned(),
    }
}
