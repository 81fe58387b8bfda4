//! The gate's side: a state machine from the feed's messages to a view and its freshness.
//!
//! Three rules carry it. Whatever a verified message revokes is revoked, in whatever order and from
//! whatever history it comes, because a revocation is never taken back. Freshness grows only by a
//! message that continues the chain of numbers and is newer than all before it. And when the chain
//! breaks, nothing is dropped: the view keeps denying what it knows and its freshness runs out.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{Timestamp, Uptime};

use crate::freshness::Anchor;
use crate::position::{MARKS, Mark, Position};
use crate::writer::Writer;
use crate::{
    Action, Credential, Epoch, Event, IgnoreReason, Message, ResyncReason, RevokedBy, View,
};

/// Two clocks that each may be off by 500 parts in a million, the most that NTP slews, drift 0.6 s
/// apart in this time.
const ANCHOR_LIFE: Duration = Duration::from_secs(600);
/// How far clocks may disagree before an expired entry is missed.
const SKEW: Duration = Duration::from_secs(300);

/// Follows a revocation feed. It never blocks and reads no clock.
///
/// What it learns it writes into the view at once, its own position last: whoever takes over from there may be
/// told again what is known, and misses nothing. Several may follow into one view at a time: what one of them
/// proves, it has put there before.
#[derive(Debug)]
pub struct Follower {
    view: Arc<View>,
    bound: Duration,
    position: Position,
    /// Why a snapshot is needed, while one is.
    waiting: Option<ResyncReason>,
}

impl Follower {
    /// Begins with a snapshot, and asks for another when the view grows older than half of `bound` (the
    /// staleness bound B) for all the messages that arrive. What the view knows already stays known.
    pub fn new(view: Arc<View>, bound: Duration) -> Self {
        Self {
            view,
            bound,
            position: Position::default(),
            waiting: Some(ResyncReason::Start),
        }
    }

    /// Goes on from where another follower of the same view and the same uptime was, or a little before; begins
    /// with a snapshot if there was none.
    pub fn resume(view: Arc<View>, bound: Duration) -> Self {
        let mut follower = Self::new(view, bound);
        // Nobody writes it down meanwhile: who was thought to be gone may be back.
        let written = Writer::new(&follower.view)
            .ok()
            .and_then(|_writer| Position::read(follower.view.control()));
        if let Some(position) = written {
            if position.following && !follower.view.has_lost() {
                follower.waiting = None;
            }
            follower.position = position;
        }
        follower
    }

    /// The view it writes into.
    pub const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Takes the verified answer to a snapshot request that was sent at `sent_at` and answered at
    /// `received_at`, both before the call. The transport must make sure that it answers that very
    /// request and comes from no cache.
    pub fn snapshot(&mut self, message: &Message, sent_at: Uptime, received_at: Uptime) -> Action {
        let whole = self.view.insert_all(message);
        if !matches!(message.event, Event::Snapshot { .. }) {
            return self.resync(ResyncReason::NotASnapshot);
        }
        let marks = &mut self.position.marks;
        let known = marks.iter().position(|mark| mark.epoch == message.epoch);
        if let Some(mark) = known.and_then(|place| marks.get(place))
            && (message.as_of <= mark.as_of || message.seq < mark.seq)
        {
            // Overtaken by the stream, it does no harm; needed, it does no good.
            return match self.waiting {
                None => Action::Ignore(IgnoreReason::Replayed),
                Some(_) => self.resync(ResyncReason::OldSnapshot),
            };
        }
        if !whole {
            return self.resync(ResyncReason::NoRoom);
        }
        if let Some(place) = known {
            marks.remove(place);
        } else if marks.len() == MARKS {
            marks.pop_front();
        }
        marks.push_back(Mark {
            epoch: message.epoch.clone(),
            seq: message.seq,
            as_of: message.as_of,
        });
        let anchor = Anchor::new(message.as_of, sent_at, received_at);
        self.position.anchor = Some(anchor);
        self.position.following = true;
        // What this process or another could not keep is in the snapshot, or will be in the stream: whatever
        // a gate revokes by itself the control plane knows.
        self.view.control().is_whole_again();
        self.reach(Some(anchor.local));
        self.waiting = None;
        Action::Continue
    }

