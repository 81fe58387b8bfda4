//! `/health`: the process answers. `/ready`: it can do its work.
//!
//! Both are open to anyone, so they say nothing but booleans.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde::Serialize;

use crate::ControlPlane;

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
}

#[derive(Serialize)]
struct Health {
    ok: bool,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    store: bool,
}

async fn health() -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(Health { ok: true })).into_response()
}

/// 200 when a request could be served in full, else 503. Signing keys are loaded before the listener
/// opens, so the store is the one thing that can be missing.
async fn ready(State(plane): State<Arc<ControlPlane>>) -> Response {
    let store = plane.store.revocation_head().await.is_ok();
    let status = if store {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        [(CACHE_CONTROL, "no-store")],
        Json(Ready {
            ready: store,
            store,
        }),
    )
        .into_response()
}
