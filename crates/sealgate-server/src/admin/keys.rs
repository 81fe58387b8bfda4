//! `/api/v1/keys`: listing, rotating and revoking signing keys, and what would happen when.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use sealgate_jose::Algorithm;
use sealgate_keys::{Planned, PlannedKey, Why};
use sealgate_model::Timestamp;
use sealgate_store::{KeyRow, KeyState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, MaybeBody};
use super::schemas::{AlgorithmWord, KeyStateWord, KidText, Millis, WhyWord};
use crate::ControlPlane;
use crate::KeyError;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(plan))
        .routes(routes!(rotate))
        .routes(routes!(revoke))
}

/// A signing key, without its private part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// The key's id in headers and in the JWKS.
    #[schema(value_type = KidText)]
    pub kid: String,
    /// The JWA algorithm name.
    #[schema(value_type = AlgorithmWord)]
    pub algorithm: String,
    /// Where it stands.
    #[schema(value_type = KeyStateWord)]
    pub state: KeyState,
    /// When it was made, in milliseconds since 1970.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// When it came into its present state.
    #[schema(value_type = Millis)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Keys {
    /// The keys.
    pub keys: Vec<KeyView>,
}

/// List the signing keys that are not gone, oldest first.
#[utoipa::path(
    get, path = "/keys", tag = "keys", operation_id = "listKeys",
    responses((status = OK, description = "Keys.", body = Keys)),
    security(("oauth2" = ["sealgate:keys:read"])),
)]
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

/// What to rotate, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Only the keys of this JWA algorithm; otherwise those of every one in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<AlgorithmWord>)]
    pub algorithm: Option<String>,
    /// Even if clients that have cached the key set do not know the next key yet.
    #[serde(default)]
    pub now: bool,
}

/// Let the next key sign, and publish one to follow it.
#[utoipa::path(
    post, path = "/keys/rotate", tag = "keys", operation_id = "rotateKeys",
    request_body(content = Option<Rotation>, example = json!({ "algorithm": "EdDSA" })),
    responses(
        (status = OK, description = "The keys as they are now.", body = Keys),
        (status = CONFLICT, description = "It is too soon, there is no such key, or the algorithm is switched off."),
    ),
    security(("oauth2" = ["sealgate:keys:write"])),
)]
async fn rotate(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    MaybeBody(rotation): MaybeBody<Rotation>,
) -> Result<Json<Keys>, Problem> {
    let algorithm = rotation.algorithm.as_deref().map(named).transpose()?;
    plane
        .keys
        .rotate(algorithm, rotation.now, admin.act(&plane, "key.rotate"))
        .await
        .map_err(refuse)?;
    list(State(plane)).await
}

/// The algorithm of this name.
pub(super) fn named(name: &str) -> Result<Algorithm, Problem> {
    Algorithm::parse(name).ok_or_else(|| {
        Problem::bad_request(
            "algorithm_unknown",
            "this is not the name of a signature algorithm that is offered: EdDSA, ES256, RS256, PS256, ML-DSA-65",
        )
    })
}

/// Take a key that may have leaked out of use at once and for good.
#[utoipa::path(
    post, path = "/keys/{kid}/revoke", tag = "keys", operation_id = "revokeKey",
    params(("kid" = KidText, Path)),
    responses(
        (status = OK, description = "The keys as they are now.", body = Keys),
        (status = NOT_FOUND, description = "There is no such key in the key set."),
    ),
    security(("oauth2" = ["sealgate:keys:write"])),
)]
async fn revoke(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Path(kid): Path<String>,
) -> Result<Json<Keys>, Problem> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !(1..=64).contains(&kid.len()) || !kid.bytes().all(fits) {
        let said = "a key id is 1 to 64 of A-Z a-z 0-9 - _";
        return Err(Problem::bad_request("id_malformed", said));
    }
    plane
        .keys
        .revoke(&kid, admin.act(&plane, "key.revoke"))
        .await
        .map_err(refuse)?;
    list(State(plane)).await
}

/// How far to look ahead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlanKeys {
    /// In seconds: a year if it is not given, ten years at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = u64, required = false, minimum = 0, maximum = 315_360_000)]
    pub horizon: Option<u64>,
}

const YEAR: u64 = 365 * 24 * 3600;

/// One move of one key, as it will come unless somebody intervenes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyMove {
    /// When it is due, in milliseconds since 1970; it happens within a minute of that.
    #[schema(value_type = Millis)]
    pub at: Timestamp,
    /// The key's id; none for one that is yet to be made.
    #[schema(value_type = Option<KidText>)]
    pub kid: Option<String>,
    /// The number of a key that is yet to be made, from 1.
    pub new: Option<u32>,
    /// The JWA algorithm name.
    #[schema(value_type = AlgorithmWord)]
    pub algorithm: String,
    /// The state it leaves; none when it is made.
    #[schema(value_type = Option<KeyStateWord>)]
    pub from: Option<KeyState>,
    /// The state it comes into.
    #[schema(value_type = KeyStateWord)]
    pub to: KeyState,
    /// Why.
    #[schema(value_type = WhyWord)]
    pub why: Why,
}

impl From<Planned> for KeyMove {
    fn from(planned: Planned) -> Self {
        let (kid, new) = match planned.key {
            PlannedKey::Kid(kid) => (Some(kid), None),
            PlannedKey::New(number) => (None, Some(number)),
        };
        Self {
            at: planned.at,
            kid,
            new,
            algorithm: planned.algorithm.name().to_owned(),
            from: planned.from,
            to: planned.to,
            why: planned.why,
        }
    }
}

/// What would happen to the signing keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyPlan {
    /// The moves, in order; at most 1,000.
    pub moves: Vec<KeyMove>,
    /// Whether those are all within the horizon.
    pub complete: bool,
}

/// Foretell what would happen to the keys when, unless somebody intervenes. Changes nothing.
#[utoipa::path(
    get, path = "/keys/plan", tag = "keys", operation_id = "planKeys", params(PlanKeys),
    responses((status = OK, description = "What would happen.", body = KeyPlan)),
    security(("oauth2" = ["sealgate:keys:read"])),
)]
async fn plan(
    State(plane): State<Arc<ControlPlane>>,
    Ask(ask): Ask<PlanKeys>,
) -> Result<Json<KeyPlan>, Problem> {
    let horizon = ask.horizon.unwrap_or(YEAR);
    if horizon > 10 * YEAR {
        return Err(Problem::bad_request(
            "query_malformed",
            "horizon is more than ten years",
        ));
    }
    let (moves, complete) = plane
        .keys
        .plan(Duration::from_secs(horizon))
        .await
        .map_err(refuse)?;
    let moves = moves.into_iter().map(KeyMove::from).collect();
    Ok(Json(KeyPlan { moves, complete }))
}

/// What the keys did not do, as an answer.
pub(super) fn refuse(error: KeyError) -> Problem {
    let status = match error {
        KeyError::TooSoon(_) | KeyError::Disabled(_) | KeyError::NoneActive(_) => {
            StatusCode::CONFLICT
        }
        KeyError::Unknown(_) => StatusCode::NOT_FOUND,
        error => {
            tracing::error!(%error, "the signing keys could not be changed");
            return Problem::unavailable(
                error.code(),
                "the signing keys could not be changed or read now; try again",
                1,
            );
        }
    };
    Problem::new(status, error.code(), error.to_string())
}
