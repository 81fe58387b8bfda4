//! Asking the token endpoint for a token to call onward with.

use std::time::Duration;

use sealgate_jose::TOKEN_LIMIT;
use sealgate_model::{Secret, Uptime};
use serde::Deserialize;

use super::cache::Token;
use super::error::OnwardError;
use super::proof::{For, Prover};
use super::target::Target;
use super::{Behalf, user_id};
use crate::caller::{Caller, CredentialKind};
use crate::common::Common;
use crate::provider::{ProviderError, TokenReply};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What is taken for `expires_in` when the answer does not say: little, since nobody would notice.
const LIFETIME: Duration = Duration::from_secs(60);

/// A token that lives longer is asked for again after this: what changes meanwhile should be told.
const LONGEST: Duration = Duration::from_secs(86_400);

/// How long before its end a token is renewed at the latest, if it lives long enough.
const LEAD: Duration = Duration::from_secs(30);

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(5);

/// How long after it should have been renewed a session's refresh token is still presented. With the time that a
/// request may take it is less than the control plane's grace window (20 s, if nobody changed it). Past that it may
/// be spent, and would be taken for stolen.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Answer {
    access_token: Hidden,
    token_type: String,
    expires_in: Option<u64>,
    issued_token_type: Option<String>,
}

/// Text that is wiped when it is dropped.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Hidden(Secret);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

/// Asks for a token of `target` (RFC 6749, 4.4.2; RFC 8693, 2.1; RFC 8707, 2.2).
pub(super) async fn ask(
    common: &Common,
    prover: &Prover,
    target: &Target,
    behalf: Behalf<'_>,
) -> Result<Token, OnwardError> {
    let fields = fields(common, target, behalf)?;
    // Before the question: the issuer counts from when it answers.
    let had_at = common.uptime();
    let reply = send(common, prover, target.dpop(), fields).await?;
    let body = accepted(reply)?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| unacceptable("the token answer is not readable"))?;
    check(&answer, target.dpop())?;
    let mut life = answer
        .expires_in
        .map_or(LIFETIME, Duration::from_secs)
        .min(LONGEST);
    let mut user = None;
    if let Behalf::Of(caller) = behalf {
        life = life.min(caller.credential.expires_at.since(common.now()));
        user = Some(user_id(&caller.actor));
    }
    tracing::debug!(audience = target.audience(), user, "a token to call onward");
    Ok(timed(common, answer.access_token.0, had_at, life))
}

fn fields(
    common: &Common,
    target: &Target,
    behalf: Behalf<'_>,
) -> Result<Vec<(&'static str, Secret)>, OnwardError> {
    let mut fields = match behalf {
        Behalf::Itself => vec![("grant_type", Secret::new("client_credentials"))],
        Behalf::Of(caller) => {
            let (token, kind) = subject_token(common, caller)?;
            vec![
                ("grant_type", Secret::new(EXCHANGE)),
                ("subject_token", token),
                ("subject_token_type", Secret::new(kind)),
                ("requested_token_type", Secret::new(ACCESS_TOKEN)),
            ]
        }
    };
    fields.push(("resource", Secret::new(target.audience())));
    if !target.scopes().is_empty() {
        fields.push(("scope", Secret::new(target.scopes().join(" "))));
    }
    Ok(fields)
}

/// What says on whose behalf. It goes to the issuer that gave it out, and to nobody else.
fn subject_token(common: &Common, caller: &Caller) -> Result<(Secret, &'static str), OnwardError> {
    let credential = &caller.credential;
    let token = credential.subject_token.clone();
    let token = token.ok_or(OnwardError::CallerWithoutToken)?;
    if credential.kind != CredentialKind::Session {
        return Ok((token, ACCESS_TOKEN));
    }
    if common.now() >= credential.subject_token_until + GRACE {
        return Err(OnwardError::CallerOutdated);
    }
    Ok((token, REFRESH_TOKEN))
}

