//! Posted forms: their origin first, then their size, then their content.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use sealgate_oauth::{Limits, Params};

use super::origin;
use crate::ControlPlane;
use crate::pages::ErrorPage;

/// The most bytes of a form: two passwords and little else.
const LIMITS: Limits = Limits {
    bytes: 8 * 1024,
    count: 16,
    value: 2 * 1024,
};

/// The same for a form that carries a sealed authorization request along.
pub(crate) const REQUEST_LIMITS: Limits = Limits {
    bytes: 16 * 1024,
    count: 16,
    value: 12 * 1024,
};

/// A form posted from one of our own pages.
pub(crate) struct Posted(pub(crate) Params);

/// A form posted from the sign-in page.
pub(crate) struct PostedWithRequest(pub(crate) Params);

impl FromRequest<Arc<ControlPlane>> for Posted {
    type Rejection = ErrorPage;

    async fn from_request(request: Request, plane: &Arc<ControlPlane>) -> Result<Self, ErrorPage> {
        read(request, plane, LIMITS).await.map(Self)
    }
}

impl FromRequest<Arc<ControlPlane>> for PostedWithRequest {
    type Rejection = ErrorPage;

    async fn from_request(request: Request, plane: &Arc<ControlPlane>) -> Result<Self, ErrorPage> {
        read(request, plane, REQUEST_LIMITS).await.map(Self)
    }
}

async fn read(request: Request, plane: &ControlPlane, limits: Limits) -> Result<Params, ErrorPage> {
    // Before a byte of the body is read.
    if !origin::is_same(request.headers(), &plane.issuer) {
        return Err(ErrorPage::cross_origin());
    }
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(ErrorPage::malformed());
    }
    let body = Limited::new(request.into_body(), limits.bytes)
        .collect()
        .await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            ErrorPage::too_large()
        } else {
            ErrorPage::malformed()
        }
    })?;
    Params::parse(&body.to_bytes(), limits).map_err(|_| ErrorPage::malformed())
}
