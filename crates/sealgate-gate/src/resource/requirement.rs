//! What a route asks of the token it is called with.

use std::time::Duration;

use sealgate_model::{ActorKind, Timestamp};

use super::actor::TokenActor;
use super::denial::TokenRefusal;

/// What a route asks of the token it is called with. Without more said, any token for this resource does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TokenRequirement {
    pub(super) scopes: Vec<String>,
    pub(super) acr: Vec<String>,
    pub(super) max_age: Option<Duration>,
    role: Option<String>,
    kind: Option<ActorKind>,
}

impl TokenRequirement {
    /// All of `scopes`.
    pub fn scopes<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Self {
        Self {
            scopes: scopes.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Also this kind of actor and no other.
    #[must_use]
    pub fn only(self, kind: ActorKind) -> Self {
        Self {
            kind: Some(kind),
            ..self
        }
    }

    /// Also a user who has `role`.
    #[must_use]
    pub fn role(self, role: impl Into<String>) -> Self {
        Self {
            role: Some(role.into()),
            ..self
        }
    }

    /// Also a user who proved who they are in one of these ways, the preferred one first (RFC 9470).
    #[must_use]
    pub fn acr<S: Into<String>>(self, acr: impl IntoIterator<Item = S>) -> Self {
        Self {
            acr: acr.into_iter().map(Into::into).collect(),
            ..self
        }
    }

    /// Also a user who did so at most this long ago, in whole seconds (RFC 9470).
    #[must_use]
    pub fn max_age(self, max_age: Duration) -> Self {
        Self {
            max_age: Some(max_age),
            ..self
        }
    }

    /// Why `actor` does not meet this at `now`, or nothing. What signing in again would mend comes last.
    pub(super) fn refuses(&self, actor: &TokenActor, now: Timestamp) -> Option<TokenRefusal> {
        if self.kind.is_some_and(|kind| kind != actor.kind()) {
            return Some(TokenRefusal::ActorWrong);
        }
        if !self.scopes.iter().all(|scope| actor.has_scope(scope)) {
            return Some(TokenRefusal::ScopeMissing);
        }
        let about_user = self.role.is_some() || !self.acr.is_empty() || self.max_age.is_some();
        let Some(user) = actor.user() else {
            return about_user.then_some(TokenRefusal::ActorWrong);
        };
        if self
            .role
            .as_ref()
            .is_some_and(|role| !user.roles.contains(role))
        {
            return Some(TokenRefusal::RoleMissing);
        }
        let acr = user.acr.as_ref();
        if !self.acr.is_empty() && !acr.is_some_and(|acr| self.acr.contains(acr)) {
            return Some(TokenRefusal::AcrMissing);
        }
        // `auth_time` is in whole seconds, rounded down.
        let is_recent = |max_age: Duration| {
            user.auth_time
                .is_some_and(|at| now.since(at) <= max_age + Duration::from_secs(1))
        };
        self.max_age
            .is_some_and(|max_age| !is_recent(max_age))
            .then_some(TokenRefusal::AuthenticationOld)
    }
}
