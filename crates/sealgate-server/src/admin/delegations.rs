//! `/api/v1/delegations`: which clients act for whom, and ending it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_model::{ClientId, GrantId, SessionId, Timestamp, UserId};
use sealgate_store::{Audit, DelegationFilter, DelegationRow, Page, RevokeReason};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Id};
use super::page::Limit;
use super::schemas::{ClientIdText, GrantIdText, Millis, ReasonWord, SessionIdText, UserIdText};
use super::sessions;
use crate::ControlPlane;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(revoke))
}

/// Which delegations to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDelegations {
    /// Only those out of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = SessionIdText, required = false)]
    pub session: Option<SessionId>,
    /// Only those out of this user's sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = UserIdText, required = false)]
    pub user: Option<UserId>,
    /// Only those by which this client acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub client: Option<ClientId>,
    /// Revoked ones and those whose session has ended too.
    #[serde(default)]
    #[param(required = false)]
    pub all: bool,
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = GrantIdText, required = false)]
    pub after: Option<GrantId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// A delegation: one client's leave to act for a user, out of one session (RFC 8693).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DelegationView {
    /// Its id, which stands in the `grants` of its tokens.
    #[schema(value_type = GrantIdText)]
    pub id: GrantId,
    /// The client that acts.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// For whom.
    #[schema(value_type = UserIdText)]
    pub user: UserId,
    /// Their e-mail address; empty if the account is gone.
    pub email: String,
    /// Out of which session.
    #[schema(value_type = SessionIdText)]
    pub session: SessionId,
    /// The delegation whose token was exchanged; none: a token of the session itself.
    #[schema(value_type = Option<GrantIdText>)]
    pub parent: Option<GrantId>,
    /// What tokens were had for, sorted.
    pub resources: Vec<String>,
    /// When it was first used.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// When a token was last had by it.
    #[schema(value_type = Millis)]
    pub last_used_at: Timestamp,
    /// When its session ends at the latest.
    #[schema(value_type = Millis)]
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    #[schema(value_type = Option<Millis>)]
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked, if it was.
    #[schema(value_type = Option<ReasonWord>)]
    pub revoked_for: Option<RevokeReason>,
}

impl DelegationView {
    fn of(row: DelegationRow, email: String) -> Self {
        Self {
            id: row.id,
            client: row.client,
            user: row.user,
            email,
            session: row.session,
            parent: row.parent,
            resources: row.resources,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            revoked_for: row.revoked_for,
        }
    }
}

/// Delegations, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delegations {
    /// At most `limit` delegations.
    pub delegations: Vec<DelegationView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<GrantIdText>)]
    pub next: Option<GrantId>,
}

/// List delegations, oldest first: the live ones unless `all` are asked for.
#[utoipa::path(
    get, path = "/delegations", tag = "delegations", operation_id = "listDelegations",
    params(ListDelegations),
    responses((status = OK, description = "Delegations.", body = Delegations)),
    security(("oauth2" = ["sealgate:sessions:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListDelegations>,
) -> Result<Json<Delegations>, Problem> {
    let filter = DelegationFilter {
        session: query.session,
        user: query.user,
        client: query.client,
        live_at: (!query.all).then(|| plane.clock.now()),
    };
    let page = Page {
        after: query.after.map(|id| *id.as_bytes()),
        limit: query.limit.rows(),
    };
    let rows = plane.store.delegations(filter, page).await?;
    let full = query.limit.is_reached(rows.len());
    let next = rows.last().filter(|_| full).map(|row| row.id);
    let mut emails: HashMap<UserId, String> = HashMap::new();
    let mut delegations = Vec::with_capacity(rows.len());
    for row in rows {
        let email = if let Some(email) = emails.get(&row.user) {
            email.clone()
        } else {
            let email = sessions::email_of(&plane, row.user).await?;
            emails.insert(row.user, email.clone());
            email
        };
        delegations.push(DelegationView::of(row, email));
    }
    Ok(Json(Delegations { delegations, next }))
}

/// Show one delegation.
#[utoipa::path(
    get, path = "/delegations/{id}", tag = "delegations", operation_id = "showDelegation",
    params(("id" = GrantIdText, Path)),
    responses(
        (status = OK, description = "The delegation.", body = DelegationView),
        (status = NOT_FOUND, description = "There is no such delegation."),
    ),
    security(("oauth2" = ["sealgate:sessions:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Id(id): Id<GrantId>,
) -> Result<Json<DelegationView>, Problem> {
    let row = find(&plane, id).await?;
    let email = sessions::email_of(&plane, row.user).await?;
    Ok(Json(DelegationView::of(row, email)))
}

/// Revoke a delegation and every one under it: the client acts for the user out of this session no more. The
/// session goes on. One that is revoked already stays as it is.
#[utoipa::path(
    post, path = "/delegations/{id}/revoke", tag = "delegations", operation_id = "revokeDelegation",
    params(("id" = GrantIdText, Path)),
    responses(
        (status = OK, description = "The delegation as it is now.", body = DelegationView),
        (status = NOT_FOUND, description = "There is no such delegation."),
    ),
    security(("oauth2" = ["sealgate:sessions:write"])),
)]
async fn revoke(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<GrantId>,
) -> Result<Json<DelegationView>, Problem> {
    let row = find(&plane, id).await?;
    let act = Audit {
        user: Some(row.user),
        client: Some(row.client),
        session: Some(row.session),
        object: Some(id.to_string()),
        ..admin.act(&plane, "delegation.revoke")
    };
    let reason = RevokeReason::Admin;
    if !plane.store.delegation_revoke(id, reason, act).await? {
        return Err(unknown());
    }
    show(State(plane), Id(id)).await
}

async fn find(plane: &ControlPlane, id: GrantId) -> Result<DelegationRow, Problem> {
    plane.store.delegation(id).await?.ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "delegation_unknown",
        "there is no such delegation",
    )
}
