//! Requests that come with an access token.

use super::Gate;
use super::refuse::Refused;
use crate::decision::{Allowed, Decision};
use crate::denial::Denial;
use crate::pending::{Pending, Work};
use crate::request::Request;
use crate::requirement::Requirement;
use crate::resource::{Came, Judged, Known, Presented, Waiting};

impl Gate {
    /// Decides about a request that comes with a token.
    pub(super) fn token(
        &self,
        presented: &Presented<'_>,
        request: &Request<'_>,
        requirement: &Requirement,
    ) -> Decision {
        match self.tokens.known(&self.common, presented) {
            Known::Judged(judged) => self.present(
                &judged,
                presented,
                (request.method, request.path),
                requirement,
            ),
            Known::Refused(denial) => {
                let refused = Refused::new(denial, Came::Token(presented.scheme()));
                self.deny(refused, requirement, None)
            }
            Known::Ask => Decision::Pending(Box::new(Pending(Work::Token {
                token: Box::new(Waiting::new(presented, request)),
                requirement: requirement.clone(),
            }))),
        }
    }

    /// Decides about a request of this method and path that comes with a token of ours.
    fn present(
        &self,
        judged: &Judged,
        presented: &Presented<'_>,
        (method, path): (&str, &str),
        requirement: &Requirement,
    ) -> Decision {
        let admitted = self
            .tokens
            .admit(&self.common, judged, presented, method, path);
        let fresh_nonce = admitted.and_then(|nonce| {
            let denial = self.judge(requirement, &judged.caller.actor);
            denial.map_or(Ok(nonce), Err)
        });
        match fresh_nonce {
            Ok(nonce) => Decision::Allow(Allowed {
                caller: Some(judged.caller.clone()),
                headers: nonce
                    .map(|nonce| ("dpop-nonce", nonce))
                    .into_iter()
                    .collect(),
                ..Allowed::default()
            }),
            Err(denial) => {
                let came = Came::Token(presented.scheme());
                let refused = Refused::of(judged.caller.clone(), denial, came);
                self.deny(refused, requirement, None)
            }
        }
    }

    /// Decides about a request with a token whose issuer has to be asked for keys first.
    pub(super) async fn asked(&self, waiting: &Waiting, requirement: &Requirement) -> Decision {
        let known = match waiting.presented() {
            Ok(presented) => match self.tokens.ask(&self.common, &presented).await {
                Known::Judged(judged) => {
                    let aim = (waiting.method(), waiting.path());
                    return self.present(&judged, &presented, aim, requirement);
                }
                Known::Refused(denial) => denial,
                Known::Ask => Denial::KeysUnavailable,
            },
            Err(denial) => denial,
        };
        let refused = Refused::new(known, Came::Token(waiting.scheme()));
        self.deny(refused, requirement, None)
    }
}
