//! Device codes: each is decided once and starts one session, once.

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, DeviceId, SessionId, SignInId, Timestamp, UserId};

use super::writer::Tx;
use super::{audit, footing, refresh, sql};
use crate::{
    Audit, DeviceApproval, DeviceCode, DeviceDecision, DeviceState, Footing, GrantDetails, Polled,
    Redeemed, RefreshToken, Session, StoreError,
};

/// By how many seconds the interval grows with a poll that came too soon (RFC 8628, 3.5).
const SLOW_DOWN: u32 = 5;

/// What it grows to at the most, in seconds: a device that never waits is told so in few words, and one
/// that was repaired is not shut out.
const LONGEST: u32 = 60;

/// By how many milliseconds a poll may come too soon: networks do not keep time.
const JITTER: u32 = 500;

/// What every reading of a row names.
macro_rules! columns {
    () => {
        "id, secret_hash, user_code, client_id, scopes, details, network, created_at, expires_at,
         poll_interval, polled_at, polled_early, state, user_id, sign_in_id, auth_time, methods,
         session_id"
    };
}

pub(super) fn create(tx: &Tx<'_>, device: &DeviceCode, audit: &Audit) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO device_codes
            (id, secret_hash, user_code, client_id, scopes, details, network, created_at,
             expires_at, poll_interval)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            device.id.as_bytes(),
            device.secret_hash.as_bytes(),
            device.user_code,
            device.client.as_str(),
            sql::json_text(&device.scopes)?,
            sql::json_text(&device.details)?,
            device.network,
            device.created_at.as_millis(),
            device.expires_at.as_millis(),
            device.interval,
        ],
    )?;
    audit::append(tx, audit)
}

pub(super) fn by_id(
    connection: &Connection,
    id: DeviceId,
) -> Result<Option<DeviceCode>, StoreError> {
    sql::one(
        connection,
        concat!("SELECT ", columns!(), " FROM device_codes WHERE id = ?1"),
        params![id.as_bytes()],
        read,
    )
}

pub(super) fn by_user_code(
    connection: &Connection,
    user_code: &str,
) -> Result<Option<DeviceCode>, StoreError> {
    sql::one(
        connection,
        concat!(
            "SELECT ",
            columns!(),
            " FROM device_codes INDEXED BY device_codes_by_user_code WHERE user_code = ?1"
        ),
        params![user_code],
        read,
    )
}

/// One conditional update decides whose decision counts. An approval needs a sign-in that has not
/// ended, because its end would no longer find the code.
pub(super) fn decide(
    tx: &Tx<'_>,
    id: DeviceId,
    decision: &DeviceDecision,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let at = audit.at.as_millis();
    let decided = match decision {
        DeviceDecision::Denied => sql::run(
            tx,
            "UPDATE device_codes SET state = 'denied'
             WHERE id = ?1 AND state = 'pending' AND expires_at > ?2",
            params![id.as_bytes(), at],
        )?,
        DeviceDecision::Approved { approval, details } => approve(tx, id, approval, details, at)?,
    };
    audit::append_if(tx, decided > 0, audit)
}

fn approve(
    tx: &Tx<'_>,
    id: DeviceId,
    approval: &DeviceApproval,
    details: &GrantDetails,
    at: i64,
) -> Result<usize, StoreError> {
    sql::run(
        tx,
        "UPDATE device_codes
         SET state = 'approved', user_id = ?3, sign_in_id = ?4, auth_time = ?5, methods = ?6,
             details = ?7, approved_at = ?2
         WHERE id = ?1 AND state = 'pending' AND expires_at > ?2
           AND EXISTS (SELECT 1 FROM sign_ins WHERE id = ?4 AND user_id = ?3 AND ended_at IS NULL)",
        params![
            id.as_bytes(),
            at,
            approval.user.as_bytes(),
            approval.sign_in.as_bytes(),
            approval.auth_time.as_millis(),
            sql::json_text(&approval.methods)?,
            sql::json_text(details)?,
        ],
    )
}

/// A poll that came too soon and finds the interval as long as it gets. It changes nothing, so that a
/// device that never waits costs no write.
pub(super) fn hasty(
    connection: &Connection,
    id: DeviceId,
    now: Timestamp,
) -> Result<Option<Polled>, StoreError> {
    let device = sql::one(
        connection,
        concat!(
            "SELECT ",
            columns!(),
            " FROM device_codes
             WHERE id = ?1 AND polled_at <= ?2 AND poll_interval >= ?3
               AND ?2 + ?4 < polled_at + poll_interval * 1000"
        ),
        params![id.as_bytes(), now.as_millis(), LONGEST, JITTER],
        read,
    )?;
    Ok(device.map(|device| Polled {
        device,
        too_soon: true,
    }))
}

