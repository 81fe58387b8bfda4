//! Requests whose caller is known already: refusals of a dependency, and actors that a test puts there.

use std::sync::Arc;

use super::Gate;
use super::refuse::Refused;
use crate::caller::{Caller, CredentialKind};
use crate::decision::{Allowed, Decision};
use crate::denial::Denial;
use crate::policy::Judged;
use crate::request::{Request, Seen};
use crate::requirement::Requirement;
use crate::resource::{Came, Scheme};
use crate::response::Response;

impl Gate {
    /// The gate's answer to a program that calls as `caller`, or as nobody, and does not meet `requirement`;
    /// nothing when it is met.
    pub fn refusal(&self, caller: Option<&Caller>, requirement: &Requirement) -> Option<Response> {
        let judged = self.refuses(caller, requirement);
        let refused = refused(caller, judged.denial?, judged.by);
        Some(self.problem(refused, requirement))
    }

    /// Decides about a request as if `caller`, or nobody, had come with a good credential. It is for tests
    /// of applications: credentials in the request are not looked at, requirements are judged as ever.
    pub fn decide_for(
        &self,
        request: &Request<'_>,
        requirement: &Requirement,
        caller: Option<Caller>,
    ) -> Decision {
        if let Some(decision) = self.own_answer(request) {
            return decision;
        }
        if matches!(requirement, Requirement::Public { .. }) {
            return Decision::Allow(Allowed::default());
        }
        let judged = self.refuses(caller.as_ref(), requirement);
        match judged.denial {
            Some(denial) => {
                let seen = Seen::read(request, self.common.names());
                let person = seen.is_navigation(request).then(|| Self::target(request));
                let refused = refused(caller.as_ref(), denial, judged.by);
                self.deny(refused, requirement, person)
            }
            None => Decision::Allow(Allowed {
                caller,
                ..Allowed::default()
            }),
        }
    }

    fn refuses(&self, caller: Option<&Caller>, requirement: &Requirement) -> Judged {
        match (caller, requirement) {
            (_, Requirement::Public { .. }) => Judged::default(),
            (_, Requirement::Unreviewed) => Denial::RouteUnreviewed.into(),
            (Some(caller), _) => match super::misplaced(caller, requirement) {
                Some(denial) => denial.into(),
                None => self.judge(requirement, caller),
            },
            (None, _) if requirement.is_optional() => Judged::default(),
            (None, _) => Denial::CredentialMissing.into(),
        }
    }
}

/// A refusal of `caller`, who is known; `by` are the policies that say so.
pub(super) fn refused(caller: Option<&Caller>, denial: Denial, by: Option<Arc<str>>) -> Refused {
    let Some(caller) = caller else {
        return Refused::new(denial, Came::Unclear);
    };
    let came = match caller.credential.kind {
        CredentialKind::Session | CredentialKind::Test => Came::Session,
        CredentialKind::Bearer => Came::Token(Scheme::Bearer),
        CredentialKind::Dpop => Came::Token(Scheme::Dpop),
    };
    let caller = Caller {
        decided_by: by,
        ..caller.clone()
    };
    Refused::of(caller, denial, came)
}
