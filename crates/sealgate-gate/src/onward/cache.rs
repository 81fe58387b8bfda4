//! Tokens that were had, each with those who wait for its successor.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_host::sha256;
use sealgate_model::{Secret, SessionId, Timestamp, Uptime};

use super::error::OnwardError;
use super::{Behalf, has_fallen};
use crate::caller::Caller;
use crate::common::Common;

/// How many tokens are kept: beyond that the one that was used longest ago goes.
const MOST: usize = 4_096;

/// How often callers who have left are looked for, at most: it looks at every token.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// For this long an outage is answered from memory, so that nobody who comes meanwhile waits for it again.
const REST_AFTER_OUTAGE: Duration = Duration::from_secs(1);

/// The same for a refusal, which does not change so soon.
const REST_AFTER_REFUSAL: Duration = Duration::from_secs(5);

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) audience: String,
    pub(super) scopes: Vec<String>,
    pub(super) dpop: bool,
    pub(super) subject: Subject,
}

/// On whose behalf.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Itself,
    /// The user of a session, which began then, or of whom something else is told since then.
    Session(SessionId, Timestamp),
    /// The user of an access token, by its SHA-256.
    Token([u8; 32]),
}

impl Subject {
    pub(super) fn token(token: &Secret) -> Self {
        Self::Token(*sha256(token.expose().as_bytes()).as_bytes())
    }
}

/// A token, and how long it is good.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) secret: Secret,
    pub(super) had_at: Uptime,
    /// From when on the next one is asked for.
    pub(super) renew_at: Uptime,
    /// From when on it is not used: a little before the issuer's own time, for the way it goes.
    pub(super) ends_at: Uptime,
}

impl Token {
    pub(super) fn ends_soon(&self, now: Uptime) -> bool {
        now >= self.renew_at
    }
}

/// The place of one token.
#[derive(Default)]
pub(super) struct Slot {
    state: Mutex<State>,
    /// Held by whoever asks for the next token.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    failed: Option<(Uptime, OnwardError)>,
    caller: Option<Caller>,
    used_at: Option<Uptime>,
}

impl Slot {
    /// The token, if it is good.
    pub(super) fn good(&self, now: Uptime) -> Option<Arc<Token>> {
        let mut state = self.state();
        state.used_at = Some(now);
        let token = state.token.as_ref().filter(|token| now < token.ends_at);
        token.map(Arc::clone)
    }

    /// Whether the next token should be asked for, and nobody does so or has just failed.
    pub(super) fn is_due(&self, token: &Token, now: Uptime) -> bool {
        token.ends_soon(now) && self.turn.try_lock().is_ok() && self.state().rests(now).is_none()
    }

    /// Waits until nobody else asks.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The failure that answers somebody who has wanted a token since `wanted`.
    pub(super) fn recent_failure(&self, wanted: Uptime, now: Uptime) -> Option<OnwardError> {
        let state = self.state();
        let (at, error) = state.failed.as_ref()?;
        (*at > wanted || state.rests(now).is_some()).then(|| error.clone())
    }

    pub(super) fn failed(&self, error: &OnwardError, now: Uptime) {
        let mut state = self.state();
        if !error.leaves_tokens_good() {
            state.token = None;
        }
        // What is about one caller's request says nothing about the next one's.
        if *error != OnwardError::CallerOutdated {
            state.failed = Some((now, error.clone()));
        }
    }

    pub(super) fn keep(&self, token: Token) -> Arc<Token> {
        let token = Arc::new(token);
        let mut state = self.state();
        state.token = Some(Arc::clone(&token));
        state.failed = None;
        token
    }

    /// Forgets `token`, unless another has taken its place.
    pub(super) fn drop_token(&self, token: &Arc<Token>) {
        let mut state = self.state();
        if state
            .token
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, token))
        {
            state.token = None;
        }
    }

    /// Notes on whose behalf the latest request was.
    pub(super) fn note(&self, behalf: Behalf<'_>) {
        if let Behalf::Of(caller) = behalf {
            self.state().caller = Some(caller.clone());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn rests(&self, now: Uptime) -> Option<&OnwardError> {
        let (at, error) = self.failed.as_ref()?;
        let rest = if error.is_temporary() {
            REST_AFTER_OUTAGE
        } else {
            REST_AFTER_REFUSAL
        };
        (now.since(*at) < rest).then_some(error)
    }

    fn is_worth_keeping(&self, common: &Common, now: Uptime) -> bool {
        let good = self.token.as_ref().is_some_and(|token| now < token.ends_at);
        let fallen = self
            .caller
            .as_ref()
            .is_some_and(|caller| has_fallen(common, caller));
        (good || self.rests(now).is_some()) && !fallen
    }
}

/// All tokens.
#[derive(Default)]
pub(super) struct Cache {
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    by_key: HashMap<Key, Arc<Slot>>,
    swept_at: Option<Uptime>,
}

impl Cache {
    /// The place of a token, if there is one.
    pub(super) fn known(&self, key: &Key) -> Option<Arc<Slot>> {
        self.slots().by_key.get(key).cloned()
    }

    /// The place of a token; a new one if there is none.
    pub(super) fn slot(&self, key: &Key, common: &Common) -> Arc<Slot> {
        let now = common.uptime();
        let mut slots = self.slots();
        if let Some(slot) = slots.by_key.get(key) {
            return Arc::clone(slot);
        }
        let rested = |at: Uptime| now.since(at) >= SWEEP_EVERY;
        if slots.swept_at.is_none_or(rested) || slots.by_key.len() >= MOST {
            slots.swept_at = Some(now);
            // Somebody is asking for those that others hold too.
            slots.by_key.retain(|_, slot| {
                Arc::strong_count(slot) > 1 || slot.state().is_worth_keeping(common, now)
            });
        }
        if slots.by_key.len() >= MOST {
            let used_at = |slot: &Arc<Slot>| slot.state().used_at;
            let oldest = slots.by_key.iter().min_by_key(|(_, slot)| used_at(slot));
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                slots.by_key.remove(&oldest);
            }
        }
        let slot = Arc::new(Slot::default());
        slot.state().used_at = Some(now);
        slots.by_key.insert(key.clone(), Arc::clone(&slot));
        slot
    }

    /// Forgets every token on behalf of `subject`.
    pub(super) fn forget(&self, subject: &Subject) {
        self.slots().by_key.retain(|key, _| key.subject != *subject);
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
