//! `POST /oauth/par` (RFC 9126): an authorization request handed in by its client, ahead of the user.
//!
//! Everything about it is checked here, where the client that made a mistake learns of it; the browser
//! then carries only a reference, good for a minute and for one use by the same client.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use sealgate_model::PushedId;
use sealgate_oauth::{Limits, OAuthError, Params, PushedHandle, RequestUri};
use sealgate_store::{Audit, GrantDetails, PushedRequest};
use serde::Serialize;

use super::client_auth::{self, authenticate};
use super::refusal::unanswered;
use super::{answer, dpop, form, public_throttle, requested};
use crate::caller::Caller;
use crate::{ControlPlane, own_clients};

/// Where this endpoint is.
pub(super) const PATH: &str = "/oauth/par";

/// Parameters that authenticate the client. They are not kept.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// RFC 9126, 2.2. It holds a secret: not `Debug`.
#[derive(Serialize)]
struct Answer {
    request_uri: String,
    expires_in: u64,
}

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "request.push");
    let uses_dpop = request.headers().contains_key(dpop::PROOF);
    let mut response = match push(&plane, &caller, request, &mut audit).await {
        Ok(pushed) => answer::json(StatusCode::CREATED, &pushed),
        Err(error) => answer::refuse(&plane, &caller, audit, error).await,
    };
    if uses_dpop {
        dpop::offer_nonce(&plane, &mut response);
    }
    response
}

async fn push(
    plane: &ControlPlane,
    caller: &Caller,
    request: Request,
    audit: &mut Audit,
) -> Result<Answer, OAuthError> {
    let (headers, body) = form::parts(request, Limits::WITH_TOKEN).await?;
    let params = Params::parse(&body, Limits::WITH_TOKEN)?;
    if let Some(id) = client_auth::named(&headers, &params) {
        let ensured = own_clients::ensure(plane, caller, &id, &params).await;
        // Whoever is not known here is told so as at every endpoint where clients authenticate.
        ensured.map_err(|error| match error {
            OAuthError::ClientUnknown => OAuthError::ClientUnauthenticated,
            error => error,
        })?;
    }
    let client = authenticate(plane, caller, &headers, &params, audit).await?;
    let kept: Vec<(String, String)> = params
        .pairs()
        .filter(|(name, _)| !CREDENTIALS.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let proof = dpop::read(plane, &headers, "POST", PATH, None)?;
    let key = proof.as_ref().map(|proof| proof.key().clone());
    requested::pushed(plane, &client, Params::kept(kept.clone()), key.clone()).await?;
    public_throttle::admit(plane, caller, &client)?;
    if let Some(proof) = proof {
        proof.spend(plane)?;
    }

    let random = plane.random.as_ref();
    let handle = PushedHandle::generate(PushedId::generate(audit.at, random), random);
    let lifetime = plane.lifetimes.request_uri;
    let pushed = PushedRequest {
        id: handle.id,
        secret_hash: handle.secret_hash(),
        client: client.id,
        parameters: kept,
        details: GrantDetails {
            dpop_jkt: key.map(|key| key.as_str().to_owned()),
            ..GrantDetails::default()
        },
        created_at: audit.at,
        expires_at: audit.at + lifetime,
    };
    let stored = plane.store.pushed_create(pushed, audit.clone()).await;
    stored.map_err(unanswered)?;
    Ok(Answer {
        request_uri: RequestUri(handle).to_secret().expose().to_owned(),
        expires_in: lifetime.as_secs(),
    })
}
