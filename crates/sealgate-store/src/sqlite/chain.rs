//! The audit chain: checkpoints, and the rows as a verification reads them, in SQLite.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, params};
use sealgate_audit::chain::{Hash, Record, Report, Retired, Stamp, Verifier};
use sealgate_model::Timestamp;

use super::writer::Tx;
use super::{SqliteStore, audit, holds, link, retire, schema, sql, witness};
use crate::store::JudgeCheckpoint;
use crate::{
    Audit, AuditKey, ChainHead, ChainStore, Checkpoint, Hold, RetireSlice, RetiredSlice, StoreError,
};

/// The name of the newest checkpoint beside the database.
const BESIDE: &str = "audit.checkpoint";

/// It is never longer, in bytes.
const BESIDE_LIMIT: u64 = 4 * 1024;

/// The columns of a record, in the order in which [`content`] reads them; the number and the hash around them.
pub(super) const COLUMNS: &str = "number, at, actor, actor_type, credential, through, through_session, \
     action, outcome, reason, user_id, client_id, session_id, object, network, route, trace, count, \
     policy_version, hash";

/// Where the hash is among them, and the action, the outcome and the object.
const HASH: usize = 19;
const ACTION: usize = 7;
const OBJECT: usize = 13;

#[async_trait]
impl ChainStore for SqliteStore {
    async fn server_started(&self, settings: String, audit: Audit) -> Result<(), StoreError> {
        let act = move |tx: &Tx<'_>| started(tx, &settings, &audit);
        self.home.writer.write(act).await
    }

    async fn chain_head(&self) -> Result<ChainHead, StoreError> {
        let look = |db: &Connection| {
            let link::Head { number, hash } = link::head(db)?;
            Ok(ChainHead { number, hash })
        };
        self.readers.look_up(look).await
    }

    async fn checkpoints_after(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        let read = move |db: &Connection| {
            sql::many(
                db,
                "SELECT number, at, kid, token FROM audit_checkpoints
                 WHERE number > ?1 ORDER BY number LIMIT ?2",
                params![after, limit],
                checkpoint,
            )
        };
        self.readers.read(read).await
    }

    async fn checkpoint_newest(&self) -> Result<Option<Checkpoint>, StoreError> {
        let look = |db: &Connection| {
            sql::one(
                db,
                "SELECT number, at, kid, token FROM audit_checkpoints
                 ORDER BY number DESC LIMIT 1",
                (),
                checkpoint,
            )
        };
        self.readers.look_up(look).await
    }

    async fn checkpoint_add(
        &self,
        checkpoint: Checkpoint,
        key: Option<AuditKey>,
    ) -> Result<(), StoreError> {
        let token = checkpoint.token.clone();
        let act = move |tx: &Tx<'_>| add(tx, &checkpoint, key.as_ref());
        self.home.writer.write(act).await?;
        let path = self.home.beside(BESIDE);
        aside(move || witness::write_text(&path, &token)).await
    }

    async fn checkpoint_beside(&self) -> Result<Option<String>, StoreError> {
        let path = self.home.beside(BESIDE);
        aside(move || read_beside(&path)).await
    }

    async fn checkpoint_beside_aside(&self) -> Result<(), StoreError> {
        let path = self.home.beside(BESIDE);
        aside(move || {
            let free = |number: &u32| !numbered(&path, *number).exists();
            let number = (1..u32::MAX).find(free).unwrap_or(u32::MAX);
            std::fs::rename(&path, numbered(&path, number))
        })
        .await
    }

    async fn audit_keys(&self) -> Result<Vec<AuditKey>, StoreError> {
        self.readers.read(keys).await
    }

    async fn audit_verify(
        &self,
        judge: JudgeCheckpoint,
        external: Vec<Stamp>,
    ) -> Result<Report, StoreError> {
        let read = move |db: &Connection| verify(db, &judge, external);
        self.readers.read(read).await
    }

    async fn retired_after(&self, after: i64, limit: u32) -> Result<Vec<Retired>, StoreError> {
        let read = move |db: &Connection| retire::ranges(db, after, limit);
        self.readers.read(read).await
    }

