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
    if !is_form(request.headers()) {
        return Err(OAuthError::ContentType);
    }
    let bytes = to_bytes(request.into_body(), limits.bytes).await;
    bytes
        .map(|bytes| Zeroizing::new(bytes.to_vec()))
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
