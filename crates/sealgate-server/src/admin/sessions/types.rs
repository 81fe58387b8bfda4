//! Sessions as JSON.

use sealgate_model::{ClientId, SessionId, TenantId, Timestamp, UserId};
use sealgate_store::{RevokeReason, Session};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::page::Limit;
use super::super::schemas::{
    ClientIdText, Millis, ReasonWord, ScopeWord, SessionIdText, TenantIdText, UserIdText,
};

/// Which sessions to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSessions {
    /// Only this user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = UserIdText, required = false)]
    pub user: Option<UserId>,
    /// Only those on this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = ClientIdText, required = false)]
    pub client: Option<ClientId>,
    /// Only those that were started for this tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = TenantIdText, required = false)]
    pub tenant: Option<TenantId>,
    /// Revoked and expired ones too.
    #[serde(default)]
    #[param(required = false)]
    pub all: bool,
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = SessionIdText, required = false)]
    pub after: Option<SessionId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// How to revoke a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeSession {
    /// Also ends the browser sign-in that it came from, and so every other session from there. Without
    /// this the browser can start another session without a password.
    #[serde(default)]
    pub end_sign_in: bool,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// `sid`.
    #[schema(value_type = SessionIdText)]
    pub id: SessionId,
    /// Who.
    #[schema(value_type = UserIdText)]
    pub user: UserId,
    /// Their e-mail address; empty if the account is gone.
    pub email: String,
    /// On which client.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// The user's tenant when it started.
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<TenantId>,
    /// The scopes granted.
    #[schema(value_type = Vec<ScopeWord>)]
    pub scopes: Vec<String>,
    /// The resources granted; empty: none was named.
    pub resources: Vec<String>,
    /// The thumbprint of the key that its tokens are bound to.
    pub bound_to: Option<String>,
    /// The methods used to sign in (RFC 8176).
    pub methods: Vec<String>,
    /// When the user proved who they are.
    #[schema(value_type = Millis)]
    pub auth_time: Timestamp,
    /// When it started.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// When it was last renewed.
    #[schema(value_type = Millis)]
    pub renewed_at: Timestamp,
    /// The network address that its client last came from, if it is known.
    pub network: Option<String>,
    /// Whether it goes on when the browser's sign-in ends: an AI agent's that may stay connected.
    pub lasting: bool,
    /// From when on it cannot be renewed.
    #[schema(value_type = Millis)]
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    #[schema(value_type = Option<Millis>)]
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked, if it was.
    #[schema(value_type = Option<ReasonWord>)]
    pub revoked_for: Option<RevokeReason>,
}

impl SessionView {
    pub(super) fn of(session: Session, email: String) -> Self {
        Self {
            id: session.id,
            user: session.user,
            email,
            client: session.client,
            tenant: session.details.tenant,
            scopes: session.scopes,
            resources: session.details.resources,
            bound_to: session.details.dpop_jkt,
            methods: session.methods,
            auth_time: session.auth_time,
            created_at: session.created_at,
            renewed_at: session.renewed_at,
            network: session.network,
            lasting: session.details.lasting,
            expires_at: session.expires_at,
            revoked_at: session.revoked_at,
            revoked_for: session.revoked_for,
        }
    }
}

/// Sessions, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sessions {
    /// At most `limit` sessions.
    pub sessions: Vec<SessionView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<SessionIdText>)]
    pub next: Option<SessionId>,
}
