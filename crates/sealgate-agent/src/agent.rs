//! One agent and one resource: it puts tokens on requests, learns from what the resource answers, and gets what is
//! missing. Whatever many requests need at once is got once.

mod host;
mod kept;
mod obtain;
mod renew;
mod session;
mod settings;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sealgate_model::{Secret, Timestamp};
use tokio::sync::Mutex;

use crate::dpop::{Proven, Side};
use crate::http::HttpRequest;
use crate::registration::Client;
use crate::token::Kind;
use crate::{AgentError, Demand, Discovered, WebUrl, discover, scopes};
pub use host::{AgentHost, TokenStore};
use session::Session;
pub use settings::{AgentSettings, AssertionSource, Binding, Grant, IdentityProvider};

/// How long a session counts as fresh.
const FRESH: Duration = Duration::from_secs(60);

/// How many fresh sessions in a row may be refused before no other is got: one was revoked, one came from a server
/// that the resource has left.
const REJECTIONS: u32 = 2;

/// What goes with one request.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The value of `Authorization`; none where there is no token yet: the resource will say what it wants.
    pub authorization: Option<Secret>,
    /// The value of `DPoP`.
    pub dpop: Option<Secret>,
    /// The nonce in the proof.
    nonce: Option<String>,
    /// The session that they are of; 0 for none.
    session: u64,
    /// How many tries to get a token had ended by then.
    tries: u64,
}

/// What an answer says of the token that was sent.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// Its URL.
    pub url: &'a str,
    /// The status code.
    pub status: u16,
    /// Every value of `WWW-Authenticate`.
    pub challenges: &'a [&'a [u8]],
    /// The value of `DPoP-Nonce`, if there is one.
    pub nonce: Option<&'a [u8]>,
}

/// Why the same request should be made once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// With the nonce that was told.
    Nonce,
    /// With another token.
    Token,
    /// With a token of more scopes.
    Scopes,
}

impl Again {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nonce => "nonce",
            Self::Token => "token",
            Self::Scopes => "scopes",
        }
    }
}

/// An agent. It may be used by many at once.
pub struct Agent {
    settings: AgentSettings,
    host: AgentHost,
    /// What requests are answered from without waiting.
    current: RwLock<Option<Arc<Session>>>,
    tries: AtomicU64,
    work: Mutex<Work>,
}

/// What belongs to whoever is getting a token.
#[derive(Default)]
struct Work {
    is_loaded: bool,
    /// The client that the agent became, at the issuer that it names.
    client: Option<(Client, Option<String>)>,
    /// The first issuer that the client was shown to that somebody registered: no other sees it.
    given_to: Option<String>,
    /// The last try that failed, and its number.
    failed: Option<(u64, AgentError)>,
    /// The assertion that was refused last.
    refused: Option<(sealgate_model::SecretHash, AgentError)>,
    sessions: u64,
    /// How many sessions in a row were not taken although they were fresh.
    rejected: u32,
    /// Until when a server that could not renew tokens is left alone.
    resting_until: Option<Timestamp>,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({})", self.settings.url)
    }
}

impl Agent {
    /// An agent without a session.
    pub fn new(settings: AgentSettings, host: AgentHost) -> Self {
        Self {
            settings,
            host,
            current: RwLock::new(None),
            tries: AtomicU64::new(0),
            work: Mutex::default(),
        }
    }

    /// The resource's URL, as the agent was set up with it.
    pub const fn url(&self) -> &WebUrl {
        &self.settings.url
    }

    /// What goes with a request, if that is known without waiting.
    pub fn at_hand(&self, method: &str, url: &str) -> Option<Result<Sent, AgentError>> {
        let session = self.current()?;
        if session.is_due(self.host.clock.now()) {
            return None;
        }
        Some(self.put(Some(&session), method, url))
    }

    /// What goes with a request: the token that is there, renewed if it ends soon. Fails for a request that is not
    /// for the resource: it would get a token that is none of its business.
    pub async fn headers(&self, method: &str, url: &str) -> Result<Sent, AgentError> {
        if let Some(sent) = self.at_hand(method, url) {
            return sent;
        }
        let mut work = self.work.lock().await;
        self.load(&mut work).await?;
        let mut session = self.current();
        let now = self.host.clock.now();
        if let Some(old) = session.take_if(|session| session.is_due(now)) {
            session = self.renew(&mut work, old).await?;
        }
        drop(work);
        self.put(session.as_ref(), method, url)
    }

