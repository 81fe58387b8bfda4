//! What a gate, or all the gates of a route together, ask of a caller.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How much a caller has to be. The order is that of strength.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing is asked.
    #[default]
    None,
    /// Anybody with a valid credential.
    User,
    /// Somebody with a role, or something else that only some have.
    Privileged,
}

/// A kind of actor that a gate lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// A human.
    User,
    /// A service, job or workload.
    Machine,
    /// An AI client.
    Agent,
}

/// What is asked of a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strength {
    /// How much a caller has to be.
    pub level: Level,
    /// The kinds of actor that may pass. Empty: not known, or all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub actors: BTreeSet<Actor>,
    /// Scopes of which all are asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<String>,
    /// Roles of which all are asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// Scopes and roles of which one is enough, as `scope:a|scope:b`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub any_of: BTreeSet<String>,
    /// What else is asked, in words: `acr=...`, `tenant_from=tenant`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub more: BTreeSet<String>,
}

/// In [`Strength::more`]: no kind of actor meets all of it. No actors there would mean all of them.
pub const NO_ACTOR: &str = "no actor";

/// The scopes of OpenID Connect Core, sections 5.4 and 11. Whoever signs in can have them, so they set nobody apart.
pub const EVERYDAY_SCOPES: [&str; 6] = [
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
];

/// Whether a scope is one that whoever signs in can have.
pub fn is_everyday_scope(scope: &str) -> bool {
    EVERYDAY_SCOPES.contains(&scope)
}

impl Strength {
    /// Both have to be met.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.level = self.level.max(other.level);
        let nobody = self.lets_in_nobody() || other.lets_in_nobody();
        self.actors = match (self.actors.is_empty(), other.actors.is_empty()) {
            (true, _) => other.actors.clone(),
            (_, true) => self.actors,
            _ => {
                let both = self.actors.intersection(&other.actors).copied();
                let both: BTreeSet<Actor> = both.collect();
                if both.is_empty() {
                    self.more.insert(NO_ACTOR.to_owned());
                }
                both
            }
        };
        if nobody {
            self.actors.clear();
        }
        self.scopes.extend(other.scopes.iter().cloned());
        self.roles.extend(other.roles.iter().cloned());
        self.any_of.extend(other.any_of.iter().cloned());
        self.more.extend(other.more.iter().cloned());
        self
    }

    /// Whether no kind of actor meets all of it.
    pub fn lets_in_nobody(&self) -> bool {
        self.more.contains(NO_ACTOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(actors: &[Actor]) -> Strength {
        Strength {
            level: Level::User,
            actors: actors.iter().copied().collect(),
            ..Strength::default()
        }
    }

    #[test]
    fn what_two_gates_let_in_together_is_what_both_do() {
        let both = only(&[Actor::User, Actor::Machine]).and(&only(&[Actor::Machine]));
        assert_eq!(both, only(&[Actor::Machine]));
        assert_eq!(only(&[]).and(&only(&[Actor::User])), only(&[Actor::User]));
    }

    #[test]
    fn two_gates_for_different_actors_let_in_nobody_and_not_all() {
        let nobody = only(&[Actor::User]).and(&only(&[Actor::Machine]));
        assert!(nobody.lets_in_nobody());
        let still = nobody.and(&only(&[Actor::User]));
        assert!(still.lets_in_nobody() && still.actors.is_empty());
        assert_eq!(only(&[Actor::User]).and(&still), still);
        assert_eq!(
            crate::drift::weaker(&only(&[Actor::User]), &still),
            Vec::<String>::new()
        );
        assert!(!crate::drift::weaker(&still, &only(&[Actor::User])).is_empty());
    }
}
