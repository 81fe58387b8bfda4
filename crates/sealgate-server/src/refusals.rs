//! Refusals on record, without letting strangers fill the disk.
//!
//! Acts of somebody known are records of their own. What nobody known is refused is recorded one by
//! one only while there is little of it; beyond that it is counted by what was refused, why and from
//! which network, and recorded as one row with its count when the minute is over.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_model::Uptime;
use sealgate_store::{Audit, AuditActor, ClientKind, StoreError};

use crate::ControlPlane;
use crate::metrics;
use crate::network::Network;

/// How long refusals of a kind are counted together.
const PERIOD: Duration = Duration::from_secs(60);

/// How many of a kind are recorded one by one in a period.
const SINGLY: u32 = 5;

/// How many are recorded one by one at once over all kinds, and how soon there is room for another.
const BURST: u32 = 60;
const EVERY: Duration = Duration::from_secs(1);

/// How many kinds are told apart by their network.
const KINDS: usize = 256;

/// The refusals of the running period, counted.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    tallies: HashMap<Kind, Tally>,
    /// Until when the room for single rows is taken, as time since the clock's start.
    taken_until: Duration,
    /// When it was last logged that something was not recorded, and how many times it was not since.
    warned: Option<(Uptime, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    action: &'static str,
    reason: String,
    network: Option<Network>,
}

#[derive(Debug)]
struct Tally {
    began: Uptime,
    singly: u32,
    together: Option<Audit>,
}

impl Refusals {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a refusal on record, now or with others of its kind. The refusal stands whether or not
    /// that succeeds.
    pub(crate) async fn record(&self, plane: &ControlPlane, audit: Audit) {
        metrics::refused(audit.action, &audit.reason);
        let now = plane.clock.uptime();
        if !is_known(plane, &audit.actor).await && !self.admit(now, &audit) {
            return;
        }
        let refused = audit.reason.clone();
        if let Err(failure) = plane.store.record(audit).await {
            self.warn(now, &failure, &refused);
        }
    }

    /// Records what was counted in periods that are over.
    pub(crate) async fn flush(&self, plane: &ControlPlane) {
        let now = plane.clock.uptime();
        self.write(plane, |tally| now.since(tally.began) >= PERIOD)
            .await;
    }

    /// Records all that was counted, before the end.
    pub(crate) async fn flush_all(&self, plane: &ControlPlane) {
        self.write(plane, |_| true).await;
    }

    async fn write(&self, plane: &ControlPlane, due: impl Fn(&Tally) -> bool) {
        let now = plane.clock.uptime();
        let over: Vec<(Kind, Tally)> = self
            .state()
            .tallies
            .extract_if(|_, tally| due(tally))
            .collect();
        for (kind, tally) in over {
            let Some(audit) = tally.together else {
                continue;
            };
            if let Err(failure) = plane.store.record(audit.clone()).await {
                self.warn(now, &failure, &kind.reason);
                // Kept for the next time.
                let network = kind.network;
                let mut state = self.state();
                let kept = state.tallies.entry(kind).or_insert(Tally {
                    began: now,
                    singly: SINGLY,
                    together: None,
                });
                kept.add(&audit, network);
            }
        }
    }

    /// Whether a refusal of nobody known is to be recorded on its own; if not it is counted.
    fn admit(&self, now: Uptime, audit: &Audit) -> bool {
        let mut state = self.state();
        let mut kind = Kind {
            action: audit.action,
            reason: audit.reason.clone(),
            network: audit.network.as_deref().and_then(Network::parse),
        };
        if state.tallies.len() >= KINDS && !state.tallies.contains_key(&kind) {
            // Actions and reasons are ours and few; networks are not.
            kind.network = None;
        }
        let network = kind.network;
        let room = state.room(now);
        let tally = state.tallies.entry(kind).or_insert(Tally {
            began: now,
            singly: 0,
            together: None,
        });
        if tally.singly < SINGLY && tally.together.is_none() && room {
            tally.singly += 1;
            state.taken_until += EVERY;
            return true;
        }
        tally.add(audit, network);
        false
    }

    /// Logs that a refusal was not recorded, at most once a period.
    fn warn(&self, now: Uptime, failure: &StoreError, refused: &str) {
        let mut state = self.state();
        match &mut state.warned {
            Some((last, more)) if now.since(*last) < PERIOD => *more = more.saturating_add(1),
            warned => {
                let before = warned.map_or(0, |(_, more)| more);
                *warned = Some((now, 0));
                tracing::warn!(
                    reason = failure.code(),
                    refused,
                    before,
                    "a refusal was not recorded"
                );
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether there is room for another single row. What was taken is free again with time.
    fn room(&mut self, now: Uptime) -> bool {
        let now = now.elapsed();
        self.taken_until = self.taken_until.max(now);
        self.taken_until + EVERY <= now + EVERY * BURST
    }
}

impl Tally {
    /// Counts `audit`, and keeps of it what it has in common with those before.
    fn add(&mut self, audit: &Audit, network: Option<Network>) {
        let Some(sum) = &mut self.together else {
            self.together = Some(audit.clone());
            return;
        };
        if sum.user != audit.user {
            sum.user = None;
        }
        if sum.client != audit.client {
            sum.client = None;
        }
        if sum.session != audit.session {
            sum.session = None;
        }
        if sum.object != audit.object {
            sum.object = None;
        }
        if sum.actor != audit.actor {
            sum.actor = AuditActor::Anonymous;
        }
        if sum.actor_type != audit.actor_type {
            sum.actor_type = None;
        }
        if sum.credential != audit.credential {
            sum.credential = None;
        }
        if sum.route != audit.route {
            sum.route = None;
        }
        if sum.network != audit.network {
            sum.network = network.map(|network| network.to_string());
        }
        sum.trace = None;
        sum.at = audit.at;
        sum.count = sum.count.saturating_add(audit.count);
    }
}

/// Whether somebody proved to be `actor`. A public client only says who it is.
async fn is_known(plane: &ControlPlane, actor: &AuditActor) -> bool {
    match actor {
        AuditActor::Anonymous => false,
        AuditActor::Client(id) => matches!(
            plane.store.client(id).await,
            Ok(Some(client)) if client.kind == ClientKind::Confidential
        ),
        AuditActor::User(_) | AuditActor::Operator | AuditActor::System => true,
    }
}

#[cfg(test)]
mod tests;
