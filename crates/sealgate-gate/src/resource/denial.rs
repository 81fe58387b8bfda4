//! The answer to a request whose access token is refused.

use crate::denial::Denial;

/// A denial, with everything its answer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDenial {
    pub(super) denial: Denial,
    pub(super) challenges: Vec<String>,
    pub(super) nonce: Option<String>,
}

impl TokenDenial {
    /// Why.
    pub const fn denial(&self) -> Denial {
        self.denial
    }

    /// The stable reason code.
    pub const fn reason(&self) -> &'static str {
        self.denial.code()
    }

    /// The status code: 400, 401, 403 or 503.
    pub const fn status(&self) -> u16 {
        self.denial.status()
    }

    /// One sentence for the caller.
    pub const fn detail(&self) -> &'static str {
        match self.denial {
            // Nobody signs in at a resource that takes tokens alone.
            Denial::CredentialMissing => "An access token is needed here.",
            denial => denial.title(),
        }
    }

    /// The values of `WWW-Authenticate`, each for a header of its own.
    pub fn challenges(&self) -> &[String] {
        &self.challenges
    }

    /// The value of `DPoP-Nonce`, with every 401.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// The value of `Retry-After`, in seconds, with every 503.
    pub const fn retry_after(&self) -> Option<u32> {
        match self.status() {
            503 => Some(2),
            _ => None,
        }
    }

    /// Every header of the answer that is not about its body: names in lower case, and values.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let challenges = self.challenges.iter().cloned();
        let mut headers: Vec<_> = challenges
            .map(|challenge| ("www-authenticate", challenge))
            .collect();
        headers.push(("cache-control", "no-store".to_owned()));
        headers.extend(self.nonce.clone().map(|nonce| ("dpop-nonce", nonce)));
        let retry_after = self.retry_after();
        headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        headers
    }

    /// The answer's body, `application/problem+json` (RFC 9457).
    pub fn problem(&self) -> serde_json::Value {
        serde_json::json!({
            "type": "about:blank",
            "title": match self.status() {
                400 => "Bad Request",
                401 => "Unauthorized",
                403 => "Forbidden",
                _ => "Service Unavailable",
            },
            "status": self.status(),
            "reason": self.reason(),
            "detail": self.detail(),
        })
    }
}
