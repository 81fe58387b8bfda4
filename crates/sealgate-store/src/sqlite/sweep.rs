//! Deletes what has expired, a slice of one kind at a time: a range of the index of its expiry, never
//! longer than [`ROWS`], so that other writes get their turn between two slices.

use std::time::Duration;

use rusqlite::params;
use sealgate_model::{SessionId, Timestamp};
use tokio::time::Instant;

use super::writer::Tx;
use super::{measures, sql};
use crate::StoreError;

/// Rows in one slice.
pub(super) const ROWS: usize = 1000;

/// Sessions that are looked at for one slice. Each takes along its refresh tokens (288 in a day of
/// renewals every 5 min), answers and code; the last one of a slice may bring it past [`ROWS`].
const SESSIONS: u32 = 32;

/// How long a sealed answer is kept: far above any grace window, far below a session.
const ANSWER_KEPT: Duration = Duration::from_secs(10 * 60);

/// How long it is known that a security event was taken: longer than any that is older is still taken.
const HEARD_KEPT: Duration = Duration::from_secs(8 * 24 * 3600);

/// The kinds of rows that expire, in the order in which their counts are told.
pub(super) const KINDS: [&str; 13] = [
    "sessions",
    "refresh_answers",
    "codes",
    "sign_ins",
    "invitations",
    "revocations",
    "pushed_requests",
    "device_codes",
    "assertion_ids",
    "heard_events",
    "listed_tokens",
    "bootstraps",
    "registration_tokens",
];

/// What one slice did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice {
    /// Rows deleted. What goes with a session counts as the session's.
    pub(super) rows: usize,
    /// Whether there may be more of the kind to delete.
    pub(super) more: bool,
}

/// Each kind but the sessions: its query, in which `?1` is the time before which things go and `?2`
/// the slice, and for how long after that time they are kept.
const SLICES: [(&str, Duration); KINDS.len() - 1] = [
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
    (
        "DELETE FROM pushed_requests WHERE id IN
            (SELECT id FROM pushed_requests INDEXED BY pushed_requests_by_expiry
             WHERE expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM device_codes WHERE id IN
            (SELECT id FROM device_codes INDEXED BY device_codes_by_expiry
             WHERE expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM assertion_ids WHERE (client_id, jti_hash) IN
            (SELECT client_id, jti_hash FROM assertion_ids INDEXED BY assertion_ids_by_expiry
             WHERE expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM heard_events WHERE (transmitter_id, jti_hash) IN
            (SELECT transmitter_id, jti_hash FROM heard_events INDEXED BY heard_events_by_age
             WHERE heard_at < ?1 LIMIT ?2)",
        HEARD_KEPT,
    ),
    (
        "DELETE FROM listed_tokens WHERE (list, idx) IN
            (SELECT list, idx FROM listed_tokens INDEXED BY listed_tokens_by_expiry
             WHERE expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM bootstraps WHERE id IN
            (SELECT id FROM bootstraps INDEXED BY bootstraps_by_expiry
             WHERE expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
    (
        "DELETE FROM registration_tokens WHERE id IN
            (SELECT id FROM registration_tokens INDEXED BY registration_tokens_by_expiry
             WHERE expires_at < ?1 LIMIT ?2)",
        Duration::ZERO,
    ),
];

/// Deletes one slice of what expired before `now`, of the kind at that place in [`KINDS`].
pub(super) fn slice(tx: &Tx<'_>, kind: usize, now: Timestamp) -> Result<Slice, StoreError> {
    let began = Instant::now();
    let slice = match kind.checked_sub(1).and_then(|other| SLICES.get(other)) {
        Some((sql, kept)) => {
            let limit = u32::try_from(ROWS).unwrap_or(u32::MAX);
            let rows = sql::run(tx, sql, params![(now - *kept).as_millis(), limit])?;
            Slice {
                rows,
                more: rows == ROWS,
            }
        }
        None => expired_sessions(tx, now)?,
    };
    measures::swept(KINDS[kind], slice.rows, began.elapsed());
    Ok(slice)
}

/// Children first: the references between these tables are enforced.
fn expired_sessions(tx: &Tx<'_>, now: Timestamp) -> Result<Slice, StoreError> {
    let sessions = sql::many(
        tx,
        "SELECT id FROM sessions INDEXED BY sessions_by_expiry
         WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2",
        params![now.as_millis(), SESSIONS],
        |row| Ok(SessionId::from_bytes(row.get("id")?)),
    )?;
    let mut rows = 0;
    for session in &sessions {
        if rows >= ROWS {
            return Ok(Slice { rows, more: true });
        }
        rows += forget_session(tx, *session)?;
    }
    let more = sessions.len() == SESSIONS as usize;
    Ok(Slice { rows, more })
}

/// Deletes a session with all that goes with it; how many rows.
pub(super) fn forget_session(tx: &Tx<'_>, session: SessionId) -> Result<usize, StoreError> {
    let mut rows = 0;
    for delete in [
        "DELETE FROM refresh_answers WHERE refresh_id IN
            (SELECT id FROM refresh_tokens INDEXED BY refresh_tokens_by_session
             WHERE session_id = ?1)",
        "DELETE FROM refresh_tokens INDEXED BY refresh_tokens_by_session WHERE session_id = ?1",
        "DELETE FROM codes INDEXED BY codes_by_session WHERE session_id = ?1",
        "DELETE FROM reaches WHERE session_id = ?1",
        "DELETE FROM delegation_resources WHERE delegation_id IN
            (SELECT id FROM delegations INDEXED BY delegations_by_session
             WHERE session_id = ?1)",
        "DELETE FROM delegations INDEXED BY delegations_by_session WHERE session_id = ?1",
        "DELETE FROM sessions WHERE id = ?1",
    ] {
        rows += sql::run(tx, delete, params![session.as_bytes()])?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
