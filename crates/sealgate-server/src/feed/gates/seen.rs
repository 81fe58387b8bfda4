//! One gate, as it is known here: a state machine over what was sent to it and what it answered.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::Duration;

use sealgate_model::{ClientId, Clock, Timestamp, Uptime};
use serde::{Deserialize, Serialize};

use super::{Key, Presence};

/// The staleness bound of a gate that does not tell its own: the default of every gate.
pub(crate) const DEFAULT_BOUND: Duration = Duration::from_secs(10);

/// How many messages may wait for an answer. Answers are about all before them, so that only a gate
/// that never answers loses any.
const WAITING: usize = 64;
/// How many answers are kept, to tell when which revocation had been applied.
const ANSWERS: usize = 32;

/// Both clocks, read at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) wall: Timestamp,
    pub(super) up: Uptime,
}

impl Now {
    pub(super) fn by(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.now(),
            up: clock.uptime(),
        }
    }
}

/// How a gate is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateState {
    /// It follows, and answers when it is asked.
    Live,
    /// It is connected, and has not answered for longer than its staleness bound.
    Silent,
    /// Its connection has ended.
    Gone,
}

impl GateState {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Live, Self::Silent, Self::Gone];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Silent => "silent",
            Self::Gone => "gone",
        }
    }
}

/// A gate as it is seen from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GateSeen {
    pub(crate) client: ClientId,
    pub(crate) gate: Option<String>,
    pub(crate) instance: Option<String>,
    pub(crate) network: Option<String>,
    pub(crate) bound: Option<Duration>,
    pub(crate) state: GateState,
    /// Since when it follows or, if it is gone, is gone.
    pub(crate) since: Timestamp,
    /// Everything up to here it has, as far as it can see it.
    pub(crate) applied: Option<u64>,
    /// When it last answered.
    pub(crate) answered_at: Option<Timestamp>,
    /// How old, when it last answered, the last moment was that it could prove.
    pub(crate) age: Option<Duration>,
    /// The version of the policies that it had loaded when it last answered.
    pub(crate) policy: Option<u64>,
}

impl GateSeen {
    /// The order in which people look for them.
    pub(super) fn by_name(&self, other: &Self) -> Ordering {
        let own = (&self.client, &self.gate, &self.instance);
        own.cmp(&(&other.client, &other.gate, &other.instance))
    }
}

/// What became of one revocation at one gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) gate: GateSeen,
    /// When its answer came that it has applied it.
    pub(crate) applied_at: Option<Timestamp>,
    /// How long after the commit that was; none if it had it before it came here.
    pub(crate) delay: Option<Duration>,
    /// Whether its staleness bound has passed since: what it cannot prove to be fresh it denies.
    pub(crate) denies: bool,
    /// How long it is until then.
    pub(crate) denies_in: Duration,
}

impl Outcome {
    /// Whether nobody gets past this gate any more with what was revoked.
    pub(crate) const fn is_settled(&self) -> bool {
        self.applied_at.is_some() || self.denies
    }
}

/// It has everything up to a row of the log.
#[derive(Debug, Clone, Copy)]
struct Applied {
    covers: u64,
    at: Timestamp,
    /// Whether it said so when it was asked. Otherwise it had it before it was here.
    answered: bool,
}

pub(super) struct Followed {
    presence: Presence,
    /// The connection that counts; of an earlier one the end may be heard late.
    connection: u64,
    since: Now,
    gone: Option<Now>,
    /// The number of each message that was sent, and the row of the log that it covers.
    sent: VecDeque<(u64, u64)>,
    /// The rows that it has, rising, since when that is known, and whether by an answer.
    applied: VecDeque<Applied>,
    /// When the first question was sent that has no answer yet.
    asked: Option<Uptime>,
    answered: Option<(Timestamp, Duration)>,
    /// The version of the policies that it had loaded then.
    policy: Option<u64>,
    /// Whether its silence was logged.
    silent: bool,
}

impl Followed {
    pub(super) fn new(presence: Presence, connection: u64, now: Now) -> Self {
        let mut followed = Self {
            connection,
            since: now,
            gone: None,
            sent: VecDeque::new(),
            applied: VecDeque::new(),
            asked: None,
            answered: None,
            policy: None,
            silent: false,
            presence,
        };
        followed.resumes(now);
        let (name, client) = (followed.name(), &followed.presence.client);
        tracing::info!(%client, gate = name, "a gate follows the feed");
        followed
    }

    /// The same gate has another connection.
    pub(super) fn returns(&mut self, presence: Presence, connection: u64, now: Now) {
        let was_gone = self.gone.take().is_some();
        self.presence = presence;
        self.connection = connection;
        self.since = now;
        self.sent.clear();
        self.asked = None;
        self.resumes(now);
        if was_gone {
            let (name, client) = (self.name(), &self.presence.client);
            tracing::info!(%client, gate = name, "a gate is back");
        }
    }

    /// Where it asks to go on from is where it is.
    fn resumes(&mut self, now: Now) {
        if self.answers() {
            self.has(self.presence.after, now.wall, false);
        }
    }

    pub(super) fn leaves(&mut self, key: &Key, connection: u64, now: Now) {
        if connection == self.connection && self.gone.is_none() {
            self.gone = Some(now);
            self.asked = None;
            self.silent = false;
            tracing::info!(client = %key.0, gate = self.name(), "a gate has gone away");
        }
    }

