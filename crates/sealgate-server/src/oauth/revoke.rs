//! `POST /oauth/revoke` (RFC 7009): a token is given up, and the session it belongs to ends.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use sealgate_model::{ClientId, SessionId, Timestamp};
use sealgate_oauth::{Audience, Limits, OAuthError, Params, RefreshHandle};
use sealgate_store::{Audit, RevokeReason, TokenRevocation};
use serde_json::json;

use super::client_auth::authenticate;
use super::refusal::unanswered;
use super::{access_token, answer, form};
use crate::caller::Caller;
use crate::{ControlPlane, admin_scopes, signals};

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "session.revoke");
    match revoke(&plane, &caller, request, &mut audit).await {
        Ok(()) => answer::json(StatusCode::OK, &json!({})),
        Err(error) => answer::refuse(&plane, &caller, audit, error).await,
    }
}

/// What a token belongs to.
enum Revocable {
    /// A session, with all its tokens.
    Session(SessionId),
    /// Nothing but itself.
    Token {
        jti: String,
        audience: Audience,
        expires_at: Timestamp,
    },
}

async fn revoke(
    plane: &ControlPlane,
    caller: &Caller,
    request: Request,
    audit: &mut Audit,
) -> Result<(), OAuthError> {
    let (headers, body) = form::parts(request, Limits::WITH_TOKEN).await?;
    let params = Params::parse(&body, Limits::WITH_TOKEN)?;
    let client = authenticate(plane, caller, &headers, &params, audit).await?;
    let token = params.require("token")?;
    // A token that is not known, or no longer good, is as dead as its holder wants it (RFC 7009, 2.2).
    let Some((owner, revocable)) = find(plane, token, audit).await? else {
        return Ok(());
    };
    // Only the client that holds a token may give it up (RFC 7009, 2.1).
    if client.id != owner {
        return Err(OAuthError::TokenClientMismatch);
    }
    match revocable {
        Revocable::Session(session) => {
            audit.session = Some(session);
            if let Some(row) = plane.store.session(session).await.map_err(unanswered)? {
                audit.user = Some(row.user);
                let revoked = plane
                    .store
                    .session_revoke(session, RevokeReason::ClientRevoked, audit.clone())
                    .await;
                revoked.map_err(unanswered)?;
            }
        }
        Revocable::Token {
            jti,
            audience,
            expires_at,
        } => {
            audit.action = "token.revoke";
            audit.object = Some(jti.clone());
            let token = TokenRevocation {
                jti,
                client: client.id,
                others: servers(plane, &audience).await?,
                expires_at,
            };
            let revoked = plane.store.token_revoke(token, audit.clone()).await;
            revoked.map_err(unanswered)?;
        }
    }
    Ok(())
}

/// The clients that may be asked to take a token for `audience`, and so have to hear that it is given up.
/// None, so every client, if nobody is registered as serving some of it: then nobody knows who does.
async fn servers(
    plane: &ControlPlane,
    audience: &Audience,
) -> Result<Option<Vec<ClientId>>, OAuthError> {
    let own = [
        plane.issuer.as_str().to_owned(),
        admin_scopes::resource(&plane.issuer),
        signals::resource(&plane.issuer),
    ];
    let mut clients = Vec::new();
    for uri in audience.as_slice().iter().filter(|uri| !own.contains(uri)) {
        let resource = plane.store.resource(uri).await.map_err(unanswered)?;
        match resource.and_then(|resource| resource.client) {
            Some(client) => clients.push(client),
            None => return Ok(None),
        }
    }
    Ok(Some(clients))
}

/// Which client a token was given to, and what it belongs to.
async fn find(
    plane: &ControlPlane,
    token: &str,
    audit: &Audit,
) -> Result<Option<(ClientId, Revocable)>, OAuthError> {
    // The two kinds cannot be taken for one another, so that `token_type_hint` is of no use.
    if let Some(handle) = RefreshHandle::parse(token) {
        let found = plane
            .store
            .refresh_token(handle.id)
            .await
            .map_err(unanswered)?;
        let found = found.filter(|found| found.secret_hash == handle.secret_hash());
        return Ok(found.map(|found| (found.client, Revocable::Session(found.session))));
    }
    let Ok(claims) = access_token::read(plane, token, audit.at) else {
        return Ok(None);
    };
    // Whoever acts for a user in somebody else's session gives up the token, not the session.
    let session = match &claims.of_user {
        Some(of_user) => plane.store.session(of_user.sid).await.map_err(unanswered)?,
        None => None,
    };
    let revocable = match session.filter(|session| session.client == claims.client_id) {
        Some(session) => Revocable::Session(session.id),
        None => Revocable::Token {
            jti: claims.jti,
            audience: claims.aud,
            expires_at: Timestamp::from_seconds(claims.exp),
        },
    };
    Ok(Some((claims.client_id, revocable)))
}
