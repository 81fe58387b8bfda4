//! Connecting devices (RFC 8628, 3.3): the page where people type the code that a device shows, and
//! decide.

mod lookup;
mod page;
mod throttle;

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};
use sealgate_oauth::with_parameters;

pub use throttle::DeviceThrottle;

use crate::ControlPlane;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/device", get(page::page).post(page::code))
        .route("/device/answer", post(page::answer))
}

/// The way to the page, with the code filled in if it is known.
pub(crate) fn entrance(plane: &ControlPlane, code: Option<&str>) -> Redirect {
    let code = code.map(|code| ("user_code", code));
    Redirect::to(&with_parameters(
        &plane.issuer.url("/device"),
        code.as_slice(),
    ))
}
