//! `/auth/callback`: the provider's answer to a sign-in.
//!
//! The answer counts only in the browser that asked: its transaction cookie holds the state, the nonce
//! and the PKCE verifier (RFC 9700, 4.7). Each way it can fail has a page of its own, because "try again"
//! helps in some and not in others.

use sealgate_session::{SealError, TransactionContent};

use crate::common::Common;
use crate::page::{self, Problem};
use crate::provider::{Metadata, ProviderError};
use crate::query::Query;
use crate::request::{Request, cookies_where};
use crate::response::Response;
use crate::session;
use crate::transactions::TRANSACTION_LIFETIME;

/// What the browser brought back, owned.
pub(crate) struct Callback {
    query: Option<Query>,
    cookies: Vec<(String, String)>,
}

/// Why a sign-in did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    Malformed,
    TransactionMissing,
    StateForeign,
    TransactionExpired,
    TransactionUsed,
    IssuerForeign,
    Declined(String),
    CodeRefused,
    Unavailable,
    Unacceptable,
    TooLarge,
}

impl Callback {
    pub(crate) fn read(common: &Common, request: &Request<'_>) -> Self {
        let cookies = cookies_where(request, |name| common.names().is_transaction(name));
        Self {
            query: Query::parse(request.query),
            cookies: cookies
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// Carries the sign-in through: a redirect with the session's cookie, or a page that says why not.
    pub(crate) async fn finish(&self, common: &Common) -> Response {
        match self.try_finish(common).await {
            Ok(response) => response,
            Err((failure, transaction)) => {
                let mut response = failure.page(&common.paths().login);
                tracing::info!(reason = response.reason, "a sign-in failed");
                // A sign-in that may still come to its end keeps its cookie; any other is over.
                if let Some(name) = transaction.filter(|_| failure != Failure::Unavailable) {
                    response
                        .headers
                        .push(("set-cookie", common.names().delete(&name)));
                }
                response
            }
        }
    }

    async fn try_finish(&self, common: &Common) -> Result<Response, (Failure, Option<String>)> {
        let query = self.query.as_ref().ok_or((Failure::Malformed, None))?;
        let state = query.get("state").ok_or((Failure::Malformed, None))?;
        let (name, transaction) = self
            .transaction(common, state)
            .map_err(|failure| (failure, None))?;
        let fail = |failure| (failure, Some(name.clone()));
        let metadata = common
            .provider()
            .metadata()
            .await
            .map_err(|error| fail(error.into()))?;
        if common.now() >= transaction.started_at() + TRANSACTION_LIFETIME {
            return Err(fail(Failure::TransactionExpired));
        }
        check_issuer(query, &metadata, common).map_err(fail)?;
        if let Some(error) = query.get("error") {
            return Err(fail(Failure::Declined(error.to_owned())));
        }
        let code = query.get("code").ok_or_else(|| fail(Failure::Malformed))?;
        if !common.spent().spend(&transaction, common.now()) {
            return Err(fail(Failure::TransactionUsed));
        }
        let started = start(common, code, &transaction).await;
        if started == Err(Failure::Unavailable) {
            // The code was not redeemed as far as is known: a reload may still bring it to its end.
            common.spent().give_back(&transaction);
        }
        let session = started.map_err(fail)?;
        let mut response = page::redirect(&transaction.return_to);
        response.headers.push(("set-cookie", session));
        response
            .headers
            .push(("set-cookie", common.names().delete(&name)));
        Ok(response)
    }

    fn transaction(
        &self,
        common: &Common,
        state: &str,
    ) -> Result<(String, TransactionContent), Failure> {
        let name = common.names().transaction(state);
        let mut named = self.cookies.iter().filter(|(other, _)| *other == name);
        let (Some((_, sealed)), None) = (named.next(), named.next()) else {
            let other = if self.cookies.is_empty() {
                Failure::TransactionMissing
            } else {
                Failure::StateForeign
            };
            return Err(other);
        };
        let transaction = common
            .seals()
            .open_transaction(&name, sealed)
            .map_err(|_| Failure::TransactionMissing)?;
        if transaction.state == state {
            Ok((name, transaction))
        } else {
            Err(Failure::StateForeign)
        }
    }
}

/// The mix-up defence (RFC 9207): the answer must come from the issuer that was asked.
fn check_issuer(query: &Query, metadata: &Metadata, common: &Common) -> Result<(), Failure> {
    match query.get("iss") {
        Some(issuer) if issuer == common.settings().issuer.as_str() => Ok(()),
        None if !metadata.authorization_response_iss_parameter_supported => Ok(()),
        _ => Err(Failure::IssuerForeign),
    }
}

/// Exchanges the code and seals the session; its `Set-Cookie` value.
async fn start(
    common: &Common,
    code: &str,
    transaction: &TransactionContent,
) -> Result<String, Failure> {
    let tokens = common
        .provider()
        .exchange(code, &transaction.verifier, &common.callback_url())
        .await?;
    let content = session::start(common, tokens, &transaction.nonce).await?;
    let cookie = common
        .seals()
        .session_cookie(common.names(), &content, common.now())
        .map_err(|error| match error {
            SealError::TooLong { .. } => Failure::TooLarge,
            _ => Failure::Unacceptable,
        })?;
    tracing::info!(session = %content.session(), "a session started");
    Ok(cookie)
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
    fn page(&self, login: &str) -> Response {
        let (status, reason, title, explanation) = self.words();
        page::page(&Problem {
            status,
            reason,
            title,
            explanation,
            action: Some((login, "Sign in again")),
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
                 window, under http instead of https, or cookies may be blocked.",
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
                "Its answer can be used once. If you came here by the back button or a reload, you may \
                 already be signed in.",
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
