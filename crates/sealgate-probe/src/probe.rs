//! One request with what it is for, and what came of it.

use crate::answer::{Answer, Verdict};
use crate::identity::IdentityKind;
use crate::request::Request;

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A path that no application has, to know how what does not exist is answered.
    Control,
    /// Nobody, with nothing.
    Baseline,
    /// Nobody, with all that the handler requires, so that the gate is reached where it stands in the handler.
    Filled,
    /// A credential that is none.
    Garbage,
    /// A token that no issuer made.
    Forged,
    /// Somebody whom the application must turn away.
    Identity {
        /// Its name.
        name: String,
        /// What it is.
        kind: IdentityKind,
    },
    /// Nobody, with another `Host`.
    Host,
    /// Nobody, with another path that may mean the same.
    Path,
    /// Nobody, with headers that a proxy would set.
    Header,
    /// Somebody who gets in, to show that the route opens at all.
    Reach {
        /// Its name.
        name: String,
    },
}

impl Purpose {
    /// Whether the request has to be denied for its route to count as denied. What a mutant is answered
    /// counts only when it gets in: a path that does not exist is no denial and no hole.
    pub fn must_be_denied(&self) -> bool {
        matches!(self, Self::Garbage | Self::Forged | Self::Identity { .. })
    }

    /// Whether getting in with it is a finding.
    pub fn must_not_open(&self) -> bool {
        !matches!(self, Self::Control | Self::Reach { .. })
    }
}

/// A request to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// By which its answer is given back.
    pub id: usize,
    /// What it is for.
    pub purpose: Purpose,
    /// What is sent.
    pub request: Request,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it was for.
    pub purpose: Purpose,
    /// The request, without secrets.
    pub shown: String,
    /// The answer, in a few words.
    pub answer: String,
    /// Its status, where it has one.
    pub status: Option<u16>,
    /// Whether there was no answer.
    pub is_mute: bool,
    /// What it says of the gate.
    pub verdict: Verdict,
}

impl Outcome {
    /// What came of `request`.
    pub fn new(purpose: Purpose, request: &Request, answer: &Answer, verdict: Verdict) -> Self {
        Self {
            purpose,
            shown: request.to_string(),
            answer: answer.to_string(),
            status: answer.status,
            is_mute: answer.status.is_none() && answer.closed.is_none() && !answer.accepted,
            verdict,
        }
    }
}
