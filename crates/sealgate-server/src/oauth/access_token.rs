//! Our own access tokens, presented back to us: which of them are good, and for whom.

use sealgate_model::{ClientId, GrantId, SessionId, TenantId, Timestamp, UserId};
use sealgate_oauth::{Act, OAuthError};
use sealgate_store::{Client, Fallen, Footing, Session, TokenFooting, UserRow, UserStatus};

use super::refusal::unanswered;
use super::tokens::{ACCESS_TYPE, AccessClaims};
use crate::{ControlPlane, own_clients};

/// The claims of `token` if it is one of ours and has not expired; whether anything has been revoked is
/// not asked.
pub(super) fn read(
    plane: &ControlPlane,
    token: &str,
    now: Timestamp,
) -> Result<AccessClaims, OAuthError> {
    let verified = plane.keys.verifying().verify(token, &[ACCESS_TYPE]);
    let claims: AccessClaims = verified
        .and_then(|verified| verified.claims())
        .map_err(|_| OAuthError::TokenInvalid)?;
    // A token without a session is about its client and nobody else. Who acts for a user is whoever was
    // given the token, on top of few others; a delegation is behind each of them but an agent's own session.
    let sound = match (&claims.of_user, &claims.act) {
        (_, None) if !claims.grants.is_empty() => false,
        (Some(_), Some(act)) if claims.grants.len() > act.chain().count() => false,
        (Some(_), None) => true,
        (Some(_), Some(act)) => act.sub == claims.client_id && act.chain().count() <= Act::DEEPEST,
        (None, act) => {
            let alone = act.is_none() && claims.may_act.is_none();
            alone && claims.sub == claims.client_id.as_str()
        }
    };
    if !sound || claims.iss != plane.issuer.as_str() {
        return Err(OAuthError::TokenInvalid);
    }
    if claims.exp <= now.as_seconds() {
        Err(OAuthError::TokenExpired)
    } else {
        Ok(claims)
    }
}

/// Whom a good token is about.
pub(crate) enum Holder {
    /// A user, in a session.
    User(Box<(Session, UserRow)>),
    /// The client itself.
    Client,
}

/// What a token stands on.
pub(crate) struct Ground<'a> {
    /// The client it was given to.
    pub(crate) client: &'a ClientId,
    /// The token's own id.
    pub(crate) jti: &'a str,
    /// The user and the session it is about; none: its client alone.
    pub(crate) user: Option<(&'a str, SessionId)>,
    /// Who acts for the user, where the token says so.
    pub(crate) act: Option<&'a Act>,
    /// The delegations that it came by.
    pub(crate) grants: &'a [GrantId],
    /// The tenant that a client without a user belongs to.
    pub(crate) tenant: Option<&'a TenantId>,
    /// When it was issued, in whole seconds.
    pub(crate) issued_at: Timestamp,
}

/// Whom a token is about, if nothing that it stands on has ended.
pub(super) async fn alive(
    plane: &ControlPlane,
    claims: &AccessClaims,
    now: Timestamp,
) -> Result<(Client, Holder), OAuthError> {
    let of_user = claims.of_user.as_ref();
    let ground = Ground {
        client: &claims.client_id,
        jti: &claims.jti,
        user: of_user.map(|of_user| (claims.sub.as_str(), of_user.sid)),
        act: claims.act.as_ref(),
        grants: &claims.grants,
        tenant: claims.tenant.as_ref(),
        issued_at: Timestamp::from_seconds(claims.iat),
    };
    stands(plane, &ground, now).await
}

/// Whom a token is about, if nothing that it stands on has ended: itself, its session and user, its tenant,
/// its client, every other that acts and the delegations by which they do. [`OAuthError::TokenRevoked`] if
/// something has, [`OAuthError::TokenOutdated`] if only what it tells is not so any more.
pub(crate) async fn stands(
    plane: &ControlPlane,
    ground: &Ground<'_>,
    now: Timestamp,
) -> Result<(Client, Holder), OAuthError> {
    const ENDED: OAuthError = OAuthError::TokenRevoked;
    let store = &plane.store;
    let client = usable(plane, ground.client).await?;
    let token = TokenFooting {
        jti: ground.jti.to_owned(),
        issued_at: ground.issued_at,
        actors: std::iter::once(ground.client)
            .chain(ground.act.into_iter().flat_map(Act::chain))
            .cloned()
            .collect(),
    };
    let Some((sub, sid)) = ground.user else {
        let footing = Footing {
            client: client.id.clone(),
            user: None,
            tenant: ground.tenant.cloned(),
            started_at: ground.issued_at,
            session: None,
            grants: ground.grants.to_vec(),
            token: Some(token),
        };
        check(plane, footing, now).await?;
        return Ok((client, Holder::Client));
    };
    let session = store.session(sid).await.map_err(unanswered)?;
    let session = session.ok_or(ENDED)?;
    let footing = Footing {
        grants: ground.grants.to_vec(),
        token: Some(token),
        ..Footing::of(&session)
    };
    check(plane, footing, now).await?;
    let user = user(plane, session.user).await?;
    if user.id.to_string() != sub {
        return Err(ENDED);
    }
    match ground.act {
        None if session.client != client.id => return Err(ENDED),
        None => {}
        Some(act) => {
            // The session ends with its own client; the others are asked for.
            for actor in act.chain().filter(|actor| **actor != session.client) {
                usable(plane, actor).await?;
            }
        }
    }
    Ok((client, Holder::User(Box::new((session, user)))))
}

/// The client with this id, if it can be used.
async fn usable(plane: &ControlPlane, id: &ClientId) -> Result<Client, OAuthError> {
    let client = own_clients::client(plane, id).await.map_err(unanswered)?;
    client
        .filter(|client| client.is_usable(plane.clock.now()))
        .ok_or(OAuthError::TokenRevoked)
}

async fn check(plane: &ControlPlane, footing: Footing, now: Timestamp) -> Result<(), OAuthError> {
    match plane.store.fallen(footing, now).await.map_err(unanswered)? {
        None => Ok(()),
        Some(Fallen::Outdated) => Err(OAuthError::TokenOutdated),
        Some(_) => Err(OAuthError::TokenRevoked),
    }
}

/// The session with this id, if it is alive.
pub(super) async fn session(
    plane: &ControlPlane,
    id: SessionId,
    now: Timestamp,
) -> Result<Session, OAuthError> {
    let session = plane.store.session(id).await.map_err(unanswered)?;
    let session = session.ok_or(OAuthError::TokenRevoked)?;
    check(plane, Footing::of(&session), now).await?;
    Ok(session)
}

/// The user with this id, if they can be used.
pub(super) async fn user(plane: &ControlPlane, id: UserId) -> Result<UserRow, OAuthError> {
    let user = plane.store.user(id).await.map_err(unanswered)?;
    user.filter(|user| user.status() == UserStatus::Active)
        .ok_or(OAuthError::TokenRevoked)
}