    pub(super) fn went(&mut self, connection: u64, seq: u64, covers: u64, asks: bool, now: Now) {
        if connection != self.connection {
            return;
        }
        match self.sent.back_mut() {
            Some(last) if last.0 == seq => last.1 = covers,
            _ => {
                if self.sent.len() == WAITING {
                    self.sent.pop_front();
                }
                self.sent.push_back((seq, covers));
            }
        }
        if asks {
            self.asked.get_or_insert(now.up);
        }
    }

    /// It has everything up to number `seq`. How long it took since it was asked, if it was.
    pub(super) fn applied(
        &mut self,
        seq: u64,
        age: Duration,
        policy: Option<u64>,
        now: Now,
    ) -> Option<Duration> {
        let mut covered = None;
        while let Some((_, covers)) = self.sent.front().filter(|sent| sent.0 <= seq) {
            covered = Some(*covers);
            self.sent.pop_front();
        }
        if let Some(covers) = covered {
            self.has(covers, now.wall, true);
        }
        self.answered = Some((now.wall, age));
        self.policy = policy;
        if std::mem::take(&mut self.silent) {
            let (name, client) = (self.name(), &self.presence.client);
            tracing::info!(%client, gate = name, "a gate that was silent answers again");
        }
        self.asked.take().map(|asked| now.up.since(asked))
    }

    fn has(&mut self, covers: u64, at: Timestamp, answered: bool) {
        if self.applied.back().is_none_or(|last| last.covers < covers) {
            if self.applied.len() == ANSWERS {
                self.applied.pop_front();
            }
            self.applied.push_back(Applied {
                covers,
                at,
                answered,
            });
        }
    }

    /// Notices, and logs once, that it does not answer.
    pub(super) fn look(&mut self, key: &Key, now: Now) {
        if self.is_silent(now.up) && !self.silent {
            self.silent = true;
            let (name, bound) = (self.name(), self.bound());
            tracing::warn!(client = %key.0, gate = name, bound_ms = bound.as_millis(), "a gate is silent past its staleness bound");
        }
    }

    pub(super) fn seen(&mut self, key: &Key, now: Now) -> GateSeen {
        self.look(key, now);
        self.as_seen(now)
    }

    fn as_seen(&self, now: Now) -> GateSeen {
        GateSeen {
            client: self.presence.client.clone(),
            gate: self.presence.gate.clone(),
            instance: self.presence.instance.clone(),
            network: self.presence.network.clone(),
            bound: self.presence.bound,
            state: if self.is_gone() {
                GateState::Gone
            } else if self.is_silent(now.up) {
                GateState::Silent
            } else {
                GateState::Live
            },
            since: self.gone.unwrap_or(self.since).wall,
            applied: self.applied.back().map(|last| last.covers),
            answered_at: self.answered.map(|(at, _)| at),
            age: self.answered.map(|(_, age)| age),
            policy: self.policy,
        }
    }

    /// What it made of row `seq`, which the log has had since `since`; none if it had gone away for
    /// longer than its bound by then.
    pub(super) fn outcome(
        &self,
        seq: u64,
        committed_at: Option<Timestamp>,
        since: Uptime,
        now: Now,
    ) -> Option<Outcome> {
        if !self.concerns(since) {
            return None;
        }
        let applied = self.with(seq);
        let denies_in = self.bound().saturating_sub(now.up.since(since));
        Some(Outcome {
            gate: self.as_seen(now),
            delay: applied
                .filter(|applied| applied.answered)
                .zip(committed_at)
                .map(|(applied, committed)| applied.at.since(committed)),
            applied_at: applied.map(|applied| applied.at),
            denies: now.up.since(since) > self.bound(),
            denies_in,
        })
    }

    /// How long it is until it denies, if it has not said that it has row `seq`.
    pub(super) fn unsettled(&self, seq: u64, since: Uptime, now: Uptime) -> Option<Duration> {
        let open = self.concerns(since) && self.with(seq).is_none();
        let passed = now.since(since);
        (open && passed <= self.bound()).then(|| self.bound().saturating_sub(passed))
    }

    /// Whether it had not gone away for longer than its bound at `since`.
    fn concerns(&self, since: Uptime) -> bool {
        self.gone.is_none_or(|gone| gone.up + self.bound() >= since)
    }

    /// When it was first known to have row `seq`.
    fn with(&self, seq: u64) -> Option<Applied> {
        let first = self.applied.partition_point(|had| had.covers < seq);
        self.applied.get(first).copied()
    }

    pub(super) const fn answers(&self) -> bool {
        self.presence.instance.is_some()
    }

    pub(super) const fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    pub(super) fn gone_at(&self) -> Option<Uptime> {
        self.gone.map(|gone| gone.up)
    }

    pub(super) fn gone_for(&self, now: Uptime) -> Option<Duration> {
        self.gone_at().map(|gone| now.since(gone))
    }

    fn is_silent(&self, now: Uptime) -> bool {
        self.asked
            .is_some_and(|asked| now.since(asked) > self.bound())
    }

    pub(super) fn bound(&self) -> Duration {
        self.presence.bound.unwrap_or(DEFAULT_BOUND)
    }

    fn name(&self) -> &str {
        self.presence.gate.as_deref().unwrap_or_default()
    }
}