    /// Takes a verified message of the stream, received at `received_at`.
    pub fn message(&mut self, message: &Message, received_at: Uptime) -> Action {
        let whole = self.view.insert_all(message);
        if self.waiting.is_some() {
            return Action::Ignore(IgnoreReason::Resyncing);
        }
        // Here, or in another process of this view. What another follower's snapshot has just made whole need not
        // hold this message.
        if !whole || self.view.has_lost() {
            return self.resync(ResyncReason::NoRoom);
        }
        let (Some(mark), Some(anchor)) = (
            self.position.marks.back_mut(),
            self.position.anchor.as_mut(),
        ) else {
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
        let mut proven = None;
        if newer {
            mark.as_of = message.as_of;
            proven = anchor.prove(message.as_of, received_at);
        }
        let anchor_age = anchor.age(received_at);
        if newer || moved {
            self.reach(proven);
        }
        self.judge(received_at, anchor_age, newer || moved)
    }

    /// The control plane answered that it cannot go on from [`Self::position`].
    pub fn reset(&mut self) -> Action {
        self.resync(ResyncReason::Reset)
    }

    /// The stream ended. [`Action::Continue`]: it can be opened anew from [`Self::position`].
    pub fn disconnected(&mut self) -> Action {
        self.waiting.map_or(Action::Continue, Action::Resync)
    }

    /// From where to open the stream: the epoch and the last number. None: fetch a snapshot first.
    pub fn position(&self) -> Option<(&Epoch, u64)> {
        match self.waiting {
            Some(_) => None,
            None => self
                .position
                .marks
                .back()
                .map(|mark| (&mark.epoch, mark.seq)),
        }
    }

    /// The newest server time that it has followed, which moves on with everything that this follower proves:
    /// the view's own moment may be another's.
    pub fn newest(&self) -> Option<Timestamp> {
        self.position.anchor.map(|anchor| anchor.newest)
    }

    /// What revokes `credential` ([`View::check`]).
    pub fn check(&self, credential: &Credential<'_>) -> Option<RevokedBy> {
        self.view.check(credential)
    }

    /// Whether "not revoked" may be believed at `now` ([`View::is_fresh`]).
    pub fn is_fresh(&self, now: Uptime) -> bool {
        self.view.is_fresh(now, self.bound)
    }

    /// How old the view is at `now`, at most; none before the first snapshot.
    pub fn age(&self, now: Uptime) -> Option<Duration> {
        self.view.age(now)
    }

    /// Forgets what has expired by this machine's wall clock, `now`, *and* by the control plane's,
    /// with room for their disagreement: a wall clock that jumps ahead and back forgets nothing that
    /// is still needed.
    pub fn sweep(&self, now: Timestamp) {
        if let Some(anchor) = &self.position.anchor {
            self.view.sweep(now.min(anchor.newest) - SKEW);
        }
    }

    /// The same by this machine's wall clock alone, for whoever follows no feed: then all that is known was
    /// revoked locally, with ends that were reckoned by this clock.
    pub fn forget_expired(&self, now: Timestamp) {
        self.view.sweep(now - SKEW);
    }

    /// Writes down where it is, then what that proves: a proven moment that others believe is never ahead of
    /// the position that whoever takes over goes on from.
    fn reach(&self, proven: Option<Uptime>) {
        // Without the lock no other follower goes on from here; readers need the moment all the same.
        if let Ok(_writer) = Writer::new(&self.view) {
            self.position.write(self.view.control());
        }
        if let Some(moment) = proven {
            self.view.prove(moment);
        }
    }

    /// Whether what has been accepted keeps the view fresh, or a new anchor is needed.
    fn judge(&mut self, now: Uptime, anchor_age: Duration, told_something: bool) -> Action {
        let behind = self.view.age(now).is_none_or(|age| age > self.bound / 2);
        // A fresh anchor that did not help will not help a moment later either.
        if behind && anchor_age > self.bound {
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
