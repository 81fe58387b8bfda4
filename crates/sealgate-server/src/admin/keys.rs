//! `/api/v1/keys`: listing and rotating signing keys.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use sealgate_model::Timestamp;
use sealgate_store::{KeyRow, KeyState};
use serde::{Deserialize, Serialize};

use super::act;
use super::extract::Body;
use crate::ControlPlane;
use crate::KeyError;
use crate::problem::{Problem, TraceId};

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/keys", get(list))
        .route("/keys/rotate", post(rotate))
}

/// A signing key, without its private part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// The key's id in headers and in the JWKS.
    pub kid: String,
    /// The JWA algorithm name.
    pub algorithm: String,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made, in milliseconds since 1970.
    pub created_at: Timestamp,
    /// When it came into its present state.
    pub changed_at: Timestamp,
}

impl From<KeyRow> for KeyView {
    fn from(row: KeyRow) -> Self {
        Self {
            kid: row.kid,
            algorithm: row.algorithm,
            state: row.state,
            created_at: row.created_at,
            changed_at: row.changed_at,
        }
    }
}

/// Signing keys that are not gone, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The keys.
    pub keys: Vec<KeyView>,
}

async fn list(State(plane): State<Arc<ControlPlane>>) -> Result<Json<Keys>, Problem> {
    let keys = plane
        .store
        .keys()
        .await?
        .into_iter()
        .map(KeyView::from)
        .collect();
    Ok(Json(Keys { keys }))
}

/// How to rotate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Even if clients that have cached the key set do not know the next key yet.
    #[serde(default)]
    pub now: bool,
}

/// Lets the next key sign, and publishes one to follow it.
async fn rotate(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
    Body(rotation): Body<Option<Rotation>>,
) -> Result<Json<Keys>, Problem> {
    plane
        .keys
        .rotate(
            &plane,
            rotation.unwrap_or_default().now,
            act(&plane, "key.rotate", trace),
        )
        .await
        .map_err(|error| {
            if let KeyError::TooSoon(_) = error {
                return Problem::new(StatusCode::CONFLICT, error.code(), error.to_string());
            }
            tracing::error!(%error, "the signing keys were not rotated");
            Problem::unavailable(
                error.code(),
                "the signing keys could not be rotated now; try again",
                1,
            )
        })?;
    list(State(plane)).await
}
