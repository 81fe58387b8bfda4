//! Who follows the feed: each gate by its name, how far it says it has come, and when it was heard of.
//!
//! A receipt stands on this: a gate *has applied* a revocation when it answered, for a message that
//! reached it after the revocation was in the log, that it has everything up to there. One that is not
//! heard of has, at the latest when its staleness bound has passed since the commit, either applied it
//! or nothing to prove its freshness with, and denies.

mod presence;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_model::{ClientId, Clock, Timestamp, Uptime};
use tokio::sync::watch;

use crate::metrics;
pub(crate) use presence::Presence;
pub use seen::GateState;
pub(crate) use seen::{DEFAULT_BOUND, GateSeen, Outcome};
use seen::{Followed, Now};

/// How long a gate that went away is remembered, or as long as its staleness bound if that is longer: until
/// then it may still believe what it knew.
const REMEMBERED: Duration = Duration::from_secs(600);

/// How many moments are kept at which the log was seen to have reached a number.
const MOMENTS: usize = 1_024;

/// No gate of this client has this instance id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceUnknown;

/// Who follows, or did until lately. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct Gates(Arc<Shared>);

struct Shared {
    known: Mutex<Known>,
    /// Moves whenever a gate comes, goes or answers.
    changes: watch::Sender<u64>,
    /// Moves when every gate is to be asked at once.
    calls: watch::Sender<u64>,
}

/// Instance ids are the client's own words: they tell gates apart only within one client.
type Key = (ClientId, String);

struct Known {
    gates: BTreeMap<Key, Followed>,
    /// How many gates are remembered in all, and of one client. Those that are there are never
    /// forgotten for it: the places of the feed bound their number.
    most: usize,
    client_most: usize,
    connections: u64,
    /// When the log was first seen to have reached a number: not before the commit.
    reached: VecDeque<(u64, Now)>,
}

/// A connection that a gate follows the feed by. Dropped, the gate is gone.
pub(crate) struct Guard {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    key: Key,
    connection: u64,
    answers: bool,
}

/// How many gates there are in each state, and by how much the last of those that can tell is behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) live: usize,
    pub(crate) silent: usize,
    pub(crate) gone: usize,
    pub(crate) behind: u64,
}

impl Gates {
    /// Remembers up to `most` gates, `client_most` of one client.
    pub(crate) fn with_room_for(most: usize, client_most: usize) -> Self {
        Self(Arc::new(Shared {
            known: Mutex::new(Known {
                gates: BTreeMap::new(),
                most,
                client_most,
                connections: 0,
                reached: VecDeque::new(),
            }),
            changes: watch::Sender::new(0),
            calls: watch::Sender::new(0),
        }))
    }

    /// A gate follows from now on, until the guard is dropped. An instance that was there before takes
    /// its place again.
    pub(crate) fn arrive(&self, presence: Presence, clock: Arc<dyn Clock>) -> Guard {
        let now = Now::by(&*clock);
        let answers = presence.instance.is_some();
        let mut known = self.0.lock();
        known.connections += 1;
        let connection = known.connections;
        let instance = match &presence.instance {
            Some(instance) => instance.clone(),
            // No client can choose this one.
            None => format!("~{connection}"),
        };
        let key = (presence.client.clone(), instance);
        known.forget(now.up);
        known.reach(presence.after, now);
        if let Some(followed) = known.gates.get_mut(&key) {
            followed.returns(presence, connection, now);
        } else {
            known.make_room(&key.0);
            let followed = Followed::new(presence, connection, now);
            known.gates.insert(key.clone(), followed);
        }
        drop(known);
        self.0.changed();
        Guard {
            shared: Arc::clone(&self.0),
            clock,
            key,
            connection,
            answers,
        }
    }

    /// The gate `instance` of `client` says that it has everything up to `seq`, that the last moment it can
    /// prove is `age` ago, and that it has loaded version `policy` of the policies.
    ///
    /// # Errors
    /// [`InstanceUnknown`] if none of that client's gates is this one.
    pub(crate) fn applied(
        &self,
        client: &ClientId,
        instance: &str,
        seq: u64,
        age: Duration,
        policy: Option<u64>,
        clock: &dyn Clock,
    ) -> Result<(), InstanceUnknown> {
        let now = Now::by(clock);
        let key = (client.clone(), instance.to_owned());
        let mut known = self.0.lock();
        let answer = match known.gates.get_mut(&key) {
            Some(followed) if followed.answers() => followed.applied(seq, age, policy, now),
            _ => return Err(InstanceUnknown),
        };
        drop(known);
        if let Some(took) = answer {
            metrics::gate_answered(took);
        }
        self.0.changed();
        Ok(())
    }

    /// Moves when a gate comes, goes or answers. Take it before looking.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Asks every gate, at once, how far it has come.
    pub(crate) fn roll_call(&self) {
        self.0
            .calls
            .send_modify(|calls| *calls = calls.wrapping_add(1));
    }

    /// Moves when every gate is to be asked.
    pub(crate) fn roll_calls(&self) -> watch::Receiver<u64> {
        self.0.calls.subscribe()
    }

    /// The log was seen to have reached `seq` by now. When it was seen first.
    pub(crate) fn reached(&self, seq: u64, clock: &dyn Clock) -> Timestamp {
        self.0.lock().reach(seq, Now::by(clock)).wall
    }

