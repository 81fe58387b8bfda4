//! Calling onward: access tokens for other resources, and the headers that carry them.
//!
//! A token is the application's own (client credentials, RFC 6749, 4.4) or one to act for its caller (token
//! exchange, RFC 8693). The caller's own credential is never passed on: what arrives elsewhere names this
//! application and ends with the caller's session. Tokens are kept while they are good, asked for once for
//! however many requests wait, and renewed before they end.

mod cache;
mod error;
mod grant;
mod proof;
mod target;

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{Actor, Secret};

use crate::caller::{Caller, CredentialKind};
use crate::common::Common;
use crate::gate::Gate;
use crate::standing;
use cache::{Cache, Key, Slot, Subject, Token};
use proof::Prover;

pub use error::OnwardError;
pub use target::Target;

/// A token that was refused so soon after it was made is not asked for again: another would be no better.
const TOO_YOUNG: Duration = Duration::from_secs(5);

/// The longest `WWW-Authenticate` that is looked at, in bytes.
const CHALLENGE_LIMIT: usize = 8 * 1024;

/// For whom a call is made. It is always said: nothing is taken from what happens to be running.
#[derive(Debug, Clone, Copy)]
pub enum Behalf<'a> {
    /// For the application itself.
    Itself,
    /// For the user behind a request: the user who called, or whose agent did.
    Of(&'a Caller),
}

/// What has to go with one request.
#[derive(Debug)]
pub struct Onward {
    /// The value of `Authorization`.
    pub authorization: Secret,
    /// The value of `DPoP`, when the token is bound to this process's key.
    pub dpop: Option<Secret>,
    /// Whether the token ends soon: [`Gate::onward`] should be called for it, without this request waiting.
    pub is_due: bool,
    origin: String,
    /// The nonce in the proof.
    nonce: Option<String>,
    key: Key,
    token: Arc<Token>,
}

/// What of an answer tells whether the same request would do better with other headers.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The status code.
    pub status: u16,
    /// The values of all `WWW-Authenticate` headers.
    pub challenges: &'a [&'a [u8]],
    /// The value of `DPoP-Nonce`.
    pub nonce: Option<&'a [u8]>,
}

/// Why the same request would do better with other headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The other side has told a nonce that proofs have to carry (RFC 9449, 9).
    Nonce,
    /// The other side does not take the token any more; another one is asked for.
    Token,
}

impl Again {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nonce => "nonce",
            Self::Token => "token",
        }
    }
}

/// The tokens of one gate.
#[derive(Default)]
pub(crate) struct Tokens {
    cache: Cache,
    prover: Prover,
}

impl Gate {
    /// The headers for a request of `method` to `url`, if a token is at hand; nothing when one has to be
    /// asked for first. It never blocks.
    ///
    /// # Errors
    /// [`OnwardError::Elsewhere`] if `url` is not of the target; those about the caller.
    pub fn onward_at_hand(
        &self,
        target: &Target,
        behalf: Behalf<'_>,
        method: &str,
        url: &str,
    ) -> Result<Option<Onward>, OnwardError> {
        let asked = self.onward_asked(target, behalf, url)?;
        let slot = self.onward_tokens().cache.known(&asked.key);
        let now = self.common().uptime();
        match slot.and_then(|slot| {
            slot.good(now)
                .map(|token| (slot.is_due(&token, now), token))
        }) {
            Some((is_due, token)) => asked.sign(self, token, is_due, method).map(Some),
            None => Ok(None),
        }
    }

    /// The headers for a request of `method` to `url`; a token is asked for if none is at hand, or if it ends
    /// soon. One that is still good is used when the control plane is away.
    ///
    /// # Errors
    /// Every [`OnwardError`] but [`OnwardError::TargetUnusable`].
    pub async fn onward(
        &self,
        target: &Target,
        behalf: Behalf<'_>,
        method: &str,
        url: &str,
    ) -> Result<Onward, OnwardError> {
        let asked = self.onward_asked(target, behalf, url)?;
        let slot = self.onward_tokens().cache.slot(&asked.key, self.common());
        slot.note(behalf);
        let token = self.onward_token(&slot, target, behalf).await?;
        asked.sign(self, token, false, method)
    }

    /// Learns from the answer to a request that `sent` went with; why it should be made once more, or nothing.
    pub fn onward_answered(&self, sent: &Onward, answered: &Answered<'_>) -> Option<Again> {
        let tokens = self.onward_tokens();
        let told = answered.nonce.filter(|_| sent.dpop.is_some());
        let told = told.filter(|nonce| tokens.prover.told(&sent.origin, nonce));
        // Somebody else may have learnt of it in the meantime: what counts is what this proof had.
        let is_new = told.is_some_and(|nonce| sent.nonce.as_deref() != str::from_utf8(nonce).ok());
        if answered.status != 401 {
            return None;
        }
        if says(answered.challenges, "use_dpop_nonce") {
            return is_new.then_some(Again::Nonce);
        }
        let now = self.common().uptime();
        let old = now.since(sent.token.had_at) >= TOO_YOUNG;
        if says(answered.challenges, "invalid_token") && old {
            if let Some(slot) = tokens.cache.known(&sent.key) {
                slot.drop_token(&sent.token);
            }
            return Some(Again::Token);
        }
        None
    }