/// On the right of `SET` stands what was there before: the earlier poll and the interval it set. A poll
/// from the future was timed by a clock that has been set back since, and slows nobody down.
pub(super) fn poll(
    tx: &Tx<'_>,
    id: DeviceId,
    now: Timestamp,
) -> Result<Option<Polled>, StoreError> {
    sql::one(
        tx,
        concat!(
            "UPDATE device_codes
             SET polled_at = ?2,
                 polled_early = polled_at IS NOT NULL AND polled_at <= ?2
                     AND ?2 + ?5 < polled_at + poll_interval * 1000,
                 poll_interval = CASE
                     WHEN polled_at <= ?2 AND ?2 + ?5 < polled_at + poll_interval * 1000
                     THEN max(poll_interval, min(poll_interval + ?3, ?4)) ELSE poll_interval END
             WHERE id = ?1
             RETURNING ",
            columns!()
        ),
        params![id.as_bytes(), now.as_millis(), SLOW_DOWN, LONGEST, JITTER],
        |row| {
            Ok(Polled {
                device: read(row)?,
                too_soon: row.get("polled_early")?,
            })
        },
    )
}

pub(super) fn redeem(
    tx: &Tx<'_>,
    id: DeviceId,
    session: &Session,
    first: Option<&RefreshToken>,
    audit: &Audit,
) -> Result<Redeemed, StoreError> {
    // As with authorization codes: whatever ends it first wins.
    if is_barred(tx, id, session)? {
        return Ok(Redeemed::Ended);
    }
    let spent = sql::one(
        tx,
        "UPDATE device_codes SET state = 'redeemed', session_id = ?3
         WHERE id = ?1 AND state = 'approved' AND expires_at > ?2
           AND EXISTS (SELECT 1 FROM sign_ins
                       WHERE id = device_codes.sign_in_id AND ended_at IS NULL)
           AND EXISTS (SELECT 1 FROM users
                       WHERE id = device_codes.user_id AND disabled_at IS NULL)
           AND EXISTS (SELECT 1 FROM clients
                       WHERE id = device_codes.client_id AND disabled_at IS NULL
                         AND removed_at IS NULL)
         RETURNING user_id = ?4 AND client_id = ?5 AS fits, sign_in_id",
        params![
            id.as_bytes(),
            audit.at.as_millis(),
            session.id.as_bytes(),
            session.user.as_bytes(),
            session.client.as_str(),
        ],
        |row| {
            let sign_in = SignInId::from_bytes(row.get("sign_in_id")?);
            Ok(row.get::<_, bool>("fits")?.then_some(sign_in))
        },
    )?;
    match spent {
        Some(Some(sign_in)) => {
            refresh::start_session(tx, session, sign_in, first)?;
            audit::append(tx, audit)?;
            Ok(Redeemed::Started)
        }
        Some(None) => Err(StoreError::Invalid(
            "the session is not the one the device code is for",
        )),
        None => Ok(match by_id(tx, id)?.map(|device| device.state) {
            Some(DeviceState::Redeemed(_)) => Redeemed::Reused,
            _ => Redeemed::Ended,
        }),
    }
}

/// Whether what the user approved is revoked since. The approval counts, not when the device asked.
fn is_barred(tx: &Tx<'_>, id: DeviceId, session: &Session) -> Result<bool, StoreError> {
    let approved_at = sql::one(
        tx,
        "SELECT approved_at FROM device_codes WHERE id = ?1 AND state = 'approved'",
        params![id.as_bytes()],
        |row| sql::maybe_time(row, "approved_at"),
    )?;
    match approved_at.flatten() {
        Some(at) => {
            let approved = Footing::of_grant(session, at);
            Ok(footing::fallen(tx, &approved, at)?.is_some())
        }
        None => Ok(false),
    }
}

/// Forgets a client's codes. Codes live for ten minutes, so that few are looked through.
pub(super) fn forget_client(tx: &Tx<'_>, client: &ClientId) -> Result<(), StoreError> {
    sql::run(
        tx,
        "DELETE FROM device_codes WHERE client_id = ?1",
        params![client.as_str()],
    )
    .map(drop)
}

fn read(row: &Row<'_>) -> Result<DeviceCode, StoreError> {
    let state = match row.get::<_, String>("state")?.as_str() {
        "pending" => DeviceState::Pending,
        "denied" => DeviceState::Denied,
        "approved" => DeviceState::Approved(DeviceApproval {
            user: UserId::from_bytes(row.get("user_id")?),
            sign_in: SignInId::from_bytes(row.get("sign_in_id")?),
            auth_time: sql::time(row, "auth_time")?,
            methods: sql::json(row, "methods")?,
        }),
        "redeemed" => DeviceState::Redeemed(SessionId::from_bytes(row.get("session_id")?)),
        _ => return Err(sql::unreadable("state")),
    };
    Ok(DeviceCode {
        id: DeviceId::from_bytes(row.get("id")?),
        secret_hash: sql::hash(row, "secret_hash")?,
        user_code: row.get("user_code")?,
        client: sql::client_id(row, "client_id")?,
        scopes: sql::json(row, "scopes")?,
        details: sql::json(row, "details")?,
        network: row.get("network")?,
        created_at: sql::time(row, "created_at")?,
        expires_at: sql::time(row, "expires_at")?,
        interval: row.get("poll_interval")?,
        polled_at: sql::maybe_time(row, "polled_at")?,
        state,
    })
}
