//! Authorization codes: each starts one session, once.

use rusqlite::{Connection, params};
use sealgate_model::{CodeId, SessionId, SignInId, Timestamp, UserId};

use super::writer::Tx;
use super::{audit, footing, refresh, sessions, sql};
use crate::{Audit, Code, Footing, Redeemed, RefreshToken, RevokeReason, Session, StoreError};

pub(super) fn create(tx: &Tx<'_>, code: &Code, audit: &Audit) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO codes
            (id, secret_hash, client_id, user_id, sign_in_id, session_id, redirect_uri, challenge,
             nonce, scopes, details, auth_time, methods, expires_at, used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            code.id.as_bytes(),
            code.secret_hash.as_bytes(),
            code.client.as_str(),
            code.user.as_bytes(),
            code.sign_in.as_bytes(),
            code.session.as_bytes(),
            code.redirect_uri,
            code.challenge,
            code.nonce,
            sql::json_text(&code.scopes)?,
            sql::json_text(&code.details)?,
            code.auth_time.as_millis(),
            sql::json_text(&code.methods)?,
            code.expires_at.as_millis(),
            code.used_at.map(Timestamp::as_millis),
        ],
    )?;
    audit::append(tx, audit)
}

pub(super) fn by_id(connection: &Connection, id: CodeId) -> Result<Option<Code>, StoreError> {
    sql::one(
        connection,
        "SELECT id, secret_hash, client_id, user_id, sign_in_id, session_id, redirect_uri,
                challenge, nonce, scopes, details, auth_time, methods, expires_at, used_at
         FROM codes WHERE id = ?1",
        params![id.as_bytes()],
        |row| {
            Ok(Code {
                id: CodeId::from_bytes(row.get("id")?),
                secret_hash: sql::hash(row, "secret_hash")?,
                client: sql::client_id(row, "client_id")?,
                user: UserId::from_bytes(row.get("user_id")?),
                sign_in: SignInId::from_bytes(row.get("sign_in_id")?),
                session: SessionId::from_bytes(row.get("session_id")?),
                redirect_uri: row.get("redirect_uri")?,
                challenge: row.get("challenge")?,
                nonce: row.get("nonce")?,
                scopes: sql::json(row, "scopes")?,
                details: sql::json(row, "details")?,
                auth_time: sql::time(row, "auth_time")?,
                methods: sql::json(row, "methods")?,
                expires_at: sql::time(row, "expires_at")?,
                used_at: sql::maybe_time(row, "used_at")?,
            })
        },
    )
}

pub(super) fn redeem(
    tx: &Tx<'_>,
    id: CodeId,
    session: &Session,
    first: Option<&RefreshToken>,
    audit: &Audit,
    on_reuse: &Audit,
) -> Result<Redeemed, StoreError> {
    let Some(sign_in) = spend(tx, id, session, audit.at)? else {
        return refuse(tx, id, on_reuse);
    };
    refresh::start_session(tx, session, sign_in, first)?;
    audit::append(tx, audit)?;
    Ok(Redeemed::Started)
}

/// One conditional update decides who redeems the code. It also looks at what the code came from: a
/// logout, a disabled account or client, a consent taken back or a revocation that commits first wins over
/// a code still on its way, even over one that was stored after it by a request that had begun before. The
/// sign-in is the one that the code belongs to now: another may have taken its place since the code was
/// read.
fn spend(
    tx: &Tx<'_>,
    id: CodeId,
    session: &Session,
    at: Timestamp,
) -> Result<Option<SignInId>, StoreError> {
    let made = Footing::of_grant(session, made_at(id));
    if footing::fallen(tx, &made, at)?.is_some() {
        return Ok(None);
    }
    let fits = sql::one(
        tx,
        "UPDATE codes SET used_at = ?2
         WHERE id = ?1 AND used_at IS NULL AND expires_at > ?2
           AND EXISTS (SELECT 1 FROM sign_ins WHERE id = codes.sign_in_id AND ended_at IS NULL)
           AND EXISTS (SELECT 1 FROM users WHERE id = codes.user_id AND disabled_at IS NULL)
           AND EXISTS
              (SELECT 1 FROM clients
               WHERE id = codes.client_id AND disabled_at IS NULL AND removed_at IS NULL
                 AND ((details ->> '$.consent') IS NOT 'required'
                      OR EXISTS (SELECT 1 FROM consents
                                 WHERE user_id = codes.user_id AND client_id = codes.client_id)))
         RETURNING session_id = ?3 AND user_id = ?4 AND client_id = ?5 AS fits, sign_in_id",
        params![
            id.as_bytes(),
            at.as_millis(),
            session.id.as_bytes(),
            session.user.as_bytes(),
            session.client.as_str(),
        ],
        |row| {
            let sign_in = SignInId::from_bytes(row.get("sign_in_id")?);
            Ok(row.get::<_, bool>("fits")?.then_some(sign_in))
        },
    )?;
    match fits {
        Some(None) => Err(StoreError::Invalid(
            "the session is not the one the code is for",
        )),
        Some(Some(sign_in)) => Ok(Some(sign_in)),
        None => Ok(None),
    }
}

/// When a code was made: its id begins with that (RFC 9562, 5.7).
fn made_at(id: CodeId) -> Timestamp {
    let millis = id.as_bytes()[..6]
        .iter()
        .fold(0_i64, |millis, byte| millis << 8 | i64::from(*byte));
    Timestamp::from_millis(millis)
}

/// A code that was redeemed before may have been stolen, so the session it gave ends (RFC 6749,
/// 4.1.2); every such attempt is on record. A code that was never redeemed gave nothing.
fn refuse(tx: &Tx<'_>, id: CodeId, on_reuse: &Audit) -> Result<Redeemed, StoreError> {
    let given = sql::one(
        tx,
        "SELECT session_id FROM codes WHERE id = ?1 AND used_at IS NOT NULL",
        params![id.as_bytes()],
        |row| Ok(SessionId::from_bytes(row.get("session_id")?)),
    )?;
    let Some(session) = given else {
        return Ok(Redeemed::Ended);
    };
    sessions::revoke_one(tx, session, RevokeReason::CodeReuse, on_reuse.at)?;
    audit::append(tx, on_reuse)?;
    Ok(Redeemed::Reused)
}
