//! How long things last, and what the authorization server offers.

use super::{Answer, ask};
use crate::facts::{Facts, ServerFacts};
use crate::judgement::Judgement;
use crate::words::span;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// At most `limit`, in seconds, or it is told what it is.
fn at_most(facts: &Facts, limit: u64, what: &str, of: fn(&ServerFacts) -> u64) -> Judgement {
    ask(&facts.server, |server| {
        let (value, limit_words) = (of(server), span(limit));
        let told = format!("{what} {}", span(value));
        if value <= limit {
            Answer::So(told)
        } else {
            Answer::Not(format!("{told}, and should {limit_words} at most"))
        }
    })
}

pub(super) fn https(facts: &Facts) -> Judgement {
    ask(&facts.server, |server| {
        if server.issuer.starts_with("https://") {
            Answer::So(format!("the issuer is {}", server.issuer))
        } else {
            Answer::Not(format!("the issuer is {}, without TLS", server.issuer))
        }
    })
}

/// NIST SP 800-63B-4: at AAL2 an overall timeout shall exist, and should be no more than 24 hours.
pub(super) fn session_end(facts: &Facts) -> Judgement {
    at_most(facts, 24 * HOUR, "sessions last", |server| {
        server.session_lifetime
    })
}

/// NIST SP 800-63B-4: at AAL2 inactivity should end a session after an hour.
pub(super) fn session_idle(facts: &Facts) -> Judgement {
    at_most(facts, HOUR, "sessions without renewal last", |server| {
        server.idle_lifetime
    })
}

pub(super) fn access_short(facts: &Facts) -> Judgement {
    at_most(facts, 15 * MINUTE, "access tokens last", |server| {
        server.access_lifetime
    })
}

pub(super) fn code_short(facts: &Facts) -> Judgement {
    at_most(facts, 10 * MINUTE, "authorization codes last", |server| {
        server.code_lifetime
    })
}

pub(super) fn code_minute(facts: &Facts) -> Judgement {
    at_most(facts, MINUTE, "authorization codes last", |server| {
        server.code_lifetime
    })
}

pub(super) fn code_flow_only(facts: &Facts) -> Judgement {
    ask(&facts.server, |server| {
        let bad = |grant: &&String| matches!(grant.as_str(), "implicit" | "password");
        let grants: Vec<&String> = server.grants.iter().filter(bad).collect();
        if grants.is_empty() && server.response_types == ["code"] {
            Answer::So(
                "the only response type is code; neither implicit nor password is a grant"
                    .to_owned(),
            )
        } else {
            Answer::Not(format!(
                "response types {}, grants {}",
                server.response_types.join(", "),
                server.grants.join(", ")
            ))
        }
    })
}

pub(super) fn pkce_s256(facts: &Facts) -> Judgement {
    ask(&facts.server, |server| {
        let methods = server.challenge_methods.join(", ");
        if server.challenge_methods == ["S256"] {
            Answer::So("the only challenge method is S256".to_owned())
        } else {
            Answer::Not(format!("challenge methods: {methods}"))
        }
    })
}

pub(super) fn pushed_requests(facts: &Facts) -> Judgement {
    ask(&facts.server, |server| {
        if server.pushed_requests {
            Answer::So("authorization requests can be pushed".to_owned())
        } else {
            Answer::Not("authorization requests cannot be pushed".to_owned())
        }
    })
}

pub(super) fn bound_tokens(facts: &Facts) -> Judgement {
    ask(&facts.server, |server| {
        if server.dpop_algorithms.is_empty() {
            Answer::Not("tokens cannot be bound to a key".to_owned())
        } else {
            Answer::So(format!(
                "tokens can be bound to a key by DPoP: {}",
                server.dpop_algorithms.join(", ")
            ))
        }
    })
}