    async fn audit_retire(
        &self,
        slice: RetireSlice,
        audit: Audit,
    ) -> Result<RetiredSlice, StoreError> {
        let act = move |tx: &Tx<'_>| retire::slice(tx, &slice, &audit);
        self.home.writer.write(act).await
    }

    async fn holds(&self, all: bool) -> Result<Vec<Hold>, StoreError> {
        let read = move |db: &Connection| holds::list(db, all);
        self.readers.read(read).await
    }

    async fn holds_in_force(&self) -> Result<Vec<Hold>, StoreError> {
        self.readers.read(holds::in_force).await
    }

    async fn hold_add(&self, hold: Hold, audit: Audit) -> Result<i64, StoreError> {
        let act = move |tx: &Tx<'_>| holds::add(tx, &hold, &audit);
        self.home.writer.write(act).await
    }

    async fn hold_release(
        &self,
        id: i64,
        at: Timestamp,
        by: String,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let act = move |tx: &Tx<'_>| holds::release(tx, id, at, &by, &audit);
        self.home.writer.write(act).await
    }
}

fn started(tx: &Tx<'_>, settings: &str, audit: &Audit) -> Result<(), StoreError> {
    let select = "SELECT value FROM audit_marks WHERE name = 'settings'";
    let before: Option<String> = sql::one(tx, select, (), |row| Ok(row.get(0)?))?;
    sql::run(
        tx,
        "INSERT INTO audit_marks (name, value) VALUES ('settings', ?1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![settings],
    )?;
    let changed = before.is_some_and(|before| before != settings);
    let reason = if changed { "settings_changed" } else { "" };
    let told = Audit {
        reason: reason.to_owned(),
        ..audit.clone()
    };
    audit::append(tx, &told)
}

/// Runs work on files on a thread where that holds nobody up.
async fn aside<T, F>(work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce() -> std::io::Result<T> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|_| StoreError::Unavailable("a file was not written".to_owned()))?;
    done.map_err(|error| StoreError::Unavailable(format!("{BESIDE}: {error}")))
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    path.with_extension(format!("checkpoint.diverged-{number}"))
}

fn read_beside(path: &Path) -> std::io::Result<Option<String>> {
    use std::io::Read as _;
    let mut text = String::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(BESIDE_LIMIT + 1).read_to_string(&mut text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(text.trim_end().to_owned()))
}

fn add(tx: &Tx<'_>, checkpoint: &Checkpoint, key: Option<&AuditKey>) -> Result<(), StoreError> {
    if let Some(key) = key {
        sql::run(
            tx,
            "INSERT INTO audit_keys (kid, sealed_jwk) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![key.kid, key.sealed_jwk],
        )?;
    }
    let Checkpoint {
        number,
        at,
        kid,
        token,
    } = checkpoint;
    sql::run(
        tx,
        "INSERT INTO audit_checkpoints (number, at, kid, token) VALUES (?1, ?2, ?3, ?4)",
        params![number, at.as_millis(), kid, token],
    )
    .map(drop)
}

fn checkpoint(row: &Row<'_>) -> Result<Checkpoint, StoreError> {
    Ok(Checkpoint {
        number: row.get("number")?,
        at: sql::time(row, "at")?,
        kid: row.get("kid")?,
        token: row.get("token")?,
    })
}

pub(super) fn keys(db: &Connection) -> Result<Vec<AuditKey>, StoreError> {
    let select = "SELECT kid, sealed_jwk FROM audit_keys ORDER BY kid";
    sql::many(db, select, (), |row| {
        Ok(AuditKey {
            kid: row.get("kid")?,
            sealed_jwk: row.get("sealed_jwk")?,
        })
    })
}

/// The chain of a data directory or of a copy of its database, read and never written: whether or not a server
/// runs, and whatever that server says.
pub struct ChainFile {
    connection: Connection,
    beside: PathBuf,
}

impl std::fmt::Debug for ChainFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChainFile")
    }
}

