//! `GET` and `POST /oauth/userinfo` (OpenID Connect Core, 5.3).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use sealgate_model::UserId;
use sealgate_oauth::OAuthError;
use sealgate_store::{Audit, AuditActor, UserStatus};
use serde::Serialize;

use super::answer;
use super::refusal::{refused, unanswered};
use super::tokens::{ACCESS_TYPE, AccessClaims, UserClaims};
use crate::ControlPlane;
use crate::caller::Caller;
use crate::problem::Problem;

/// What is said of the user.
#[derive(Serialize)]
struct UserInfo<'a> {
    sub: UserId,
    #[serde(flatten)]
    claims: UserClaims<'a>,
}

pub(super) async fn answer(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
) -> Response {
    // Without a credential there is nothing to say of it (RFC 6750, 3.1).
    if !headers.contains_key(AUTHORIZATION) {
        return challenge();
    }
    let mut audit = caller.act(plane.clock.now(), "userinfo.read");
    match read(&plane, &headers, &mut audit).await {
        Ok(response) => response,
        Err(error) => {
            refused(&plane, audit, error).await;
            answer::refusal(error, &caller.trace)
        }
    }
}

async fn read(
    plane: &ControlPlane,
    headers: &HeaderMap,
    audit: &mut Audit,
) -> Result<Response, OAuthError> {
    let claims = verified(plane, headers, audit)?;
    audit.actor = AuditActor::Client(claims.client_id.clone());
    audit.client = Some(claims.client_id);
    audit.session = Some(claims.sid);
    let session = plane.store.session(claims.sid).await.map_err(unanswered)?;
    let alive =
        session.filter(|session| session.revoked_at.is_none() && session.expires_at > audit.at);
    let session = alive
        .filter(|session| session.user == claims.sub)
        .ok_or(OAuthError::TokenRevoked)?;
    audit.user = Some(session.user);
    let user = plane.store.user(session.user).await.map_err(unanswered)?;
    let user = user
        .filter(|user| user.status() == UserStatus::Active)
        .ok_or(OAuthError::TokenRevoked)?;
    let granted = |scope: &str| claims.scope.split(' ').any(|known| known == scope);
    if !granted("openid") {
        return Err(OAuthError::ScopeInsufficient);
    }
    Ok(answer::json(
        StatusCode::OK,
        &UserInfo {
            sub: user.id,
            claims: UserClaims::of(&user, granted),
        },
    ))
}

/// The claims of the bearer token, if it is one of ours for ourselves, and current.
fn verified(
    plane: &ControlPlane,
    headers: &HeaderMap,
    audit: &Audit,
) -> Result<AccessClaims, OAuthError> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(OAuthError::TokenInvalid);
    };
    let (scheme, token) = line
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(OAuthError::TokenInvalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(OAuthError::TokenInvalid);
    }
    let verified = plane.keys.verifying().verify(token.trim(), &[ACCESS_TYPE]);
    let claims: AccessClaims = verified
        .and_then(|verified| verified.claims())
        .map_err(|_| OAuthError::TokenInvalid)?;
    if claims.iss != plane.issuer.as_str() || claims.aud != plane.issuer.as_str() {
        return Err(OAuthError::TokenInvalid);
    }
    if claims.exp <= audit.at.as_seconds() {
        Err(OAuthError::TokenExpired)
    } else {
        Ok(claims)
    }
}

fn challenge() -> Response {
    use axum::response::IntoResponse as _;
    let problem = Problem::new(
        StatusCode::UNAUTHORIZED,
        "credential_missing",
        "an access token is needed here",
    );
    let mut response = problem.into_response();
    response.headers_mut().insert(
        WWW_AUTHENTICATE,
        HeaderValue::from_static(r#"Bearer realm="sealgate""#),
    );
    response
}
