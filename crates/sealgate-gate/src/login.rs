//! `/auth/login`: a sign-in begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_host::sha256;
use sealgate_model::{Secret, Timestamp};
use sealgate_session::TransactionContent;

use crate::common::Common;
use crate::page::{self, Problem};
use crate::provider::Metadata;
use crate::query::{Query, with_params};
use crate::request::{Request, cookies_where};
use crate::response::Response;
use crate::return_path;
use crate::transactions::TRANSACTION_LIFETIME;

/// This many sign-ins may be under way in one browser; the oldest give way.
const TRANSACTIONS: usize = 4;

/// A sign-in that is to begin.
pub(crate) struct Login {
    return_to: String,
    /// The names of the transaction cookies to delete.
    drop: Vec<String>,
}

impl Login {
    /// Reads what the request says; a return path that could leave the application is dropped.
    pub(crate) fn read(common: &Common, request: &Request<'_>) -> Self {
        let query = Query::parse(request.query);
        let return_to = query
            .as_ref()
            .and_then(|query| query.get("return_to"))
            .and_then(return_path::check)
            .map_or_else(|| common.home(), str::to_owned);
        Self {
            return_to,
            drop: surplus(common, request),
        }
    }

    /// The redirect to the provider, with the transaction's cookie.
    pub(crate) fn begin(&self, common: &Common, metadata: &Metadata) -> Response {
        let random = common.random();
        let (state, nonce, verifier) = (
            Secret::generate(random),
            Secret::generate(random),
            Secret::generate(random),
        );
        let transaction = TransactionContent::new(
            state.expose().to_owned(),
            nonce.expose().to_owned(),
            verifier.expose().to_owned(),
            self.return_to.clone(),
            common.now(),
        );
        let name = common.names().transaction(state.expose());
        let Ok(sealed) = common.seals().seal_transaction(&name, &transaction) else {
            return page::page(&Problem {
                status: 500,
                reason: "transaction_unsealable",
                title: "Signing in is not possible",
                explanation: "The application could not seal the sign-in. Its operator finds more in the log.",
                action: None,
            });
        };
        let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.expose().as_bytes()).as_bytes());
        let location = with_params(
            &metadata.authorization_endpoint,
            &[
                ("response_type", "code"),
                ("client_id", common.settings().client_id.as_str()),
                ("redirect_uri", &common.callback_url()),
                ("scope", &common.settings().scopes.join(" ")),
                ("state", state.expose()),
                ("nonce", nonce.expose()),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ],
        );
        let mut response = page::redirect(&location);
        response.headers.push((
            "set-cookie",
            common.names().write(&name, &sealed, TRANSACTION_LIFETIME),
        ));
        for name in &self.drop {
            response
                .headers
                .push(("set-cookie", common.names().delete(name)));
        }
        response
    }
}

/// The transaction cookies that must give way to one more: those that do not open, and the oldest.
fn surplus(common: &Common, request: &Request<'_>) -> Vec<String> {
    let mut open: Vec<(Timestamp, &str)> = Vec::new();
    let mut drop = Vec::new();
    for (name, value) in cookies_where(request, |name| common.names().is_transaction(name)) {
        match common.seals().open_transaction(name, value) {
            Ok(transaction) => open.push((transaction.started_at(), name)),
            Err(_) => drop.push(name.to_owned()),
        }
    }
    open.sort_unstable();
    let over = (open.len() + 1).saturating_sub(TRANSACTIONS);
    drop.extend(open.into_iter().take(over).map(|(_, name)| name.to_owned()));
    drop
}