/// Sends the request, once more if the endpoint wants a nonce in the proof (RFC 9449, 8).
async fn send(
    common: &Common,
    prover: &Prover,
    dpop: bool,
    fields: Vec<(&'static str, Secret)>,
) -> Result<TokenReply, OnwardError> {
    let provider = common.provider();
    if !dpop {
        return Ok(provider.ask_token(fields, None).await?);
    }
    let endpoint = provider.token_endpoint().await?;
    // Nonces of the token endpoint are kept apart from those of resources at its origin.
    let nonce = prover.nonce(&endpoint);
    let proof = prove(common, prover, &endpoint, nonce.as_deref())?;
    let first = provider.ask_token(fields.clone(), Some(proof)).await?;
    let told = first.dpop_nonce.as_ref();
    let Some(told) = told.filter(|told| prover.told(&endpoint, told.as_bytes())) else {
        return Ok(first);
    };
    let wants =
        matches!(&first.body, Err(ProviderError::Refused(code)) if code == "use_dpop_nonce");
    if !wants || nonce.as_ref() == Some(told) {
        return Ok(first);
    }
    let proof = prove(common, prover, &endpoint, Some(told))?;
    let second = provider.ask_token(fields, Some(proof)).await?;
    if let Some(told) = &second.dpop_nonce {
        prover.told(&endpoint, told.as_bytes());
    }
    Ok(second)
}

fn prove(
    common: &Common,
    prover: &Prover,
    endpoint: &str,
    nonce: Option<&str>,
) -> Result<Secret, OnwardError> {
    let what = For {
        method: "POST",
        url: endpoint,
        nonce,
        access_token: None,
    };
    prover.prove(common, &what)
}

fn accepted(reply: TokenReply) -> Result<Vec<u8>, OnwardError> {
    match reply.body {
        // Both say that it is not about the request (RFC 6749, 4.1.2.1, as servers use it here too).
        Err(ProviderError::Refused(code))
            if code == "temporarily_unavailable" || code == "server_error" =>
        {
            Err(OnwardError::Unavailable(code))
        }
        body => Ok(body?),
    }
}

/// A token that is not bound as was asked is not used: whoever finds it could use it too.
fn check(answer: &Answer, dpop: bool) -> Result<(), OnwardError> {
    let kind = if dpop { "DPoP" } else { "Bearer" };
    if !answer.token_type.eq_ignore_ascii_case(kind) {
        return Err(unacceptable(
            "the token is of another type than was asked for",
        ));
    }
    let issued = answer.issued_token_type.as_deref();
    if issued.is_some_and(|issued| issued != ACCESS_TOKEN) {
        return Err(unacceptable("it is no access token"));
    }
    let token = answer.access_token.0.expose();
    let fits = (1..=TOKEN_LIMIT).contains(&token.len());
    if fits && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(unacceptable("the token cannot be sent in a header"))
    }
}

/// The token with its times. Renewal is spread a little, so that the tokens of many processes that started
/// together are not all asked for at once.
fn timed(common: &Common, secret: Secret, had_at: Uptime, life: Duration) -> Token {
    let spread = f64::from(u16::from_le_bytes(common.random().bytes())) / f64::from(u16::MAX);
    let lead = (life / 5).max(LEAD) + (life / 20).mul_f64(spread);
    Token {
        secret,
        had_at,
        renew_at: had_at + life.saturating_sub(lead.min(life / 2)),
        ends_at: had_at + life.saturating_sub(MARGIN.min(life / 10)),
    }
}

fn unacceptable(why: &str) -> OnwardError {
    OnwardError::Unacceptable(why.to_owned())
}

impl From<ProviderError> for OnwardError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(why) => Self::Unavailable(why),
            ProviderError::Refused(code) => Self::Refused(code),
            ProviderError::Unacceptable(why) => Self::Unacceptable(why),
        }
    }
}
