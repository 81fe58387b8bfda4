//! The revocation log: numbered without gaps in the transaction that revokes.

use std::time::Duration;

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, SessionId, Timestamp, UserId};

use super::writer::Tx;
use super::{audit, sql};
use crate::{Audit, Revocation, Revoked, StoreError};

/// The least time for which a "not before" stays in the log: the longest session (24 h) and an hour
/// for clocks that differ, so that the entry outlives whatever it revokes.
pub(super) const KEPT: Duration = Duration::from_secs(25 * 60 * 60);

/// Appends an entry and takes its number from the counter in `meta`. A counter and not the highest
/// row, because old entries are swept and a number is never given twice.
pub(super) fn append(
    tx: &Tx<'_>,
    what: &Revoked,
    at: Timestamp,
    client: Option<&ClientId>,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let seq = sql::one(
        tx,
        "UPDATE meta SET revocation_seq = revocation_seq + 1 WHERE one = 1
         RETURNING revocation_seq AS seq",
        (),
        |row| number(row, "seq"),
    )?
    .ok_or_else(|| sql::unreadable("meta"))?;
    let (kind, subject) = columns(what);
    sql::run(
        tx,
        "INSERT INTO revocations (seq, kind, subject, at, client_id, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            place(seq),
            kind,
            subject,
            at.as_millis(),
            client.map(ClientId::as_str),
            expires_at.as_millis(),
        ],
    )?;
    tx.announce(seq);
    Ok(())
}

/// The kind, and what of that kind as bytes.
fn columns(what: &Revoked) -> (&'static str, &[u8]) {
    match what {
        Revoked::Session(id) => ("session", id.as_bytes()),
        Revoked::User(id) => ("user", id.as_bytes()),
        Revoked::Client(id) => ("client", id.as_str().as_bytes()),
        Revoked::All => ("all", &[]),
        Revoked::Key(kid) => ("key", kid.as_bytes()),
        Revoked::Token(jti) => ("token", jti.as_bytes()),
    }
}

/// Revokes one token, once.
pub(super) fn revoke_token(
    tx: &Tx<'_>,
    jti: &str,
    client: Option<&ClientId>,
    expires_at: Timestamp,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let fresh = !has_token(tx, jti)?;
    if fresh {
        append(
            tx,
            &Revoked::Token(jti.to_owned()),
            audit.at,
            client,
            expires_at,
        )?;
    }
    audit::append_if(tx, fresh, audit)
}

pub(super) fn has_token(connection: &Connection, jti: &str) -> Result<bool, StoreError> {
    let found = sql::one(
        connection,
        "SELECT 1 FROM revocations INDEXED BY revocations_by_subject
         WHERE kind <> 'session' AND kind = 'token' AND subject = ?1 LIMIT 1",
        params![jti.as_bytes()],
        |_row| Ok(()),
    )?;
    Ok(found.is_some())
}

/// The latest "not before" that covers what this user or this client started. An entry that only one
/// client sees counts for that client, or when no client is named.
pub(super) fn not_before(
    connection: &Connection,
    user: Option<UserId>,
    client: Option<&ClientId>,
) -> Result<Option<Timestamp>, StoreError> {
    let subjects = [
        Some(Revoked::All),
        user.map(Revoked::User),
        client.cloned().map(Revoked::Client),
    ];
    let mut latest = None;
    for what in subjects.iter().flatten() {
        let (kind, subject) = columns(what);
        let found = sql::one(
            connection,
            "SELECT max(at) AS at FROM revocations INDEXED BY revocations_by_subject
             WHERE kind <> 'session' AND kind = ?1 AND subject = ?2
               AND (client_id IS NULL OR ?3 IS NULL OR client_id = ?3)",
            params![kind, subject, client.map(ClientId::as_str)],
            |row| sql::maybe_time(row, "at"),
        )?;
        latest = latest.max(found.flatten());
    }
    Ok(latest)
}

/// The number of the last entry ever logged; 0 if there is none.
pub(super) fn head(connection: &Connection) -> Result<u64, StoreError> {
    sql::one(
        connection,
        "SELECT revocation_seq AS seq FROM meta WHERE one = 1",
        (),
        |row| number(row, "seq"),
    )?
    .ok_or_else(|| sql::unreadable("meta"))
}

/// Up to `limit` entries after `seq`, in order (primary key).
pub(super) fn after(
    connection: &Connection,
    seq: u64,
    limit: u32,
) -> Result<Vec<Revocation>, StoreError> {
    sql::many(
        connection,
        "SELECT seq, kind, subject, at, client_id, expires_at
         FROM revocations WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        params![place(seq), limit],
        read,
    )
}

/// Every entry that may still matter, with the head, as of one moment. It reads the whole log, which
/// the sweep keeps down to what is live.
pub(super) fn live(
    connection: &Connection,
    now: Timestamp,
) -> Result<(u64, Vec<Revocation>), StoreError> {
    let moment = connection.unchecked_transaction()?;
    let head = head(&moment)?;
    let entries = sql::many(
        &moment,
        "SELECT seq, kind, subject, at, client_id, expires_at
         FROM revocations WHERE expires_at > ?1 ORDER BY seq",
        params![now.as_millis()],
        read,
    )?;
    moment.commit()?;
    Ok((head, entries))
}

fn read(row: &Row<'_>) -> Result<Revocation, StoreError> {
    let text = || String::from_utf8(row.get("subject")?).map_err(|_| sql::unreadable("subject"));
    let what = match row.get::<_, String>("kind")?.as_str() {
        "session" => Revoked::Session(SessionId::from_bytes(row.get("subject")?)),
        "user" => Revoked::User(UserId::from_bytes(row.get("subject")?)),
        "client" => Revoked::Client(text()?.parse().map_err(|_| sql::unreadable("subject"))?),
        "all" => Revoked::All,
        "key" => Revoked::Key(text()?),
        "token" => Revoked::Token(text()?),
        _ => return Err(sql::unreadable("kind")),
    };
    Ok(Revocation {
        seq: number(row, "seq")?,
        what,
        at: sql::time(row, "at")?,
        client: sql::maybe_client_id(row, "client_id")?,
        expires_at: sql::time(row, "expires_at")?,
    })
}

/// SQLite's integers are signed; a number past the largest is past every entry.
fn place(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn number(row: &Row<'_>, column: &str) -> Result<u64, StoreError> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| sql::unreadable(column))
}
