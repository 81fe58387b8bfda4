//! `/api/v1/sessions`: listing and revoking sessions.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use sealgate_model::{ClientId, SessionId, Timestamp, UserId};
use sealgate_store::{Audit, Page, RevokeReason, Session, SessionFilter};
use serde::{Deserialize, Serialize};

use super::extract::{Ask, Id};
use super::{PAGE_LIMIT, act};
use crate::ControlPlane;
use crate::problem::{Problem, TraceId};

pub(crate) fn routes() -> Router<Arc<ControlPlane>> {
    Router::new()
        .route("/sessions", get(list))
        .route("/sessions/{id}/revoke", post(revoke))
}

/// Which sessions to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSessions {
    /// Only this user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Only this client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// Revoked and expired ones too.
    #[serde(default)]
    pub all: bool,
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<SessionId>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// `sid`.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// Their e-mail address; empty if the account is gone.
    pub email: String,
    /// On which client.
    pub client: ClientId,
    /// The scopes granted.
    pub scopes: Vec<String>,
    /// The methods used to sign in (RFC 8176).
    pub methods: Vec<String>,
    /// When it started, in milliseconds since 1970.
    pub created_at: Timestamp,
    /// When it was last renewed.
    pub renewed_at: Timestamp,
    /// From when on it cannot be renewed.
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked, if it was.
    pub revoked_for: Option<RevokeReason>,
}

impl SessionView {
    fn of(session: Session, email: String) -> Self {
        Self {
            id: session.id,
            user: session.user,
            email,
            client: session.client,
            scopes: session.scopes,
            methods: session.methods,
            created_at: session.created_at,
            renewed_at: session.renewed_at,
            expires_at: session.expires_at,
            revoked_at: session.revoked_at,
            revoked_for: session.revoked_for,
        }
    }
}

/// Sessions, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// At most [`PAGE_LIMIT`] sessions.
    pub sessions: Vec<SessionView>,
    /// What to ask for next; none at the end.
    pub next: Option<SessionId>,
}

async fn list(
    State(plane): State<Arc<ControlPlane>>,
    Ask(query): Ask<ListSessions>,
) -> Result<Json<Sessions>, Problem> {
    let live_at = (!query.all).then(|| plane.clock.now());
    let filter = SessionFilter {
        user: query.user,
        client: query.client,
        live_at,
    };
    let page = Page {
        after: query.after.map(|id| *id.as_bytes()),
        limit: PAGE_LIMIT,
    };
    let rows = plane.store.sessions(filter, page).await?;
    let full = u32::try_from(rows.len()).is_ok_and(|count| count >= PAGE_LIMIT);
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

async fn email_of(plane: &ControlPlane, user: UserId) -> Result<String, Problem> {
    Ok(plane
        .store
        .user(user)
        .await?
        .map(|row| row.email)
        .unwrap_or_default())
}

async fn revoke(
    State(plane): State<Arc<ControlPlane>>,
    trace: TraceId,
    Id(id): Id<SessionId>,
) -> Result<Json<SessionView>, Problem> {
    let unknown = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            "session_unknown",
            "there is no such session",
        )
    };
    let session = plane.store.session(id).await?.ok_or_else(unknown)?;
    let audit = Audit {
        user: Some(session.user),
        client: Some(session.client),
        session: Some(id),
        ..act(&plane, "session.revoke", trace)
    };
    if !plane
        .store
        .session_revoke(id, RevokeReason::Admin, audit)
        .await?
    {
        return Err(unknown());
    }
    let session = plane.store.session(id).await?.ok_or_else(unknown)?;
    let email = email_of(&plane, session.user).await?;
    Ok(Json(SessionView::of(session, email)))
}
