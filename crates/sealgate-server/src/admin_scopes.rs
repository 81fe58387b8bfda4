//! The scopes of the control plane's own administration API, and who may have them.

use sealgate_model::Issuer;
use sealgate_oauth::OAuthError;
use sealgate_store::UserRow;

use crate::admin::BASE;

/// What they all begin with.
pub(crate) const PREFIX: &str = "sealgate:";

/// All of them, and what they allow.
pub(crate) const ALL: [(&str, &str); 15] = [
    ("sealgate:users:read", "see every account"),
    (
        "sealgate:users:write",
        "make, change and disable accounts, and give roles",
    ),
    (
        "sealgate:clients:read",
        "see every application and what tokens can be for",
    ),
    (
        "sealgate:clients:write",
        "register, change and remove applications and what tokens can be for",
    ),
    (
        "sealgate:sessions:read",
        "see every session and what was granted",
    ),
    (
        "sealgate:sessions:write",
        "end anybody's sessions and take back what was granted",
    ),
    ("sealgate:keys:read", "see the signing keys"),
    ("sealgate:keys:write", "rotate and revoke signing keys"),
    (
        "sealgate:feed:read",
        "see what was revoked and which gates have applied it",
    ),
    (
        "sealgate:signals:read",
        "see the streams of security events and how they are doing",
    ),
    (
        "sealgate:signals:write",
        "pause, resume and remove streams of security events",
    ),
    (
        "sealgate:policy:read",
        "see the policies that gates decide by",
    ),
    (
        "sealgate:policy:write",
        "change what claims give and what actors may do, everywhere",
    ),
    (
        "sealgate:audit:write",
        "say where records go, how long they are kept, and who has seen to anomalies",
    ),
    (
        "sealgate:audit:read",
        "read the record of everything that was done",
    ),
];

/// What `scope` allows, if it is one of them.
pub(crate) fn words(scope: &str) -> Option<&'static str> {
    let known = ALL.iter().find(|(name, _)| *name == scope);
    known.map(|(_, words)| *words)
}

/// Their names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// Whether `scope` is one that there is.
pub(crate) fn is_known(scope: &str) -> bool {
    words(scope).is_some()
}

/// The role without which no user has any of them.
pub(crate) const ROLE: &str = "admin";

/// Whether `scope` is one of them.
pub(crate) fn is_one(scope: &str) -> bool {
    scope.starts_with(PREFIX)
}

/// `scopes` without those of administration, which are asked for by name or not at all.
pub(crate) fn without(scopes: &[String]) -> Vec<String> {
    let other = |scope: &&String| !is_one(scope);
    scopes.iter().filter(other).cloned().collect()
}

/// The resource that tokens for administration name.
pub(crate) fn resource(issuer: &Issuer) -> String {
    issuer.url(BASE)
}

/// Whether a client may act with `scopes` for `user`: with those of administration only for an
/// administrator, whatever the client is registered for.
pub(crate) fn check(scopes: &[String], user: &UserRow) -> Result<(), OAuthError> {
    let asked = scopes.iter().any(|scope| is_one(scope));
    if asked && !user.roles.iter().any(|role| role == ROLE) {
        Err(OAuthError::AdministratorRequired)
    } else {
        Ok(())
    }
}
