//! `/auth/callback`: the provider's answer to a sign-in.
//!
//! The answer counts only in the browser that asked: its transaction cookie holds the state, the nonce
//! and the PKCE verifier (RFC 9700, 4.7). Each way it can fail has a page of its own, because "try again"
//! helps in some and not in others.

use sealgate_session::{SealError, SessionContent, TransactionContent};

use crate::address::Address;
use crate::common::Common;
use crate::failure::Failure;
use crate::page;
use crate::provider::Metadata;
use crate::query::Query;
use crate::request::{Request, cookies_where};
use crate::response::Response;
use crate::rounds::Rounds;
use crate::stale::Knowledge;
use crate::transactions::{FINISHED_COOKIE, TRANSACTION_LIFETIME};
use crate::{alive, session};

/// What the browser brought back, owned.
pub(crate) struct Callback {
    query: Option<Query>,
    cookies: Vec<(String, String)>,
    /// The session that the browser has already, if it is alive.
    session: Option<SessionContent>,
    address: Address,
    rounds: Option<Rounds>,
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
            session: live_session(common, request),
            address: Address::of(request, &common.settings().base_url),
            rounds: Rounds::read(common.names(), request, common.now()),
        }
    }

    /// Carries the sign-in through: a redirect with the session's cookie, or a page that says why not.
    pub(crate) async fn finish(&self, common: &Common) -> Response {
        match self.try_finish(common).await {
            Ok(response) => response,
            // Whoever comes back to a finished sign-in, by the back button or in another tab, is where
            // they wanted to be as long as the session is alive.
            Err((Failure::TransactionUsed, Some((_, transaction)))) if self.session.is_some() => {
                page::redirect(&transaction.return_to)
            }
            Err((failure, transaction)) => {
                let begun = transaction
                    .as_ref()
                    .map(|(_, begun)| begun.return_to.as_str());
                let mut response = failure.page(common, begun);
                tracing::info!(reason = response.reason, "a sign-in failed");
                // A sign-in that may still come to its end keeps its cookie, and so does one that did.
                if let Some((name, _)) = transaction.filter(|_| failure.is_final()) {
                    let cookie = common.names().delete(&name);
                    response.headers.push(("set-cookie", cookie));
                }
                response
            }
        }
    }

    async fn try_finish(
        &self,
        common: &Common,
    ) -> Result<Response, (Failure, Option<(String, TransactionContent)>)> {
        let query = self.query.as_ref().ok_or((Failure::Malformed, None))?;
        let state = query.get("state").ok_or((Failure::Malformed, None))?;
        let (name, transaction) = self
            .transaction(common, state)
            .map_err(|failure| (failure, None))?;
        let fail = |failure| (failure, Some((name.clone(), transaction.clone())));
        if transaction.is_finished() {
            return Err(fail(Failure::TransactionUsed));
        }
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
        let rounds = Rounds::one_more(self.rounds, common.now());
        for cookie in [
            session,
            finished_cookie(common, &name, &transaction),
            rounds.cookie(common.names()),
        ] {
            response.headers.push(("set-cookie", cookie));
        }
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
            return Err(match self.address {
                _ if !self.cookies.is_empty() => Failure::StateForeign,
                Address::Own => Failure::TransactionMissing,
                Address::Other => Failure::AddressOther,
            });
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

/// The session that the browser has, if it is one and alive.
fn live_session(common: &Common, request: &Request<'_>) -> Option<SessionContent> {
    let name = common.names().session();
    let [(_, sealed)] = cookies_where(request, |other| other == name)[..] else {
        return None;
    };
    let opened = common
        .seals()
        .open_session(common.names(), sealed.as_bytes());
    opened
        .ok()
        .filter(|session| alive::check(common, session) == Ok(Knowledge::Current))
}

/// The `Set-Cookie` value that says, instead of the transaction, where it led.
fn finished_cookie(common: &Common, name: &str, transaction: &TransactionContent) -> String {
    let names = common.names();
    let sealed = common
        .seals()
        .seal_transaction(name, &transaction.finished());
    sealed.map_or_else(
        |_| names.delete(name),
        |sealed| names.write(name, &sealed, FINISHED_COOKIE),
    )
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
