//! `/api/v1/agents`: the AI agents, who lets them act, and taking it back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_model::{ClientId, Timestamp, UserId};
use sealgate_store::{AgentRow, Audit, ClientOrigin, Withdrawn};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Body};
use super::page::Limit;
use super::schemas::{ClientIdText, Millis, OriginWord, UserIdText};
use super::users;
use crate::ControlPlane;
use crate::pages::AskerView;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(revoke))
}

/// An AI agent: a client that says that it is one, and who uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentView {
    /// Its `client_id`.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// Its name; where no administrator registered it, what it calls itself.
    pub name: String,
    /// Where its registration comes from.
    #[schema(value_type = OriginWord)]
    pub origin: ClientOrigin,
    /// The host of its id, where that is an address.
    pub host: Option<String>,
    /// How many users let it act: they have granted it something, or have a live session on it.
    #[schema(minimum = 0)]
    pub users: u64,
    /// How many of them have granted it something.
    #[schema(minimum = 0)]
    pub consents: u64,
    /// How many live sessions there are on it.
    #[schema(minimum = 0)]
    pub sessions: u64,
    /// When a session on it was last renewed, of those that are still known.
    #[schema(value_type = Option<Millis>)]
    pub last_used_at: Option<Timestamp>,
    /// When it was registered.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// When it was disabled, if it is: it gets nothing.
    #[schema(value_type = Option<Millis>)]
    pub disabled_at: Option<Timestamp>,
}

impl From<AgentRow> for AgentView {
    fn from(row: AgentRow) -> Self {
        let asker = AskerView::of(&row.client);
        Self {
            client: row.client.id,
            name: asker.name,
            origin: row.client.details.origin,
            host: asker.host,
            users: row.users,
            consents: row.consents,
            sessions: row.sessions,
            last_used_at: row.last_used_at,
            created_at: row.client.created_at,
            disabled_at: row.client.disabled_at,
        }
    }
}

/// Which agents to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAgents {
    /// Only those after this client: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub after: Option<ClientId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Agents, by client id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Agents {
    /// At most `limit` agents.
    pub agents: Vec<AgentView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<ClientIdText>)]
    pub next: Option<ClientId>,
}

/// From whom to take what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeAgent {
    /// The agent.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// Only what this user granted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<UserIdText>)]
    pub user: Option<UserId>,
}

/// What was taken from an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokedAgent {
    /// How many users had granted it something.
    #[schema(minimum = 0)]
    pub consents: u64,
    /// How many sessions were revoked.
    #[schema(minimum = 0)]
    pub sessions: u64,
}

/// List AI agents and who uses them, by client id.
#[utoipa::path(
    get, path = "/agents", tag = "agents", operation_id = "listAgents", params(ListAgents),
    responses((status = OK, description = "Agents.", body = Agents)),
    security(("oauth2" = ["sealgate:sessions:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListAgents>,
) -> Result<Json<Agents>, Problem> {
    let (limit, now) = (query.limit.rows(), plane.clock.now());
    let rows = plane.store.agents(query.after.as_ref(), limit, now).await?;
    let full = query.limit.is_reached(rows.len());
    let next = rows
        .last()
        .filter(|_| full)
        .map(|row| row.client.id.clone());
    let agents = rows.into_iter().map(AgentView::from).collect();
    Ok(Json(Agents { agents, next }))
}

/// Take back what one user, or everybody, has granted an AI agent: its sessions are revoked at once, and it has to
/// ask again. It stays registered; to keep it from asking, disable the client.
#[utoipa::path(
    post, path = "/agents/revoke", tag = "agents", operation_id = "revokeAgent",
    request_body(content = RevokeAgent, example = json!({ "client": "https://agent.example/client.json" })),
    responses(
        (status = OK, description = "What was taken from it.", body = RevokedAgent),
        (status = NOT_FOUND, description = "There is no such agent or account."),
    ),
    security(("oauth2" = ["sealgate:sessions:write"])),
)]
async fn revoke(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(which): Body<RevokeAgent>,
) -> Result<Json<RevokedAgent>, Problem> {
    let client = plane.store.client(&which.client).await?;
    let client = client
        .filter(|client| client.details.agent)
        .ok_or_else(unknown)?;
    let act = Audit {
        user: which.user,
        client: Some(client.id.clone()),
        ..admin.act(&plane, "agent.revoke")
    };
    let done = if let Some(user) = which.user {
        users::find(&plane, user).await?;
        of_user(&plane, &client.id, user, act).await?
    } else {
        let done = plane.store.agent_revoke(&client.id, act).await?;
        done.ok_or_else(unknown)?
    };
    Ok(Json(RevokedAgent {
        consents: done.consents,
        sessions: done.sessions,
    }))
}

/// What it says of the number of sessions was so just before.
async fn of_user(
    plane: &ControlPlane,
    client: &ClientId,
    user: UserId,
    act: Audit,
) -> Result<Withdrawn, Problem> {
    let filter = sealgate_store::SessionFilter {
        user: Some(user),
        client: Some(client.clone()),
        live_at: Some(act.at),
        ..sealgate_store::SessionFilter::default()
    };
    let page = sealgate_store::Page::default();
    let sessions = plane.store.sessions(filter, page).await?.len();
    let consent = plane.store.consent(user, client).await?;
    plane.store.consent_withdraw(user, client, act).await?;
    Ok(Withdrawn {
        consents: u64::from(consent.is_some()),
        sessions: u64::try_from(sessions).unwrap_or(u64::MAX),
    })
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "agent_unknown",
        "there is no AI agent with this client id",
    )
}
