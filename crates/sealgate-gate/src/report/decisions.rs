//! What a gate decided, on its way to the control plane.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_audit::decision::{MEDIA_TYPE, Outcome, Stream};
use sealgate_model::Random;
use tokio::sync::Notify;

use super::buffer::{Buffer, Left, Taken};
use super::entry::{About, Entry};
use super::figures::Figures;
use super::network::NetworkTold;
use super::sampling::Sampling;
use super::sender::State;
use super::spool::Spool;
use crate::caller::{Caller, CredentialKind};
use crate::common::Common;
use crate::provider::ProviderError;
use crate::settings::Settings;

/// How long decisions wait before they are sent.
const EVERY: Duration = Duration::from_secs(1);
/// How long the last round of a process may take.
const PARTING: Duration = Duration::from_secs(3);

/// Decisions on their way.
pub(crate) struct Reports {
    /// Whether there is anybody to report to.
    on: AtomicBool,
    sampling: Sampling,
    pub(super) network_told: NetworkTold,
    buffer: Mutex<Buffer>,
    turn: AtomicU64,
    worth: Notify,
    state: tokio::sync::Mutex<State>,
    pub(super) spool: Option<Spool>,
    pub(super) figures: Figures,
}

/// What became of a batch.
pub(super) enum Delivery {
    /// It is kept.
    Kept,
    /// It will never be, by the code of the refusal.
    Refused(&'static str),
    /// There is nobody to deliver it to.
    Nowhere,
    /// There is no room for it now.
    Crowded,
    /// It may be another time: a code, and why.
    Failed(&'static str, String),
}

impl Reports {
    pub(crate) fn new(settings: &Settings, random: &dyn Random) -> Self {
        let whose = format!("{}\n{}", settings.issuer, settings.client_id);
        let spool = settings.spool.as_deref();
        if spool.is_some() && !settings.provider.has_feed {
            tracing::warn!(
                reason = "decisions_nowhere",
                "SEALGATE_SPOOL is set, and the issuer takes no records of decisions: none are kept"
            );
        }
        Self {
            on: AtomicBool::new(settings.provider.has_feed),
            sampling: settings.decisions_allowed,
            network_told: settings.decisions_network,
            buffer: Mutex::default(),
            turn: AtomicU64::new(0),
            worth: Notify::new(),
            state: tokio::sync::Mutex::new(State::new(random.bytes())),
            spool: spool.map(|parent| Spool::new(parent, &whose, settings.spool_limit)),
            figures: Figures::default(),
        }
    }

    /// Whether anybody is reported to.
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    pub(super) fn turn_off(&self) {
        if self.on.swap(false, Ordering::Relaxed) {
            for stream in Stream::ALL {
                self.buffer().take(stream);
            }
            tracing::warn!(
                reason = "decisions_nowhere",
                "the issuer takes no records of decisions: none are kept"
            );
        }
    }

    /// What can be seen of it.
    pub(crate) const fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Takes down one decision. It never waits for anything but another call of this.
    pub(crate) fn record(
        &self,
        common: &Common,
        about: About,
        outcome: Outcome,
        reason: Cow<'static, str>,
        status: Option<u16>,
        caller: Option<&Caller>,
    ) {
        // Whom a test of the application put there, no gate has seen.
        let is_test = caller.is_some_and(|caller| caller.credential.kind == CredentialKind::Test);
        if !self.is_on() || is_test {
            return;
        }
        self.figures.recorded(outcome.stream());
        // What goes on although it would not as a rule is always told.
        if outcome == Outcome::Allowed
            && reason.is_empty()
            && !self.sampling.takes(about.trace, caller, &self.turn)
        {
            let left = Left {
                sampled: 1,
                unkept: 0,
            };
            self.buffer().leave(about.route, left);
            return;
        }
        // Of what came later, such as an end, those that let somebody in have not decided.
        let by_policy = match outcome {
            Outcome::Allowed => true,
            Outcome::Refused => reason.starts_with("policy_"),
            Outcome::Ended | Outcome::Withheld => false,
        };
        let deciding = caller
            .filter(|_| by_policy)
            .and_then(|caller| caller.decided_by.clone());
        let address = about.address;
        let entry = Entry {
            at: common.now(),
            outcome,
            reason,
            status,
            about,
            caller: caller.cloned(),
            policy: common.policy().version(),
            deciding,
        };
        if self.buffer().put(entry, || self.network_told.of(address)) {
            self.worth.notify_one();
        }
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that waits of `stream`.
    pub(super) fn take(&self, stream: Stream) -> Taken {
        // Apart, so that nobody waits while it is put in lists.
        let taken = self.buffer().take(stream);
        taken.into_taken()
    }

    /// Brings a batch to the control plane.
    pub(super) async fn deliver(&self, common: &Common, batch: Vec<u8>) -> Delivery {
        let unavailable =
            |error: ProviderError| Delivery::Failed("decisions_unavailable", error.to_string());
        let endpoint = match common.provider().decisions_endpoint().await {
            Ok(Some(endpoint)) => endpoint,
            Ok(None) => return Delivery::Nowhere,
            Err(error) => return unavailable(error),
        };
        let sent = common.provider().post_bytes(endpoint, MEDIA_TYPE, batch);
        match sent.await {
            Ok((200..=299, _)) => Delivery::Kept,
            Ok((status @ (400 | 410 | 413), body)) => match refusal(&body) {
                Some(code) => Delivery::Refused(code),
                // A proxy's, in the control plane's place.
                None => Delivery::Failed("decisions_unavailable", format!("status {status}")),
            },
            Ok((401 | 403, _)) => {
                Delivery::Failed("decisions_forbidden", "it refuses this client".to_owned())
            }
            Ok((429, _)) => Delivery::Crowded,
            Ok((status, _)) => {
                Delivery::Failed("decisions_unavailable", format!("status {status}"))
            }
            Err(error) => unavailable(error),
        }
    }

    /// Sends what waits, each second and when there is much, until the future is dropped.
    pub(crate) async fn keep(&self, common: &Common) {
        if !self.is_on() {
            return std::future::pending().await;
        }
        loop {
            // Whichever is first.
            let _ = tokio::time::timeout(EVERY, self.worth.notified()).await;
            if !self.state.lock().await.round(common, self).await {
                return std::future::pending().await;
            }
        }
    }

    /// Sends or writes down what is left, before the process ends.
    pub(crate) async fn finish(&self, common: &Common) {
        if !self.is_on() {
            return;
        }
        let mut state = self.state.lock().await;
        let finished = state.finish(common, self);
        if tokio::time::timeout(PARTING, finished).await.is_err() {
            tracing::error!(
                reason = "gate_stopped",
                "there was no time to report every decision before the end"
            );
        }
    }
}

/// The code by which the control plane itself says, in `body`, that it will never take a batch.
fn refusal(body: &[u8]) -> Option<&'static str> {
    const NEVER: [&str; 5] = [
        "decisions_malformed",
        "decisions_version",
        "decisions_too_large",
        "decisions_too_old",
        "body_too_large",
    ];
    let told: serde_json::Value = serde_json::from_slice(body).ok()?;
    let reason = told.get("reason")?.as_str()?;
    NEVER.into_iter().find(|code| *code == reason)
}
