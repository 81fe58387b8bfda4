//! `/health`: the process answers. `/ready`: it can do its work.
//!
//! Both are open to anyone, so they say nothing but booleans.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use sealgate_model::Uptime;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::ControlPlane;

/// How long what a trial write found is told again: a question must not cost a write each time.
const TOLD_FOR: Duration = Duration::from_secs(5);

/// How long a trial may take. A disk that hangs is no better than a full one.
const TRIAL: Duration = Duration::from_secs(3);

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new().route("/health", get(health)).route(
        "/ready",
        get(ready).layer(Extension(Arc::<Trial>::default())),
    )
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

/// What the last trial found, and when.
#[derive(Default)]
struct Trial(Mutex<Option<(Uptime, bool)>>);

impl Trial {
    /// Whether the store can be read and written. A full disk is read from as ever, while every
    /// sign-in and renewal fails, so only a write tells.
    async fn passes(&self, plane: &ControlPlane) -> bool {
        let mut last = self.0.lock().await;
        let now = plane.clock.uptime();
        if let Some((at, passed)) = *last
            && now.since(at) < TOLD_FOR
        {
            return passed;
        }
        let tried = timeout(TRIAL, async {
            plane.store.revocation_head().await?;
            plane.store.try_write().await
        });
        let passed = match tried.await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(reason = error.code(), %error, "the store is not ready");
                false
            }
            Err(_) => {
                tracing::warn!("the store is not ready: it does not answer");
                false
            }
        };
        *last = Some((now, passed));
        passed
    }
}

/// 200 when a request could be served in full, else 503. Signing keys are loaded before the listener
/// opens, so the store is the one thing that can be missing.
async fn ready(
    State(plane): State<Arc<ControlPlane>>,
    Extension(trial): Extension<Arc<Trial>>,
) -> Response {
    let store = trial.passes(&plane).await;
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
