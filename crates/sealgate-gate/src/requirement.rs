//! What a route asks of its caller.

use sealgate_model::User;

use crate::denial::Denial;

/// What a route asks of its caller. There is no value that means "whatever": a route is public because
/// somebody said so and why, or it is closed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Requirement {
    /// Open to everybody, for the reason given.
    Public {
        /// Why, in words for a reviewer.
        reason: String,
    },
    /// A signed-in user who has every scope and every role named.
    User {
        /// Scopes, all of them.
        scopes: Vec<String>,
        /// Roles, all of them.
        roles: Vec<String>,
    },
    /// Nobody said; [`crate::Unmarked`] decides, and it never decides "open".
    Unmarked,
}

impl Requirement {
    /// Why `user` does not meet this, or nothing.
    pub(crate) fn refuses(&self, user: &User) -> Option<Denial> {
        match self {
            Self::Public { .. } | Self::Unmarked => None,
            Self::User { scopes, roles } => {
                if scopes.iter().any(|scope| !user.scopes.contains(scope)) {
                    Some(Denial::ScopeMissing)
                } else if roles.iter().any(|role| !user.roles.contains(role)) {
                    Some(Denial::RoleMissing)
                } else {
                    None
                }
            }
        }
    }
}