    /// Learns from the answer to a request that `sent` went with. If the request should be made once more, what is
    /// needed for that is there then; if not, the answer is the caller's to read.
    pub async fn answered(
        &self,
        sent: &Sent,
        answered: &Answered<'_>,
    ) -> Result<Option<Again>, AgentError> {
        let url = WebUrl::parse(answered.url)?;
        let session = self.current();
        let own = session
            .as_ref()
            .filter(|session| session.number == sent.session);
        let scheme = own.map(|session| session.tokens.kind.scheme());
        let demand = Demand::read(answered.challenges.iter().copied(), scheme);
        let error = demand.error.as_deref();
        let prover = own.and_then(|session| session.prover.as_deref());
        if let (Some(prover), Some(nonce)) = (prover, answered.nonce) {
            prover.told(Side::Resource, &url, nonce);
            // Not the one that was sent: another request may have been told it first.
            let next = prover.nonce(Side::Resource, &url);
            let is_told = next.as_deref().map(str::as_bytes) == Some(nonce);
            let is_new = is_told && next != sent.nonce;
            if answered.status == 401 && error == Some("use_dpop_nonce") && is_new {
                return Ok(Some(Again::Nonce));
            }
        }
        match answered.status {
            401 => {}
            403 if error == Some("insufficient_scope") && sent.session != 0 => {
                return self.step_up(sent, &demand).await;
            }
            _ => return Ok(None),
        }
        self.within(&url)?;
        let mut work = self.work.lock().await;
        if self.moved_on(&work, sent)? {
            return Ok(Some(Again::Token));
        }
        if own.is_some() && !self.may_try_again(&mut work) {
            return Ok(None);
        }
        self.replace(&mut work, &demand).await?;
        Ok(Some(Again::Token))
    }

    /// Whether another token may be got in place of the one that was not taken: a resource that takes none would
    /// otherwise have a person sign in for every request.
    fn may_try_again(&self, work: &mut Work) -> bool {
        let now = self.host.clock.now();
        let fresh = self
            .current()
            .is_some_and(|session| now.since(session.had_at) < FRESH);
        work.rejected = if fresh { work.rejected + 1 } else { 0 };
        work.rejected <= REJECTIONS
    }

    /// Gets a token beforehand, as far as the resource says what it wants: for sign-ins that should not wait for
    /// the first request, and for requests that cannot be made twice.
    pub async fn sign_in(&self) -> Result<(), AgentError> {
        let mut work = self.work.lock().await;
        self.load(&mut work).await?;
        let now = self.host.clock.now();
        if let Some(session) = self.current()
            && (!session.is_due(now) || self.renew(&mut work, session).await?.is_some())
        {
            return Ok(());
        }
        let demand = self.probe().await?;
        self.replace(&mut work, &demand).await
    }

    /// Gives the tokens back (RFC 7009) and forgets them, and whatever is kept of them. What the server says to that
    /// is not waited for twice: it fails only if nothing could be forgotten.
    pub async fn sign_out(&self) -> Result<(), AgentError> {
        let mut work = self.work.lock().await;
        self.load(&mut work).await?;
        let session = self.current();
        if let Some(session) = session
            && let Err(error) = self.give_back(&session).await
        {
            tracing::warn!(
                reason = error.code(),
                "the tokens could not be given back: {error}"
            );
        }
        self.set(None);
        self.forget().await
    }

    /// The scopes of the session; none without one.
    pub fn scopes(&self) -> Option<Vec<String>> {
        self.current().map(|session| session.tokens.scopes.clone())
    }

    /// What the resource wants of a request without a token.
    async fn probe(&self) -> Result<Demand, AgentError> {
        let url = &self.settings.url;
        let reach = self.host.http.reach(url).await?;
        let mut request = HttpRequest::get(url.clone(), reach);
        request.accept = "application/json, text/event-stream";
        let answer = self.host.http.send(request).await?;
        let fields = answer.challenges.iter().map(Vec::as_slice);
        Ok(Demand::read(fields, None))
    }

    /// A new session in place of the one that was not good enough, or of none.
    async fn replace(&self, work: &mut Work, demand: &Demand) -> Result<(), AgentError> {
        let done = self.replace_now(work, demand).await;
        self.tried(work, done)
    }

