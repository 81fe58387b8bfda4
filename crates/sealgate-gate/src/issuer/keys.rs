//! An issuer's keys: fetched in the background, kept through outages, asked for on demand seldom.
//!
//! A request is answered from what is at hand. [`KeySource::look_up`] says what that is: the keys, or that
//! there is no such key, or that asking may help ([`KeySource::settle`] does, off the caller's path), or
//! that nothing can be said now. What cannot be said is never said to be wrong: it is a 503, not a 401.
//!
//! Strangers choose the key ids that they send. So one request for keys serves everybody, there is a pause
//! between requests, few wait for one, and an id that a newer set did not have is refused from memory.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use sealgate_jose::{JoseError, JwkSet, Verified, VerifyingKeys};
use sealgate_model::Uptime;
use sealgate_revocation::View;
use tokio::sync::{Semaphore, watch};

use super::Outside;
use super::discovery::{Discovery, get_json};
use super::seen::SeenIds;
use super::trust::Trust;
use crate::provider::ProviderError;

mod verify;

pub(crate) use verify::Unverified;

/// Between two requests for keys because of what strangers sent.
const STRANGERS_PAUSE: Duration = Duration::from_secs(10);
/// Between two requests for keys at all, where somebody waits for what the issuer itself handed over or
/// where no key is known.
const PAUSE: Duration = Duration::from_secs(1);
/// The background's pause after the first failure; it doubles each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// How long a set is kept before it is asked for again, when the issuer does not say.
const KEPT: Duration = Duration::from_secs(300);
/// The least and the most that the issuer can make of that.
const KEPT_LEAST: Duration = Duration::from_secs(60);
const KEPT_MOST: Duration = Duration::from_secs(3_600);
/// The timer does not count the time that a machine sleeps, so it is not set for longer than this.
const NAP: Duration = Duration::from_secs(30);
/// How many requests may wait for keys at once.
const WAITING_MOST: usize = 128;

/// What is known of a key.
#[derive(Debug, Clone)]
pub(crate) enum LookUp {
    /// It is among these.
    Known(Arc<VerifyingKeys>),
    /// The issuer has no such key: 401.
    Refused,
    /// Asking the issuer may help: hand the request to [`KeySource::settle`].
    Ask,
    /// The keys cannot be had, or not be asked for yet: 503.
    Unavailable {
        /// After this long it is worth another try.
        retry_after: Duration,
    },
}

/// The keys of one issuer.
pub(crate) struct KeySource {
    discovery: Arc<Discovery>,
    outside: Outside,
    trust: Trust,
    state: Mutex<State>,
    /// What is known to be revoked, by whichever process of this machine.
    view: OnceLock<Arc<View>>,
    /// Counts the requests that came to an end.
    landed: watch::Sender<u64>,
    waiting: Semaphore,
}

struct State {
    /// When the request that is under way began.
    flight: Option<Uptime>,
    /// When the last one began, whatever came of it, and what did.
    asked: Option<Uptime>,
    outcome: Result<(), ProviderError>,
    /// How often in a row it failed.
    failures: u32,
    /// When the background asks next.
    due: Uptime,
    seen: SeenIds,
}

impl KeySource {
    pub(super) fn new(discovery: Arc<Discovery>, outside: Outside) -> Self {
        Self {
            discovery,
            outside,
            trust: Trust::new(),
            state: Mutex::new(State {
                flight: None,
                asked: None,
                outcome: Ok(()),
                failures: 0,
                due: Uptime::from_elapsed(Duration::ZERO),
                seen: SeenIds::default(),
            }),
            view: OnceLock::new(),
            landed: watch::Sender::new(0),
            waiting: Semaphore::new(WAITING_MOST),
        }
    }

    /// Which keys there are for a token that names key `kid`, or none. It does not wait.
    pub(crate) fn look_up(self: &Arc<Self>, kid: Option<&str>) -> LookUp {
        let now = self.now();
        match self.at_hand(kid, now) {
            Some(keys) => LookUp::Known(keys),
            None => self.judge(&mut self.lock(), kid, now),
        }
    }

