//! Client authentication (OAuth 2.1, 2.4): believing, or not, what a client says of itself.

use axum::response::Response;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sealgate_host::sha256;
use sealgate_model::SecretHash;
use sealgate_oauth::{ClientCredentials, OAuthError, Params};
use sealgate_store::{Audit, AuditActor, Client, ClientKind};

use super::answer;
use super::refusal::{refused, unanswered};
use crate::ControlPlane;
use crate::caller::Caller;

/// The methods that are offered, as metadata lists them.
pub(super) const METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

/// The client that sent `params` under `headers`, if it is who it says. `audit` learns of it.
pub(super) async fn authenticate(
    plane: &ControlPlane,
    headers: &HeaderMap,
    params: &Params,
    audit: &mut Audit,
) -> Result<Client, OAuthError> {
    let lines = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(http::HeaderValue::as_bytes);
    let credentials = ClientCredentials::from_request(lines, params)?;
    believe(plane, &credentials, audit).await
}

/// The confidential client that authenticates by HTTP Basic, for endpoints without a form. A refusal
/// is put on record as one of `action`, and comes back ready to be sent.
pub(crate) async fn authenticate_basic(
    plane: &ControlPlane,
    caller: &Caller,
    headers: &HeaderMap,
    action: &'static str,
) -> Result<Client, Response> {
    let mut audit = caller.act(plane.clock.now(), action);
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let client = match (lines.next(), lines.next()) {
        (Some(line), None) => match ClientCredentials::from_basic(line.as_bytes()) {
            Ok(credentials) => believe(plane, &credentials, &mut audit).await,
            Err(error) => Err(error),
        },
        (Some(_), Some(_)) => Err(OAuthError::ClientAuthenticationRepeated),
        (None, _) => Err(OAuthError::ClientUnauthenticated),
    };
    match client {
        Ok(client) => Ok(client),
        Err(error) => {
            refused(plane, audit, error).await;
            Err(answer::problem(error))
        }
    }
}

/// Compares what was presented with what is registered. An unknown client costs the same comparison
/// and gets the same answer as a wrong secret.
async fn believe(
    plane: &ControlPlane,
    credentials: &ClientCredentials,
    audit: &mut Audit,
) -> Result<Client, OAuthError> {
    let client = match credentials.known_client_id() {
        Some(id) => plane.store.client(&id).await.map_err(unanswered)?,
        None => None,
    };
    audit.client = client.as_ref().map(|client| client.id.clone());
    let presented = sha256(
        credentials
            .secret()
            .map_or("", |secret| secret.expose())
            .as_bytes(),
    );
    // No secret has this hash.
    let kept = client
        .as_ref()
        .and_then(|client| client.secret_hash)
        .unwrap_or(SecretHash::from_bytes([0; 32]));
    let secret_right = presented == kept;
    let believed = client.filter(|client| match (client.kind, credentials) {
        (ClientKind::Confidential, ClientCredentials::Basic(..) | ClientCredentials::Post(..)) => {
            secret_right
        }
        (ClientKind::Public, ClientCredentials::None(_)) => true,
        _ => false,
    });
    let client = believed.ok_or(OAuthError::ClientUnauthenticated)?;
    audit.actor = AuditActor::Client(client.id.clone());
    Ok(client)
}
