//! Deletes what has expired, a bounded slice at a time, so that other writes get their turn.

use std::time::Duration;

use rusqlite::params;
use sealgate_model::{SessionId, Timestamp};

use super::sql;
use super::writer::Tx;
use crate::StoreError;

/// Rows of each small kind in one slice.
const ROWS: u32 = 1000;

/// Sessions in one slice. Each takes its refresh tokens along: 288 in a day of renewals every 5 min.
const SESSIONS: u32 = 32;

/// How long a sealed answer is kept: far above any grace window, far below a session.
const ANSWER_KEPT: Duration = Duration::from_secs(10 * 60);

/// What one slice did.
pub(super) struct Swept {
    /// Rows deleted.
    pub(super) rows: usize,
    /// Whether there may be more to delete.
    pub(super) more: bool,
}

/// Each query is followed by its values; `?1` is the time before which things go, `?2` the slice.
const SLICES: [(&str, Duration); 5] = [
    (
        "DELETE FROM refresh_answers WHERE number IN
            (SELECT number FROM refresh_answers INDEXED BY refresh_answers_by_age
             WHERE kept_from < ?1 LIMIT ?2)",
        ANSWER_KEPT,
    ),
    // A used code stays as long as the session it gave, so that its reuse is noticed.
    (
        "DELETE FROM codes WHERE id IN
            (SELECT id FROM codes INDEXED BY codes_unused_by_expiry
             WHERE used_at IS NULL AND expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM sign_ins WHERE id IN
            (SELECT id FROM sign_ins INDEXED BY sign_ins_by_expiry
             WHERE expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM invitations WHERE id IN
            (SELECT id FROM invitations INDEXED BY invitations_by_expiry
             WHERE expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM revocations WHERE seq IN
            (SELECT seq FROM revocations INDEXED BY revocations_by_expiry
             WHERE expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
];

/// Deletes one slice of everything that expired before `now`.
pub(super) fn slice(tx: &Tx<'_>, now: Timestamp) -> Result<Swept, StoreError> {
    let mut swept = expired_sessions(tx, now)?;
    for (sql, kept) in SLICES {
        let rows = sql::run(tx, sql, params![(now - kept).as_millis(), ROWS])?;
        swept.rows += rows;
        swept.more |= rows == ROWS as usize;
    }
    Ok(swept)
}

/// Children first: the references between these tables are enforced.
fn expired_sessions(tx: &Tx<'_>, now: Timestamp) -> Result<Swept, StoreError> {
    let sessions = sql::many(
        tx,
        "SELECT id FROM sessions INDEXED BY sessions_by_expiry
         WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2",
        params![now.as_millis(), SESSIONS],
        |row| Ok(SessionId::from_bytes(row.get("id")?)),
    )?;
    let mut rows = 0;
    for session in &sessions {
        for delete in [
            "DELETE FROM refresh_answers WHERE refresh_id IN
                (SELECT id FROM refresh_tokens INDEXED BY refresh_tokens_by_session
                 WHERE session_id = ?1)",
            "DELETE FROM refresh_tokens INDEXED BY refresh_tokens_by_session WHERE session_id = ?1",
            "DELETE FROM codes INDEXED BY codes_by_session WHERE session_id = ?1",
            "DELETE FROM sessions WHERE id = ?1",
        ] {
            rows += sql::run(tx, delete, params![session.as_bytes()])?;
        }
    }
    Ok(Swept {
        rows,
        more: sessions.len() == SESSIONS as usize,
    })
}
