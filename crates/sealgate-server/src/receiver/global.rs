//! `POST /oauth/global-token-revocation`: an identity system signs one of its users out here, with what it
//! signs itself as credential (draft-parecki-oauth-global-token-revocation).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse as _, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};
use sealgate_host::sha256;
use sealgate_jose::{TOKEN_LIMIT, claimed_issuer};
use sealgate_oauth::Audience;
use sealgate_oauth::signals::Subject;
use sealgate_store::{Audit, AuditActor, RevokeReason, Transmitter};
use serde::Deserialize;

use super::credential::{bearer, verify};
use super::whom::{self, Nobody};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::{ControlPlane, metrics};

/// Where it is, below the issuer.
pub(crate) const PATH: &str = "/oauth/global-token-revocation";

/// The type of the credential.
const TYPE: &str = "global-token-revocation+jwt";

/// How far the end of a credential may be off, in seconds, and how far clocks may differ.
const LONGEST: i64 = 600;
const LEEWAY: i64 = 60;

#[derive(Deserialize)]
struct Asked {
    sub_id: Subject,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    iat: i64,
    exp: i64,
    jti: String,
}

/// 204 once every session of the user is revoked and every sign-in ended, here and at every gate within the
/// staleness bound.
pub(super) async fn revoke(
    State(plane): State<Arc<ControlPlane>>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match answer(&plane, &caller, &headers, body).await {
        Ok(()) => {
            metrics::signal_received("revoked");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(Refusal { problem, reason }) => {
            metrics::signal_received("refused");
            if problem.status() != StatusCode::SERVICE_UNAVAILABLE {
                let now = plane.clock.now();
                let audit = Audit::denied(now, AuditActor::Anonymous, ACTION, reason);
                plane.refusals.record(&plane, caller.record(audit)).await;
            }
            let unauthenticated = problem.status() == StatusCode::UNAUTHORIZED;
            let mut response = problem.into_response();
            if unauthenticated {
                let challenge = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            response
        }
    }
}

/// What is answered, and the reason that is put on record.
struct Refusal {
    problem: Problem,
    reason: &'static str,
}

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let problem = error.into();
        let reason = problem.reason();
        Self { problem, reason }
    }
}

/// What the record calls it.
const ACTION: &str = "user.sign_out";

async fn answer(
    plane: &ControlPlane,
    caller: &Caller,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(), Refusal> {
    let (transmitter, jti_hash) = authenticate(plane, headers).await?;
    let malformed = || Problem::bad_request("subject_malformed", "sub_id names no subject");
    let body = body.map_err(|_| malformed())?;
    let asked: Asked = serde_json::from_slice(&body).map_err(|_| malformed())?;
    let whom = match whom::find(plane, &transmitter, &asked.sub_id).await? {
        Ok(whom) => whom,
        // Whoever may not speak of an account is not told either that there is one.
        Err(nobody) => {
            let said = "there is no such user in your domains";
            let code = Nobody::Unknown.code();
            return Err(Refusal {
                problem: Problem::new(StatusCode::NOT_FOUND, code, said),
                reason: nobody.code(),
            });
        }
    };
    let now = plane.clock.now();
    let object = Some(transmitter.id.to_string());
    let used = Audit {
        object: object.clone(),
        ..caller.record(Audit::allowed(now, AuditActor::System, "signal.receive"))
    };
    let first = plane
        .store
        .event_take(transmitter.id, jti_hash, used)
        .await?;
    if !first {
        return Err(unauthenticated("assertion_reused").into());
    }
    let act = Audit {
        user: Some(whom.user.id),
        object,
        ..caller.record(Audit::allowed(now, AuditActor::System, ACTION))
    };
    let reason = RevokeReason::Signal;
    plane.store.user_sign_out(whom.user.id, reason, act).await?;
    Ok(())
}

fn unauthenticated(reason: &'static str) -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        reason,
        "this takes a fresh credential, signed by an identity system that is listened to",
    )
}

/// Who asks, with the hash of the credential's id.
async fn authenticate(
    plane: &ControlPlane,
    headers: &HeaderMap,
) -> Result<(Transmitter, [u8; 32]), Problem> {
    const WRONG: &str = "transmitter_unauthenticated";
    let wrong = || unauthenticated(WRONG);
    let token = bearer(headers)
        .filter(|token| token.len() <= TOKEN_LIMIT)
        .ok_or_else(wrong)?;
    let issuer = claimed_issuer(token).ok().flatten().ok_or_else(wrong)?;
    let known = plane.store.transmitters().await?;
    let transmitter = known
        .into_iter()
        .find(|transmitter| transmitter.issuer == issuer)
        .ok_or_else(wrong)?;
    let verified = verify(plane, &transmitter, TYPE, token).await;
    let verified = verified.ok_or_else(|| {
        Problem::unavailable(
            "transmitter_keys_unavailable",
            "the keys of the identity system cannot be had now",
            5,
        )
    })?;
    let claims: Claims = verified
        .and_then(|verified| verified.claims())
        .map_err(|_| wrong())?;
    let now = plane.clock.now().as_seconds();
    let is_sound = claims.iss == transmitter.issuer
        && claims.aud.contains(&plane.issuer.url(PATH))
        && claims.iat <= now.saturating_add(LEEWAY)
        && claims.exp > now.saturating_sub(LEEWAY)
        && claims.exp <= now.saturating_add(LONGEST + LEEWAY)
        && (1..=255).contains(&claims.jti.len());
    if !is_sound {
        return Err(wrong());
    }
    // Apart from the ids of events: the two are different things.
    let id = format!("{TYPE} {}", claims.jti);
    Ok((transmitter, *sha256(id.as_bytes()).as_bytes()))
}
