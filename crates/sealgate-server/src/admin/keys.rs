//! `/api/v1/keys`: listing and rotating signing keys.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use sealgate_model::Timestamp;
use sealgate_store::{KeyRow, KeyState};
use serde::{Deserialize, Serialize};

use super::act;
use crate::ControlPlane;
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

/// Lets the next key sign, and publishes one to follow it.
async fn rotate(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
) -> Result<Json<Keys>, Problem> {
    plane
        .keys
        .rotate(&plane, act(&plane, "key.rotate", trace))
        .await
        .map_err(|error| {
            tracing::error!(%error, "the signing keys were not rotated");
            Problem::unavailable(
                error.code(),
                "the signing keys could not be rotated now; try again",
                1,
            )
        })?;
    list(State(plane)).await
}
