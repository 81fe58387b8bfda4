//! `/auth/login`: a sign-in begins.
//!
//! Any page may send a browser here. That is harmless: state, nonce and verifier are made here and stay
//! with this browser, the session it has is left alone, and the way back is a path of the application. What
//! another page can bring about is that its visitor is signed in as themselves, which a link can as well.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_host::sha256;
use sealgate_model::{Secret, Timestamp};
use sealgate_session::TransactionContent;

use crate::address::Address;
use crate::common::Common;
use crate::cookies::Found;
use crate::denial::Denial;
use crate::login_url::LoginUrl;
use crate::page::{self, Problem};
use crate::provider::Metadata;
use crate::query::with_params;
use crate::request::{Request, Seen, cookies_where};
use crate::response::Response;
use crate::rounds::{self, Rounds};
use crate::transactions::TRANSACTION_COOKIE;

/// This many sign-ins may be under way in one browser; the oldest give way.
const TRANSACTIONS: usize = 4;

/// A sign-in that is to begin.
pub(crate) struct Login {
    asked: LoginUrl,
    /// The names of the transaction cookies to delete.
    drop: Vec<String>,
}

impl Login {
    /// Reads what the request asks for; an answer instead of a sign-in where none can come to a good end.
    pub(crate) fn read(common: &Common, request: &Request<'_>) -> Result<Self, Response> {
        let Some(mut asked) = LoginUrl::parse(request.query) else {
            return Err(malformed(common));
        };
        if !asked.moved && Address::of(request, &common.settings().base_url) == Address::Other {
            // The cookie that is set here would not arrive where the sign-in ends.
            asked.moved = true;
            return Err(page::redirect(&asked.at(&common.login_url())));
        }
        let rounds = Rounds::read(common.names(), request, common.now());
        if !asked.again && rounds.is_some_and(Rounds::are_too_many) {
            return Err(going_round(common, request, asked));
        }
        Ok(Self {
            drop: surplus(common, request),
            asked,
        })
    }

    /// The redirect to the provider, with the transaction's cookie.
    pub(crate) fn begin(&self, common: &Common, metadata: &Metadata) -> Response {
        let random = common.random();
        let (state, nonce, verifier) = (
            Secret::generate(random),
            Secret::generate(random),
            Secret::generate(random),
        );
        let return_to = self.asked.return_to.clone();
        let transaction = TransactionContent::new(
            state.expose().to_owned(),
            nonce.expose().to_owned(),
            verifier.expose().to_owned(),
            return_to.unwrap_or_else(|| common.home()),
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
        let (redirect_uri, scope) = (common.callback_url(), common.settings().scopes.join(" "));
        let max_age = self.asked.max_age.map(|seconds| seconds.to_string());
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", common.settings().client_id.as_str()),
            ("redirect_uri", redirect_uri.as_str()),
            ("scope", scope.as_str()),
            ("state", state.expose()),
            ("nonce", nonce.expose()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        parameters.extend(self.step_up(max_age.as_deref()));
        for (name, value) in common.provider().authorization_parameters() {
            match parameters.iter_mut().find(|(known, _)| *known == name) {
                // The only one that the step-up sets as well (OpenID Connect Core 1.0, 3.1.2.1).
                Some((_, prompt)) => *prompt = "login consent",
                None => parameters.push((name, value)),
            }
        }
        let mut response =
            page::redirect(&with_params(&metadata.authorization_endpoint, &parameters));
        let mut set = |cookie| response.headers.push(("set-cookie", cookie));
        set(common.names().write(&name, &sealed, TRANSACTION_COOKIE));
        for name in &self.drop {
            set(common.names().delete(name));
        }
        if self.asked.again {
            set(rounds::forget(common.names()));
        }
        response
    }

    /// What asks the provider for more than a sign-in that is good enough for it. Some providers ignore
    /// `max_age=0`, but none a plain `prompt`.
    fn step_up<'a>(&'a self, max_age: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a str)> {
        let prompt = (self.asked.max_age == Some(0)).then_some("login");
        [
            ("acr_values", self.asked.acr_values.as_deref()),
            ("max_age", max_age),
            ("prompt", prompt),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

fn malformed(common: &Common) -> Response {
    page::page(&Problem {
        status: 400,
        reason: "login_malformed",
        title: "This is no way to sign in",
        explanation: "The address asks for something that cannot be asked for, or has it twice.",
        action: Some((&common.paths().login, "Sign in")),
    })
}

/// The page that ends a circle of sign-ins, says what was refused last, and lets the person go on.
fn going_round(common: &Common, request: &Request<'_>, asked: LoginUrl) -> Response {
    let seen = Seen::read(request, common.names());
    let refused = asked
        .refused
        .or((seen.session == Found::Nothing).then_some(Denial::CredentialMissing));
    let explanation = match refused {
        Some(denial) => format!("{} ({})", rounds::cause(denial), denial.code()),
        None => {
            "A script sent you back here; the application's log tells what was refused.".to_owned()
        }
    };
    let code = refused.map_or("unknown", Denial::code);
    tracing::warn!(refused = code, "sign-ins go round in circles: stopped");
    let asked = LoginUrl {
        again: true,
        moved: false,
        ..asked
    };
    page::page(&Problem {
        status: 409,
        reason: "sign_in_loop",
        title: "Signing in goes round in circles",
        explanation: &format!(
            "You were signed in three times within a minute, and refused right after each time. {explanation}"
        ),
        action: Some((&asked.at(&common.paths().login), "Try again")),
    })
}

/// The transaction cookies that must give way to one more: those that do not open, those that are
/// finished, and the oldest.
fn surplus(common: &Common, request: &Request<'_>) -> Vec<String> {
    let mut open: Vec<(bool, Timestamp, &str)> = Vec::new();
    let mut drop = Vec::new();
    for (name, value) in cookies_where(request, |name| common.names().is_transaction(name)) {
        match common.seals().open_transaction(name, value) {
            Ok(transaction) => {
                open.push((!transaction.is_finished(), transaction.started_at(), name));
            }
            Err(_) => drop.push(name.to_owned()),
        }
    }
    open.sort_unstable();
    let over = (open.len() + 1).saturating_sub(TRANSACTIONS);
    let oldest = open.into_iter().take(over);
    drop.extend(oldest.map(|(_, _, name)| name.to_owned()));
    drop
}
