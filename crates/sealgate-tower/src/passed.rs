//! What the layer leaves in a request that it let through.

use std::sync::Arc;
use std::time::Duration;

use sealgate_gate::{About, Caller, Decided, Denial, Gate, Requirement, Response};
use tokio::time::{MissedTickBehavior, interval};

/// How often a caller is asked about while a connection lasts.
const TICK: Duration = Duration::from_millis(400);

/// That a request passed the gate, and who made it. It is in the request's extensions.
#[derive(Clone)]
pub struct Passed {
    gate: Arc<Gate>,
    /// What the request was let through for.
    requirement: Arc<Requirement>,
    caller: Option<Caller>,
    /// What records tell of the request.
    about: About,
}

impl std::fmt::Debug for Passed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Passed").field(&self.caller).finish()
    }
}

impl Passed {
    pub(crate) const fn new(
        gate: Arc<Gate>,
        requirement: Arc<Requirement>,
        caller: Option<Caller>,
        about: About,
    ) -> Self {
        Self {
            gate,
            requirement,
            caller,
            about,
        }
    }

    /// Takes down that a check of the handler's own refuses what the layer let in.
    pub(crate) fn refused(&self, answer: &Response) {
        if self.gate.is_noting() {
            let (about, caller) = (self.about.clone(), answer.caller.as_ref());
            let (reason, status) = (answer.reason.into(), Some(answer.status));
            self.gate
                .note(about, Decided::Refused, reason, status, caller);
        }
    }

    /// Why whoever made the request would not be let through any more, or nothing.
    pub(crate) fn standing(&self) -> Option<Denial> {
        let caller = self.caller.as_ref()?;
        self.gate.standing_for(caller, &self.requirement)
    }

    /// Who made the request; nobody on a public route, and maybe nobody where that is fine.
    pub const fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The gate that let it through.
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Waits until what the caller came with is not good any more, or the policies do not allow any more what the
    /// route asks them for, and gives the reason: at most half a second later. It never ends where there is no caller.
    ///
    /// Bodies of answers are watched by the layer. A WebSocket leaves its hands when it is accepted: race this
    /// against the socket, and close it with code 4401.
    pub async fn fallen(&self) -> Denial {
        if self.caller.is_none() {
            return std::future::pending().await;
        }
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Some(denial) = self.standing() {
                return denial;
            }
        }
    }
}
