//! How long sessions last: those that end with the browser's sign-in, and those of AI agents, which go on
//! without it.

use std::time::Duration;

use sealgate_model::{Grant, Timestamp};
use sealgate_store::{Client, Session};

use crate::ControlPlane;

/// The shortest and the longest that a client's sessions may be registered to last, in seconds: 5 minutes, and
/// as long as any policy allows.
pub(crate) const SESSION_LIFETIME: std::ops::RangeInclusive<u32> = 300..=7_776_000;

/// Whether a session of `client` with these scopes goes on when the browser's sign-in ends: that of an AI agent
/// which may stay connected.
pub(crate) fn is_lasting(client: &Client, scopes: &[String]) -> bool {
    client.details.agent
        && client.details.grants.contains(&Grant::RefreshToken)
        && scopes.iter().any(|scope| scope == "offline_access")
}

/// How long a session of `client` lasts after its user has proved who they are, whatever its activity.
pub(crate) fn longest(plane: &ControlPlane, client: &Client, lasting: bool) -> Duration {
    let most = if lasting {
        plane.policy.agents.lifetime
    } else {
        plane.lifetimes.session
    };
    let own = client.details.session_lifetime;
    own.map_or(most, |own| most.min(Duration::from_secs(u64::from(own))))
}

/// How long such a session may rest.
pub(crate) fn idle(plane: &ControlPlane, lasting: bool) -> Duration {
    if lasting {
        plane.policy.agents.idle
    } else {
        plane.lifetimes.idle
    }
}

/// When a session ends by the rules as they are now, unless it is ended before: it was told an end when it
/// began, and what has been shortened since counts.
pub(crate) fn end(plane: &ControlPlane, client: &Client, session: &Session) -> Timestamp {
    let now = session.auth_time + longest(plane, client, session.details.lasting);
    session.expires_at.min(now)
}

/// Whether a session has rested for too long at `now`.
pub(crate) fn has_rested(plane: &ControlPlane, session: &Session, now: Timestamp) -> bool {
    now.since(session.renewed_at) >= idle(plane, session.details.lasting)
}
