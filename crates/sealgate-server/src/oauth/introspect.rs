//! `POST /oauth/introspect` (RFC 7662, signed answers by RFC 9701): whether a token is good right now.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, StatusCode};
use sealgate_oauth::{
    ActiveToken, Audience, Introspection, IntrospectionClaims, IntrospectionRequest, Limits,
    OAuthError, Params, RefreshHandle,
};
use sealgate_store::{Audit, Client};

use super::access_token::{self, Holder};
use super::client_auth::authenticate_confidential;
use super::refresh;
use super::refusal::{faulty, refused, unanswered};
use super::session::{Granted, check_tenant};
use super::tokens::{self, AccessClaims};
use super::{answer, form};
use crate::caller::Caller;
use crate::{ControlPlane, session_life};

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "token.introspect");
    match introspect(&plane, &caller, request, &mut audit).await {
        Ok(response) => response,
        Err(error) => answer::refuse(&plane, &caller, audit, error).await,
    }
}

async fn introspect(
    plane: &ControlPlane,
    caller: &Caller,
    request: Request,
    audit: &mut Audit,
) -> Result<Response, OAuthError> {
    let (headers, body) = form::parts(request, Limits::WITH_TOKEN).await?;
    let params = Params::parse(&body, Limits::WITH_TOKEN)?;
    let asker = authenticate_confidential(plane, caller, &headers, &params, audit).await?;
    let question = IntrospectionRequest::parse(&params)?;
    let answer = judge(plane, &asker, question.token.expose(), audit).await?;
    if wants_signed(&headers) {
        signed(plane, &asker, audit, &answer)
    } else {
        let mut response = answer::json(StatusCode::OK, &answer);
        response
            .headers_mut()
            .insert(VARY, http::HeaderValue::from_static("accept"));
        Ok(response)
    }
}

/// Whatever is wrong with a token, and whoever may not know of it, gets the same answer. Only that
/// nobody can tell just now is another one.
async fn judge(
    plane: &ControlPlane,
    asker: &Client,
    token: &str,
    audit: &Audit,
) -> Result<Introspection, OAuthError> {
    let judged = match RefreshHandle::parse(token) {
        Some(handle) => refresh_token(plane, asker, &handle, audit).await,
        None => access_token(plane, asker, token, audit).await,
    };
    match judged {
        Ok(active) => Ok(Introspection::Active(Box::new(active))),
        Err(error @ (OAuthError::StoreUnavailable | OAuthError::Internal)) => Err(error),
        Err(error @ OAuthError::TokenClientMismatch) => {
            // They are told nothing, and that they asked is on record.
            refused(plane, audit.clone(), error).await;
            Ok(Introspection::Inactive)
        }
        Err(_) => Ok(Introspection::Inactive),
    }
}

async fn access_token(
    plane: &ControlPlane,
    asker: &Client,
    token: &str,
    audit: &Audit,
) -> Result<ActiveToken, OAuthError> {
    let claims = access_token::read(plane, token, audit.at)?;
    if !may_know(plane, asker, &claims).await? {
        return Err(OAuthError::TokenClientMismatch);
    }
    let (_, holder) = access_token::alive(plane, &claims, audit.at).await?;
    let mut told = ActiveToken {
        iss: claims.iss,
        sub: claims.sub,
        aud: claims.aud,
        client_id: claims.client_id.to_string(),
        scope: claims.scope,
        token_type: Some(if claims.cnf.is_some() {
            "DPoP"
        } else {
            "Bearer"
        }),
        exp: claims.exp,
        iat: claims.iat,
        jti: Some(claims.jti),
        sid: None,
        auth_time: None,
        acr: None,
        amr: Vec::new(),
        roles: None,
        tenant: claims.tenant.map(|tenant| tenant.to_string()),
        act: claims.act,
        may_act: claims.may_act,
        grants: claims.grants,
        sub_profile: claims.sub_profile,
        cnf: claims.cnf,
    };
    if let (Some(of_user), Holder::User(who)) = (claims.of_user, holder) {
        told.sid = Some(of_user.sid.to_string());
        told.auth_time = Some(of_user.auth_time);
        told.acr = Some(of_user.acr);
        told.amr = of_user.amr;
        // As they are now, not as they were when the token was signed.
        told.roles = Some(who.1.roles);
    }
    Ok(told)
}

