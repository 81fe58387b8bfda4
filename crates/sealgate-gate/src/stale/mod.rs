//! What the gate does while its view is not fresh: nothing passes, the control plane is asked about each
//! credential, or routes that are marked for it go on for a while (docs/decisions/0029-when-the-feed-breaks.md).

mod breaker;
mod introspection;

use std::time::Duration;

use sealgate_model::Timestamp;

pub(crate) use introspection::{Answer, Introspections, Question, Verdict};

/// What becomes of credentials while the feed has been silent for longer than the staleness bound. One that is
/// known to be revoked is refused in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStale {
    /// None passes.
    Deny,
    /// The control plane is asked about each (RFC 7662).
    Introspect,
    /// On routes that are marked for it they pass for so long beyond the staleness bound.
    Allow(Duration),
}

impl OnStale {
    /// For how long beyond the staleness bound something may pass unasked.
    pub(crate) const fn beyond(self) -> Duration {
        match self {
            Self::Allow(beyond) => beyond,
            Self::Deny | Self::Introspect => Duration::ZERO,
        }
    }
}

/// How much is known of a credential of which nothing bad is known.
#[must_use = "what is not current must not pass like what is"]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Knowledge {
    /// Everything that was committed before the staleness bound.
    Current,
    /// Less than that, and everything from before what the setting allows beyond it.
    Late,
    /// Less than that.
    Stale,
}

/// Whether what a credential says of its user or a client has changed since it was told.
#[must_use = "what is outdated must not be believed"]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// It has not, as far as it is known.
    None,
    /// That cannot be told right now.
    Unknown,
    /// It has. A change at the very moment counts: nobody can say which of the two was first.
    Since,
}

impl Change {
    /// By `changed_at`, the last change that a view knows of. One that cannot be read says the end of time.
    pub(crate) fn of(changed_at: Option<Timestamp>, told_at: Timestamp) -> Self {
        match changed_at {
            Some(END_OF_TIME) => Self::Unknown,
            Some(changed_at) if told_at <= changed_at => Self::Since,
            None | Some(_) => Self::None,
        }
    }
}

/// What a view that cannot be read says of the last change.
pub(crate) const END_OF_TIME: Timestamp = Timestamp::from_millis(i64::MAX);
