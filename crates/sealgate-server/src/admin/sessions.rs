//! `/api/v1/sessions`: who is signed in where, and ending it.

mod bulk;
mod types;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use sealgate_model::{SessionId, UserId};
use sealgate_store::{Audit, Page, RevokeReason, Session, SessionFilter};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::actor::Admin;
use super::extract::{Ask, Id, MaybeBody};
use super::schemas::SessionIdText;
use crate::ControlPlane;
use crate::problem::Problem;

pub use bulk::{RevokeSessions, RevokedSessions};
pub use types::{ListSessions, RevokeSession, SessionView, Sessions};

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(revoke))
        .merge(bulk::routes())
}

/// List sessions, oldest first: the live ones unless `all` are asked for.
#[utoipa::path(
    get, path = "/sessions", tag = "sessions", operation_id = "listSessions",
    params(ListSessions),
    responses((status = OK, description = "Sessions.", body = Sessions)),
    security(("oauth2" = ["sealgate:sessions:read"])),
)]
async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListSessions>,
) -> Result<Json<Sessions>, Problem> {
    let filter = SessionFilter {
        user: query.user,
        client: query.client,
        tenant: query.tenant,
        live_at: (!query.all).then(|| plane.clock.now()),
    };
    let page = Page {
        after: query.after.map(|id| *id.as_bytes()),
        limit: query.limit.rows(),
    };
    let rows = plane.store.sessions(filter, page).await?;
    let full = query.limit.is_reached(rows.len());
    let next = rows.last().filter(|_| full).map(|session| session.id);
    let mut emails: HashMap<UserId, String> = HashMap::new();
    let mut sessions = Vec::with_capacity(rows.len());
    for row in rows {
        let email = if let Some(email) = emails.get(&row.user) {
            email.clone()
        } else {
            let email = email_of(&plane, row.user).await?;
            emails.insert(row.user, email.clone());
            email
        };
        sessions.push(SessionView::of(row, email));
    }
    Ok(Json(Sessions { sessions, next }))
}

/// The address of a user; empty if the account is gone.
pub(super) async fn email_of(plane: &ControlPlane, user: UserId) -> Result<String, Problem> {
    let user = plane.store.user(user).await?;
    Ok(user.map(|row| row.email).unwrap_or_default())
}

/// Show one session.
#[utoipa::path(
    get, path = "/sessions/{id}", tag = "sessions", operation_id = "showSession",
    params(("id" = SessionIdText, Path)),
    responses(
        (status = OK, description = "The session.", body = SessionView),
        (status = NOT_FOUND, description = "There is no such session."),
    ),
    security(("oauth2" = ["sealgate:sessions:read"])),
)]
async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Id(id): Id<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    let session = find(&plane, id).await?;
    let email = email_of(&plane, session.user).await?;
    Ok(Json(SessionView::of(session, email)))
}

/// Revoke a session: every gate refuses it from the next request on. One that is revoked already stays
/// as it is.
#[utoipa::path(
    post, path = "/sessions/{id}/revoke", tag = "sessions", operation_id = "revokeSession",
    params(("id" = SessionIdText, Path)),
    request_body(content = Option<RevokeSession>, example = json!({ "end_sign_in": true })),
    responses(
        (status = OK, description = "The session as it is now.", body = SessionView),
        (status = NOT_FOUND, description = "There is no such session."),
    ),
    security(("oauth2" = ["sealgate:sessions:write"])),
)]
async fn revoke(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Id(id): Id<SessionId>,
    MaybeBody(how): MaybeBody<RevokeSession>,
) -> Result<Json<SessionView>, Problem> {
    let session = find(&plane, id).await?;
    let act = Audit {
        user: Some(session.user),
        client: Some(session.client),
        session: Some(id),
        ..admin.act(&plane, "session.revoke")
    };
    let reason = RevokeReason::Admin;
    let found = if how.end_sign_in {
        plane.store.session_sign_out(id, reason, act).await?
    } else {
        plane.store.session_revoke(id, reason, act).await?
    };
    if !found {
        return Err(unknown());
    }
    show(State(plane), Id(id)).await
}

async fn find(plane: &ControlPlane, id: SessionId) -> Result<Session, Problem> {
    plane.store.session(id).await?.ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "session_unknown",
        "there is no such session",
    )
}