/// A token may be asked about by the client that holds it and by whoever serves a resource it is for.
async fn may_know(
    plane: &ControlPlane,
    asker: &Client,
    claims: &AccessClaims,
) -> Result<bool, OAuthError> {
    Ok(claims.client_id == asker.id || serves(plane, asker, claims).await?)
}

/// Whether a client serves a resource that a token is for.
pub(super) async fn serves(
    plane: &ControlPlane,
    asker: &Client,
    claims: &AccessClaims,
) -> Result<bool, OAuthError> {
    for uri in claims.aud.as_slice() {
        let resource = plane.store.resource(uri).await.map_err(unanswered)?;
        if resource.is_some_and(|resource| resource.client.as_ref() == Some(&asker.id)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A refresh token is of no concern to anybody but the client that holds it. One that was spent is as good as its
/// successor inside its grace window, where its client is given that one again: a gate that asks about a session
/// may have been sent the cookie of a moment ago.
async fn refresh_token(
    plane: &ControlPlane,
    asker: &Client,
    handle: &RefreshHandle,
    audit: &Audit,
) -> Result<ActiveToken, OAuthError> {
    const UNKNOWN: OAuthError = OAuthError::RefreshTokenUnknown;
    let token = plane
        .store
        .refresh_token(handle.id)
        .await
        .map_err(unanswered)?;
    let token = token
        .filter(|token| token.secret_hash == handle.secret_hash())
        .filter(|token| token.client == asker.id)
        .filter(|token| token.used_at.is_none() || refresh::in_grace(plane, token, audit.at))
        .ok_or(UNKNOWN)?;
    let session = access_token::session(plane, token.session, audit.at).await?;
    let end = session_life::end(plane, asker, &session);
    if end <= audit.at {
        return Err(OAuthError::SessionExpired);
    }
    if session_life::has_rested(plane, &session, audit.at) {
        return Err(OAuthError::SessionIdle);
    }
    let user = access_token::user(plane, session.user).await?;
    check_tenant(asker, &user)?;
    // As it would be renewed now: what was taken away from the client since counts for nothing.
    let granted = Granted::of(&session, asker)?;
    Ok(ActiveToken {
        iss: plane.issuer.as_str().to_owned(),
        sub: user.id.to_string(),
        aud: Audience::One(plane.issuer.as_str().to_owned()),
        client_id: token.client.to_string(),
        scope: granted.scopes.join(" "),
        token_type: None,
        exp: end.as_seconds(),
        iat: token.issued_at.as_seconds(),
        jti: None,
        sid: Some(session.id.to_string()),
        auth_time: Some(session.auth_time.as_seconds()),
        acr: Some(tokens::acr(&session.details).to_owned()),
        amr: session.methods,
        roles: Some(user.roles),
        tenant: session.details.tenant.map(|tenant| tenant.to_string()),
        act: None,
        may_act: None,
        grants: Vec::new(),
        sub_profile: None,
        cnf: None,
    })
}

/// Whether a signed answer is what the asker would rather have (RFC 9701, 4).
fn wants_signed(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(ACCEPT).iter();
    lines.any(|line| {
        let types = line.to_str().unwrap_or_default().split(',');
        types
            .map(|entry| entry.split(';').next().unwrap_or_default().trim())
            .any(|kind| kind.eq_ignore_ascii_case(IntrospectionClaims::MEDIA_TYPE))
    })
}

fn signed(
    plane: &ControlPlane,
    asker: &Client,
    audit: &Audit,
    answer: &Introspection,
) -> Result<Response, OAuthError> {
    let at = audit.at.as_seconds();
    let claims = IntrospectionClaims::new(&plane.issuer, asker.id.as_str(), at, answer);
    let algorithm = tokens::algorithm(asker)?;
    let token = plane
        .keys
        .sign(algorithm, IntrospectionClaims::TYPE, &claims)
        .map_err(faulty)?;
    let fields = [
        (CONTENT_TYPE, IntrospectionClaims::MEDIA_TYPE),
        (CACHE_CONTROL, "no-store"),
        (VARY, "accept"),
    ];
    Ok((StatusCode::OK, fields, token).into_response())
}