    /// Checks where the request goes and for whom it is, before any token is looked at.
    fn onward_asked(
        &self,
        target: &Target,
        behalf: Behalf<'_>,
        url: &str,
    ) -> Result<Asked, OnwardError> {
        let place = target.place(url)?;
        let subject = match behalf {
            Behalf::Itself => Subject::Itself,
            Behalf::Of(caller) => {
                let subject = subject(self.common(), caller)?;
                // What the mapping makes of them is of no account to the issuer, which decides about this call.
                if let Some(denial) = standing::fallen(self.common(), caller) {
                    if denial.status() != 503 {
                        self.onward_tokens().cache.forget(&subject);
                    }
                    return Err(OnwardError::Caller(denial));
                }
                subject
            }
        };
        Ok(Asked {
            key: target.key(subject),
            place,
        })
    }

    async fn onward_token(
        &self,
        slot: &Slot,
        target: &Target,
        behalf: Behalf<'_>,
    ) -> Result<Arc<Token>, OnwardError> {
        let common = self.common();
        let wanted = common.uptime();
        let _turn = slot.turn().await;
        let now = common.uptime();
        let good = slot.good(now);
        if let Some(token) = good.as_ref().filter(|token| !token.ends_soon(now)) {
            return Ok(Arc::clone(token));
        }
        let error = match slot.recent_failure(wanted, now) {
            Some(error) => error,
            None => match grant::ask(common, &self.onward_tokens().prover, target, behalf).await {
                Ok(token) => return Ok(slot.keep(token)),
                Err(error) => {
                    tracing::warn!(%error, audience = target.audience(), "there is no token to call onward");
                    slot.failed(&error, common.uptime());
                    error
                }
            },
        };
        // A refusal is the control plane's last word: what it gave out before does not outlive that here.
        match slot.good(common.uptime()) {
            Some(token) if error.leaves_tokens_good() => Ok(token),
            _ => Err(error),
        }
    }
}

/// What is asked for, checked.
struct Asked {
    key: Key,
    place: target::Place,
}

impl Asked {
    fn sign(
        self,
        gate: &Gate,
        token: Arc<Token>,
        is_due: bool,
        method: &str,
    ) -> Result<Onward, OnwardError> {
        let text = token.secret.expose();
        let (mut scheme, mut dpop, mut nonce) = ("Bearer", None, None);
        if self.key.dpop {
            let prover = &gate.onward_tokens().prover;
            nonce = prover.nonce(&self.place.origin);
            let what = proof::For {
                method,
                url: &self.place.url,
                nonce: nonce.as_deref(),
                access_token: Some(text),
            };
            (scheme, dpop) = ("DPoP", Some(prover.prove(gate.common(), &what)?));
        }
        Ok(Onward {
            authorization: Secret::new(format!("{scheme} {text}")),
            dpop,
            is_due,
            origin: self.place.origin,
            nonce,
            key: self.key,
            token,
        })
    }
}

/// On whose behalf, as the cache knows it: by session where there is one of ours, else by the very token, so
/// that nobody gets what another token of the same user was good for.
fn subject(common: &Common, caller: &Caller) -> Result<Subject, OnwardError> {
    if caller.actor.human().is_none() {
        return Err(OnwardError::CallerWithoutUser);
    }
    let credential = &caller.credential;
    let Some(token) = &credential.subject_token else {
        return Err(OnwardError::CallerWithoutToken);
    };
    Ok(match (credential.kind, credential.session) {
        // A new sign-in may keep the session's id, and then knows more of the user than the old one. And what was
        // had before the user's claims changed says what is not so any more.
        (CredentialKind::Session, Some(session)) => {
            let client = credential.client.as_str();
            let changed_at = common
                .view()
                .changed_at(credential.subject.as_deref(), client);
            let since = changed_at.map_or(credential.started_at, |changed_at| {
                changed_at.max(credential.started_at)
            });
            Subject::Session(session, since)
        }
        _ => Subject::token(token),
    })
}

/// Whether a challenge names this error. It is not taken apart: at worst a request is made once more.
fn says(challenges: &[&[u8]], error: &str) -> bool {
    let forms = [format!("error=\"{error}\""), format!("error={error}")];
    challenges.iter().any(|challenge| {
        let text = &challenge[..challenge.len().min(CHALLENGE_LIMIT)];
        forms
            .iter()
            .any(|form| text.windows(form.len()).any(|at| at == form.as_bytes()))
    })
}

/// Whether what `caller` came with still stands, as far as it is known: for tidying up.
fn has_fallen(common: &Common, caller: &Caller) -> bool {
    let credential = &caller.credential;
    common.now() >= credential.expires_at || common.view().revokes(&credential.revocable())
}

/// The user for whom a call is made, for records.
fn user_id(actor: &Actor) -> &str {
    actor.human().map_or(actor.id(), |user| &user.id)
}