impl ChainFile {
    /// Opens the database `file`. `Unavailable` if it cannot be read, `TooNew` and `Corrupt` as
    /// [`SqliteStore::open`]; `Invalid` if an earlier version wrote it last, which had no chain. Blocks.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        schema::readable(&connection)?;
        Ok(Self {
            connection,
            beside: file.with_file_name(BESIDE),
        })
    }

    /// The keys of checkpoints, as [`ChainStore::audit_keys`].
    pub fn keys(&self) -> Result<Vec<AuditKey>, StoreError> {
        keys(&self.connection)
    }

    /// The checkpoint beside the database, as [`ChainStore::checkpoint_beside`].
    pub fn beside(&self) -> Result<Option<String>, StoreError> {
        read_beside(&self.beside)
            .map_err(|error| StoreError::Unavailable(format!("{BESIDE}: {error}")))
    }

    /// Verifies every record, as [`ChainStore::audit_verify`].
    pub fn verify(
        &self,
        judge: &JudgeCheckpoint,
        external: Vec<Stamp>,
    ) -> Result<Report, StoreError> {
        verify(&self.connection, judge, external)
    }
}

/// Reads the whole chain in one transaction, so that what is retired meanwhile is there or told.
pub(super) fn verify(
    db: &Connection,
    judge: &JudgeCheckpoint,
    external: Vec<Stamp>,
) -> Result<Report, StoreError> {
    let moment = db.unchecked_transaction()?;
    let ranges = retire::ranges(&moment, i64::MIN, u32::MAX)?;
    let mut stamps = sql::many(
        &moment,
        "SELECT number, token FROM audit_checkpoints ORDER BY number",
        (),
        |row| {
            let token = row.get_ref("token")?.as_str();
            Ok(judge(row.get("number")?, token.unwrap_or_default()))
        },
    )?;
    stamps.extend(external);
    let mut verifier = Verifier::new(ranges, stamps);
    let mut select = moment.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY number"))?;
    let (mut rows, mut scratch) = (select.query(())?, Vec::with_capacity(512));
    while let Some(row) = rows.next()? {
        let stored = row.get_ref(HASH)?.as_blob().ok().and_then(Hash::from_slice);
        let content = content(row, &mut scratch);
        let says = (text(row, ACTION).unwrap_or_default(), text(row, OBJECT));
        verifier.record(row.get(0)?, stored, &content, Some(says));
    }
    for differs in holds::differing(&moment)? {
        verifier.hold(differs.number, differs.said);
    }
    Ok(verifier.finish())
}

/// The hash of a row's content, out of [`COLUMNS`]. What is not of the type that it was written as has one
/// that no record has.
pub(super) fn content(row: &Row<'_>, scratch: &mut Vec<u8>) -> Hash {
    record(row).map_or(Hash::GENESIS, |record| record.content(scratch))
}

fn record<'r>(row: &'r Row<'_>) -> Option<Record<'r>> {
    let value = |at: usize| row.get_ref(at).ok();
    let number = |at: usize| value(at)?.as_i64().ok();
    let blob = |at: usize| match value(at)? {
        ValueRef::Null => Some(None),
        value => value.as_blob().ok().map(Some),
    };
    let word = |at: usize| match value(at)? {
        ValueRef::Null => Some(None),
        value => value.as_str().ok().map(Some),
    };
    Some(Record {
        at: number(1)?,
        actor: word(2)??,
        actor_type: word(3)?,
        credential: word(4)?,
        through: word(5)?,
        through_session: blob(6)?,
        action: word(ACTION)??,
        outcome: word(8)??,
        reason: word(9)??,
        user: blob(10)?,
        client: word(11)?,
        session: blob(12)?,
        object: word(OBJECT)?,
        network: word(14)?,
        route: word(15)?,
        trace: word(16)?,
        count: number(17)?,
        policy_version: match value(18)? {
            ValueRef::Null => None,
            value => Some(value.as_i64().ok()?),
        },
    })
}

fn text<'r>(row: &'r Row<'_>, at: usize) -> Option<&'r str> {
    row.get_ref(at).ok()?.as_str().ok()
}
