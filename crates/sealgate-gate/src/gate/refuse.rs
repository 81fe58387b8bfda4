//! How a refusal is answered: to programs with a problem and a challenge, to people with a page or with a trip
//! to the sign-in.

use super::Gate;
use crate::caller::Caller;
use crate::decision::{Allowed, Decision};
use crate::denial::Denial;
use crate::login_url::LoginUrl;
use crate::page;
use crate::requirement::{Need, Requirement};
use crate::resource::Came;
use crate::response::Response;

/// A request that is refused.
pub(super) struct Refused {
    pub(super) denial: Denial,
    /// What it came with.
    pub(super) came: Came,
    /// Whose credential it came with, once that is certain.
    pub(super) caller: Option<Caller>,
}

impl Refused {
    pub(super) const fn new(denial: Denial, came: Came) -> Self {
        Self {
            denial,
            came,
            caller: None,
        }
    }

    pub(super) fn of(caller: Caller, denial: Denial, came: Came) -> Self {
        Self {
            denial,
            came,
            caller: Some(caller),
        }
    }
}

impl Gate {
    /// The answer to a request for what `requirement` asks, as a page or redirect if `person` (the path they
    /// wanted) is there. Where nobody is fine too, a request without a session that is good is nobody's; a
    /// token that is refused is refused, because whoever sends one means it.
    pub(super) fn deny(
        &self,
        refused: Refused,
        requirement: &Requirement,
        person: Option<String>,
    ) -> Decision {
        let is_token = matches!(refused.came, Came::Token(_));
        if requirement.is_optional() && !is_token && refused.denial.is_nobody() {
            return Decision::Allow(Allowed::default());
        }
        let need = requirement.need();
        Decision::Respond(match person.filter(|_| !is_token) {
            None => self.problem(refused, need),
            Some(target) => {
                let denial = refused.denial;
                let sign_in = sign_in(denial, &target, need).at(&self.common.paths().login);
                let page = page::denial_page(denial, &sign_in);
                self.challenged(page, refused, need)
            }
        })
    }

    /// The answer to a program.
    pub(super) fn problem(&self, refused: Refused, need: &Need) -> Response {
        self.challenged(page::denial(refused.denial), refused, need)
    }

    /// `response` with the challenges that belong to it, and with whom it is about.
    fn challenged(&self, mut response: Response, refused: Refused, need: &Need) -> Response {
        let Refused {
            denial,
            came,
            caller,
        } = refused;
        response.caller = caller;
        // A redirect to the sign-in is none.
        if response.status != denial.status() {
            return response;
        }
        let headers = &mut response.headers;
        headers.retain(|(name, _)| *name != "www-authenticate");
        let challenges = self.tokens.challenges().answer(denial, came, need);
        headers.extend(challenges.into_iter().map(|one| ("www-authenticate", one)));
        if response.status == 401 && came != Came::Session {
            headers.push(("dpop-nonce", self.tokens.nonce(&self.common)));
        }
        response
    }
}

/// The sign-in that would mend it, to come back to `target`: a stronger or more recent one where that is what is
/// missing. Both are asked for, so that one trip is enough.
fn sign_in(denial: Denial, target: &str, need: &Need) -> LoginUrl {
    /// More than these are not asked for.
    const ACR_MOST: usize = 8;
    let plain = LoginUrl::after(denial, target);
    if !matches!(denial, Denial::AcrMissing | Denial::AuthenticationOld) {
        return plain;
    }
    let acr = need.acr.iter().take(ACR_MOST).map(String::as_str);
    let acr = acr.collect::<Vec<_>>().join(" ");
    let seconds = |age: std::time::Duration| u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
    LoginUrl {
        acr_values: Some(acr).filter(|acr| !acr.is_empty()),
        max_age: need.max_age.map(seconds),
        ..plain
    }
}
