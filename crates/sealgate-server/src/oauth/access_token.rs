//! Our own access tokens, presented back to us: which of them are good, and for whom.

use sealgate_model::{ClientId, SessionId, Timestamp, UserId};
use sealgate_oauth::{Act, OAuthError};
use sealgate_store::{Client, Session, UserRow, UserStatus};

use super::refusal::unanswered;
use super::tokens::{ACCESS_TYPE, AccessClaims};
use crate::ControlPlane;

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
    // given the token, on top of few others.
    let sound = match (&claims.of_user, &claims.act) {
        (Some(_), None) => true,
        (Some(_), Some(act)) => act.sub == claims.client_id && act.chain().count() <= Act::DEEPEST,
        (None, act) => act.is_none() && claims.sub == claims.client_id.as_str(),
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
        issued_at: Timestamp::from_seconds(claims.iat),
    };
    stands(plane, &ground, now).await
}

/// Whom a token is about, if nothing that it stands on has ended: itself, its session and user, its
/// client and every other that acts. [`OAuthError::TokenRevoked`] if something has.
pub(crate) async fn stands(
    plane: &ControlPlane,
    ground: &Ground<'_>,
    now: Timestamp,
) -> Result<(Client, Holder), OAuthError> {
    const ENDED: OAuthError = OAuthError::TokenRevoked;
    let store = &plane.store;
    let client = store.client(ground.client).await.map_err(unanswered)?;
    let client = client
        .filter(|client| client.disabled_at.is_none())
        .ok_or(ENDED)?;
    if store.token_revoked(ground.jti).await.map_err(unanswered)? {
        return Err(ENDED);
    }
    let Some((sub, sid)) = ground.user else {
        check_not_before(plane, &client.id, ground.issued_at).await?;
        return Ok((client, Holder::Client));
    };
    let session = session(plane, sid, now).await?;
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
                let known = store.client(actor).await.map_err(unanswered)?;
                if known.is_none_or(|known| known.disabled_at.is_some()) {
                    return Err(ENDED);
                }
                check_not_before(plane, actor, ground.issued_at).await?;
            }
        }
    }
    Ok((client, Holder::User(Box::new((session, user)))))
}

/// Refuses what a client was given before everything of its was revoked.
async fn check_not_before(
    plane: &ControlPlane,
    client: &ClientId,
    issued_at: Timestamp,
) -> Result<(), OAuthError> {
    let not_before = plane.store.not_before(None, Some(client)).await;
    // Whole seconds, as the token has them: equal counts as revoked.
    let ended = |at: Timestamp| issued_at.as_seconds() <= at.as_seconds();
    if not_before.map_err(unanswered)?.is_some_and(ended) {
        Err(OAuthError::TokenRevoked)
    } else {
        Ok(())
    }
}

/// The session with this id, if it is alive.
pub(super) async fn session(
    plane: &ControlPlane,
    id: SessionId,
    now: Timestamp,
) -> Result<Session, OAuthError> {
    let session = plane.store.session(id).await.map_err(unanswered)?;
    session
        .filter(|session| session.revoked_at.is_none() && session.expires_at > now)
        .ok_or(OAuthError::TokenRevoked)
}

/// The user with this id, if they can be used.
pub(super) async fn user(plane: &ControlPlane, id: UserId) -> Result<UserRow, OAuthError> {
    let user = plane.store.user(id).await.map_err(unanswered)?;
    user.filter(|user| user.status() == UserStatus::Active)
        .ok_or(OAuthError::TokenRevoked)
}
