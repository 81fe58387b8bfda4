//! `POST /oauth/token` (OAuth 2.1, 3.2).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use sealgate_oauth::{Limits, OAuthError, Params, TokenRequest};
use sealgate_store::Audit;

use super::client_auth::authenticate;
use super::refusal::refused;
use super::tokens::TokenAnswer;
use super::{answer, code, form, refresh};
use crate::ControlPlane;
use crate::caller::Caller;

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "token.issue");
    match exchange(&plane, request, &mut audit).await {
        Ok(tokens) => answer::json(StatusCode::OK, &tokens),
        Err(error) => {
            refused(&plane, audit, error).await;
            answer::refusal(error, &caller.trace)
        }
    }
}

async fn exchange(
    plane: &ControlPlane,
    request: Request,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let headers = request.headers().clone();
    let params = Params::parse(
        &form::body(request, Limits::STANDARD).await?,
        Limits::STANDARD,
    )?;
    // Who asks comes before what is asked for: a stranger learns nothing about any grant.
    let client = authenticate(plane, &headers, &params, audit).await?;
    match TokenRequest::parse(&params)? {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            verifier,
        } => {
            let proof = code::Proof {
                handle: code,
                redirect_uri,
                verifier,
            };
            code::redeem(plane, &client, &proof, audit).await
        }
        TokenRequest::RefreshToken { token, scopes } => {
            refresh::renew(plane, &client, &token, scopes.as_ref(), audit).await
        }
    }
}
