//! Who administers: the machine's operator, or whoever an access token is about.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::StatusCode;
use http::request::Parts;
use sealgate_model::{ClientId, SessionId};
use sealgate_store::{Audit, AuditActor, Client, Outcome, UserRow};

use crate::ControlPlane;
use crate::admin_scopes;
use crate::caller::Caller;
use crate::problem::Problem;

/// Who administers. Each way to the API says so of every request: one that nobody said anything of goes
/// no further.
#[derive(Debug, Clone)]
pub(super) enum Administrator {
    /// Who reaches the socket or the data directory.
    Operator,
    /// Who has an access token for the API.
    Token {
        /// The user or the client.
        who: AuditActor,
        /// What the token may be used for, as far as its client is still registered for it.
        scopes: Vec<String>,
        /// The client through which a user acts.
        through: Option<ClientId>,
        /// The session that the user's token belongs to.
        session: Option<SessionId>,
    },
}

/// The administrator of one request.
pub(super) struct Admin {
    administrator: Administrator,
    caller: Caller,
}

impl<S: Sync> FromRequestParts<S> for Admin
where
    Arc<ControlPlane>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let administrator = parts.extensions.get::<Administrator>().cloned();
        let Ok(caller) = Caller::from_request_parts(parts, state).await;
        administrator
            .map(|administrator| Self {
                administrator,
                caller,
            })
            .ok_or_else(Problem::internal)
    }
}

impl Admin {
    /// The record of what they do now.
    pub(super) fn act(&self, plane: &ControlPlane, action: &'static str) -> Audit {
        let now = plane.clock.now();
        let act = match &self.administrator {
            Administrator::Operator => Audit::allowed(now, AuditActor::Operator, action),
            Administrator::Token {
                who,
                through,
                session,
                ..
            } => Audit {
                through: through.clone(),
                through_session: *session,
                ..Audit::allowed(now, who.clone(), action)
            },
        };
        self.caller.record(act)
    }

    /// Refuses what would give whoever uses `client` more of the administration than they have
    /// themselves, or take such a one from others: to register it, to change or end it, to know its secret.
    pub(super) async fn may_shape(
        &self,
        plane: &ControlPlane,
        client: &Client,
        act: &Audit,
    ) -> Result<(), Problem> {
        let given = client.scopes.iter();
        self.may_give(plane, given.map(String::as_str), act).await
    }

    /// The same of an account: an administrator can have every scope.
    pub(super) async fn may_shape_user(
        &self,
        plane: &ControlPlane,
        roles: &[String],
        act: &Audit,
    ) -> Result<(), Problem> {
        if roles.iter().any(|role| role == admin_scopes::ROLE) {
            self.may_give(plane, admin_scopes::names(), act).await
        } else {
            Ok(())
        }
    }

    /// The same of an identity system that is listened to: it can end an administrator's sessions too, which
    /// takes every scope.
    pub(super) async fn may_shape_transmitter(
        &self,
        plane: &ControlPlane,
        act: &Audit,
    ) -> Result<(), Problem> {
        self.may_give(plane, admin_scopes::names(), act).await
    }

    async fn may_give<'a>(
        &self,
        plane: &ControlPlane,
        given: impl Iterator<Item = &'a str> + Send,
        act: &Audit,
    ) -> Result<(), Problem> {
        const REASON: &str = "administration_exceeded";
        let Administrator::Token { scopes, .. } = &self.administrator else {
            return Ok(());
        };
        let mut given = given.filter(|scope| admin_scopes::is_one(scope));
        let Some(beyond) = given.find(|scope| !scopes.iter().any(|own| own == scope)) else {
            return Ok(());
        };
        let refused = Audit {
            outcome: Outcome::Denied,
            reason: REASON.to_owned(),
            ..act.clone()
        };
        plane.refusals.record(plane, refused).await;
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            REASON,
            format!("this is about {beyond}, which your access token does not have itself"),
        ))
    }
}

/// Whether an account may administer.
pub(super) fn is_administrator(user: &UserRow) -> bool {
    user.roles.iter().any(|role| role == admin_scopes::ROLE)
}
