//! `GET` and `POST /oauth/userinfo` (OpenID Connect Core, 5.3).

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use sealgate_model::UserId;
use sealgate_oauth::OAuthError;
use sealgate_store::{Audit, AuditActor};
use serde::Serialize;

use super::access_token::{self, Holder};
use super::refusal::refused;
use super::tokens::{self, AccessClaims};
use super::user_claims::UserClaims;
use super::{answer, dpop};
use crate::ControlPlane;
use crate::caller::Caller;
use crate::problem::Problem;

/// Where this endpoint is.
const PATH: &str = "/oauth/userinfo";

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
    method: Method,
    headers: HeaderMap,
) -> Response {
    // Without a credential there is nothing to say of it (RFC 6750, 3.1).
    if !headers.contains_key(AUTHORIZATION) {
        return challenge();
    }
    let mut audit = caller.act(plane.clock.now(), "userinfo.read");
    let mut response = match read(&plane, method.as_str(), &headers, &mut audit).await {
        Ok(response) => response,
        Err(error) => {
            refused(&plane, audit, error).await;
            answer::token_refusal(error, &caller.trace, uses_dpop(&headers))
        }
    };
    if uses_dpop(&headers) {
        dpop::offer_nonce(&plane, &mut response);
    }
    response
}

fn uses_dpop(headers: &HeaderMap) -> bool {
    headers.contains_key(dpop::PROOF)
        || headers
            .get(AUTHORIZATION)
            .is_some_and(|line| line.as_bytes().get(..5).is_some_and(is_dpop))
}

fn is_dpop(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"dpop ")
}

async fn read(
    plane: &ControlPlane,
    method: &str,
    headers: &HeaderMap,
    audit: &mut Audit,
) -> Result<Response, OAuthError> {
    let claims = verified(plane, method, headers, audit)?;
    audit.actor = AuditActor::Client(claims.client_id.clone());
    audit.client = Some(claims.client_id.clone());
    audit.session = claims.of_user.as_ref().map(|of_user| of_user.sid);
    let (_, holder) = access_token::alive(plane, &claims, audit.at).await?;
    let scopes: Vec<String> = claims.scope.split(' ').map(str::to_owned).collect();
    let Holder::User(who) = holder else {
        return Err(OAuthError::ScopeInsufficient);
    };
    let (session, user) = *who;
    audit.user = Some(user.id);
    if !scopes.iter().any(|scope| scope == "openid") {
        return Err(OAuthError::ScopeInsufficient);
    }
    let requested = tokens::requested(&session.details)?;
    Ok(answer::json(
        StatusCode::OK,
        &UserInfo {
            sub: user.id,
            claims: UserClaims::of(&user, &session.details, &scopes, &requested.userinfo),
        },
    ))
}

/// The claims of the token, if it is one of ours for ourselves, current, and presented as it has to be.
fn verified(
    plane: &ControlPlane,
    method: &str,
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
    let token = token.trim();
    let bound = if scheme.eq_ignore_ascii_case("dpop") {
        true
    } else if scheme.eq_ignore_ascii_case("bearer") {
        false
    } else {
        return Err(OAuthError::TokenInvalid);
    };
    let claims = access_token::read(plane, token, audit.at)?;
    if !claims.aud.contains(plane.issuer.as_str()) {
        return Err(OAuthError::TokenInvalid);
    }
    match (&claims.cnf, bound) {
        (None, false) => {}
        // As a bearer token it would be good without its key (RFC 9449, 7.2).
        (Some(_), false) => return Err(OAuthError::TokenBound),
        (None, true) => return Err(OAuthError::TokenInvalid),
        (Some(cnf), true) => {
            let proof = dpop::read(plane, headers, method, PATH, Some(token))?
                .ok_or(OAuthError::DpopProofMissing)?;
            if *proof.key() != cnf.jkt {
                return Err(OAuthError::TokenInvalid);
            }
            proof.spend(plane)?;
        }
    }
    Ok(claims)
}

fn challenge() -> Response {
    use axum::response::IntoResponse as _;
    let problem = Problem::new(
        StatusCode::UNAUTHORIZED,
        "credential_missing",
        "an access token is needed here",
    );
    let mut response = problem.into_response();
    let headers = response.headers_mut();
    headers.insert(
        WWW_AUTHENTICATE,
        HeaderValue::from_static(r#"Bearer realm="sealgate""#),
    );
    headers.append(WWW_AUTHENTICATE, answer::dpop_challenge(None));
    response
}
