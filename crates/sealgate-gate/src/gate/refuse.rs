//! How a refusal is answered: to programs with a problem and a challenge, to people with a page or with a trip
//! to the sign-in.

use super::Gate;
use crate::caller::Caller;
use crate::decision::{Allowed, Decision};
use crate::denial::Denial;
use crate::login_url::LoginUrl;
use crate::page;
use crate::requirement::{Need, Requirement};
use crate::resource::{Came, Challenges};
use crate::response::Response;

/// A request that is refused.
pub(crate) struct Refused {
    pub(crate) denial: Denial,
    /// What it came with.
    pub(crate) came: Came,
    /// Whose credential it came with, once that is certain.
    pub(crate) caller: Option<Caller>,
}

impl Refused {
    pub(crate) const fn new(denial: Denial, came: Came) -> Self {
        Self {
            denial,
            came,
            caller: None,
        }
    }

    pub(crate) fn of(caller: Caller, denial: Denial, came: Came) -> Self {
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
    pub(crate) fn deny(
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
            None => self.problem(refused, requirement),
            Some(target) => {
                let denial = refused.denial;
                let sign_in = sign_in(denial, &target, need).at(&self.common.paths().login);
                let page = page::denial_page(denial, &sign_in);
                self.challenged(page, refused, need, self.challenges(requirement))
            }
        })
    }

    /// The answer to a program.
    pub(super) fn problem(&self, refused: Refused, requirement: &Requirement) -> Response {
        let (answer, need) = (page::denial(refused.denial), requirement.need());
        self.challenged(answer, refused, need, self.challenges(requirement))
    }

    /// The challenges of the resource that a requirement is about.
    fn challenges<'a>(&'a self, requirement: &'a Requirement) -> &'a Challenges {
        match requirement {
            Requirement::Mcp(server) => server.challenges(),
            _ => self.tokens.challenges(),
        }
    }

    /// `response` with the challenges that belong to it, and with whom it is about.
    pub(crate) fn challenged(
        &self,
        mut response: Response,
        refused: Refused,
        need: &Need,
        challenges: &Challenges,
    ) -> Response {
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
        let challenges = challenges.answer(denial, came, need);
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
