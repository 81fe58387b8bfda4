//! Why a sign-in did not come to its end: each way has a page of its own.

use crate::common::Common;
use crate::login_url::LoginUrl;
use crate::page::{self, Problem};
use crate::provider::ProviderError;
use crate::response::Response;

/// Why a sign-in did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The address lacks what an answer has, or has it twice.
    Malformed,
    /// The cookie with which it began is not there.
    TransactionMissing,
    /// Nor is it, and the browser is at another address than the application's.
    AddressOther,
    /// Another sign-in's cookie is there.
    StateForeign,
    /// It took too long.
    TransactionExpired,
    /// Its answer was used already.
    TransactionUsed,
    /// The answer is not of the issuer that was asked.
    IssuerForeign,
    /// The provider says no, with this code.
    Declined(String),
    /// The provider does not take its own code.
    CodeRefused,
    /// The provider cannot be reached.
    Unavailable,
    /// The provider's answer does not hold.
    Unacceptable,
    /// The session does not fit into a cookie.
    TooLarge,
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        tracing::warn!(%error, "the control plane did not complete a sign-in");
        match error {
            ProviderError::Unavailable(_) => Self::Unavailable,
            ProviderError::Refused(_) => Self::CodeRefused,
            ProviderError::Unacceptable(_) => Self::Unacceptable,
        }
    }
}

impl Failure {
    /// Whether nothing can come of this sign-in any more, nor came of it.
    pub(crate) const fn is_final(&self) -> bool {
        !matches!(self, Self::Unavailable | Self::TransactionUsed)
    }

    /// The page that says so, with a link to begin anew and come to `return_to`.
    pub(crate) fn page(&self, common: &Common, return_to: Option<&str>) -> Response {
        let (status, reason, title, explanation) = self.words();
        let asked = LoginUrl {
            return_to: return_to.map(str::to_owned),
            ..LoginUrl::default()
        };
        let login = asked.at(&match self {
            // From the application's own address, wherever the browser is now.
            Self::AddressOther => common.login_url(),
            _ => common.paths().login.clone(),
        });
        page::page(&Problem {
            status,
            reason,
            title,
            explanation,
            action: Some((&login, "Sign in again")),
        })
    }

    fn words(&self) -> (u16, &'static str, &'static str, &'static str) {
        match self {
            Self::Malformed => (
                400,
                "callback_malformed",
                "This is not the answer to a sign-in",
                "The address lacks what a sign-in brings back, or has it twice.",
            ),
            Self::TransactionMissing => (
                400,
                "transaction_missing",
                "This sign-in cannot be finished here",
                "The cookie with which it began is not here. It may have begun in another browser or \
                 window, an hour ago, or cookies may be blocked.",
            ),
            Self::AddressOther => (
                400,
                "address_other",
                "This is not the application's own address",
                "The browser is at another host, or on http instead of https, so that the cookie with which \
                 the sign-in began stays elsewhere. Begin at the application's own address. Its operator \
                 compares it with SEALGATE_BASE_URL and with what the proxy passes on.",
            ),
            Self::StateForeign => (
                400,
                "state_foreign",
                "This sign-in began somewhere else",
                "The answer does not belong to any sign-in that this browser began. If you followed a \
                 link from somebody else, close this page.",
            ),
            Self::TransactionExpired => (
                400,
                "transaction_expired",
                "This sign-in took too long",
                "A sign-in has ten minutes from its beginning to its end. Nothing is lost: begin again.",
            ),
            Self::TransactionUsed => (
                400,
                "transaction_used",
                "This sign-in is already finished",
                "Its answer can be used once, and the session that came of it is over or was lost. Begin \
                 again.",
            ),
            Self::IssuerForeign => (
                400,
                "issuer_foreign",
                "This answer comes from another issuer",
                "The sign-in was answered by someone other than who was asked. It is not accepted.",
            ),
            Self::Declined(code) => declined(code),
            Self::CodeRefused => (
                400,
                "code_refused",
                "The sign-in was not accepted",
                "The control plane did not accept its own answer: it was used before, or it is too old.",
            ),
            Self::Unavailable => (
                503,
                "provider_unavailable",
                "Signing in is not possible right now",
                "The control plane cannot be reached. Reload this page in a moment; nothing is lost.",
            ),
            Self::Unacceptable => (
                502,
                "provider_unacceptable",
                "The sign-in was answered wrongly",
                "The control plane's answer did not pass the checks. The application's operator finds \
                 more in its log.",
            ),
            Self::TooLarge => (
                500,
                "session_too_large",
                "The session does not fit into a cookie",
                "The account carries more roles and scopes than a browser keeps. Its administrator can \
                 reduce them.",
            ),
        }
    }
}

/// What the provider's error code means to the person who sees it (RFC 6749, 4.1.2.1). The code and
/// description are not repeated: anybody can put any text into a link.
fn declined(code: &str) -> (u16, &'static str, &'static str, &'static str) {
    match code {
        "access_denied" => (
            403,
            "provider_access_denied",
            "The sign-in was declined",
            "You, or the control plane's policy, declined to sign in to this application.",
        ),
        "temporarily_unavailable" | "server_error" => (
            503,
            "provider_unavailable",
            "Signing in is not possible right now",
            "The control plane could not complete the sign-in. Try again in a moment.",
        ),
        "login_required" | "interaction_required" | "consent_required" => (
            401,
            "provider_interaction_required",
            "You need to sign in",
            "The control plane needs you to sign in by hand.",
        ),
        _ => (
            502,
            "provider_error",
            "The control plane refused the sign-in",
            "It did not accept the way in which this application asked. The application's operator \
             should check its client settings.",
        ),
    }
}
