//! Sessions that an issuer vouches for: all that is asked before and all that is written, in one transaction.

use rusqlite::params;
use sealgate_model::UserId;

use super::super::writer::Tx;
use super::super::{audit, footing, pushed, refresh, revocations, sign_ins, sql};
use super::links;
use crate::{Audit, Footing, Revoked, Session, StoreError, Vouched, VouchedFor};

/// As with authorization codes, whatever ends it first wins: what was revoked, disabled or signed out after the
/// assertion was made is not brought back by it.
pub(super) fn start(
    tx: &Tx<'_>,
    vouched: &Vouched,
    audit: &Audit,
) -> Result<VouchedFor, StoreError> {
    let Vouched { link, session, .. } = vouched;
    if link.user != session.user || vouched.sign_in.user != session.user {
        return Err(StoreError::Invalid(
            "the session is not of the user that is vouched for",
        ));
    }
    let made = Footing::of_grant(session, vouched.made_at);
    if !stands(tx, link.issuer.as_str(), session)?
        || footing::fallen(tx, &made, audit.at)?.is_some()
        || signed_out(tx, session.user, vouched)?
    {
        return Ok(VouchedFor::Ended);
    }
    let known = links::of_subject(tx, &link.issuer, &link.subject)?;
    let is_new = match known {
        Some(known) if known.user == link.user => false,
        Some(_) => return Ok(VouchedFor::Other),
        None if links::of_user(tx, &link.issuer, link.user)?.is_some() => {
            return Ok(VouchedFor::Other);
        }
        None => true,
    };
    let (id, until) = &vouched.assertion;
    if !pushed::use_assertion(tx, &session.client, id, *until, audit.at)? {
        return Ok(VouchedFor::Reused);
    }
    if is_new {
        links::insert(tx, link)?;
    }
    sign_ins::insert(tx, &vouched.sign_in)?;
    refresh::start_session(tx, session, vouched.sign_in.id, None)?;
    audit::append(tx, audit)?;
    Ok(VouchedFor::Started)
}

/// Whether the issuer, the user and the client are all still there and not disabled.
fn stands(tx: &Tx<'_>, issuer: &str, session: &Session) -> Result<bool, StoreError> {
    let found = sql::one(
        tx,
        "SELECT 1 WHERE
             EXISTS (SELECT 1 FROM identity_issuers WHERE issuer = ?1 AND disabled_at IS NULL)
         AND EXISTS (SELECT 1 FROM users WHERE id = ?2 AND disabled_at IS NULL)
         AND EXISTS (SELECT 1 FROM clients
                     WHERE id = ?3 AND disabled_at IS NULL AND removed_at IS NULL)",
        params![issuer, session.user.as_bytes(), session.client.as_str()],
        |_row| Ok(()),
    )?;
    Ok(found.is_some())
}

/// Whether everything of the user, or of the user on this client, was ended after they proved who they are: that
/// proof, made elsewhere, is then worth as little as a browser's sign-in of its time.
fn signed_out(tx: &Tx<'_>, user: UserId, vouched: &Vouched) -> Result<bool, StoreError> {
    let what = Revoked::User(user);
    let latest = revocations::latest(tx, &what, Some(&vouched.session.client))?;
    Ok(latest.is_some_and(|latest| vouched.proven_at <= latest))
}
