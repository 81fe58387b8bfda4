//! The revocation log: numbered without gaps in the transaction that revokes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, GrantId, SessionId, TenantId, Timestamp, UserId};

use super::writer::Tx;
use super::{audit, measures, sql};
use crate::{
    Audit, Revocation, RevokeReason, Revoked, SeenRevocations, StoreError, TokenRevocation,
};

/// The least time for which a "not before" stays in the log: the longest session (24 h) and an hour
/// for clocks that differ, so that the entry outlives whatever it revokes.
pub(super) const KEPT: Duration = Duration::from_secs(25 * 60 * 60);

/// How many entries about single tokens of one client may be alive: each stands in the snapshot of whoever
/// sees it until the token would have expired, and a client can have as many tokens as it likes.
const TOKENS: u32 = 10_000;

/// An entry that is about to be logged.
pub(super) struct Entry<'a> {
    pub(super) what: &'a Revoked,
    /// When; for a "not before" subject the last moment that is revoked.
    pub(super) at: Timestamp,
    /// The client that can see it; none: every client.
    pub(super) client: Option<&'a ClientId>,
    /// The client that a single token was given to.
    pub(super) owner: Option<&'a ClientId>,
    pub(super) expires_at: Timestamp,
    /// Why, for people's eyes.
    pub(super) reason: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// An entry for every client to see.
    pub(super) fn of(what: &'a Revoked, at: Timestamp, expires_at: Timestamp) -> Self {
        Self {
            what,
            at,
            client: None,
            owner: None,
            expires_at,
            reason: None,
        }
    }
}

/// Appends an entry and takes its number from the counter in `meta`. A counter and not the highest
/// row, because old entries are swept and a number is never given twice.
pub(super) fn log(tx: &Tx<'_>, entry: &Entry<'_>) -> Result<(), StoreError> {
    let seq = sql::one(
        tx,
        "UPDATE meta SET revocation_seq = revocation_seq + 1 WHERE one = 1
         RETURNING revocation_seq AS seq",
        (),
        |row| number(row, "seq"),
    )?
    .ok_or_else(|| sql::unreadable("meta"))?;
    let (kind, subject) = columns(entry.what);
    sql::run(
        tx,
        "INSERT INTO revocations (seq, kind, subject, at, client_id, expires_at, owner, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            place(seq),
            kind,
            subject,
            entry.at.as_millis(),
            entry.client.map(ClientId::as_str),
            entry.expires_at.as_millis(),
            entry.owner.map(ClientId::as_str),
            entry.reason,
        ],
    )?;
    measures::logged(kind);
    tx.announce(seq);
    Ok(())
}

/// Logs a "not before" for each client that is to hear of it, until nothing of its sessions can be alive.
pub(super) fn tell(
    tx: &Tx<'_>,
    what: &Revoked,
    before: Timestamp,
    readers: &[(ClientId, Timestamp)],
    now: Timestamp,
    reason: &str,
) -> Result<(), StoreError> {
    for (client, last_end) in readers {
        let entry = Entry {
            client: Some(client),
            reason: Some(reason),
            ..Entry::of(what, before, (now + KEPT).max(*last_end))
        };
        log(tx, &entry)?;
    }
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
        Revoked::Tenant(tenant) => ("tenant", tenant.as_str().as_bytes()),
        Revoked::Grant(id) => ("grant", id.as_bytes()),
        Revoked::UserClaims(id) => ("user_claims", id.as_bytes()),
        Revoked::ClientClaims(id) => ("client_claims", id.as_str().as_bytes()),
        Revoked::Policy => ("policy", &[]),
    }
}

/// Revokes one token, once, with an entry for each client that has to hear of it.
pub(super) fn revoke_token(
    tx: &Tx<'_>,
    token: &TokenRevocation,
    audit: &Audit,
) -> Result<bool, StoreError> {
    if has_token(tx, &token.jti)? {
        return Ok(false);
    }
    let readers: BTreeSet<Option<&ClientId>> = match &token.others {
        None => BTreeSet::from([None]),
        Some(others) => others.iter().chain([&token.client]).map(Some).collect(),
    };
    let live = live_tokens_of(tx, &token.client, audit.at)?;
    let more = u32::try_from(readers.len()).unwrap_or(u32::MAX);
    if live.saturating_add(more) > TOKENS {
        return Err(StoreError::TooMany("revoked tokens of one client"));
    }
    let what = Revoked::Token(token.jti.clone());
    for reader in readers {
        let entry = Entry {
            client: reader,
            owner: Some(&token.client),
            reason: Some(RevokeReason::ClientRevoked.as_str()),
            ..Entry::of(&what, audit.at, token.expires_at)
        };
        log(tx, &entry)?;
    }
    audit::append(tx, audit)?;
    Ok(true)
}

/// What `from` was told of single tokens, or of tenants, is told to `to`, or to everybody, if it is not over
/// yet.
pub(super) fn copy(
    tx: &Tx<'_>,
    kind: &str,
    from: &ClientId,
    to: Option<&ClientId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let known = sql::many(
        tx,
        "SELECT seq, kind, subject, at, client_id, expires_at, reason
         FROM revocations INDEXED BY revocations_by_subject
         WHERE kind <> 'session' AND kind = ?3 AND client_id = ?1 AND expires_at > ?2
         ORDER BY seq",
        params![from.as_str(), now.as_millis(), kind],
        read,
    )?;
    for known in known {
        let entry = Entry {
            client: to,
            reason: known.reason.as_deref(),
            ..Entry::of(&known.what, known.at, known.expires_at)
        };
        log(tx, &entry)?;
    }
    Ok(())
}

