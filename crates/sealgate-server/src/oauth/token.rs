//! `POST /oauth/token` (OAuth 2.1, 3.2).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use sealgate_oauth::{Grant, Limits, OAuthError, Params, Thumbprint, TokenRequest};
use sealgate_store::{Audit, Client};

use super::client_auth::authenticate;
use super::tokens::TokenAnswer;
use super::{
    answer, client_credentials, code, device_code, dpop, form, jwt_bearer, refresh, token_exchange,
};
use crate::caller::Caller;
use crate::{ControlPlane, metrics};

/// Where this endpoint is.
pub(super) const PATH: &str = "/oauth/token";

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "token.issue");
    let uses_dpop = request.headers().contains_key(dpop::PROOF);
    let mut response = match exchange(&plane, &caller, request, &mut audit).await {
        Ok(tokens) => answer::json(StatusCode::OK, &tokens),
        Err(error) => answer::refuse(&plane, &caller, audit, error).await,
    };
    if uses_dpop {
        dpop::offer_nonce(&plane, &mut response);
    }
    response
}

async fn exchange(
    plane: &ControlPlane,
    caller: &Caller,
    request: Request,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let (headers, body) = form::parts(request, Limits::WITH_TOKEN).await?;
    let params = Params::parse(&body, Limits::WITH_TOKEN)?;
    if jwt_bearer::comes_alone(&headers, &params) {
        return on_word(plane, caller, &headers, &params, audit).await;
    }
    // Who asks comes before what is asked for: a stranger learns nothing about any grant.
    let client = authenticate(plane, caller, &headers, &params, audit).await?;
    let request = TokenRequest::parse(&params)?;
    let grant = request.grant();
    allowed(&client, grant)?;
    let proof = possession(plane, &client, &headers)?;
    let issuing = Issuing {
        plane,
        client: &client,
        proof: proof.as_ref(),
    };
    let answer = match request {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            verifier,
            resources,
        } => {
            let proof = code::Proof {
                handle: code,
                redirect_uri,
                verifier,
                resources,
            };
            code::redeem(&issuing, &proof, audit).await
        }
        TokenRequest::RefreshToken {
            token,
            scopes,
            resources,
        } => {
            let asked = refresh::Asked { scopes, resources };
            refresh::renew(&issuing, &token, &asked, audit).await
        }
        TokenRequest::ClientCredentials { scopes, resources } => {
            client_credentials::grant(&issuing, scopes.as_ref(), &resources, audit).await
        }
        TokenRequest::DeviceCode { code, resources } => {
            device_code::redeem(&issuing, &code, &resources, audit).await
        }
        TokenRequest::TokenExchange(asked) => {
            token_exchange::exchange(&issuing, &asked, audit).await
        }
        TokenRequest::JwtBearer(asked) => jwt_bearer::redeem(&issuing, &asked, audit).await,
    }?;
    metrics::token_issued(grant.as_str());
    Ok(answer)
}

/// A token for a machine that shows another issuer's word for who it is, and nothing else.
async fn on_word(
    plane: &ControlPlane,
    caller: &Caller,
    headers: &HeaderMap,
    params: &Params,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let TokenRequest::JwtBearer(asked) = TokenRequest::parse(params)? else {
        return Err(OAuthError::ClientUnauthenticated);
    };
    let named = params.get("client_id");
    let (client, word) = jwt_bearer::identify(plane, caller, &asked, named, audit).await?;
    allowed(&client, Grant::JwtBearer)?;
    let proof = possession(plane, &client, headers)?;
    let issuing = Issuing {
        plane,
        client: &client,
        proof: proof.as_ref(),
    };
    let answer = jwt_bearer::of_machine(&issuing, &asked, &word, audit).await?;
    metrics::token_issued(Grant::JwtBearer.as_str());
    Ok(answer)
}

/// Who asks for tokens, and which key they are to be bound to.
pub(super) struct Issuing<'a> {
    pub(super) plane: &'a ControlPlane,
    pub(super) client: &'a Client,
    proof: Option<&'a dpop::Proof>,
}

impl Issuing<'_> {
    /// The key whose possession the client proves.
    pub(super) fn key(&self) -> Option<&Thumbprint> {
        self.proof.map(dpop::Proof::key)
    }

    /// The same for the client as it is now.
    pub(super) fn with<'b>(&'b self, client: &'b Client) -> Issuing<'b> {
        Issuing {
            plane: self.plane,
            client,
            proof: self.proof,
        }
    }

    /// Spends the proof, just before what it is for is done.
    pub(super) fn spend_proof(&self) -> Result<(), OAuthError> {
        self.proof.map_or(Ok(()), |proof| proof.spend(self.plane))
    }
}

fn allowed(client: &Client, grant: Grant) -> Result<(), OAuthError> {
    if client.details.grants.contains(&grant) {
        Ok(())
    } else {
        Err(OAuthError::GrantNotAllowed)
    }
}

/// The proof that the client holds a key (RFC 9449, 5), if it sent one; it must if it is registered so.
fn possession(
    plane: &ControlPlane,
    client: &Client,
    headers: &HeaderMap,
) -> Result<Option<dpop::Proof>, OAuthError> {
    let proof = dpop::read(plane, headers, "POST", PATH, None)?;
    if proof.is_none() && client.details.require_dpop {
        return Err(OAuthError::DpopProofMissing);
    }
    Ok(proof)
}
