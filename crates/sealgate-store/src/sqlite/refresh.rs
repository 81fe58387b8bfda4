//! Refresh tokens: each is spent once, and the answer it bought is kept for whoever raced.

use rusqlite::{Connection, Row, params};
use sealgate_model::{RefreshId, SessionId, SignInId, Timestamp};

use super::writer::Tx;
use super::{audit, footing, sessions, sql, users};
use crate::{Audit, Footing, RefreshState, RefreshToken, Rotated, Session, StoreError};

/// Starts a session from `sign_in` with its first refresh token.
pub(super) fn start_session(
    tx: &Tx<'_>,
    session: &Session,
    sign_in: SignInId,
    first: Option<&RefreshToken>,
) -> Result<(), StoreError> {
    sessions::insert(tx, session, sign_in)?;
    if let Some(first) = first {
        if first.session != session.id || first.client != session.client {
            return Err(StoreError::Invalid(
                "the refresh token is not the session's",
            ));
        }
        insert(tx, first)?;
    }
    Ok(())
}

fn insert(tx: &Tx<'_>, token: &RefreshToken) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO refresh_tokens
            (id, secret_hash, session_id, client_id, generation, issued_at, used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            token.id.as_bytes(),
            token.secret_hash.as_bytes(),
            token.session.as_bytes(),
            token.client.as_str(),
            token.generation,
            token.issued_at.as_millis(),
            token.used_at.map(Timestamp::as_millis),
        ],
    )
    .map(drop)
}

pub(super) fn by_id(
    connection: &Connection,
    id: RefreshId,
) -> Result<Option<RefreshToken>, StoreError> {
    sql::one(
        connection,
        "SELECT id, secret_hash, session_id, client_id, generation, issued_at, used_at,
                (SELECT answer FROM refresh_answers INDEXED BY refresh_answers_by_token
                 WHERE refresh_id = refresh_tokens.id) AS answer
         FROM refresh_tokens WHERE id = ?1",
        params![id.as_bytes()],
        read,
    )
}

/// The references between the tables are enforced, so that a token that is there has all of it.
pub(super) fn state(
    connection: &Connection,
    id: RefreshId,
) -> Result<Option<RefreshState>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let Some(token) = by_id(&moment, id)? else {
        return Ok(None);
    };
    let session = sessions::by_id(&moment, token.session)?;
    let session = session.ok_or_else(|| sql::unreadable("session_id"))?;
    let user = users::by_id(&moment, session.user)?;
    let user = user.ok_or_else(|| sql::unreadable("user_id"))?;
    Ok(Some(RefreshState {
        token,
        session,
        user,
    }))
}

pub(super) fn rotate(
    tx: &Tx<'_>,
    id: RefreshId,
    successor: &RefreshToken,
    answer: &str,
    audit: &Audit,
) -> Result<Rotated, StoreError> {
    let at = audit.at.as_millis();
    let session = sessions::by_id(tx, successor.session)?;
    // Of many sessions that end at once the later ones have a barrier before them first.
    if let Some(session) = session
        && footing::fallen(tx, &Footing::of(&session), audit.at)?.is_some()
    {
        return Ok(Rotated::Ended);
    }
    // One conditional update decides the winner. Whoever loses has changed nothing.
    let fits = sql::one(
        tx,
        "UPDATE refresh_tokens SET used_at = ?2
         WHERE id = ?1 AND used_at IS NULL
           AND EXISTS (SELECT 1 FROM sessions WHERE id = refresh_tokens.session_id
                       AND revoked_at IS NULL AND expires_at > ?2)
         RETURNING session_id = ?3 AND client_id = ?4 AS fits",
        params![
            id.as_bytes(),
            at,
            successor.session.as_bytes(),
            successor.client.as_str()
        ],
        |row| Ok(row.get::<_, bool>("fits")?),
    )?;
    match fits {
        None => return lost(tx, id, audit.at),
        Some(false) => {
            return Err(StoreError::Invalid(
                "the successor is of another session or client",
            ));
        }
        Some(true) => {}
    }
    insert(tx, successor)?;
    sql::run(
        tx,
        "INSERT INTO refresh_answers (refresh_id, kept_from, answer) VALUES (?1, ?2, ?3)",
        params![id.as_bytes(), at, answer],
    )?;
    sql::run(
        tx,
        "UPDATE sessions SET renewed_at = ?2, network = ?3 WHERE id = ?1",
        params![successor.session.as_bytes(), at, audit.network],
    )?;
    audit::append(tx, audit)?;
    Ok(Rotated::Won)
}

/// Why the update did not match: the session's end comes first, since then no answer may be replayed.
fn lost(tx: &Tx<'_>, id: RefreshId, at: Timestamp) -> Result<Rotated, StoreError> {
    let Some(token) = by_id(tx, id)? else {
        return Ok(Rotated::Ended);
    };
    let alive = sql::one(
        tx,
        "SELECT 1 FROM sessions WHERE id = ?1 AND revoked_at IS NULL AND expires_at > ?2",
        params![token.session.as_bytes(), at.as_millis()],
        |_row| Ok(()),
    )?;
    Ok(if alive.is_some() {
        Rotated::Lost(token)
    } else {
        Rotated::Ended
    })
}

fn read(row: &Row<'_>) -> Result<RefreshToken, StoreError> {
    Ok(RefreshToken {
        id: RefreshId::from_bytes(row.get("id")?),
        secret_hash: sql::hash(row, "secret_hash")?,
        session: SessionId::from_bytes(row.get("session_id")?),
        client: sql::client_id(row, "client_id")?,
        generation: row.get("generation")?,
        issued_at: sql::time(row, "issued_at")?,
        used_at: sql::maybe_time(row, "used_at")?,
        answer: row.get("answer")?,
    })
}
