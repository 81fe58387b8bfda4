//! The parameters of a posted request.

use axum::body::to_bytes;
use axum::extract::Request;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use sealgate_oauth::{Limits, OAuthError};
use zeroize::Zeroizing;

/// The body of a form, at most as long as `limits` let it be.
pub(super) async fn body(
    request: Request,
    limits: Limits,
) -> Result<Zeroizing<Vec<u8>>, OAuthError> {
    parts(request, limits).await.map(|(_, body)| body)
}

/// The headers and the body of a form, as [`body`].
pub(super) async fn parts(
    request: Request,
    limits: Limits,
) -> Result<(HeaderMap, Zeroizing<Vec<u8>>), OAuthError> {
    if !is_form(request.headers()) {
        return Err(OAuthError::ContentType);
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, limits.bytes).await;
    bytes
        .map(|bytes| (parts.headers, Zeroizing::new(bytes.to_vec())))
        .map_err(|_| OAuthError::ParametersTooLong)
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
