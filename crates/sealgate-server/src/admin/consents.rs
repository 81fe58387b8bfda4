//! `/api/v1/users/{id}/consents`: what a user has granted clients.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_model::{ClientId, Timestamp, UserId};
use sealgate_store::{Audit, ConsentRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Id, Ids};
use super::page::Limit;
use super::schemas::{ClientIdText, Millis, ScopeWord, UserIdText};
use super::users;
use crate::ControlPlane;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(withdraw))
}

/// What a user has granted a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsentView {
    /// To whom.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// The client's name; empty if it is gone.
    pub client_name: String,
    /// The scopes, sorted.
    #[schema(value_type = Vec<ScopeWord>)]
    pub scopes: Vec<String>,
    /// The resources, sorted.
    pub resources: Vec<String>,
    /// When it was last granted or added to.
    #[schema(value_type = Millis)]
    pub granted_at: Timestamp,
}

/// Which consents to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListConsents {
    /// Only those after this client's: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub after: Option<ClientId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// What a user has granted, by client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consents {
    /// At most `limit` consents.
    pub consents: Vec<ConsentView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<ClientIdText>)]
    pub next: Option<ClientId>,
}

/// List what a user has granted clients, by client.
#[utoipa::path(
    get, path = "/users/{id}/consents", tag = "consents", operation_id = "listConsents",
    params(("id" = UserIdText, Path), ListConsents),
    responses(
        (status = OK, description = "Consents.", body = Consents),
        (status = NOT_FOUND, description = "There is no such account."),
    ),
    security(("oauth2" = ["sealgate:sessions:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Id(user): Id<UserId>,
    Ask(query): Ask<ListConsents>,
) -> Result<Json<Consents>, Problem> {
    users::find(&plane, user).await?;
    let all = plane.store.consents_of(user).await?;
    let key = |consent: &ConsentRow| consent.client.clone();
    let (page, next) = query.limit.slice(all, query.after.as_ref(), key);
    let mut consents = Vec::with_capacity(page.len());
    for row in page {
        let client = plane.store.client(&row.client).await?;
        consents.push(ConsentView {
            client: row.client,
            client_name: client.map(|client| client.name).unwrap_or_default(),
            scopes: row.scopes,
            resources: row.resources,
            granted_at: row.granted_at,
        });
    }
    Ok(Json(Consents { consents, next }))
}

/// Take back what a user has granted a client: the user's sessions there are revoked at once, and the
/// user is asked again.
#[utoipa::path(
    delete, path = "/users/{id}/consents/{client}", tag = "consents",
    operation_id = "withdrawConsent",
    params(("id" = UserIdText, Path), ("client" = ClientIdText, Path)),
    responses(
        (status = NO_CONTENT, description = "It is taken back."),
        (status = NOT_FOUND, description = "The user has granted the client nothing."),
    ),
    security(("oauth2" = ["sealgate:sessions:write"])),
)]
async fn withdraw(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Ids(user, client): Ids<UserId, ClientId>,
) -> Result<StatusCode, Problem> {
    let act = Audit {
        user: Some(user),
        client: Some(client.clone()),
        ..admin.act(&plane, "consent.withdraw")
    };
    if plane.store.consent_withdraw(user, &client, act).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::new(
            StatusCode::NOT_FOUND,
            "consent_unknown",
            "the user has granted this client nothing",
        ))
    }
}