    /// Asks for keys if that may help, and says what is known then; never [`LookUp::Ask`].
    pub(crate) async fn settle(self: &Arc<Self>, kid: Option<&str>) -> LookUp {
        let now = self.now();
        let (mut landed, _place) = {
            let mut state = self.lock();
            match self.judge(&mut state, kid, now) {
                LookUp::Ask => {}
                settled => return settled,
            }
            let Ok(place) = self.waiting.try_acquire() else {
                return unavailable(PAUSE);
            };
            self.begin(&mut state, now);
            (self.landed.subscribe(), place)
        };
        // The sender lives in `self`.
        let _ = landed.changed().await;
        match self.look_up(kid) {
            LookUp::Ask => unavailable(PAUSE),
            settled => settled,
        }
    }

    /// A number that is another one whenever what is believed has changed; none while nothing is. What was
    /// concluded from a signature holds as long as this says the same.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.trust.generation(self.now())
    }

    /// Asks `view` from now on which keys are revoked.
    pub(crate) fn heed(&self, view: &Arc<View>) {
        // It is told once, when the gate is made.
        let _ = self.view.set(Arc::clone(view));
    }

    /// What was verified, if the key that signed it is not known to be revoked. That a view cannot be read as a
    /// whole is no reason to distrust a key for good; what can be read of it counts.
    fn unrevoked(&self, verified: Verified) -> Result<Verified, JoseError> {
        if self.is_known_revoked(&verified.kid) {
            self.distrust(&verified.kid);
            return Err(JoseError::UnknownKey);
        }
        Ok(verified)
    }

    fn is_known_revoked(&self, kid: &str) -> bool {
        let mut views = self.view.get().into_iter();
        views.any(|view| view.read().key_is_revoked(kid))
    }

    /// Believes nothing any more that key `kid` signed, whatever the key set says of it.
    pub(crate) fn distrust(&self, kid: &str) {
        self.trust.revoke(kid);
    }

    /// Keeps the keys fresh until the future is dropped.
    pub(crate) async fn follow(self: &Arc<Self>) {
        loop {
            let landed = {
                let mut state = self.lock();
                let now = self.now();
                if state.flight.is_some() || now >= state.due {
                    self.begin(&mut state, now);
                    Ok(self.landed.subscribe())
                } else {
                    Err(state.due.since(now).min(NAP))
                }
            };
            match landed {
                Ok(mut landed) => {
                    let _ = landed.changed().await;
                }
                Err(rest) => tokio::time::sleep(rest).await,
            }
        }
    }

    /// Asks for keys on the issuer's own account: at most once in [`PAUSE`], for which it waits, and once
    /// for however many want them.
    async fn renew(self: &Arc<Self>) -> Result<(), ProviderError> {
        let wanted = self.now();
        let mut rested = false;
        loop {
            let step = {
                let mut state = self.lock();
                let now = self.now();
                // Somebody else asked while this one waited.
                if state.flight.is_none() && state.asked.is_some_and(|asked| asked > wanted) {
                    return state.outcome.clone();
                }
                let rest = state.rest(PAUSE, now);
                if state.flight.is_none() && !rested && !rest.is_zero() {
                    Err(rest)
                } else {
                    Ok((self.begin(&mut state, now), self.landed.subscribe()))
                }
            };
            match step {
                Err(rest) => {
                    tokio::time::sleep(rest).await;
                    rested = true;
                }
                Ok((began, mut landed)) => {
                    let _ = landed.changed().await;
                    if began >= wanted {
                        return self.lock().outcome.clone();
                    }
                }
            }
        }
    }

    /// The keys, if the one that is wanted is among them.
    fn at_hand(&self, kid: Option<&str>, now: Uptime) -> Option<Arc<VerifyingKeys>> {
        let keys = self.trust.verifying(now)?;
        kid.is_none_or(|kid| keys.contains(kid)).then_some(keys)
    }

    fn judge(&self, state: &mut State, kid: Option<&str>, now: Uptime) -> LookUp {
        if let Some(keys) = self.at_hand(kid, now) {
            return LookUp::Known(keys);
        }
        // This process may have begun after it was revoked, and have heard of it from another one.
        let is_revoked = |kid| self.trust.is_revoked(kid) || self.is_known_revoked(kid);
        if kid.is_some_and(is_revoked) {
            return LookUp::Refused;
        }
        let pause = match kid {
            Some(kid) if self.trust.verifying(now).is_some() => {
                let first = state.seen.note(kid, now);
                // The set was asked for after the id was seen, and does not have it.
                if self.trust.asked().is_some_and(|asked| asked >= first) {
                    return LookUp::Refused;
                }
                STRANGERS_PAUSE
            }
            _ => PAUSE,
        };
        let rest = if state.flight.is_some() {
            Duration::ZERO
        } else {
            state.rest(pause, now)
        };
        if !rest.is_zero() {
            unavailable(rest)
        } else if self.waiting.available_permits() == 0 {
            unavailable(PAUSE)
        } else {
            LookUp::Ask
        }
    }

    /// Asks, unless a request is under way; when the one that is began. It goes on by itself: whoever waits
    /// for it may leave.
    fn begin(self: &Arc<Self>, state: &mut State, now: Uptime) -> Uptime {
        if let Some(began) = state.flight {
            return began;
        }
        (state.flight, state.asked) = (Some(now), Some(now));
        let mut flight = Flight {
            source: Arc::clone(self),
            outcome: Err(ProviderError::Unavailable("interrupted".to_owned())),
        };
        tokio::spawn(async move {
            let outcome = flight.source.fetch(now).await;
            flight.came_to(outcome);
        });
        now
    }

    async fn fetch(&self, asked: Uptime) -> Result<Option<Duration>, ProviderError> {
        let url = self.discovery.keys_url().await?;
        let response = self.outside.fetch.send(get_json(url)).await?;
        if response.status != 200 {
            let status = format!("status {}", response.status);
            return Err(ProviderError::Unavailable(status));
        }
        let set = JwkSet::parse(&response.body)?;
        if self.trust.replace(set, asked) {
            Ok(response.max_age)
        } else {
            let why = "there is no usable key".to_owned();
            Err(ProviderError::Unacceptable(why))
        }
    }

    fn land(&self, outcome: Result<Option<Duration>, ProviderError>) {
        let now = self.now();
        let mut state = self.lock();
        state.flight = None;
        let pause = match &outcome {
            Ok(max_age) => {
                if state.failures > 0 {
                    tracing::info!(
                        issuer = self.discovery.issuer(),
                        "the issuer's keys can be had again"
                    );
                }
                state.failures = 0;
                max_age.unwrap_or(KEPT).clamp(KEPT_LEAST, KEPT_MOST)
            }
            Err(error) => {
                self.discovery.look_again();
                if state.failures == 0 {
                    let known = self.trust.verifying(now).is_some();
                    let issuer = self.discovery.issuer();
                    tracing::warn!(issuer, %error, known, "the issuer's keys cannot be had; trying again");
                }
                state.failures = state.failures.saturating_add(1);
                let doublings = (state.failures - 1).min(6);
                (FIRST_RETRY * 2_u32.pow(doublings)).min(LONGEST_RETRY)
            }
        };
        state.due = now + self.jittered(pause);
        state.outcome = outcome.map(|_| ());
        // Under the lock, so that whoever began the next one is not told that this one landed.
        self.landed.send_modify(|count| *count += 1);
    }

    /// A tenth less to a tenth more, so that a thousand gates do not ask in the same moment.
    fn jittered(&self, span: Duration) -> Duration {
        let [byte] = self.outside.random.bytes::<1>();
        span * 9 / 10 + span / 5 * u32::from(byte) / 255
    }

    fn now(&self) -> Uptime {
        self.outside.clock.uptime()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How much of `pause` is left since keys were asked for.
    fn rest(&self, pause: Duration, now: Uptime) -> Duration {
        let since = self.asked.map(|asked| now.since(asked));
        since.map_or(Duration::ZERO, |since| pause.saturating_sub(since))
    }
}

/// A request for keys that is under way. Dropped, it has come to its end, even if its task was dropped.
struct Flight {
    source: Arc<KeySource>,
    outcome: Result<Option<Duration>, ProviderError>,
}

impl Flight {
    fn came_to(&mut self, outcome: Result<Option<Duration>, ProviderError>) {
        self.outcome = outcome;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let interrupted = Err(ProviderError::Unavailable("interrupted".to_owned()));
        let outcome = std::mem::replace(&mut self.outcome, interrupted);
        self.source.land(outcome);
    }
}

const fn unavailable(retry_after: Duration) -> LookUp {
    LookUp::Unavailable { retry_after }
}

#[cfg(test)]
mod tests;