    async fn replace_now(&self, work: &mut Work, demand: &Demand) -> Result<(), AgentError> {
        let known = self.known_issuers(work);
        let url = &self.settings.url;
        let found = discover(self.host.http.as_ref(), url, demand, &known).await?;
        let session = self.current();
        let same = session.filter(|session| session.server.issuer == found.server.issuer);
        if let Some(session) = &same
            && let Some(renewed) = self.refreshed(work, session).await?
        {
            return self.keep(work, renewed).await;
        }
        let before = same.map(|session| session.asked.clone());
        let asked = self.select(&found, demand, &before.unwrap_or_default());
        match self.obtain(work, &found, demand, asked).await {
            Ok(session) => self.keep(work, session).await,
            Err(error) => {
                // The resource does not take the old one.
                self.set(None);
                Err(error)
            }
        }
    }

    /// More scopes, once: the union of what was asked for and what is demanded. Where that is nothing new, nothing
    /// would come of asking again.
    async fn step_up(&self, sent: &Sent, demand: &Demand) -> Result<Option<Again>, AgentError> {
        let mut work = self.work.lock().await;
        if self.moved_on(&work, sent)? {
            return Ok(Some(Again::Scopes));
        }
        let (Some(session), Some(demanded)) = (self.current(), demand.scopes.as_deref()) else {
            return Ok(None);
        };
        let asked = scopes::union(&session.asked, demanded);
        if asked == session.asked {
            return Ok(None);
        }
        let done = self.step_up_now(&mut work, demand, asked).await;
        self.tried(&mut work, done)?;
        Ok(Some(Again::Scopes))
    }

    async fn step_up_now(
        &self,
        work: &mut Work,
        demand: &Demand,
        asked: Vec<String>,
    ) -> Result<(), AgentError> {
        let known = self.known_issuers(work);
        let http = self.host.http.as_ref();
        let found = discover(http, &self.settings.url, demand, &known).await?;
        let session = self.obtain(work, &found, demand, asked).await?;
        self.keep(work, session).await
    }

    /// Whether somebody else got another session since `sent`; fails as they did if they failed.
    fn moved_on(&self, work: &Work, sent: &Sent) -> Result<bool, AgentError> {
        let now = self.current().map_or(0, |session| session.number);
        if now != sent.session && now != 0 {
            return Ok(true);
        }
        match &work.failed {
            Some((number, error)) if *number > sent.tries => Err(error.clone()),
            _ => Ok(false),
        }
    }

    fn tried(&self, work: &mut Work, done: Result<(), AgentError>) -> Result<(), AgentError> {
        let number = self.tries.fetch_add(1, Ordering::Relaxed) + 1;
        work.failed = done.as_ref().err().map(|error| (number, error.clone()));
        if let Err(error) = &done {
            tracing::info!(reason = error.code(), "no token: {error}");
        }
        done
    }

    fn select(&self, found: &Discovered, demand: &Demand, before: &[String]) -> Vec<String> {
        scopes::select(
            &self.settings.scopes,
            demand.scopes.as_deref(),
            before,
            found.resource.as_ref(),
            &found.server,
            self.settings.offline && self.settings.grant.is_interactive(),
        )
    }

    fn put(
        &self,
        session: Option<&Arc<Session>>,
        method: &str,
        url: &str,
    ) -> Result<Sent, AgentError> {
        let url = WebUrl::parse(url)?;
        self.within(&url)?;
        let mut sent = Sent {
            authorization: None,
            dpop: None,
            nonce: None,
            session: 0,
            tries: self.tries.load(Ordering::Relaxed),
        };
        let Some(session) = session else {
            return Ok(sent);
        };
        sent.session = session.number;
        sent.authorization = Some(session.tokens.authorization());
        if session.tokens.kind == Kind::Dpop {
            let prover = session.prover.as_deref();
            let prover = prover.ok_or_else(|| AgentError::KeyUnusable("it is gone".to_owned()))?;
            let what = Proven {
                side: Side::Resource,
                method,
                url: &url,
                access_token: Some(&session.tokens.access),
            };
            let now = self.host.clock.now();
            sent.nonce = prover.nonce(Side::Resource, &url);
            let random = self.host.random.as_ref();
            sent.dpop = Some(prover.prove_with(random, now, &what, sent.nonce.as_deref())?);
        }
        Ok(sent)
    }

    /// Fails for a URL that is not at or below the resource's.
    fn within(&self, url: &WebUrl) -> Result<(), AgentError> {
        if self.settings.url.contains(url) || self.settings.url.is_almost(url) {
            return Ok(());
        }
        Err(AgentError::UrlElsewhere(self.settings.url.to_string()))
    }

    fn current(&self) -> Option<Arc<Session>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    fn set(&self, session: Option<Arc<Session>>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = session;
    }
}
