//! The transmitters that are listened to and the status lists in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};
use sealgate_model::{SecretHash, Timestamp, TransmitterId};

use super::writer::Tx;
use super::{SqliteStore, audit, sql};
use crate::{Audit, Listed, ListedPlace, Poll, ReceiverStore, StoreError, Transmitter};

#[async_trait]
impl ReceiverStore for SqliteStore {
    async fn transmitter_create(
        &self,
        transmitter: Transmitter,
        audit: Audit,
    ) -> Result<(), StoreError> {
        let write = move |tx: &Tx<'_>| create(tx, &transmitter, &audit);
        self.home.writer.write(write).await
    }

    async fn transmitter(&self, id: TransmitterId) -> Result<Option<Transmitter>, StoreError> {
        self.readers.read(move |db| by_id(db, id)).await
    }

    async fn transmitters(&self) -> Result<Vec<Transmitter>, StoreError> {
        self.readers.read(list).await
    }

    async fn transmitter_remove(
        &self,
        id: TransmitterId,
        audit: Audit,
    ) -> Result<bool, StoreError> {
        let write = move |tx: &Tx<'_>| remove(tx, id, &audit);
        self.home.writer.write(write).await
    }

    async fn event_heard(&self, id: TransmitterId, jti_hash: [u8; 32]) -> Result<bool, StoreError> {
        self.readers.read(move |db| heard(db, id, &jti_hash)).await
    }

    async fn event_take(
        &self,
        id: TransmitterId,
        jti_hash: [u8; 32],
        audit: Audit,
    ) -> Result<bool, StoreError> {
        // What an event ends is ended by the time it is noted, also on a full disk.
        let write = move |tx: &Tx<'_>| take(tx, id, &jti_hash, &audit);
        self.home.writer.write_ending(write).await
    }

    async fn listed_add(&self, listed: Listed, seed: u64) -> Result<ListedPlace, StoreError> {
        self.home
            .writer
            .write(move |tx| add(tx, &listed, seed))
            .await
    }

    async fn listed(
        &self,
        number: u64,
        now: Timestamp,
    ) -> Result<Option<Vec<(u32, Listed)>>, StoreError> {
        self.readers.read(move |db| listed(db, number, now)).await
    }

    async fn status_lists(&self, now: Timestamp) -> Result<Vec<u64>, StoreError> {
        self.readers.read(move |db| lists(db, now)).await
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, issuer, jwks_uri, audience, domains, may_disable, push_secret,
                    poll_url, poll_secret, created_at FROM transmitters ",
            $rest
        )
    };
}

fn create(tx: &Tx<'_>, transmitter: &Transmitter, audit: &Audit) -> Result<(), StoreError> {
    let poll = transmitter.poll.as_ref();
    sql::run(
        tx,
        "INSERT INTO transmitters (id, name, issuer, jwks_uri, audience, domains, may_disable,
                                   push_secret, poll_url, poll_secret, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            transmitter.id.as_bytes(),
            transmitter.name,
            transmitter.issuer,
            transmitter.jwks_uri,
            transmitter.audience,
            sql::json_text(&transmitter.domains)?,
            transmitter.may_disable,
            transmitter.push_secret.as_ref().map(SecretHash::as_bytes),
            poll.map(|poll| poll.url.as_str()),
            poll.map(|poll| poll.sealed_token.as_str()),
            transmitter.created_at.as_millis(),
        ],
    )?;
    audit::append(tx, audit)
}

fn by_id(connection: &Connection, id: TransmitterId) -> Result<Option<Transmitter>, StoreError> {
    let id = params![id.as_bytes()];
    sql::one(connection, select!("WHERE id = ?1"), id, read)
}

/// By id, and so by age (primary key).
fn list(connection: &Connection) -> Result<Vec<Transmitter>, StoreError> {
    sql::many(connection, select!("ORDER BY id"), (), read)
}

fn remove(tx: &Tx<'_>, id: TransmitterId, audit: &Audit) -> Result<bool, StoreError> {
    let forget = "DELETE FROM heard_events WHERE transmitter_id = ?1";
    sql::run(tx, forget, params![id.as_bytes()])?;
    let delete = "DELETE FROM transmitters WHERE id = ?1";
    let gone = sql::run(tx, delete, params![id.as_bytes()])?;
    audit::append_if(tx, gone > 0, audit)
}

fn heard(
    connection: &Connection,
    id: TransmitterId,
    jti_hash: &[u8; 32],
) -> Result<bool, StoreError> {
    let found = sql::one(
        connection,
        "SELECT 1 FROM heard_events WHERE transmitter_id = ?1 AND jti_hash = ?2",
        params![id.as_bytes(), jti_hash],
        |_row| Ok(()),
    )?;
    Ok(found.is_some())
}