/// How many entries about single tokens of a client are alive, counted no further than the limit.
fn live_tokens_of(tx: &Tx<'_>, owner: &ClientId, now: Timestamp) -> Result<u32, StoreError> {
    let live = sql::one(
        tx,
        "SELECT count(*) AS live FROM
            (SELECT 1 FROM revocations INDEXED BY revocations_by_owner
             WHERE owner = ?1 AND expires_at > ?2 LIMIT ?3)",
        params![owner.as_str(), now.as_millis(), TOKENS],
        |row| Ok(row.get("live")?),
    )?;
    live.ok_or_else(|| sql::unreadable("revocations"))
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

/// The latest "not before" that covers what was started by this user, on this client or for this tenant. An
/// entry that only one client sees counts for that client, or when no client is named.
pub(super) fn not_before(
    connection: &Connection,
    user: Option<UserId>,
    client: Option<&ClientId>,
    tenant: Option<&TenantId>,
) -> Result<Option<Timestamp>, StoreError> {
    let subjects = [
        (Some(Revoked::All), None),
        (user.map(Revoked::User), client),
        (client.cloned().map(Revoked::Client), None),
        (tenant.cloned().map(Revoked::Tenant), None),
    ];
    let mut last = None;
    for (what, reader) in subjects {
        if let Some(what) = what {
            last = last.max(latest(connection, &what, reader)?);
        }
    }
    Ok(last)
}

/// The latest entry about a subject: those that every client sees and, where a reader is named, those that
/// this one sees.
pub(super) fn latest(
    connection: &Connection,
    what: &Revoked,
    reader: Option<&ClientId>,
) -> Result<Option<Timestamp>, StoreError> {
    let (kind, subject) = columns(what);
    let found = sql::one(
        connection,
        "SELECT max(at) AS at FROM revocations INDEXED BY revocations_by_subject
         WHERE kind <> 'session' AND kind = ?1 AND subject = ?2
           AND (client_id IS NULL OR ?3 IS NULL OR client_id = ?3)",
        params![kind, subject, reader.map(ClientId::as_str)],
        |row| sql::maybe_time(row, "at"),
    )?;
    Ok(found.flatten())
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
        "SELECT seq, kind, subject, at, client_id, expires_at, reason
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
        "SELECT seq, kind, subject, at, client_id, expires_at, reason
         FROM revocations WHERE expires_at > ?1 ORDER BY seq",
        params![now.as_millis()],
        read,
    )?;
    moment.commit()?;
    Ok((head, entries))
}

/// What `client` sees of the log as of one moment. Row by row, since there can be very many sessions; of
/// them nothing is kept but their ids.
pub(super) fn seen(
    connection: &Connection,
    client: &ClientId,
    now: Timestamp,
    span: Duration,
) -> Result<SeenRevocations, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let mut seen = SeenRevocations {
        head: head(&moment)?,
        ..SeenRevocations::default()
    };
    let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1);
    let mut sessions: BTreeMap<i64, Vec<SessionId>> = BTreeMap::new();
    let mut query = moment.prepare_cached(
        "SELECT seq, kind, subject, at, client_id, expires_at, reason
         FROM revocations WHERE expires_at > ?1 AND (client_id IS NULL OR client_id = ?2)
         ORDER BY seq",
    )?;
    let mut rows = query.query(params![now.as_millis(), client.as_str()])?;
    while let Some(row) = rows.next()? {
        if row.get_ref("kind")?.as_bytes().ok() == Some(b"session") {
            let end: i64 = row.get("expires_at")?;
            // Times before 1970 are nothing that this log holds.
            let spans = end.saturating_add(span - 1).div_euclid(span);
            let end = spans.saturating_mul(span);
            let id = SessionId::from_bytes(row.get("subject")?);
            sessions.entry(end).or_default().push(id);
            seen.newest = number(row, "seq")?;
        } else {
            let entry = read(row)?;
            seen.newest = entry.seq;
            seen.others.push(entry);
        }
    }
    drop(rows);
    drop(query);
    moment.commit()?;
    let groups = sessions.into_iter();
    seen.sessions = groups
        .map(|(end, ids)| (Timestamp::from_millis(end), ids))
        .collect();
    Ok(seen)
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
        "tenant" => Revoked::Tenant(text()?.parse().map_err(|_| sql::unreadable("subject"))?),
        "grant" => Revoked::Grant(GrantId::from_bytes(row.get("subject")?)),
        "user_claims" => Revoked::UserClaims(UserId::from_bytes(row.get("subject")?)),
        "client_claims" => {
            Revoked::ClientClaims(text()?.parse().map_err(|_| sql::unreadable("subject"))?)
        }
        "policy" => Revoked::Policy,
        _ => return Err(sql::unreadable("kind")),
    };
    Ok(Revocation {
        seq: number(row, "seq")?,
        what,
        at: sql::time(row, "at")?,
        client: sql::maybe_client_id(row, "client_id")?,
        expires_at: sql::time(row, "expires_at")?,
        reason: row.get("reason")?,
    })
}

/// SQLite's integers are signed; a number past the largest is past every entry.
fn place(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn number(row: &Row<'_>, column: &str) -> Result<u64, StoreError> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| sql::unreadable(column))
}

#[cfg(test)]
mod tests;
