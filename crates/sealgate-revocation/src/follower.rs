//! The gate's side: a state machine from the feed's messages to a view and its freshness.
//!
//! Three rules carry it. Whatever a verified message revokes is revoked, in whatever order and from
//! whatever history it comes, because a revocation is never taken back. Freshness grows only by a
//! message that continues the chain of numbers and is newer than all before it. And when the chain
//! breaks, nothing is dropped: the view keeps denying what it knows and its freshness runs out.

use std::collections::VecDeque;
use std::time::Duration;

use sealgate_model::{Timestamp, Uptime};

use crate::view::SKEW;
use crate::{Credential, Entry, Epoch, Event, Freshness, Message, RevokedBy, Subject, View};

/// What the caller has to do after an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing: go on reading.
    Continue,
    /// Close the stream, fetch a snapshot, open the stream anew from [`Follower::position`]. Wait a
    /// little, and longer each time in a row.
    Resync(ResyncReason),
    /// Nothing: the message told nothing new.
    Ignore(IgnoreReason),
}

/// Why a snapshot is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResyncReason {
    /// There has been none yet.
    Start,
    /// A message is missing before this one.
    Gap,
    /// The message is of another history.
    OtherEpoch,
    /// The control plane knows less than it did.
    Rollback,
    /// The control plane cannot go on from where this view stands.
    Reset,
    /// Messages arrive, but too late to keep the view fresh.
    Behind,
    /// The clocks were last tied together too long ago to trust that they run alike.
    AnchorOld,
    /// The snapshot is not newer than what is known.
    OldSnapshot,
    /// What was handed over as a snapshot is none.
    NotASnapshot,
}

impl ResyncReason {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Start => "feed_start",
            Self::Gap => "feed_gap",
            Self::OtherEpoch => "feed_epoch_other",
            Self::Rollback => "feed_rollback",
            Self::Reset => "feed_reset",
            Self::Behind => "feed_behind",
            Self::AnchorOld => "feed_anchor_old",
            Self::OldSnapshot => "feed_snapshot_old",
            Self::NotASnapshot => "feed_snapshot_missing",
        }
    }
}

/// Why a message told nothing new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoreReason {
    /// A revocation that is known already.
    Duplicate,
    /// Not newer than the newest message: a replay, or a message that was overtaken.
    Replayed,
    /// Waiting for a snapshot, which alone can restore freshness.
    Resyncing,
}

impl IgnoreReason {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Duplicate => "feed_duplicate",
            Self::Replayed => "feed_replayed",
            Self::Resyncing => "feed_resyncing",
        }
    }
}

/// Two clocks that each may be off by 500 parts in a million, the most that NTP slews, drift 0.6 s
/// apart in this time.
const ANCHOR_LIFE: Duration = Duration::from_secs(600);
/// How many histories are remembered, so that an old snapshot of one is known as such.
const MARKS: usize = 16;

/// The furthest that was seen of one history.
#[derive(Debug, Clone)]
struct Mark {
    epoch: Epoch,
    seq: u64,
    as_of: Timestamp,
}

/// Follows a revocation feed. It never blocks and reads no clock.
#[derive(Debug, Clone)]
pub struct Follower {
    view: View,
    freshness: Freshness,
    /// The newest last; the last one is the history being followed.
    marks: VecDeque<Mark>,
    /// Why a snapshot is needed, while one is.
    waiting: Option<ResyncReason>,
}

impl Follower {
    /// Knows nothing yet, and answers fresh for `bound` (the staleness bound B) past what is proven.
    pub fn new(bound: Duration) -> Self {
        Self {
            view: View::new(),
            freshness: Freshness::new(bound),
            marks: VecDeque::new(),
            waiting: Some(ResyncReason::Start),
        }
    }

    /// Takes the verified answer to a snapshot request that was sent at `sent_at` and answered at
    /// `received_at`, both before the call. The transport must make sure that it answers that very
    /// request and comes from no cache.
    pub fn snapshot(&mut self, message: &Message, sent_at: Uptime, received_at: Uptime) -> Action {
        self.revoke(message);
        if !matches!(message.event, Event::Snapshot { .. }) {
            return self.resync(ResyncReason::NotASnapshot);
        }
        let known = self
            .marks
            .iter()
            .position(|mark| mark.epoch == message.epoch);
        if let Some(mark) = known.and_then(|place| self.marks.get(place))
            && (message.as_of <= mark.as_of || message.seq < mark.seq)
        {
            // Overtaken by the stream, it does no harm; needed, it does no good.
            return match self.waiting {
                None => Action::Ignore(IgnoreReason::Replayed),
                Some(_) => self.resync(ResyncReason::OldSnapshot),
            };
        }
        if let Some(place) = known {
            self.marks.remove(place);
        } else if self.marks.len() == MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(Mark {
            epoch: message.epoch.clone(),
            seq: message.seq,
            as_of: message.as_of,
        });
        self.freshness.anchor(message.as_of, sent_at, received_at);
        self.waiting = None;
        Action::Continue
    }

