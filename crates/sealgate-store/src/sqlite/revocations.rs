//! The revocation log: numbered without gaps in the transaction that revokes.

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, SessionId, Timestamp, UserId};

use super::sql;
use super::writer::Tx;
use crate::{Revocation, Revoked, StoreError};

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
    let (kind, subject) = match what {
        Revoked::Session(id) => ("session", id.as_bytes()),
        Revoked::User(id) => ("user", id.as_bytes()),
    };
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
    let subject = row.get("subject")?;
    let what = match row.get::<_, String>("kind")?.as_str() {
        "session" => Revoked::Session(SessionId::from_bytes(subject)),
        "user" => Revoked::User(UserId::from_bytes(subject)),
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
