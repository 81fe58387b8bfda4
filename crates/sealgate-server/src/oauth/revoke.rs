//! `POST /oauth/revoke` (RFC 7009): a token is given up, and the session it belongs to ends.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use sealgate_model::{ClientId, SessionId};
use sealgate_oauth::{Limits, OAuthError, Params, RefreshHandle};
use sealgate_store::{Audit, Client, RevokeReason};
use serde_json::json;

use super::client_auth::authenticate;
use super::refusal::{refused, unanswered};
use super::tokens::{ACCESS_TYPE, AccessClaims};
use super::{answer, form};
use crate::ControlPlane;
use crate::caller::Caller;

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "session.revoke");
    match revoke(&plane, request, &mut audit).await {
        Ok(()) => answer::json(StatusCode::OK, &json!({})),
        Err(error) => {
            refused(&plane, audit, error).await;
            answer::refusal(error, &caller.trace)
        }
    }
}

async fn revoke(
    plane: &ControlPlane,
    request: Request,
    audit: &mut Audit,
) -> Result<(), OAuthError> {
    let headers = request.headers().clone();
    let params = Params::parse(
        &form::body(request, Limits::WITH_TOKEN).await?,
        Limits::WITH_TOKEN,
    )?;
    let client = authenticate(plane, &headers, &params, audit).await?;
    let token = params.require("token")?;
    // A token that is not known, or no longer good, is as dead as its holder wants it (RFC 7009, 2.2).
    let Some((owner, session)) = session_of(plane, token, audit).await? else {
        return Ok(());
    };
    audit.session = Some(session);
    check_owner(&client, &owner)?;
    if let Some(row) = plane.store.session(session).await.map_err(unanswered)? {
        audit.user = Some(row.user);
        let revoked = plane
            .store
            .session_revoke(session, RevokeReason::ClientRevoked, audit.clone())
            .await;
        revoked.map_err(unanswered)?;
    }
    Ok(())
}

/// Which session a refresh or access token belongs to, and which client it was given to.
async fn session_of(
    plane: &ControlPlane,
    token: &str,
    audit: &Audit,
) -> Result<Option<(ClientId, SessionId)>, OAuthError> {
    // The two kinds cannot be taken for one another, so that `token_type_hint` is of no use.
    if let Some(handle) = RefreshHandle::parse(token) {
        let found = plane
            .store
            .refresh_token(handle.id)
            .await
            .map_err(unanswered)?;
        let found = found.filter(|found| found.secret_hash == handle.secret_hash());
        return Ok(found.map(|found| (found.client, found.session)));
    }
    let verified = plane.keys.verifying().verify(token, &[ACCESS_TYPE]);
    let claims = verified
        .and_then(|verified| verified.claims::<AccessClaims>())
        .ok();
    let current = claims
        .filter(|claims| claims.exp > audit.at.as_seconds() && claims.iss == plane.issuer.as_str());
    Ok(current.map(|claims| (claims.client_id, claims.sid)))
}

/// Only the client that holds a token may give it up (RFC 7009, 2.1).
fn check_owner(client: &Client, owner: &ClientId) -> Result<(), OAuthError> {
    if client.id == *owner {
        Ok(())
    } else {
        Err(OAuthError::TokenClientMismatch)
    }
}
