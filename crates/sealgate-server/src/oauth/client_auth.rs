//! Client authentication (OAuth 2.1, 2.4): believing, or not, what a client says of itself.

use std::sync::Arc;

use axum::response::Response;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sealgate_host::sha256;
use sealgate_jose::VerifyingKeys;
use sealgate_model::{ClientId, SecretHash, Timestamp};
use sealgate_oauth::{ClientCredentials, OAuthError, Params};
use sealgate_store::{Audit, AuditActor, Client, ClientAuthentication, ClientKind, CredentialType};

use super::assertion::Signed;
use super::refusal::{refused, unanswered};
use super::{answer, assertion};
use crate::caller::{Caller, kind_of};
use crate::machines::uses;
use crate::{ControlPlane, own_clients};

/// The methods that are offered, as metadata lists them.
pub(super) const METHODS: [&str; 4] = [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "none",
];

/// Those of them by which a client proves that it is itself.
pub(super) const PROVING: [&str; 3] = [METHODS[0], METHODS[1], METHODS[2]];

/// The client that sent `params` under `headers`, if it is who it says. `audit` learns of it.
pub(super) async fn authenticate(
    plane: &ControlPlane,
    caller: &Caller,
    headers: &HeaderMap,
    params: &Params,
    audit: &mut Audit,
) -> Result<Client, OAuthError> {
    let lines = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(http::HeaderValue::as_bytes);
    let credentials = ClientCredentials::from_request(lines, params)?;
    believe(plane, caller, &credentials, audit).await
}

/// The client that `params` under `headers` claim to come from, believed or not, if that can be told.
pub(super) fn named(headers: &HeaderMap, params: &Params) -> Option<ClientId> {
    let lines = headers.get_all(AUTHORIZATION).iter();
    let lines = lines.map(http::HeaderValue::as_bytes);
    ClientCredentials::from_request(lines, params)
        .ok()?
        .known_client_id()
}

/// As [`authenticate`], for endpoints where a client that only names itself is nobody.
pub(super) async fn authenticate_confidential(
    plane: &ControlPlane,
    caller: &Caller,
    headers: &HeaderMap,
    params: &Params,
    audit: &mut Audit,
) -> Result<Client, OAuthError> {
    let client = authenticate(plane, caller, headers, params, audit).await?;
    // Who vouches for itself proves that it is itself, and so that it is somebody whom nobody knows.
    if client.kind == ClientKind::Confidential && !client.details.origin.is_its_own() {
        Ok(client)
    } else {
        audit.actor = AuditActor::Anonymous;
        Err(OAuthError::ClientUnauthenticated)
    }
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
            Ok(credentials) => believe(plane, caller, &credentials, &mut audit).await,
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

/// Holds what was presented against what is registered. Failures are counted, and past the limit told to
/// wait; who is who they say is never held up by them.
async fn believe(
    plane: &ControlPlane,
    caller: &Caller,
    credentials: &ClientCredentials,
    audit: &mut Audit,
) -> Result<Client, OAuthError> {
    audit.credential = Some(match credentials {
        ClientCredentials::Basic(..) | ClientCredentials::Post(..) => CredentialType::ClientSecret,
        ClientCredentials::Assertion(..) => CredentialType::PrivateKeyJwt,
        _ => CredentialType::None,
    });
    let believed = look(plane, credentials, audit).await;
    if matches!(&believed, Err(error) if is_failure(*error)) {
        let network = caller
            .network()
            .filter(|_| plane.throttle.tells_networks_apart());
        let (name, now) = (credentials.client_id(), plane.clock.uptime());
        if plane.client_throttle.fail(name, network, now).is_err() {
            return Err(OAuthError::ClientThrottled);
        }
    }
    let client = believed?;
    audit.actor = AuditActor::Client(client.id.clone());
    audit.actor_type = Some(kind_of(&client));
    Ok(client)
}

async fn look(
    plane: &ControlPlane,
    credentials: &ClientCredentials,
    audit: &mut Audit,
) -> Result<Client, OAuthError> {
    let registered = Registered::look_up(plane, credentials).await?;
    audit.client = registered.client.as_ref().map(|client| client.id.clone());
    let (client, signed) = registered.compare(plane, credentials, audit.at).await?;
    if let Some(signed) = signed {
        signed.spend(plane, &client, audit.at).await?;
        uses::note_seen(plane, &client, audit.at).await;
    }
    Ok(client)
}

/// Whether an error says that the client is not who it says, rather than that nobody could tell.
fn is_failure(error: OAuthError) -> bool {
    error.error() == sealgate_oauth::ErrorCode::InvalidClient
}

/// What is known of the client that somebody says to be.
struct Registered {
    client: Option<Client>,
    /// What its assertion is to be verified with, if it sent one and may.
    keys: Option<Arc<VerifyingKeys>>,
}

impl Registered {
    async fn look_up(
        plane: &ControlPlane,
        credentials: &ClientCredentials,
    ) -> Result<Self, OAuthError> {
        let client = match credentials.known_client_id() {
            Some(id) => own_clients::client(plane, &id).await.map_err(unanswered)?,
            None => None,
        };
        let keys = match (&client, credentials) {
            (Some(client), ClientCredentials::Assertion(..))
                if client.is_usable(plane.clock.now())
                    && client.details.authentication == ClientAuthentication::PrivateKeyJwt =>
            {
                Some(assertion::keys(plane, client).await?)
            }
            _ => None,
        };
        Ok(Self { client, keys })
    }

    /// Compares what was presented with what is registered. An unknown client costs the same comparison
    /// and gets the same answer as a wrong secret.
    async fn compare(
        self,
        plane: &ControlPlane,
        credentials: &ClientCredentials,
        at: Timestamp,
    ) -> Result<(Client, Option<Signed>), OAuthError> {
        let Self { client, keys } = self;
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
        let client = client
            .filter(|client| client.is_usable(at))
            .ok_or(OAuthError::ClientUnauthenticated)?;
        let believed = match (client.details.authentication, credentials, keys) {
            (
                ClientAuthentication::Secret,
                ClientCredentials::Basic(..) | ClientCredentials::Post(..),
                _,
            ) => secret_right && client.details.machine.is_none(),
            (ClientAuthentication::None, ClientCredentials::None(_), _) => true,
            (
                ClientAuthentication::PrivateKeyJwt,
                ClientCredentials::Assertion(_, assertion),
                Some(keys),
            ) => {
                let signed = assertion::verify(plane, &client, &keys, assertion, at).await?;
                return Ok((client, Some(signed)));
            }
            _ => false,
        };
        if believed {
            Ok((client, None))
        } else {
            Err(OAuthError::ClientUnauthenticated)
        }
    }
}
