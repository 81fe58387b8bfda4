//! What a route asks of its caller.

use std::time::Duration;

use sealgate_model::{Actor, ActorKind, Timestamp};

use crate::denial::Denial;
use crate::mcp::McpResource;

/// What a route asks of its caller. There is no value that means "whatever": a route is public because
/// somebody said so and why, or it is closed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// Open to everybody, for the reason given.
    Public {
        /// Why, in words for a reviewer.
        reason: String,
    },
    /// An actor who meets the need.
    Actor(Need),
    /// An actor who may come to this MCP server at all. What they may do there is decided by each message.
    Mcp(McpResource),
    /// Nobody said; [`crate::Unmarked`] decides, and it never decides "open".
    Unmarked,
    /// Nobody at all: the route is not as it was reviewed.
    Unreviewed,
}

/// Which kinds of actor are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kinds(u8);

impl Kinds {
    /// Every kind.
    pub const ANY: Kinds = Self(7);
    /// Users only.
    pub const USER: Kinds = Self::only(ActorKind::User);

    /// This kind and no other.
    pub const fn only(kind: ActorKind) -> Self {
        Self(1 << kind as u8)
    }

    /// This kind too.
    #[must_use]
    pub const fn and(self, kind: ActorKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// Whether `kind` is among them.
    pub const fn contains(self, kind: ActorKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

/// What is asked of an actor. All of it has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Need {
    /// The kinds of actor that are taken.
    pub kinds: Kinds,
    /// Whether nobody is fine too. Whoever is there has to meet the rest.
    pub optional: bool,
    /// Scopes, all of them.
    pub scopes: Vec<String>,
    /// Scopes, one of them at least, when any is named.
    pub any_scopes: Vec<String>,
    /// Roles, all of them.
    pub roles: Vec<String>,
    /// Roles, one of them at least, when any is named.
    pub any_roles: Vec<String>,
    /// Ways in which the user proved who they are, one of them, the preferred one first (RFC 9470).
    pub acr: Vec<String>,
    /// How long ago the user did so at most, in whole seconds (RFC 9470).
    pub max_age: Option<Duration>,
    /// The organisation that the actor belongs to or acts in.
    pub tenant: Option<String>,
    /// What the caller does there, as the policies call it: all of it has to be allowed with the route.
    pub actions: Vec<String>,
    /// The route as policies know it, `GET /expenses/{id}`. Without one no action is allowed.
    pub route: Option<String>,
    /// Whether the route may be served for a while by a revocation view that is not fresh, where the settings
    /// allow it. It counts for requests that change nothing, and opens no socket.
    pub stale_ok: bool,
}

impl Need {
    /// Any actor of these kinds.
    pub const fn of(kinds: Kinds) -> Self {
        Self {
            kinds,
            optional: false,
            scopes: Vec::new(),
            any_scopes: Vec::new(),
            roles: Vec::new(),
            any_roles: Vec::new(),
            acr: Vec::new(),
            max_age: None,
            tenant: None,
            actions: Vec::new(),
            route: None,
            stale_ok: false,
        }
    }

    /// Why `actor` does not meet this at `now`, or nothing. What signing in again would mend comes last.
    pub(crate) fn refuses(&self, actor: &Actor, now: Timestamp) -> Option<Denial> {
        if !self.kinds.contains(actor.kind()) {
            return Some(Denial::ActorWrong);
        }
        if self.tenant.is_some() && self.tenant.as_deref() != actor.tenant() {
            return Some(Denial::TenantWrong);
        }
        if !has_all(actor.scopes(), &self.scopes) || !has_any(actor.scopes(), &self.any_scopes) {
            return Some(Denial::ScopeMissing);
        }
        if !has_all(actor.roles(), &self.roles) || !has_any(actor.roles(), &self.any_roles) {
            return Some(Denial::RoleMissing);
        }
        if self.acr.is_empty() && self.max_age.is_none() {
            return None;
        }
        // A machine never signs in, and an agent's user did not do so for this call.
        let Actor::User(user) = actor else {
            return Some(Denial::ActorWrong);
        };
        let acr = user.acr.as_ref();
        if !self.acr.is_empty() && !acr.is_some_and(|acr| self.acr.contains(acr)) {
            return Some(Denial::AcrMissing);
        }
        // The time is in whole seconds, rounded down.
        let is_recent = |max_age: Duration| {
            let at = user.authenticated_at;
            at.is_some_and(|at| now.since(at) <= max_age + Duration::from_secs(1))
        };
        self.max_age
            .is_some_and(|max_age| !is_recent(max_age))
            .then_some(Denial::AuthenticationOld)
    }
}

fn has_all(granted: &[String], asked: &[String]) -> bool {
    asked.iter().all(|name| granted.contains(name))
}

fn has_any(granted: &[String], asked: &[String]) -> bool {
    asked.is_empty() || asked.iter().any(|name| granted.contains(name))
}

impl Requirement {
    /// Why `actor` does not meet this at `now`, or nothing.
    pub(crate) fn refuses(&self, actor: &Actor, now: Timestamp) -> Option<Denial> {
        match self {
            Self::Public { .. } => None,
            Self::Unreviewed => Some(Denial::RouteUnreviewed),
            Self::Unmarked | Self::Actor(_) | Self::Mcp(_) => self.need().refuses(actor, now),
        }
    }

    /// What is asked of whoever is there. A route that nobody marked is for users, if for anybody.
    pub(crate) fn need(&self) -> &Need {
        static ANYBODY: Need = Need::of(Kinds::ANY);
        static USERS: Need = Need::of(Kinds::USER);
        match self {
            Self::Public { .. } => &ANYBODY,
            Self::Unmarked | Self::Unreviewed => &USERS,
            Self::Actor(need) => need,
            Self::Mcp(server) => server.base(),
        }
    }

    /// Whether nobody is fine too.
    pub(crate) const fn is_optional(&self) -> bool {
        matches!(self, Self::Actor(Need { optional: true, .. }))
    }
}

#[cfg(test)]
mod tests {
    use sealgate_model::{Agent, Machine, User};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn user() -> Actor {
        Actor::User(User {
            id: "u1".to_owned(),
            scopes: names(&["a", "b"]),
            roles: names(&["admin"]),
            tenant: Some("acme".to_owned()),
            acr: Some("password".to_owned()),
            authenticated_at: Some(Timestamp::from_seconds(900)),
            ..User::default()
        })
    }

    #[test]
    fn each_kind_is_taken_where_it_is_named_and_nowhere_else() {
        let actors = [
            user(),
            Actor::Machine(Machine::default()),
            Actor::Agent(Agent::default()),
        ];
        let kinds = [ActorKind::User, ActorKind::Machine, ActorKind::Agent];
        for (actor, kind) in actors.iter().zip(kinds) {
            for asked in kinds {
                let refused = Need::of(Kinds::only(asked)).refuses(actor, NOW);
                assert_eq!(refused, (asked != kind).then_some(Denial::ActorWrong));
            }
            assert_eq!(Need::of(Kinds::ANY).refuses(actor, NOW), None);
            let two = Kinds::only(ActorKind::User).and(ActorKind::Agent);
            assert_eq!(two.contains(kind), kind != ActorKind::Machine);
        }
    }

    #[test]
    fn all_of_and_any_of_are_kept_apart() {
        let need = |change: fn(&mut Need)| {
            let mut need = Need::of(Kinds::USER);
            change(&mut need);
            need
        };
        let cases = [
            (need(|need| need.scopes = names(&["a", "b"])), None),
            (
                need(|need| need.scopes = names(&["a", "c"])),
                Some(Denial::ScopeMissing),
            ),
            (need(|need| need.any_scopes = names(&["c", "a"])), None),
            (
                need(|need| need.any_scopes = names(&["c"])),
                Some(Denial::ScopeMissing),
            ),
            (need(|need| need.roles = names(&["admin"])), None),
            (
                need(|need| need.roles = names(&["admin", "x"])),
                Some(Denial::RoleMissing),
            ),
            (need(|need| need.any_roles = names(&["x", "admin"])), None),
            (
                need(|need| need.any_roles = names(&["x"])),
                Some(Denial::RoleMissing),
            ),
            (need(|need| need.tenant = Some("acme".to_owned())), None),
            (
                need(|need| need.tenant = Some("other".to_owned())),
                Some(Denial::TenantWrong),
            ),
            (need(|need| need.acr = names(&["key", "password"])), None),
            (
                need(|need| need.acr = names(&["key"])),
                Some(Denial::AcrMissing),
            ),
            (
                need(|need| need.max_age = Some(Duration::from_secs(99))),
                None,
            ),
            (
                need(|need| need.max_age = Some(Duration::from_secs(98))),
                Some(Denial::AuthenticationOld),
            ),
        ];
        for (need, refused) in cases {
            assert_eq!(need.refuses(&user(), NOW), refused, "{need:?}");
        }
    }

    #[test]
    fn nobody_but_a_user_meets_what_is_asked_of_a_sign_in() {
        let need = Need {
            max_age: Some(Duration::from_secs(1_000)),
            ..Need::of(Kinds::ANY)
        };
        let machine = Actor::Machine(Machine::default());
        assert_eq!(need.refuses(&machine, NOW), Some(Denial::ActorWrong));
        let Actor::User(user) = user() else {
            unreachable!()
        };
        let agent = Actor::Agent(Agent {
            user: Some(Box::new(user)),
            ..Agent::default()
        });
        assert_eq!(need.refuses(&agent, NOW), Some(Denial::ActorWrong));
    }
}
