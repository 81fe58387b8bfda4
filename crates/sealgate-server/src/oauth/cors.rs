//! Who may call from a script in a browser: anybody, without cookies (Fetch standard, 3.3).
//!
//! Nothing here is answered because of a cookie, so that a page of another origin learns no more than its
//! own server could. The authorization endpoint, where the cookie counts, is never opened
//! (OAuth 2.1, 3.1).

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
};
use http::{HeaderValue, StatusCode};

/// Lets scripts read every answer.
pub(super) async fn open(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("DPoP-Nonce, WWW-Authenticate, Retry-After"),
    );
    response
}

/// The answer to `OPTIONS`, the same for every endpoint: what a method does not answer to, it refuses itself.
/// A route of its own, because a method that no route takes never comes through the layer.
pub(super) async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST"),
    );
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        // The last is what the pages of Swagger UI send.
        HeaderValue::from_static("Authorization, Content-Type, DPoP, X-Requested-With"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}
