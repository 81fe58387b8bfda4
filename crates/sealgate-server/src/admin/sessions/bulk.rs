//! Many sessions revoked at once: a user's, a client's, a tenant's, all, and those before a time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use sealgate_model::{ClientId, TenantId, Timestamp, UserId};
use sealgate_store::{Audit, RevokeReason, SessionSelector};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::LAST_TIME;
use super::super::actor::Admin;
use super::super::extract::Body;
use super::super::schemas::{ClientIdText, Millis, TenantIdText, UserIdText};
use crate::ControlPlane;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<ControlPlane>> {
    OpenApiRouter::default().routes(routes!(revoke))
}

/// Which sessions to revoke: those that fit everything that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeSessions {
    /// Only this user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<UserIdText>)]
    pub user: Option<UserId>,
    /// Only those on this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ClientIdText>)]
    pub client: Option<ClientId>,
    /// Only those that were started for this tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<TenantId>,
    /// Everybody's: has to be said where none of the others is.
    #[serde(default)]
    pub all: bool,
    /// Only those that were started at or before this; now if it is absent. Where no client is named
    /// it is the sign-in that must have been before, and browser sign-ins end too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Millis>)]
    pub before: Option<Timestamp>,
}

/// What was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevokedSessions {
    /// How many sessions.
    #[schema(minimum = 0)]
    pub revoked: u64,
}

/// Revoke many sessions at once, and with them what was on its way to become one. Tokens that clients
/// got for themselves are revoked too, where a client or everything is named.
#[utoipa::path(
    post, path = "/sessions/revoke", tag = "sessions", operation_id = "revokeSessions",
    request_body(content = RevokeSessions, example = json!({ "tenant": "acme" })),
    responses(
        (status = OK, description = "How many sessions were revoked.", body = RevokedSessions),
        (status = UNPROCESSABLE_ENTITY, description = "It does not say which, or names what is not there."),
    ),
    security(("oauth2" = ["sealgate:sessions:write"])),
)]
async fn revoke(
    State(plane): State<Arc<ControlPlane>>,
    admin: Admin,
    Body(which): Body<RevokeSessions>,
) -> Result<Json<RevokedSessions>, Problem> {
    let act = Audit {
        user: which.user,
        client: which.client.clone(),
        object: which.tenant.as_ref().map(ToString::to_string),
        ..admin.act(&plane, "session.revoke")
    };
    let (selector, reason) = which.selector(act.at)?;
    there(&plane, &selector).await?;
    let revoked = plane.store.sessions_revoke(selector, reason, act).await?;
    Ok(Json(RevokedSessions { revoked }))
}

impl RevokeSessions {
    fn selector(self, now: Timestamp) -> Result<(SessionSelector, RevokeReason), Problem> {
        let named = self.user.is_some() || self.client.is_some() || self.tenant.is_some();
        if named == self.all {
            return Err(Problem::unprocessable(
                "sessions_unnamed",
                "say whose sessions: by user, client or tenant, or else that it is all",
            ));
        }
        let before = self.before.unwrap_or(now);
        if before.as_millis() < 0 || before.as_millis() > LAST_TIME || before > now {
            return Err(Problem::unprocessable(
                "time_ahead",
                "what starts later cannot be revoked yet: before is a time that has been",
            ));
        }
        let reason = match (&self.user, &self.client, &self.tenant) {
            (None, None, None) => RevokeReason::Everything,
            (None, None, Some(_)) => RevokeReason::TenantRevoked,
            _ => RevokeReason::Admin,
        };
        let selector = SessionSelector {
            user: self.user,
            client: self.client,
            tenant: self.tenant,
            started_at_or_before: before,
        };
        Ok((selector, reason))
    }
}

/// Refuses ids of nobody: whoever mistypes one must not believe that all is done. A tenant is known only
/// by those who belong to it.
async fn there(plane: &ControlPlane, selector: &SessionSelector) -> Result<(), Problem> {
    if let Some(user) = selector.user
        && plane.store.user(user).await?.is_none()
    {
        let said = format!("there is no user {user}");
        return Err(Problem::unprocessable("user_unknown", said));
    }
    if let Some(client) = &selector.client
        && plane.store.client(client).await?.is_none()
    {
        let said = format!("there is no client {client}");
        return Err(Problem::unprocessable("client_unknown", said));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_338_305);

    fn selector(which: RevokeSessions) -> Result<(SessionSelector, RevokeReason), &'static str> {
        which.selector(NOW).map_err(|problem| problem.reason())
    }

    #[test]
    fn everything_is_revoked_only_when_it_is_said() {
        assert_eq!(
            selector(RevokeSessions::default()).err(),
            Some("sessions_unnamed")
        );
        let all = RevokeSessions {
            all: true,
            ..RevokeSessions::default()
        };
        let (everything, reason) = selector(all.clone()).unwrap();
        assert_eq!(
            (everything.started_at_or_before, reason),
            (NOW, RevokeReason::Everything)
        );
        let both = RevokeSessions {
            tenant: Some("acme".parse().unwrap()),
            ..all
        };
        assert_eq!(selector(both.clone()).err(), Some("sessions_unnamed"));
        let tenant = RevokeSessions { all: false, ..both };
        assert_eq!(selector(tenant).unwrap().1, RevokeReason::TenantRevoked);
    }

    #[test]
    fn what_has_not_begun_cannot_be_revoked() {
        let before = |millis: i64| RevokeSessions {
            all: true,
            before: Some(Timestamp::from_millis(millis)),
            ..RevokeSessions::default()
        };
        assert!(selector(before(NOW.as_millis())).is_ok());
        assert!(selector(before(0)).is_ok());
        for wrong in [NOW.as_millis() + 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(selector(before(wrong)).err(), Some("time_ahead"), "{wrong}");
        }
    }
}
