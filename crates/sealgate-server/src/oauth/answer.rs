//! Answers of the JSON endpoints and of the authorization endpoint.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA, REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderValue, StatusCode};
use sealgate_model::Secret;
use sealgate_oauth::{ErrorCode, OAuthError};
use sealgate_store::Audit;
use serde::Serialize;

use super::refusal::refused;
use crate::ControlPlane;
use crate::caller::Caller;
use crate::problem::Problem;

/// The challenge to a client (RFC 7617, 2).
const BASIC: &str = r#"Basic realm="sealgate", charset="UTF-8""#;

/// The body of a refusal (RFC 6749, 5.2), with what helps a person find it again.
#[derive(Serialize)]
struct Refusal<'a> {
    error: &'a str,
    error_description: &'a str,
    reason: &'a str,
    trace_id: &'a str,
}

/// The HTTP status of a refusal by a JSON endpoint.
fn status(error: OAuthError) -> StatusCode {
    match (error, error.error()) {
        (OAuthError::ParametersTooLong, _) => StatusCode::PAYLOAD_TOO_LARGE,
        (
            OAuthError::ClientThrottled
            | OAuthError::RequestsThrottled
            | OAuthError::RegistrationThrottled
            | OAuthError::ClientDocumentThrottled,
            _,
        ) => StatusCode::TOO_MANY_REQUESTS,
        (OAuthError::RegistrationClosed | OAuthError::RegistrationBarred, _) => {
            StatusCode::FORBIDDEN
        }
        (_, ErrorCode::InvalidClient | ErrorCode::InvalidToken) => StatusCode::UNAUTHORIZED,
        (_, ErrorCode::InsufficientScope) => StatusCode::FORBIDDEN,
        (_, ErrorCode::TemporarilyUnavailable) => StatusCode::SERVICE_UNAVAILABLE,
        (_, ErrorCode::ServerError) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// A JSON answer that nobody may keep.
pub(super) fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    // The bodies are flat structs of strings, numbers and lists of strings: they always serialise.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // With the ones that follow on the way out: growing costs more than making room at once.
    headers.reserve(8);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    no_store(&mut response);
    response
}

/// A refusal by a JSON endpoint, put on record.
pub(super) async fn refuse(
    plane: &ControlPlane,
    caller: &Caller,
    audit: Audit,
    error: OAuthError,
) -> Response {
    refused(plane, audit, error).await;
    refusal(error, &caller.trace)
}

fn refusal(error: OAuthError, trace: &str) -> Response {
    let description = error.to_string();
    let body = Refusal {
        error: error.error().as_str(),
        error_description: &description,
        reason: error.code(),
        trace_id: trace,
    };
    let mut response = json(status(error), &body);
    let headers = response.headers_mut();
    match error.error() {
        // RFC 9110, 15.5.2 wants a challenge with every 401, whatever method the client had tried.
        ErrorCode::InvalidClient => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(BASIC));
        }
        ErrorCode::InvalidToken | ErrorCode::InsufficientScope => {
            headers.insert(WWW_AUTHENTICATE, bearer_challenge(error));
        }
        ErrorCode::TemporarilyUnavailable => {
            let seconds = match error {
                // Until tokens expire, which takes minutes.
                OAuthError::RevocationsFull
                | OAuthError::RegistrationThrottled
                | OAuthError::ClientsFull => "60",
                OAuthError::ClientDocumentThrottled | OAuthError::ClientDocumentUnavailable => "10",
                _ => "1",
            };
            headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        _ => {}
    }
    response
}

/// A refusal of an access token by a resource of our own. A proof that is wrong refuses the token here
/// (RFC 9449, 7.1), not the request as at the token endpoint.
pub(super) fn token_refusal(error: OAuthError, trace: &str, uses_dpop: bool) -> Response {
    let mut response = refusal(error, trace);
    let about_proof = matches!(
        error.error(),
        ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce
    );
    if about_proof {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    if about_proof || (uses_dpop && error.error() == ErrorCode::InvalidToken) {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, dpop_challenge(Some(error)));
    }
    response
}

/// RFC 9449, 7.1: that a bound token would be taken, and by which algorithms.
pub(super) fn dpop_challenge(error: Option<OAuthError>) -> HeaderValue {
    let algorithms = super::dpop::ALGORITHMS.join(" ");
    let text = match error {
        None => format!(r#"DPoP realm="sealgate", algs="{algorithms}""#),
        Some(error) => format!(
            r#"DPoP realm="sealgate", error="{}", error_description="{error}", algs="{algorithms}""#,
            error.error()
        ),
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("DPoP"))
}

/// The refusal of a client by an endpoint that is not OAuth's own: a problem, with the challenge.
pub(super) fn problem(error: OAuthError) -> Response {
    let status = status(error);
    let problem = match status {
        StatusCode::SERVICE_UNAVAILABLE => Problem::unavailable(error.code(), error.to_string(), 1),
        StatusCode::TOO_MANY_REQUESTS => Problem::throttled(error.code(), error.to_string(), 1),
        status if status.is_server_error() => Problem::internal(),
        _ => Problem::new(StatusCode::UNAUTHORIZED, error.code(), error.to_string()),
    };
    let mut response = problem.into_response();
    if response.status() == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static(BASIC));
    }
    response
}

/// RFC 6750, 3. The texts are our own and free of quotes.
fn bearer_challenge(error: OAuthError) -> HeaderValue {
    let scope = if error == OAuthError::ScopeInsufficient {
        r#", scope="openid""#
    } else {
        ""
    };
    let text = format!(
        r#"Bearer realm="sealgate", error="{}", error_description="{error}"{scope}"#,
        error.error()
    );
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer"))
}

/// Sends the browser elsewhere with GET: 303, because 307 would post a password along (OAuth 2.1,
/// 7.5.3). The URL may carry a code, so no page it leads to is told where the browser came from.
pub(super) fn redirect(location: &Secret) -> Result<Response, OAuthError> {
    let mut location = HeaderValue::try_from(location.expose()).map_err(super::refusal::faulty)?;
    location.set_sensitive(true);
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(LOCATION, location);
    response
        .headers_mut()
        .insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    no_store(&mut response);
    Ok(response)
}

fn no_store(response: &mut Response) {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
        .headers_mut()
        .insert(PRAGMA, HeaderValue::from_static("no-cache"));
}
