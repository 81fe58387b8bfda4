//! What the layer leaves in a request that it let through.

use std::sync::Arc;
use std::time::Duration;

use sealgate_gate::{Caller, Denial, Gate};
use tokio::time::{MissedTickBehavior, interval};

/// How often a caller is asked about while a connection lasts.
const TICK: Duration = Duration::from_millis(400);

/// That a request passed the gate, and who made it. It is in the request's extensions.
#[derive(Clone)]
pub struct Passed {
    gate: Arc<Gate>,
    caller: Option<Caller>,
}

impl std::fmt::Debug for Passed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Passed").field(&self.caller).finish()
    }
}

impl Passed {
    pub(crate) const fn new(gate: Arc<Gate>, caller: Option<Caller>) -> Self {
        Self { gate, caller }
    }

    /// Who made the request; nobody on a public route, and maybe nobody where that is fine.
    pub const fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// The gate that let it through.
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Waits until what the caller came with is not good any more, and gives the reason: at most half a second
    /// later. It never ends where there is no caller.
    ///
    /// Bodies of answers are watched by the layer. A WebSocket leaves its hands when it is accepted: race this
    /// against the socket, and close it with code 4401.
    pub async fn fallen(&self) -> Denial {
        let Some(caller) = &self.caller else {
            return std::future::pending().await;
        };
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Some(denial) = self.gate.standing(caller) {
                return denial;
            }
        }
    }
}