fn take(
    tx: &Tx<'_>,
    id: TransmitterId,
    jti_hash: &[u8; 32],
    audit: &Audit,
) -> Result<bool, StoreError> {
    let noted = sql::run(
        tx,
        "INSERT INTO heard_events (transmitter_id, jti_hash, heard_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO NOTHING",
        params![id.as_bytes(), jti_hash, audit.at.as_millis()],
    )?;
    audit::append_if(tx, noted > 0, audit)
}

fn add(tx: &Tx<'_>, listed: &Listed, seed: u64) -> Result<ListedPlace, StoreError> {
    let newest = sql::one(
        tx,
        "SELECT number, given FROM status_lists ORDER BY number DESC LIMIT 1",
        (),
        |row| Ok((number(row, "number")?, row.get::<_, u32>("given")?)),
    )?;
    let list = match newest {
        Some((number, given)) if given < ListedPlace::GIVEN => number,
        newest => {
            let next = newest.map_or(0, |(number, _)| number + 1);
            let begin = "INSERT INTO status_lists (number, given) VALUES (?1, 0)";
            sql::run(tx, begin, params![bound(next)])?;
            next
        }
    };
    let details = sql::json_text(&listed.details)?;
    // Half of the places are free: that this many tries all meet taken ones happens once in 2^64 times.
    for idx in places(seed).take(64) {
        let taken = sql::run(
            tx,
            "INSERT INTO listed_tokens (list, idx, details, issued_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            params![
                bound(list),
                idx,
                details,
                listed.issued_at.as_millis(),
                listed.expires_at.as_millis(),
            ],
        )?;
        if taken > 0 {
            let count = "UPDATE status_lists SET given = given + 1 WHERE number = ?1";
            sql::run(tx, count, params![bound(list)])?;
            return Ok(ListedPlace { list, idx });
        }
    }
    Err(StoreError::TooMany("tokens of one status list"))
}

/// Places by `seed`: the upper bits of what ``SplitMix64`` makes of it.
fn places(seed: u64) -> impl Iterator<Item = u32> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or(0) % ListedPlace::SIZE
    })
}

fn listed(
    connection: &Connection,
    list: u64,
    now: Timestamp,
) -> Result<Option<Vec<(u32, Listed)>>, StoreError> {
    let known = "SELECT 1 FROM status_lists WHERE number = ?1";
    if sql::one(connection, known, params![bound(list)], |_row| Ok(()))?.is_none() {
        return Ok(None);
    }
    let tokens = sql::many(
        connection,
        "SELECT idx, details, issued_at, expires_at FROM listed_tokens
         WHERE list = ?1 AND expires_at > ?2 ORDER BY idx",
        params![bound(list), now.as_millis()],
        |row| {
            let listed = Listed {
                details: sql::json(row, "details")?,
                issued_at: sql::time(row, "issued_at")?,
                expires_at: sql::time(row, "expires_at")?,
            };
            Ok((row.get("idx")?, listed))
        },
    )?;
    Ok(Some(tokens))
}

fn lists(connection: &Connection, now: Timestamp) -> Result<Vec<u64>, StoreError> {
    sql::many(
        connection,
        "SELECT number FROM status_lists
         WHERE EXISTS (SELECT 1 FROM listed_tokens WHERE list = number AND expires_at > ?1)
         ORDER BY number",
        params![now.as_millis()],
        |row| number(row, "number"),
    )
}

/// SQLite's integers are signed; a number past the largest is past every list.
fn bound(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(row: &Row<'_>, column: &str) -> Result<u64, StoreError> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| sql::unreadable(column))
}

fn read(row: &Row<'_>) -> Result<Transmitter, StoreError> {
    let poll_url: Option<String> = row.get("poll_url")?;
    let poll_secret: Option<String> = row.get("poll_secret")?;
    Ok(Transmitter {
        id: TransmitterId::from_bytes(row.get("id")?),
        name: row.get("name")?,
        issuer: row.get("issuer")?,
        jwks_uri: row.get("jwks_uri")?,
        audience: row.get("audience")?,
        domains: sql::json(row, "domains")?,
        may_disable: row.get("may_disable")?,
        push_secret: row
            .get::<_, Option<_>>("push_secret")?
            .map(SecretHash::from_bytes),
        poll: poll_url
            .zip(poll_secret)
            .map(|(url, sealed_token)| Poll { url, sealed_token }),
        created_at: sql::time(row, "created_at")?,
    })
}
