//! The challenges that tell a client what to bring (RFC 6750, 3; RFC 9449, 7.1; RFC 9470, 3; RFC 9728, 5.1).

use sealgate_jose::Algorithm;

use super::ResourceSettings;
use super::credential::Scheme;
use super::denial::{TokenDenial, TokenRefusal};
use super::requirement::TokenRequirement;

/// Both schemes' challenges, as far as they are always the same.
pub(super) struct Challenges {
    bearer: String,
    dpop: String,
}

impl Challenges {
    pub(super) fn new(settings: &ResourceSettings) -> Self {
        let realm = quoted(&settings.realm);
        let metadata = settings
            .metadata
            .as_deref()
            .map_or_else(String::new, |url| {
                format!(", resource_metadata={}", quoted(url))
            });
        let common = format!("realm={realm}{metadata}");
        let algorithms = quoted(&Algorithm::NAMES.join(" "));
        Self {
            bearer: format!("Bearer {common}"),
            dpop: format!("DPoP {common}, algs={algorithms}"),
        }
    }

    /// The answer to a request that presented a token by `scheme`, or none at all. A 401 names every scheme
    /// that is taken here, and says what went wrong with the one that was used.
    pub(super) fn denial(
        &self,
        refusal: TokenRefusal,
        scheme: Option<Scheme>,
        need: &TokenRequirement,
        nonce: String,
    ) -> TokenDenial {
        let status = refusal.status();
        // A bound token has to come back as DPoP, whatever it came as.
        let at_fault = match refusal {
            TokenRefusal::TokenBound => Some(Scheme::Dpop),
            _ => scheme,
        };
        let mut challenges = Vec::new();
        for (one, challenge) in [(Scheme::Bearer, &self.bearer), (Scheme::Dpop, &self.dpop)] {
            let is_at_fault = at_fault.is_none_or(|scheme| scheme == one);
            match (status, refusal.error()) {
                (400 | 401 | 403, Some(error)) if is_at_fault => {
                    challenges.push(format!("{challenge}{}", told(refusal, error, need)));
                }
                (401, _) => challenges.push(challenge.clone()),
                _ => {}
            }
        }
        TokenDenial {
            refusal,
            challenges,
            nonce: (status == 401).then_some(nonce),
        }
    }
}

/// What went wrong, and what would be enough.
fn told(refusal: TokenRefusal, error: &str, need: &TokenRequirement) -> String {
    let mut told = vec![
        format!("error=\"{error}\""),
        format!("error_description={}", quoted(refusal.title())),
    ];
    match refusal {
        TokenRefusal::ScopeMissing => {
            told.push(format!("scope={}", quoted(&need.scopes.join(" "))));
        }
        TokenRefusal::AcrMissing | TokenRefusal::AuthenticationOld => {
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
    fn nothing_gets_out_of_a_quoted_string() {
        assert_eq!(quoted("a b"), "\"a b\"");
        assert_eq!(quoted("a\", error=\"x"), "\"a\\\", error=\\\"x\"");
        assert_eq!(quoted("a\\\r\nb\u{e9}"), "\"a\\\\b\"");
    }
}
