//! `POST /oauth/register` (RFC 7591): a client registers itself, where the operator lets it.
//!
//! What it gets is an id, and no secret: it stays public, or proves who it is by keys of its own. Whoever says
//! the same of itself again within an hour is told the same id, so that clients that register twice for one
//! sign-in leave one row.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use sealgate_model::{RegistrationTokenId, Timestamp};
use sealgate_oauth::{ClientMetadataError, ClientRegistration, OAuthError, RegistrationHandle};
use sealgate_store::{Audit, Client, CredentialType, OwnClientAdded, OwnClientBounds};
use serde_json::{Map, Value, json};

use super::answer;
use super::refusal::{faulty, unanswered};
use crate::agent_policy::Registration;
use crate::caller::Caller;
use crate::own_clients::{self, DynamicClient};
use crate::{ControlPlane, metrics};

/// Where this endpoint is.
pub(super) const PATH: &str = "/oauth/register";

/// For how long whoever says the same of itself is the same client.
const SAME: Duration = Duration::from_secs(3600);

/// What stands before a registration token, so that people and scanners know one when they see it.
pub(crate) const TOKEN_PREFIX: &str = "sgr_";

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "client.register");
    let done = register(&plane, &caller, request, &mut audit).await;
    metrics::client_registered(match &done {
        Ok((_, New(true))) => "registered",
        Ok((_, New(false))) => "again",
        Err(_) => "refused",
    });
    match done {
        // The body holds no secret; that nobody keeps it is what RFC 7591 (3.2.1) asks for.
        Ok((registered, _)) => answer::json(StatusCode::CREATED, &registered),
        Err(error) => answer::refuse(&plane, &caller, audit, error).await,
    }
}

/// Whether a row was made.
struct New(bool);

async fn register(
    plane: &ControlPlane,
    caller: &Caller,
    request: Request,
    audit: &mut Audit,
) -> Result<(Map<String, Value>, New), OAuthError> {
    let policy = plane.policy.agents.registration;
    if policy == Registration::Off {
        return Err(OAuthError::RegistrationClosed);
    }
    // Counted before anything is looked at, so that tokens are not guessed either.
    let from = caller
        .network()
        .filter(|_| plane.throttle.tells_networks_apart());
    let admitted = plane
        .own_clients
        .admit_registration(from, plane.clock.uptime());
    admitted.map_err(|_| OAuthError::RegistrationThrottled)?;
    let token = match policy {
        Registration::Token => Some(token(plane, request.headers(), audit.at).await?),
        Registration::Off | Registration::Open => None,
    };
    audit.object = token.map(|token| token.to_string());
    audit.credential = token.map(|_| CredentialType::RegistrationToken);
    let asked = read(request).await?;
    own_clients::check_keys(&*plane.outbound, &asked.metadata)
        .map_err(OAuthError::RegistrationMetadata)?;
    let row = DynamicClient::row(&asked, &*plane.random, audit.at);
    let row = row.ok_or_else(|| faulty("an id was made that is none"))?;
    let bounds = OwnClientBounds {
        most: own_clients::MOST,
        same_since: asked.metadata.is_public().then(|| audit.at - SAME),
    };
    audit.client = Some(row.id.clone());
    let added = plane
        .store
        .own_client_create(row.clone(), bounds, token, audit.clone());
    match added.await.map_err(unanswered)? {
        OwnClientAdded::Added => Ok((told(&asked, &row), New(true))),
        OwnClientAdded::Same(same) => {
            audit.client = Some(same.id.clone());
            if same.disabled_at.is_some() {
                return Err(OAuthError::RegistrationBarred);
            }
            Ok((told(&asked, &same), New(false)))
        }
        OwnClientAdded::TokenSpent => Err(OAuthError::RegistrationTokenInvalid),
        OwnClientAdded::Full => Err(OAuthError::ClientsFull),
        OwnClientAdded::Removed => Err(faulty("a fresh id was known")),
    }
}

/// The answer (RFC 7591, 3.2.1).
fn told(asked: &ClientRegistration, client: &Client) -> Map<String, Value> {
    let mut answer = asked.registered();
    let issued_at = client.created_at.as_millis().div_euclid(1000);
    answer.insert("client_id".to_owned(), json!(client.id));
    answer.insert("client_id_issued_at".to_owned(), json!(issued_at));
    answer.insert("client_name".to_owned(), json!(client.name));
    answer
}

/// The registration token that the request presents (RFC 7591, 3), if it may still be used. Whether one of its
/// uses is left is decided where it is spent.
async fn token(
    plane: &ControlPlane,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<RegistrationTokenId, OAuthError> {
    const INVALID: OAuthError = OAuthError::RegistrationTokenInvalid;
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(INVALID);
    };
    let line = line.to_str().map_err(|_| INVALID)?;
    let (scheme, text) = line.split_once(' ').ok_or(INVALID)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(INVALID);
    }
    let text = text.trim().strip_prefix(TOKEN_PREFIX).ok_or(INVALID)?;
    let handle = RegistrationHandle::parse(text).ok_or(INVALID)?;
    let found = plane.store.registration_token(handle.id).await;
    found
        .map_err(unanswered)?
        .filter(|found| found.secret_hash == handle.secret_hash() && found.expires_at > now)
        .map(|found| found.id)
        .ok_or(INVALID)
}

async fn read(request: Request) -> Result<ClientRegistration, OAuthError> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(OAuthError::RegistrationContentType);
    }
    let body = to_bytes(request.into_body(), ClientRegistration::LIMIT).await;
    let body = body.map_err(|_| OAuthError::ParametersTooLong)?;
    ClientRegistration::parse(&body).map_err(|error| match error {
        ClientMetadataError::Redirect(what) => OAuthError::RegistrationRedirectUri(what),
        error => OAuthError::RegistrationMetadata(error.what()),
    })
}
