//! Who administers: the machine's operator, or whoever an access token is about.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::StatusCode;
use http::request::Parts;
use sealgate_model::{ClientId, SessionId};
use sealgate_store::{ActorType, Audit, AuditActor, Client, CredentialType, Outcome, UserRow};

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
        /// What kind of actor the client is, where it is one.
        actor_type: Option<ActorType>,
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
    /// Whether it is the machine's operator.
    pub(super) const fn is_operator(&self) -> bool {
        matches!(self.administrator, Administrator::Operator)
    }

    /// The record of what they do now.
    pub(super) fn act(&self, plane: &ControlPlane, action: &'static str) -> Audit {
        let now = plane.clock.now();
        let act = match &self.administrator {
            Administrator::Operator => Audit {
                credential: Some(CredentialType::LocalAccess),
                ..Audit::allowed(now, AuditActor::Operator, action)
            },
            Administrator::Token {
                who,
                actor_type,
                through,
                session,
                ..
            } => Audit {
                actor_type: *actor_type,
                through: through.clone(),
                through_session: *session,
                ..Audit::allowed(now, who.clone(), action)
            },
        };
        self.caller.record(act)
    }

    /// The name of who reads, where reading is to be told: the machine's operator has the file anyway.
    pub(super) fn reader(&self) -> Option<String> {
        match &self.administrator {
            Administrator::Operator => None,
            Administrator::Token { who, through, .. } => Some(format!("{who:?} {through:?}")),
        }
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

    /// Refuses a part of an act that takes more than the access token has by itself.
    pub(super) async fn must_have(
        &self,
        plane: &ControlPlane,
        scope: &str,
        act: &Audit,
    ) -> Result<(), Problem> {
        self.may_give(plane, std::iter::once(scope), act).await
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