    /// Everybody who is there, or was until lately, by client and name.
    pub(crate) fn list(&self, clock: &dyn Clock) -> Vec<GateSeen> {
        let now = Now::by(clock);
        let mut known = self.0.lock();
        known.forget(now.up);
        let gates = known.gates.iter_mut();
        let mut seen: Vec<GateSeen> = gates.map(|(key, gate)| gate.seen(key, now)).collect();
        seen.sort_by(GateSeen::by_name);
        seen
    }

    /// What each gate made of revocation `seq`, which the log has; `committed_at` where that is known.
    /// Gates that went away so long before it that they denied by then are left out.
    pub(crate) fn receipt(
        &self,
        seq: u64,
        committed_at: Option<Timestamp>,
        clock: &dyn Clock,
    ) -> Vec<Outcome> {
        let now = Now::by(clock);
        let mut known = self.0.lock();
        let since = known.reach(seq, now).up;
        let gates = known.gates.values();
        let mut outcomes: Vec<Outcome> = gates
            .filter_map(|gate| gate.outcome(seq, committed_at, since, now))
            .collect();
        outcomes.sort_by(|one, other| one.gate.by_name(&other.gate));
        outcomes
    }

    /// How long it is until the next gate is settled by the passing of its bound, if there is one that is
    /// not settled about revocation `seq`.
    pub(crate) fn unsettled(&self, seq: u64, clock: &dyn Clock) -> Option<Duration> {
        let now = Now::by(clock);
        let mut known = self.0.lock();
        let since = known.reach(seq, now).up;
        let gates = known.gates.values();
        gates
            .filter_map(|gate| gate.unsettled(seq, since, now.up))
            .min()
    }

    /// The longest staleness bound of any gate.
    pub(crate) fn longest_bound(&self) -> Duration {
        let known = self.0.lock();
        let bounds = known.gates.values().map(Followed::bound);
        bounds.max().unwrap_or_default()
    }

    /// How many there are. `head` is the number of the log's last revocation.
    pub(crate) fn counts(&self, head: u64, clock: &dyn Clock) -> Counts {
        let mut counts = Counts::default();
        for gate in self.list(clock) {
            match gate.state {
                GateState::Live => counts.live += 1,
                GateState::Silent => counts.silent += 1,
                GateState::Gone => counts.gone += 1,
            }
            if let (GateState::Live, Some(applied)) = (gate.state, gate.applied) {
                counts.behind = counts.behind.max(head.saturating_sub(applied));
            }
        }
        counts
    }
}

impl Guard {
    /// A message with number `seq` is on its way, and with it everything the gate can see of the log up
    /// to row `covers`.
    pub(crate) fn sent(&self, seq: u64, covers: u64) {
        self.went(seq, covers, false);
    }

    /// The same, of a message that asks the gate to answer.
    pub(crate) fn asked(&self, seq: u64, covers: u64) {
        self.went(seq, covers, self.answers);
    }

    fn went(&self, seq: u64, covers: u64, asks: bool) {
        let now = Now::by(&*self.clock);
        let mut known = self.shared.lock();
        known.reach(covers, now);
        if let Some(followed) = known.gates.get_mut(&self.key) {
            followed.went(self.connection, seq, covers, asks, now);
            // Looking is what notices silence.
            followed.look(&self.key, now);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let now = Now::by(&*self.clock);
        let mut known = self.shared.lock();
        if let Some(followed) = known.gates.get_mut(&self.key) {
            followed.leaves(&self.key, self.connection, now);
        }
        drop(known);
        self.shared.changed();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes
            .send_modify(|changes| *changes = changes.wrapping_add(1));
    }
}

impl Known {
    /// Notes that the log has reached `seq` by `now`, and gives the first moment known at which it had.
    fn reach(&mut self, seq: u64, now: Now) -> Now {
        if self.reached.back().is_none_or(|(last, _)| *last < seq) {
            if self.reached.len() == MOMENTS {
                self.reached.pop_front();
            }
            self.reached.push_back((seq, now));
        }
        let first = self.reached.partition_point(|(reached, _)| *reached < seq);
        self.reached.get(first).map_or(now, |(_, at)| *at)
    }

    /// Forgets whoever went away long ago.
    fn forget(&mut self, now: Uptime) {
        self.gates.retain(|_, gate| {
            let gone = gate.gone_for(now);
            gone.is_none_or(|span| span < REMEMBERED || span <= gate.bound())
        });
    }

    /// Forgets those that have been gone for longest, until there is room for another one of `client`.
    fn make_room(&mut self, client: &ClientId) {
        let first = (client.clone(), String::new());
        let own = self
            .gates
            .range(first..)
            .take_while(|(key, _)| key.0 == *client);
        let own: Vec<&Key> = own.map(|(key, _)| key).collect();
        if own.len() >= self.client_most {
            let oldest = own.into_iter().filter(|key| self.gates[*key].is_gone());
            let oldest = oldest.min_by_key(|key| self.gates[*key].gone_at()).cloned();
            oldest.map(|key| self.gates.remove(&key));
        }
        if self.gates.len() >= self.most {
            let gone = self.gates.iter().filter(|(_, gate)| gate.is_gone());
            let oldest = gone.min_by_key(|(_, gate)| gate.gone_at());
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.map(|key| self.gates.remove(&key));
        }
    }
}
