//! `POST /oauth/bootstrap`: a service account registers its first key, or another one.
//!
//! Its bootstrap credential says which service account it is, and is good once. A JWT, signed by the key that it
//! brings and bound to the credential, shows that whoever asks holds that key. The credential opens nothing else,
//! and a proof that is wrong does not spend it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use sealgate_jose::{JoseError, Possession, object};
use sealgate_model::{ClientId, SecretHash};
use sealgate_oauth::{BootstrapClaims, BootstrapCredential, Limits, OAuthError, Params};
use sealgate_store::{ActorType, Audit, AuditActor, Bootstrap, Client, CredentialType, Enrolled};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::refusal::{faulty, unanswered};
use super::{answer, token};
use crate::ControlPlane;
use crate::caller::Caller;

/// Where this endpoint is.
pub(crate) const PATH: &str = "/oauth/bootstrap";

/// The name under which strangers' failures are counted. No client id has a colon.
const STRANGERS: &str = "bootstrap:";

/// What is sent as JSON. Other members are not looked at.
#[derive(Deserialize)]
struct Sent {
    proof: String,
}

/// What the service account needs to know from now on. None of it is secret.
#[derive(Serialize)]
struct Answer {
    client_id: ClientId,
    issuer: String,
    token_endpoint: String,
    /// The id under which the key is registered.
    kid: String,
    /// When the service account expires, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

pub(super) async fn post(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    request: Request,
) -> Response {
    let mut audit = caller.act(plane.clock.now(), "machine.enroll");
    match enroll(&plane, &caller, request, &mut audit).await {
        Ok(enrolled) => answer::json(StatusCode::OK, &enrolled),
        Err(error) => answer::refuse(&plane, &caller, audit, error).await,
    }
}

async fn enroll(
    plane: &ControlPlane,
    caller: &Caller,
    request: Request,
    audit: &mut Audit,
) -> Result<Answer, OAuthError> {
    let (headers, proof) = read(request).await?;
    // Who asks comes before what is asked for: a stranger has no signature looked at.
    let (credential, bootstrap) = match believe(plane, &headers).await {
        Err(OAuthError::BootstrapUnknown) => return Err(stranger(plane, caller)),
        believed => believed?,
    };
    audit.client = Some(bootstrap.client.clone());
    audit.actor = AuditActor::Client(bootstrap.client.clone());
    audit.actor_type = Some(ActorType::Machine);
    audit.credential = Some(CredentialType::Bootstrap);
    // Told apart for whoever has the credential; the store asks again as it spends it.
    if bootstrap.used_at.is_some() {
        return Err(OAuthError::BootstrapUsed);
    }
    if bootstrap.expires_at <= audit.at {
        return Err(OAuthError::BootstrapExpired);
    }
    let shown = Possession::read(&proof, BootstrapCredential::PROOF_TYPE).map_err(|e| told(&e))?;
    let claims: BootstrapClaims = shown.claims().map_err(|error| told(&error))?;
    claims.check(&plane.issuer, &credential, audit.at)?;
    let kid = shown.key.kid.clone().unwrap_or_default();
    audit.object = Some(kid.clone());
    let key = serde_json::to_value(&shown.key).map_err(faulty)?;
    let before = plane.store.client(&bootstrap.client).await;
    let replaces = !bootstrap.keeps_keys
        && before.map_err(unanswered)?.is_some_and(|client| {
            client.details.jwks.is_some() || client.details.jwks_uri.is_some()
        });
    let spent = plane
        .store
        .bootstrap_spend(bootstrap.id, key, audit.clone());
    let client = match spent.await.map_err(unanswered)? {
        Enrolled::Done(client) => client,
        Enrolled::Gone => return Err(OAuthError::BootstrapUnknown),
        Enrolled::Used => return Err(OAuthError::BootstrapUsed),
        Enrolled::Expired => return Err(OAuthError::BootstrapExpired),
        Enrolled::Ended => return Err(OAuthError::MachineEnded),
        Enrolled::Full => return Err(OAuthError::BootstrapKeyRefused),
    };
    if replaces {
        second_over(plane).await;
    }
    Ok(enrolled(plane, *client, kid))
}

/// Waits until the second is over in which what was got by earlier keys was revoked: tokens tell when they were issued in
/// whole seconds, and one of this second would count among those.
async fn second_over(plane: &ControlPlane) {
    let passed = plane.clock.now().as_millis().rem_euclid(1000);
    let left = u64::try_from(1000 - passed).unwrap_or(1000);
    tokio::time::sleep(Duration::from_millis(left)).await;
}

fn enrolled(plane: &ControlPlane, client: Client, kid: String) -> Answer {
    Answer {
        expires_at: client.ends_at().map(sealgate_model::Timestamp::as_seconds),
        client_id: client.id,
        issuer: plane.issuer.as_str().to_owned(),
        token_endpoint: plane.issuer.url(token::PATH),
        kid,
    }
}

/// The credential that was presented and its row, if it is known and its secret is right. Whether there is such a
/// selector is told by no difference: the same comparison is made.
async fn believe(
    plane: &ControlPlane,
    headers: &HeaderMap,
) -> Result<(Zeroizing<String>, Bootstrap), OAuthError> {
    const UNKNOWN: OAuthError = OAuthError::BootstrapUnknown;
    let text = Zeroizing::new(bearer(headers).ok_or(UNKNOWN)?.to_owned());
    let handle = BootstrapCredential::parse(&text).ok_or(UNKNOWN)?;
    let found = plane.store.bootstrap(handle.id).await.map_err(unanswered)?;
    // No secret has this hash.
    let nobody = SecretHash::from_bytes([0; 32]);
    let kept = found.as_ref().map_or(nobody, |row| row.secret_hash);
    let right = handle.secret_hash() == kept;
    let bootstrap = found.filter(|_| right).ok_or(UNKNOWN)?;
    Ok((text, bootstrap))
}

/// Failures are counted, and past the limit told to wait; who has a good credential is never held up by them.
fn stranger(plane: &ControlPlane, caller: &Caller) -> OAuthError {
    let network = caller
        .network()
        .filter(|_| plane.throttle.tells_networks_apart());
    let now = plane.clock.uptime();
    match plane.client_throttle.fail(STRANGERS, network, now) {
        Ok(()) => OAuthError::BootstrapUnknown,
        Err(_) => OAuthError::ClientThrottled,
    }
}

/// What stands behind `Bearer` in the one `Authorization` header that there is.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (lines.next(), lines.next()) else {
        return None;
    };
    let (scheme, shown) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(shown)
}

/// The headers, and the proof out of a form or a JSON object.
async fn read(request: Request) -> Result<(HeaderMap, String), OAuthError> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_json = kind.eq_ignore_ascii_case("application/json");
    if !is_json && !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(OAuthError::BootstrapContentType);
    }
    let body = to_bytes(body, Limits::WITH_TOKEN.bytes).await;
    let body = body.map_err(|_| OAuthError::ParametersTooLong)?;
    let proof = if is_json {
        let sent: Sent =
            object::from_slice(&body).map_err(|_| OAuthError::BootstrapProofMalformed)?;
        sent.proof
    } else {
        let params = Params::parse(&body, Limits::WITH_TOKEN)?;
        params.require("proof")?.to_owned()
    };
    Ok((parts.headers, proof))
}

fn told(error: &JoseError) -> OAuthError {
    match error {
        JoseError::BadSignature => OAuthError::BootstrapProofSignature,
        JoseError::UnusableKey(_) => OAuthError::BootstrapKeyRefused,
        _ => OAuthError::BootstrapProofMalformed,
    }
}
