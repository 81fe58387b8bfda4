//! Asking the control plane about one credential at a time (RFC 7662), when the feed says nothing any more.
//!
//! It is a crutch for a broken feed, and must not become what breaks the control plane: few ask at once, nobody
//! waits long, requests with the same credential share an answer, and who gets none stops asking for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_model::Uptime;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::breaker::{Breaker, Change, Leave, Outcome};
use crate::caller::Caller;
use crate::common::Common;
use crate::memory::{SecretMark, mark};
use crate::provider::ProviderError;

/// No answer is waited for longer.
const LIMIT: Duration = Duration::from_secs(2);
/// For this long, counted from the question, an answer is used again.
const REUSE: Duration = Duration::from_secs(1);
/// The answers that are kept, at most.
const MOST: usize = 4_096;
/// Longer answers are not read, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// The credential that is asked about.
pub(crate) struct Question<'a> {
    /// The access token, or the session's refresh token.
    pub(crate) token: &'a str,
    /// Which of both (RFC 7662, 2.1).
    pub(crate) hint: &'static str,
    /// What the gate takes it for.
    pub(crate) caller: &'a Caller,
}

/// What the control plane says, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Answer {
    active: bool,
    sub: Option<String>,
    scope: Option<String>,
    roles: Option<Vec<String>>,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is good, and says what is so.
    Good,
    /// It is revoked, or over.
    Ended,
    /// It is good, and says more than what is so now.
    Outdated,
    /// That cannot be told.
    Unknown,
}

impl Answer {
    /// Reads an answer. The error is for the log.
    pub(crate) fn read(body: &[u8]) -> Result<Self, ProviderError> {
        let unreadable = || ProviderError::Unacceptable("the answer is not readable".to_owned());
        if body.len() > ANSWER_LIMIT {
            return Err(unreadable());
        }
        serde_json::from_slice(body).map_err(|_| unreadable())
    }

    /// What follows for `caller`. Roles and scopes that were taken away since count for nothing: the credential
    /// has to be had anew.
    fn verdict(&self, caller: &Caller) -> Verdict {
        if !self.active {
            return Verdict::Ended;
        }
        let (actor, credential) = (&caller.actor, &caller.credential);
        let subject = credential.subject.as_ref().unwrap_or(&credential.client);
        // An answer about somebody else is none.
        if self.sub.as_ref().is_some_and(|sub| sub != subject) {
            return Verdict::Unknown;
        }
        let has_left =
            |all: &[String], left: &dyn Fn(&str) -> bool| all.iter().all(|one| left(one));
        let roles = self.roles.as_ref().is_none_or(|roles| {
            has_left(actor.roles(), &|role| roles.iter().any(|left| left == role))
        });
        let scopes = self.scope.as_ref().is_none_or(|scopes| {
            has_left(actor.scopes(), &|scope| {
                scopes.split_ascii_whitespace().any(|left| left == scope)
            })
        });
        if roles && scopes {
            Verdict::Good
        } else {
            Verdict::Outdated
        }
    }
}

/// One question and everybody who waits for its answer.
struct Flight {
    began: Uptime,
    /// None where there is no answer.
    outcome: OnceCell<Option<Arc<Answer>>>,
}

impl Flight {
    /// Whether whoever comes at `now` may share it. A question without an answer is put again.
    fn is_shared(&self, now: Uptime, reuse: Duration) -> bool {
        now.since(self.began) < reuse && !matches!(self.outcome.get(), Some(None))
    }
}

/// The questions of this process.
#[derive(Default)]
pub(crate) struct Introspections {
    breaker: Mutex<Breaker>,
    flights: Mutex<HashMap<SecretMark, Arc<Flight>>>,
}

impl Introspections {
    /// What the control plane says of the credential: now, or a moment ago.
    pub(crate) async fn ask(&self, common: &Common, question: &Question<'_>) -> Verdict {
        let flight = self.join(question.token, common.uptime(), bounded(common, REUSE));
        // Whoever comes first asks; if that request is cancelled, the next takes over.
        let outcome = flight
            .outcome
            .get_or_init(|| self.ask_now(common, question))
            .await;
        match outcome {
            Some(answer) => answer.verdict(question.caller),
            None => Verdict::Unknown,
        }
    }

    /// Whether nobody is asked just now, because nobody answers.
    pub(crate) fn is_given_up(&self, now: Uptime) -> bool {
        self.breaker().is_open(now)
    }

