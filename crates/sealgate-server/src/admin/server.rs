//! `/api/v1/server`: what this control plane is, how it is set and what it offers, for those who have to show
//! it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ControlPlane;
use crate::oauth::metadata;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default().routes(routes!(describe))
}

/// What the control plane is, and how it is set. Spans are in whole seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerView {
    /// The issuer identifier.
    pub issuer: String,
    /// The program's version.
    pub version: String,
    /// How long things last.
    pub lifetimes: LifetimesView,
    /// How long a signing key signs before the next one takes over; none: until somebody rotates it.
    pub rotate_every: Option<u64>,
    /// Whether this API is served on the network.
    pub admin_on_network: bool,
    /// Authorization server metadata (RFC 8414), as it is published.
    #[schema(value_type = Object)]
    pub metadata: Value,
}

/// How long things last, in whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LifetimesView {
    /// Access and ID tokens.
    pub access: u64,
    /// Authorization codes.
    pub code: u64,
    /// How long a spent refresh token is answered again with the same successor.
    pub grace: u64,
    /// A session, whatever its activity.
    pub session: u64,
    /// A session without renewal.
    pub idle: u64,
    /// A browser that is signed in here.
    pub sign_in: u64,
    /// A session of an AI agent.
    pub agent_session: u64,
    /// The same without renewal.
    pub agent_idle: u64,
}

/// Describe the control plane: how it is set, and what it offers.
#[utoipa::path(
    get, path = "/server", tag = "server", operation_id = "describeServer",
    responses((status = OK, description = "The control plane.", body = ServerView)),
    security(("oauth2" = ["sealgate:audit:read"])),
)]
async fn describe(State(plane): State<Arc<ControlPlane>>) -> Json<ServerView> {
    let (lifetimes, policy) = (&plane.lifetimes, &plane.policy);
    Json(ServerView {
        issuer: plane.issuer.as_str().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        lifetimes: LifetimesView {
            access: lifetimes.access.as_secs(),
            code: lifetimes.code.as_secs(),
            grace: lifetimes.grace.as_secs(),
            session: lifetimes.session.as_secs(),
            idle: lifetimes.idle.as_secs(),
            sign_in: lifetimes.sign_in.as_secs(),
            agent_session: policy.agents.lifetime.as_secs(),
            agent_idle: policy.agents.idle.as_secs(),
        },
        rotate_every: policy.rotate_every.map(|every| every.as_secs()),
        admin_on_network: policy.admin_http,
        metadata: metadata(&plane),
    })
}