    /// Takes a verified message of the stream, received at `received_at`.
    pub fn message(&mut self, message: &Message, received_at: Uptime) -> Action {
        self.revoke(message);
        if self.waiting.is_some() {
            return Action::Ignore(IgnoreReason::Resyncing);
        }
        let Some(mark) = self.marks.back_mut() else {
            return self.resync(ResyncReason::Start);
        };
        if message.epoch != mark.epoch {
            return self.resync(ResyncReason::OtherEpoch);
        }
        let newer = message.as_of > mark.as_of;
        if message.prev != mark.seq {
            return match message.event {
                _ if message.prev > mark.seq => self.resync(ResyncReason::Gap),
                _ if newer => self.resync(ResyncReason::Rollback),
                Event::Revoked(_) if message.seq <= mark.seq => {
                    Action::Ignore(IgnoreReason::Duplicate)
                }
                Event::Revoked(_) => self.resync(ResyncReason::Gap),
                _ => Action::Ignore(IgnoreReason::Replayed),
            };
        }
        let moved = message.seq > mark.seq;
        mark.seq = message.seq;
        if newer {
            mark.as_of = message.as_of;
            self.freshness.prove(message.as_of, received_at);
        }
        self.judge(received_at, newer || moved)
    }

    /// The control plane answered that it cannot go on from [`Self::position`].
    pub fn reset(&mut self) -> Action {
        self.resync(ResyncReason::Reset)
    }

    /// The stream ended. [`Action::Continue`]: it can be opened anew from [`Self::position`].
    pub fn disconnected(&mut self) -> Action {
        self.waiting.map_or(Action::Continue, Action::Resync)
    }

    /// Revokes at once what this process knows to be revoked, whatever the feed says yet: a session
    /// whose renewal was refused, a user who signs out here.
    pub fn revoke_locally(&mut self, entry: &Entry) {
        self.view.insert(entry);
    }

    /// From where to open the stream: the epoch and the last number. None: fetch a snapshot first.
    pub fn position(&self) -> Option<(&Epoch, u64)> {
        match self.waiting {
            Some(_) => None,
            None => self.marks.back().map(|mark| (&mark.epoch, mark.seq)),
        }
    }

    /// What revokes `credential`. It is to be asked first, and obeyed even when the view is not fresh.
    pub fn check(&self, credential: &Credential<'_>) -> Option<RevokedBy> {
        self.view.check(credential)
    }

    /// Whether "not revoked" may be believed at `now`.
    pub fn is_fresh(&self, now: Uptime) -> bool {
        self.freshness.is_fresh(now)
    }

    /// How old the view is at `now`, at most; none before the first snapshot.
    pub fn age(&self, now: Uptime) -> Option<Duration> {
        self.freshness.age(now)
    }

    /// How many revocations are known.
    pub fn len(&self) -> usize {
        self.view.len()
    }

    /// Whether nothing is known to be revoked.
    pub fn is_empty(&self) -> bool {
        self.view.is_empty()
    }

    /// Forgets what has expired by this machine's wall clock, `now`, *and* by the control plane's,
    /// with room for their disagreement: a wall clock that jumps ahead and back forgets nothing that
    /// is still needed.
    pub fn sweep(&mut self, now: Timestamp) {
        if let Some(server) = self.freshness.newest() {
            self.view.sweep(now.min(server) - SKEW);
        }
    }

    /// The same by this machine's wall clock alone, for whoever follows no feed: then all that is known was
    /// revoked locally, with ends that were reckoned by this clock.
    pub fn forget_expired(&mut self, now: Timestamp) {
        self.view.sweep(now - SKEW);
    }

    fn revoke(&mut self, message: &Message) {
        let short: usize = message.sessions().iter().map(|group| group.ids.len()).sum();
        let told = message.entries().len() + short;
        if let Some(missing) = told.checked_sub(self.view.len()) {
            self.view.reserve(missing);
        }
        for entry in message.entries() {
            self.view.insert(entry);
        }
        for group in message.sessions() {
            for id in &group.ids {
                self.view.insert(&Entry {
                    subject: Subject::Session(*id),
                    expires_at: group.expires_at,
                    reason: None,
                });
            }
        }
    }

    /// Whether what a credential says of its user or client has changed since `told_at`
    /// ([`View::is_outdated`]).
    pub fn is_outdated(&self, subject: Option<&str>, client: &str, told_at: Timestamp) -> bool {
        self.view.is_outdated(subject, client, told_at)
    }

    /// Whether what has been accepted keeps the view fresh, or a new anchor is needed.
    fn judge(&mut self, now: Uptime, told_something: bool) -> Action {
        let anchor_age = self.freshness.anchor_age(now).unwrap_or_default();
        let bound = self.freshness.bound();
        let behind = self.freshness.age(now).is_none_or(|age| age > bound / 2);
        // A fresh anchor that did not help will not help a moment later either.
        if behind && anchor_age > bound {
            return self.resync(ResyncReason::Behind);
        }
        if anchor_age > ANCHOR_LIFE {
            return self.resync(ResyncReason::AnchorOld);
        }
        if told_something {
            Action::Continue
        } else {
            Action::Ignore(IgnoreReason::Replayed)
        }
    }

    fn resync(&mut self, reason: ResyncReason) -> Action {
        self.waiting = Some(reason);
        Action::Resync(reason)
    }
}

#[cfg(test)]
mod tests;
