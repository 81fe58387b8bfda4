//! Requests that come with an access token.

use super::Gate;
use super::refuse::Refused;
use super::unsure::{Aim, Leave};
use crate::decision::{Allowed, Decision};
use crate::denial::Denial;
use crate::pending::{Pending, Work};
use crate::policy::Loaded;
use crate::request::Request;
use crate::requirement::Requirement;
use crate::resource::{Came, Judged, Known, Presented, Proven, Waiting};
use crate::stale::{Question, Verdict};
use crate::standing;

/// The request that a token came with.
#[derive(Clone, Copy)]
struct Call<'a> {
    method: &'a str,
    path: &'a str,
    aim: Aim,
    requirement: &'a Requirement,
}

/// What lets a token go on, and its proof, which is not spent yet.
type Going = (Leave, Option<Proven>);

impl Gate {
    /// Decides about a request that comes with a token.
    pub(crate) fn token(
        &self,
        presented: &Presented<'_>,
        request: &Request<'_>,
        requirement: &Requirement,
    ) -> Decision {
        let aim = Aim::of(request);
        let ask = || {
            Decision::Pending(Box::new(Pending(Work::Token {
                token: Box::new(Waiting::new(presented, request)),
                requirement: requirement.clone(),
                aim,
            })))
        };
        match self.tokens.known(&self.common, presented, requirement) {
            Known::Judged(judged) => {
                let call = Call {
                    method: request.method,
                    path: request.path,
                    aim,
                    requirement,
                };
                match self.going(&judged, presented, call) {
                    Ok((Leave::Ask, _)) => ask(),
                    Ok(_) if self.common.policy().is_wanted() => ask(),
                    going => self.passed(going, &judged, presented, requirement),
                }
            }
            Known::Refused(denial) => {
                let refused = Refused::new(denial, Came::Token(presented.scheme()));
                self.deny(refused, requirement, None)
            }
            Known::Ask => ask(),
        }
    }

    /// What lets a token of ours go on for `call`.
    fn going(
        &self,
        judged: &Judged,
        presented: &Presented<'_>,
        call: Call<'_>,
    ) -> Result<Going, Denial> {
        let (proven, knowledge) =
            self.tokens
                .admit(&self.common, judged, presented, call.method, call.path)?;
        let leave = self.leave(knowledge, call.requirement, call.aim)?;
        Ok((leave, proven))
    }

    /// Decides about a request whose token goes on, or not.
    fn passed(
        &self,
        going: Result<Going, Denial>,
        judged: &Judged,
        presented: &Presented<'_>,
        requirement: &Requirement,
    ) -> Decision {
        let told = |denial| (denial, judged.caller.clone());
        let passed = going.map_err(told).and_then(|(leave, proven)| {
            let fresh_nonce = self.tokens.spend(&self.common, proven).map_err(told)?;
            let mapped = |loaded: Option<&Loaded>| judged.caller_under(loaded);
            let caller = self.judge_mapped(requirement, &judged.caller, mapped)?;
            Ok((leave, fresh_nonce, caller))
        });
        match passed {
            Ok((leave, nonce, caller)) => Decision::Allow(Allowed {
                caller: Some(caller),
                reason: leave.reason(),
                headers: nonce
                    .map(|nonce| ("dpop-nonce", nonce))
                    .into_iter()
                    .collect(),
                ..Allowed::default()
            }),
            Err((denial, caller)) => {
                let came = Came::Token(presented.scheme());
                let refused = Refused::of(caller, denial, came);
                self.deny(refused, requirement, None)
            }
        }
    }

    /// Decides about a request with a token whose issuer has to be asked first: for keys, or about the token.
    pub(super) async fn asked(
        &self,
        waiting: &Waiting,
        requirement: &Requirement,
        aim: Aim,
    ) -> Decision {
        self.hear_first_view().await;
        self.common.policy().have().await;
        let known = match waiting.presented() {
            Ok(presented) => match self.known_or_asked(&presented, requirement).await {
                Known::Judged(judged) => {
                    let call = Call {
                        method: waiting.method(),
                        path: waiting.path(),
                        aim,
                        requirement,
                    };
                    let going = match self.going(&judged, &presented, call) {
                        Ok((Leave::Ask, proven)) => self
                            .vouched(&judged, &presented)
                            .await
                            .map(|()| (Leave::Ask, proven)),
                        going => going,
                    };
                    return self.passed(going, &judged, &presented, requirement);
                }
                Known::Refused(denial) => denial,
                Known::Ask => Denial::KeysUnavailable,
            },
            Err(denial) => denial,
        };
        let refused = Refused::new(known, Came::Token(waiting.scheme()));
        self.deny(refused, requirement, None)
    }

    async fn known_or_asked(&self, presented: &Presented<'_>, requirement: &Requirement) -> Known {
        match self.tokens.known(&self.common, presented, requirement) {
            Known::Ask => {
                let tokens = &self.tokens;
                tokens.ask(&self.common, presented, requirement).await
            }
            known => known,
        }
    }

    /// Whether the control plane vouches for a token.
    async fn vouched(&self, judged: &Judged, presented: &Presented<'_>) -> Result<(), Denial> {
        let question = Question {
            token: presented.token(),
            hint: "access_token",
            caller: &judged.caller,
        };
        match self.introspections.ask(&self.common, &question).await {
            // While the control plane was asked the feed may have told more.
            Verdict::Good => {
                self.common.policy().confirm().await?;
                standing::check(&self.common, &judged.caller.credential).map(|_| ())
            }
            Verdict::Ended => Err(Denial::TokenRevoked),
            Verdict::Outdated => Err(Denial::TokenOutdated),
            Verdict::Unknown => Err(Denial::FeedStale),
        }
    }
}
