//! `POST /oauth/device_authorization` (RFC 8628, 3.1): a device without a browser asks for a code that
//! its user types elsewhere.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use sealgate_model::DeviceId;
use sealgate_oauth::{
    DeviceHandle, DeviceRequest, Limits, OAuthError, Params, UserCode, with_parameters,
};
use sealgate_store::{Audit, Client, DeviceCode, DeviceState, GrantDetails, StoreError};
use serde::Serialize;

use super::client_auth::authenticate;
use super::refusal::unanswered;
use super::requested::{registration, supply_scope};
use super::{answer, form, public_throttle};
use crate::caller::Caller;
use crate::{ControlPlane, admin_scopes};

/// Where this endpoint is.
pub(super) const PATH: &str = "/oauth/device_authorization";

/// How many user codes are drawn before giving up. One of 20^8 is hardly ever in use.
const DRAWS: usize = 4;

/// RFC 8628, 3.2. It holds secrets: not `Debug`.
#[derive(Serialize)]
struct Answer {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u32,
}

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "device.ask");
    match ask(&plane, &caller, request, &mut audit).await {
        Ok(codes) => answer::json(StatusCode::OK, &codes),
        Err(error) => answer::refuse(&plane, &caller, audit, error).await,
    }
}

async fn ask(
    plane: &ControlPlane,
    caller: &Caller,
    request: Request,
    audit: &mut Audit,
) -> Result<Answer, OAuthError> {
    let (headers, body) = form::parts(request, Limits::WITH_TOKEN).await?;
    let mut params = Params::parse(&body, Limits::WITH_TOKEN)?;
    let client = authenticate(plane, caller, &headers, &params, audit).await?;
    supply_scope(plane, &client, &mut params).await?;
    let asked = DeviceRequest::parse(&params, &registration(&client))?;
    // Whoever talks an administrator into typing a code must not become one.
    let scopes = asked.scopes.as_slice();
    if scopes.iter().any(|scope| admin_scopes::is_one(scope)) {
        return Err(OAuthError::DeviceScopeRefused);
    }
    public_throttle::admit(plane, caller, &client)?;
    let (handle, code) = store(plane, caller, &client, &asked, audit).await?;
    let page = plane.issuer.url("/device");
    let user_code = code.to_string();
    Ok(Answer {
        device_code: handle.to_secret().expose().to_owned(),
        verification_uri_complete: with_parameters(&page, &[("user_code", &user_code)]),
        verification_uri: page,
        user_code,
        expires_in: plane.lifetimes.device.as_secs(),
        interval: DeviceRequest::INTERVAL,
    })
}

async fn store(
    plane: &ControlPlane,
    caller: &Caller,
    client: &Client,
    asked: &DeviceRequest,
    audit: &Audit,
) -> Result<(DeviceHandle, UserCode), OAuthError> {
    let (random, now) = (plane.random.as_ref(), audit.at);
    for _ in 0..DRAWS {
        let handle = DeviceHandle::generate(DeviceId::generate(now, random), random);
        let code = UserCode::generate(random);
        let device = DeviceCode {
            id: handle.id,
            secret_hash: handle.secret_hash(),
            user_code: code.letters().to_owned(),
            client: client.id.clone(),
            scopes: asked.scopes.as_slice().to_vec(),
            details: GrantDetails {
                resources: asked.resources.as_slice().to_vec(),
                ..GrantDetails::default()
            },
            // Behind a proxy every device would seem to stand where the proxy does.
            network: caller
                .address()
                .filter(|_| plane.throttle.tells_networks_apart())
                .map(str::to_owned),
            created_at: now,
            expires_at: now + plane.lifetimes.device,
            interval: DeviceRequest::INTERVAL,
            polled_at: None,
            state: DeviceState::Pending,
        };
        let asked = Audit {
            object: Some(device.id.to_string()),
            ..audit.clone()
        };
        match plane.store.device_create(device, asked).await {
            Ok(()) => return Ok((handle, code)),
            Err(StoreError::Conflict(_)) => {}
            Err(failure) => return Err(unanswered(failure)),
        }
    }
    Err(OAuthError::StoreUnavailable)
}
