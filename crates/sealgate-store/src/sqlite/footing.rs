//! Whether what a credential stands on has ended: the most restrictive of all that applies wins.
//!
//! The row of a session or of a delegation says most of it. The log's barriers say it of what has no row, and
//! of sessions that a batch has not reached yet.

use rusqlite::Connection;
use sealgate_model::{ClientId, Timestamp};

use super::{delegations, revocations, sessions};
use crate::{Fallen, Footing, Revoked, Session, StoreError};

/// By what it has fallen, the widest first. Equal counts as revoked: nobody can say which of the two was
/// first.
pub(super) fn fallen(
    connection: &Connection,
    footing: &Footing,
    now: Timestamp,
) -> Result<Option<Fallen>, StoreError> {
    let by = |what: &Revoked, reader: Option<&ClientId>, at: Timestamp| {
        let latest = revocations::latest(connection, what, reader)?;
        Ok::<bool, StoreError>(latest.is_some_and(|latest| at <= latest))
    };
    let (began, token) = (footing.started_at, footing.token.as_ref());
    if by(&Revoked::All, None, began)? {
        return Ok(Some(Fallen::All));
    }
    // A tenant is revoked as a whole, whoever is told of it.
    if let Some(tenant) = &footing.tenant
        && by(&Revoked::Tenant(tenant.clone()), None, began)?
    {
        return Ok(Some(Fallen::Tenant));
    }
    if by(&Revoked::Client(footing.client.clone()), None, began)? {
        return Ok(Some(Fallen::Client));
    }
    for (actor, token) in token
        .iter()
        .flat_map(|one| one.actors.iter().map(|actor| (actor, *one)))
    {
        // On the session's own client the session's start counts; others act from when they got the token.
        if *actor != footing.client && by(&Revoked::Client(actor.clone()), None, token.issued_at)? {
            return Ok(Some(Fallen::Client));
        }
    }
    if let Some(user) = footing.user
        && by(&Revoked::User(user), Some(&footing.client), began)?
    {
        return Ok(Some(Fallen::User));
    }
    for grant in &footing.grants {
        let stands = match footing.session {
            Some(session) => delegations::stands(connection, *grant, session)?,
            None => false,
        };
        if !stands {
            return Ok(Some(Fallen::Grant));
        }
    }
    if let Some(id) = footing.session {
        let session = sessions::by_id(connection, id)?;
        let alive = |session: &Session| session.revoked_at.is_none() && session.expires_at > now;
        if !session.as_ref().is_some_and(alive) {
            return Ok(Some(Fallen::Session));
        }
    }
    let Some(token) = token else {
        return Ok(None);
    };
    if revocations::has_token(connection, &token.jti)? {
        return Ok(Some(Fallen::Token));
    }
    let told = token.issued_at;
    if let Some(user) = footing.user
        && by(&Revoked::UserClaims(user), Some(&footing.client), told)?
    {
        return Ok(Some(Fallen::Outdated));
    }
    for actor in std::iter::once(&footing.client).chain(&token.actors) {
        if by(&Revoked::ClientClaims(actor.clone()), None, told)? {
            return Ok(Some(Fallen::Outdated));
        }
    }
    Ok(None)
}
