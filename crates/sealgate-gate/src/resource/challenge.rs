//! The challenges that tell a client what to bring (RFC 6750, 3; RFC 9449, 7.1; RFC 9470, 3; RFC 9728, 5.1).

use sealgate_jose::Algorithm;

use super::credential::Scheme;
use crate::denial::Denial;
use crate::requirement::Need;

/// What a request came with, right or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// With nothing that could be a credential here, or too much of it.
    Unclear,
    /// With a session cookie and nothing else.
    Session,
    /// With a token.
    Token(Scheme),
}

/// Each way's challenge, as far as it is always the same.
pub(crate) struct Challenges {
    session: String,
    bearer: String,
    dpop: String,
    /// What is enough to begin with, as a parameter, where that is told.
    scope: Option<String>,
}

impl Challenges {
    /// Those of the protection space `realm` (RFC 9110, 11.5), whose metadata is at `metadata`.
    pub(crate) fn new(realm: &str, metadata: Option<&str>) -> Self {
        let realm = quoted(realm);
        let metadata = metadata.map_or_else(String::new, |url| {
            format!(", resource_metadata={}", quoted(url))
        });
        let algorithms = quoted(&Algorithm::NAMES.join(" "));
        Self {
            session: format!("Session realm={realm}"),
            bearer: format!("Bearer realm={realm}{metadata}"),
            dpop: format!("DPoP realm={realm}{metadata}, algs={algorithms}"),
            scope: None,
        }
    }

    /// The same, with the scopes to begin with in every 401 (RFC 6750, 3).
    pub(crate) fn asking_for(mut self, scopes: &[String]) -> Self {
        self.scope = Some(scope(scopes));
        self
    }

    /// The scopes to ask for after a 401. Who has to sign in once more for one thing keeps what it takes.
    fn scope(&self, denial: Denial, need: &Need) -> String {
        match (&self.scope, denial) {
            (None, _) => String::new(),
            (Some(_), Denial::AcrMissing | Denial::AuthenticationOld) => scope(&need.scopes),
            (Some(first), _) => first.clone(),
        }
    }

    /// The values of `WWW-Authenticate`. A 401 names the ways in that are open to whoever came like this, and
    /// says what went wrong with the one that was used. Whoever came with a session is a browser: what it is
    /// asked for is another sign-in, and no token.
    pub(crate) fn answer(&self, denial: Denial, came: Came, need: &Need) -> Vec<String> {
        let status = denial.status();
        let told = denial.error().map(|error| told(denial, error, need));
        if came == Came::Session {
            let told = told.unwrap_or_default();
            return (status == 401)
                .then(|| format!("{}{told}", self.session))
                .into_iter()
                .collect();
        }
        let at_fault = match (denial, came) {
            // A bound token has to come back as DPoP, whatever it came as.
            (Denial::TokenBound, _) => Some(Scheme::Dpop),
            (_, Came::Token(scheme)) => Some(scheme),
            _ => None,
        };
        let scope = self.scope(denial, need);
        let mut challenges = Vec::new();
        for (one, challenge) in [(Scheme::Bearer, &self.bearer), (Scheme::Dpop, &self.dpop)] {
            let is_at_fault = at_fault.is_none_or(|scheme| scheme == one);
            match (status, &told) {
                (401, Some(told)) if is_at_fault => {
                    challenges.push(format!("{challenge}{told}{scope}"));
                }
                (400 | 403, Some(told)) if is_at_fault => {
                    challenges.push(format!("{challenge}{told}"));
                }
                (401, _) => challenges.push(format!("{challenge}{scope}")),
                _ => {}
            }
        }
        challenges
    }
}

/// Scopes as a parameter of a challenge; nothing where there are none.
fn scope(scopes: &[String]) -> String {
    if scopes.is_empty() {
        return String::new();
    }
    format!(", scope={}", quoted(&scopes.join(" ")))
}

/// What went wrong, and what would be enough.
fn told(denial: Denial, error: &str, need: &Need) -> String {
    let mut told = vec![
        format!("error=\"{error}\""),
        format!("error_description={}", quoted(denial.title())),
    ];
    match denial {
        Denial::ScopeMissing => {
            // All that can be of use, each once, so that one trip to the issuer is enough.
            let mut scopes: Vec<&str> = Vec::new();
            for scope in need.scopes.iter().chain(&need.any_scopes) {
                if !scopes.contains(&scope.as_str()) {
                    scopes.push(scope);
                }
            }
            told.push(format!("scope={}", quoted(&scopes.join(" "))));
        }
        Denial::AcrMissing | Denial::AuthenticationOld => {
            // Both, so that one trip to the sign-in is enough.
            if !need.acr.is_empty() {
                told.push(format!("acr_values={}", quoted(&need.acr.join(" "))));
            }
            let max_age = need.max_age.map(|max_age| max_age.as_secs());
            told.extend(max_age.map(|seconds| format!("max_age=\"{seconds}\"")));
        }
        _ => {}
    }
    format!(", {}", told.join(", "))
}

/// A quoted string (RFC 9110, 5.6.4) of what may stand in a header.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars().filter(|c| *c == ' ' || c.is_ascii_graphic()) {
        if matches!(char, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(char);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_signs_in_once_more_keeps_the_scopes_that_it_is_for() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let need = Need {
            scopes: names(&["read", "write"]),
            acr: names(&["key"]),
            ..Need::of(crate::requirement::Kinds::ANY)
        };
        let plain = Challenges::new("r", None);
        let came = Came::Token(Scheme::Bearer);
        let told = plain.answer(Denial::AcrMissing, came, &need);
        assert!(!told[0].contains("scope"));
        let asking = plain.asking_for(&names(&["read"]));
        let told = asking.answer(Denial::AcrMissing, came, &need);
        assert!(
            told[0].ends_with(r#", acr_values="key", scope="read write""#),
            "{told:?}"
        );
        let told = asking.answer(Denial::TokenExpired, came, &need);
        assert!(told[0].ends_with(r#", scope="read""#), "{told:?}");
    }

    #[test]
    fn nothing_gets_out_of_a_quoted_string() {
        assert_eq!(quoted("a b"), "\"a b\"");
        assert_eq!(quoted("a\", error=\"x"), "\"a\\\", error=\\\"x\"");
        assert_eq!(quoted("a\\\r\nb\u{e9}"), "\"a\\\\b\"");
    }
}
