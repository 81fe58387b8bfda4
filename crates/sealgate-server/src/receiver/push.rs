//! `POST /signals/transmitters/{id}/events`: a transmitter pushes one event (RFC 8935).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use sealgate_host::sha256;
use sealgate_store::{Audit, AuditActor, Transmitter};
use serde::Serialize;

use super::credential::bearer;
use super::take::{Refused, take};
use crate::ControlPlane;
use crate::caller::Caller;
use crate::problem::Problem;

/// The error of RFC 8935 (2.4), with the stable reason code as its description.
#[derive(Serialize)]
struct PushError {
    err: &'static str,
    description: &'static str,
}

/// 202 if the event is taken, was taken before, or asks for nothing that is done here; 400 with the error if it
/// is none; 503 if it should be sent again.
pub(super) async fn push(
    State(plane): State<Arc<ControlPlane>>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = answer(&plane, &id, &headers, body).await;
    let mut response = match answer {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(refusal) => {
            if let Some(reason) = refusal.reason() {
                let now = plane.clock.now();
                let audit = Audit::denied(now, AuditActor::Anonymous, "signal.receive", reason);
                plane.refusals.record(&plane, caller.record(audit)).await;
            }
            refusal.into_response()
        }
    };
    let no_store = http::HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

enum Refusal {
    Error(StatusCode, PushError),
    Problem(Problem),
}

impl Refusal {
    /// What is put on record; what may pass is not.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Error(_, error) => Some(error.description),
            Self::Problem(_) => None,
        }
    }

    fn bad(err: &'static str, description: &'static str) -> Self {
        Self::Error(StatusCode::BAD_REQUEST, PushError { err, description })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Error(StatusCode::UNAUTHORIZED, error) => (
                StatusCode::UNAUTHORIZED,
                [(WWW_AUTHENTICATE, "Bearer")],
                Json(error),
            )
                .into_response(),
            Self::Error(status, error) => (status, Json(error)).into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

async fn answer(
    plane: &ControlPlane,
    id: &str,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(), Refusal> {
    // An id that there is not is answered like a secret that is wrong: neither is told from the other.
    let wrong = || {
        Refusal::Error(
            StatusCode::UNAUTHORIZED,
            PushError {
                err: "authentication_failed",
                description: "transmitter_unauthenticated",
            },
        )
    };
    let id = id.parse().map_err(|_| wrong())?;
    let transmitter = plane.store.transmitter(id).await;
    let transmitter = transmitter
        .map_err(|error| Refusal::Problem(error.into()))?
        .filter(|transmitter| is_let_in(transmitter, headers))
        .ok_or_else(wrong)?;
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/secevent+jwt")) {
        return Err(Refusal::bad("invalid_request", "set_type_wrong"));
    }
    let body = body.map_err(|_| Refusal::bad("invalid_request", "set_too_large"))?;
    let token =
        std::str::from_utf8(&body).map_err(|_| Refusal::bad("invalid_request", "set_malformed"))?;
    match take(plane, &transmitter, token.trim()).await {
        Ok(_) => Ok(()),
        Err(Refused::Never { err, reason }) => Err(Refusal::bad(err, reason)),
        Err(Refused::Later(reason)) => Err(Refusal::Problem(Problem::unavailable(
            reason,
            "the event cannot be taken now; send it again",
            5,
        ))),
    }
}

/// Whether the transmitter presents its secret, if it was given one. Its signature is asked for in any case.
fn is_let_in(transmitter: &Transmitter, headers: &HeaderMap) -> bool {
    let Some(expected) = &transmitter.push_secret else {
        return true;
    };
    bearer(headers).is_some_and(|secret| sha256(secret.trim().as_bytes()) == *expected)
}