    fn join(&self, token: &str, now: Uptime, reuse: Duration) -> Arc<Flight> {
        let key = mark(token.as_bytes());
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights
            .get(&key)
            .filter(|flight| flight.is_shared(now, reuse))
        {
            return Arc::clone(flight);
        }
        if flights.len() >= MOST {
            flights.retain(|_, flight| flight.is_shared(now, reuse));
        }
        // What is forgotten is asked once more, if it may be.
        if flights.len() >= MOST {
            flights.clear();
        }
        let flight = Arc::new(Flight {
            began: now,
            outcome: OnceCell::new(),
        });
        flights.insert(key, Arc::clone(&flight));
        flight
    }

    async fn ask_now(&self, common: &Common, question: &Question<'_>) -> Option<Arc<Answer>> {
        let leave = self.breaker().begin(common.uptime())?;
        let asking = Asking {
            all: self,
            common,
            leave: Some(leave),
        };
        let asked = common.provider().introspect(question.token, question.hint);
        let answer = tokio::time::timeout(bounded(common, LIMIT), asked).await;
        let error = match answer {
            Ok(Ok(answer)) => {
                asking.end(Outcome::Answered);
                return Some(Arc::new(answer));
            }
            Ok(Err(error)) => error,
            Err(_) => ProviderError::Unavailable("no answer in time".to_owned()),
        };
        tracing::debug!(%error, "the control plane did not say whether a credential is good");
        asking.end(Outcome::Failed);
        None
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to ask, given back also where nobody waits any more.
struct Asking<'a> {
    all: &'a Introspections,
    common: &'a Common,
    leave: Option<Leave>,
}

impl Asking<'_> {
    fn end(mut self, outcome: Outcome) {
        self.give_back(outcome);
    }

    fn give_back(&mut self, outcome: Outcome) {
        let Some(leave) = self.leave.take() else {
            return;
        };
        let [jitter] = self.common.random().bytes::<1>();
        let now = self.common.uptime();
        let change = self.all.breaker().end(leave, outcome, now, jitter);
        match change {
            Some(Change::Opened(pause)) => tracing::warn!(
                millis = pause.as_millis(),
                "the control plane does not say whether credentials are good: not asked for a while"
            ),
            Some(Change::Closed) => {
                tracing::info!("the control plane says again whether credentials are good");
            }
            None => {}
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.give_back(Outcome::Dropped);
    }
}

/// `span`, but no longer than the staleness bound: what is learnt by asking is never older than that.
fn bounded(common: &Common, span: Duration) -> Duration {
    span.min(common.settings().staleness_bound)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_model::{Actor, User};

    use super::*;

    fn caller(roles: &[&str], scopes: &[&str]) -> Caller {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let user = User {
            id: "ada".to_owned(),
            roles: names(roles),
            scopes: names(scopes),
            ..User::default()
        };
        Caller::for_test(Actor::User(user), "https://id.example")
    }

    #[test]
    fn an_answer_is_good_for_no_more_than_it_says() {
        let cases = [
            (r#"{"active":true}"#, Verdict::Good),
            (r#"{"active":false}"#, Verdict::Ended),
            (
                r#"{"active":true,"sub":"ada","roles":["a","b"],"scope":"s t"}"#,
                Verdict::Good,
            ),
            (r#"{"active":true,"sub":"eve"}"#, Verdict::Unknown),
            (r#"{"active":true,"roles":["b"]}"#, Verdict::Outdated),
            (r#"{"active":true,"scope":"t"}"#, Verdict::Outdated),
            (r#"{"active":true,"scope":""}"#, Verdict::Outdated),
            (r#"{"active":false,"sub":"eve","roles":[]}"#, Verdict::Ended),
        ];
        for (body, verdict) in cases {
            let answer = Answer::read(body.as_bytes()).unwrap();
            assert_eq!(answer.verdict(&caller(&["a"], &["s"])), verdict, "{body}");
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        let long = format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(ANSWER_LIMIT));
        for body in [
            "",
            "true",
            "[]",
            "{}",
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"active":true,"roles":"a"}"#,
            r#"{"active":true,"active":false}"#,
            &long,
        ] {
            assert!(
                Answer::read(body.as_bytes()).is_err(),
                "{}",
                &body[..body.len().min(40)]
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_an_error(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(answer) = Answer::read(&body) {
                prop_assert!(!answer.active || body.windows(4).any(|four| four == b"true"));
            }
        }
    }
}
