//! Requests whose caller is known already: refusals of a dependency, and actors that a test puts there.

use super::Gate;
use super::refuse::Refused;
use crate::caller::{Caller, CredentialKind};
use crate::decision::{Allowed, Decision};
use crate::denial::Denial;
use crate::request::{Request, Seen};
use crate::requirement::Requirement;
use crate::resource::{Came, Scheme};
use crate::response::Response;

impl Gate {
    /// The gate's answer to a program that calls as `caller`, or as nobody, and does not meet `requirement`;
    /// nothing when it is met.
    pub fn refusal(&self, caller: Option<&Caller>, requirement: &Requirement) -> Option<Response> {
        let denial = self.refuses(caller, requirement)?;
        Some(self.problem(refused(caller, denial), requirement))
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
        match self.refuses(caller.as_ref(), requirement) {
            Some(denial) => {
                let seen = Seen::read(request, self.common.names());
                let person = seen.is_navigation(request).then(|| Self::target(request));
                self.deny(refused(caller.as_ref(), denial), requirement, person)
            }
            None => Decision::Allow(Allowed {
                caller,
                ..Allowed::default()
            }),
        }
    }

    fn refuses(&self, caller: Option<&Caller>, requirement: &Requirement) -> Option<Denial> {
        match (caller, requirement) {
            (_, Requirement::Public { .. }) => None,
            (_, Requirement::Unreviewed) => Some(Denial::RouteUnreviewed),
            (Some(caller), _) => super::misplaced(caller, requirement)
                .or_else(|| self.judge(requirement, &caller.actor)),
            (None, _) if requirement.is_optional() => None,
            (None, _) => Some(Denial::CredentialMissing),
        }
    }
}

fn refused(caller: Option<&Caller>, denial: Denial) -> Refused {
    let Some(caller) = caller else {
        return Refused::new(denial, Came::Unclear);
    };
    let came = match caller.credential.kind {
        CredentialKind::Session | CredentialKind::Test => Came::Session,
        CredentialKind::Bearer => Came::Token(Scheme::Bearer),
        CredentialKind::Dpop => Came::Token(Scheme::Dpop),
    };
    Refused::of(caller.clone(), denial, came)
}
