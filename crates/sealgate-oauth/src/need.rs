//! Whether a user has to sign in for a request: `prompt`, `max_age`, `acr` and the user that is asked
//! for, against the sign-in there is (`OpenID` Connect Core, 3.1.2.1 and 5.5.1; RFC 9470, 5).

use std::time::Duration;

use sealgate_model::{Timestamp, UserId};

use crate::{AuthorizationRequest, OAuthError};

/// How far the clock may have been set back since a sign-in for it still to be taken as of now.
const STEP: Duration = Duration::from_secs(60);

/// What is known of the user who is signed in.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    /// Who they are.
    pub user: UserId,
    /// When they proved it.
    pub auth_time: Timestamp,
    /// How, as an `acr` value.
    pub acr: &'a str,
}

/// What has to happen before a request can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticationNeed {
    /// Nothing: the sign-in is good enough.
    Satisfied,
    /// The user has to sign in, again or for the first time.
    SignIn,
    /// It cannot be answered: signing in would not help, or is not allowed (`prompt=none`).
    CannotBeMet(OAuthError),
}

impl AuthorizationRequest {
    /// What the user has to do for this request.
    ///
    /// `proof` is the sign-in there is, if there is one. `asked_at` is when the request came in if the
    /// user has been to the sign-in page since, which satisfies `prompt` and `max_age`; none on the
    /// request's first arrival. `reachable` are the `acr` values that signing in can lead to.
    pub fn authentication_need(
        &self,
        proof: Option<&Proof<'_>>,
        asked_at: Option<Timestamp>,
        reachable: &[&str],
        now: Timestamp,
    ) -> AuthenticationNeed {
        use AuthenticationNeed::{CannotBeMet, Satisfied, SignIn};
        let essential = self.essential_acr();
        if !essential.is_empty() && !has_any(essential, reachable) {
            return CannotBeMet(OAuthError::AuthenticationUnmet);
        }
        let sign_in = |or| {
            if self.prompt.is_silent() {
                CannotBeMet(or)
            } else {
                SignIn
            }
        };
        let Some(proof) = proof else {
            return sign_in(OAuthError::LoginRequired);
        };
        let just_now = asked_at.is_some_and(|asked_at| proof.auth_time >= asked_at)
            && proof.auth_time <= now + STEP;
        let meets_essential = essential.is_empty() || has_any(essential, &[proof.acr]);
        if just_now {
            // Whatever this sign-in lacks, another like it would lack too.
            return if !self.accepts(proof.user) {
                CannotBeMet(OAuthError::UserUnexpected)
            } else if !meets_essential {
                CannotBeMet(OAuthError::AuthenticationUnmet)
            } else {
                Satisfied
            };
        }
        if !self.accepts(proof.user) {
            return sign_in(OAuthError::UserUnexpected);
        }
        if self.prompt.asks_sign_in() || !self.is_recent(proof.auth_time, now) || !meets_essential {
            return sign_in(OAuthError::LoginRequired);
        }
        let wanted = self.voluntary_acr();
        let could_be_better = has_any(wanted, reachable) && !has_any(wanted, &[proof.acr]);
        if could_be_better && !self.prompt.is_silent() {
            SignIn
        } else {
            Satisfied
        }
    }

    /// The values of which one has to be reached.
    fn essential_acr(&self) -> &[String] {
        let asked = self.claims.acr.as_ref().filter(|acr| acr.essential);
        asked.map_or(&[], |acr| &acr.values)
    }

    /// The values of which one should be reached.
    fn voluntary_acr(&self) -> &[String] {
        let asked = self.claims.acr.as_ref().filter(|acr| !acr.essential);
        asked
            .map(|acr| acr.values.as_slice())
            .filter(|values| !values.is_empty())
            .unwrap_or(&self.acr_values)
    }

    fn is_recent(&self, auth_time: Timestamp, now: Timestamp) -> bool {
        match self.max_age {
            None => true,
            // The same as `prompt=login` (OpenID Connect Core, 15.1, errata set 2).
            Some(0) => false,
            Some(seconds) => {
                // A time further ahead was told by a clock that has been set back since: nobody can
                // say how long ago it was.
                now.since(auth_time) <= Duration::from_secs(u64::from(seconds))
                    && auth_time <= now + STEP
            }
        }
    }
}

fn has_any(wanted: &[String], known: &[&str]) -> bool {
    wanted.iter().any(|value| known.contains(&value.as_str()))
}

#[cfg(test)]
#[path = "need_tests.rs"]
mod tests;
