//! Everything around a view: who revokes, who tells it, who carries it, and who reads.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{Random, SessionId, Timestamp, Uptime};

use super::{Mortal, Step};
use crate::words::death;
use crate::{
    Action, Credential, Entry, Epoch, Follower, Judgement, Message, Publisher, Sessions, Subject,
    View,
};

const BOUND: Duration = Duration::from_secs(10);
/// Long after all that can happen here.
const END: Timestamp = Timestamp::from_seconds(1_900_000_000);

struct Row {
    committed_at: u64,
    visible: bool,
    session: SessionId,
    /// The gate was told, or the control plane still knows: it must stay revoked.
    counts: bool,
}

/// Every third row says that a version of the policies has replaced those before it, which every client hears.
const fn is_policy(row: usize) -> bool {
    row % 3 == 2
}

/// When the version was made that row `row` has replaced: each later than all before, whatever the clock does.
fn replaced(row: usize) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + i64::try_from(row).unwrap())
}

struct Answered {
    message: Message,
    sent_at: u64,
    ready_at: u64,
    /// By the process that follows now. What another one saw, the nonce tells apart, which is not asked here.
    seen: bool,
}

/// A process that follows, with its connection.
struct Following {
    follower: Follower,
    stream: Option<(Publisher, usize)>,
    written: Vec<Message>,
    next: usize,
}

struct NoRandom;
impl Random for NoRandom {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

pub(super) struct World {
    now: u64,
    offset: i64,
    newest: Timestamp,
    born_at: Timestamp,
    epoch: u32,
    /// Every revocation ever, and which of them the control plane still has, in order.
    rows: Vec<Row>,
    log: Vec<usize>,
    stream: Option<(Publisher, usize)>,
    written: Vec<Message>,
    next: usize,
    answers: Vec<Answered>,
    memory: Arc<Mortal>,
    follower: Follower,
    /// One that is stopped.
    stopped: Option<Following>,
    /// Other processes: one that writes too, and one that only reads.
    worker: View,
    reader: View,
    churned: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let born_at = Timestamp::from_seconds(1_800_000_000);
        let memory = Arc::new(Mortal::default());
        Self {
            now: 1_000_000,
            offset: 0,
            newest: born_at,
            born_at,
            epoch: 0,
            rows: Vec::new(),
            log: Vec::new(),
            stream: None,
            written: Vec::new(),
            next: 0,
            answers: Vec::new(),
            follower: Follower::new(join(&memory), BOUND),
            stopped: None,
            worker: View::over(Arc::<Mortal>::clone(&memory)).unwrap(),
            reader: View::over(Arc::<Mortal>::clone(&memory)).unwrap(),
            memory,
            churned: 0,
        }
    }

    fn local(&self) -> Uptime {
        up(self.now)
    }

    fn epoch(&self) -> Epoch {
        format!("epoch-{}", self.epoch).parse().unwrap()
    }

    /// The control plane's clock, which never steps back within an epoch.
    fn as_of(&mut self) -> Timestamp {
        let now = i64::try_from(self.now).unwrap() + self.offset;
        self.newest = self
            .newest
            .max(Timestamp::from_millis(1_800_000_000_000 + now));
        self.newest
    }

    fn commit(&mut self, visible: bool) {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(self.rows.len() as u64).to_be_bytes());
        self.log.push(self.rows.len());
        let session = SessionId::from_bytes(id);
        let visible = visible || is_policy(self.rows.len());
        self.rows.push(Row {
            committed_at: self.now,
            visible,
            session,
            counts: true,
        });
    }

    fn entry(&self, row: usize) -> Entry {
        Entry {
            subject: if is_policy(row) {
                Subject::Policy {
                    not_before: replaced(row),
                }
            } else {
                Subject::Session(self.rows[row].session)
            },
            expires_at: END,
            reason: None,
        }
    }

    fn publish(&mut self, rows: usize, race: bool, heartbeat: bool) {
        let Some((mut publisher, cursor)) = self.stream.take() else {
            return;
        };
        let as_of = self.as_of();
        if race {
            self.commit(true);
        }
        let end = self.log.len().min(cursor + rows);
        let complete = end == self.log.len();
        let visible: Vec<_> = (cursor..end)
            .filter(|place| self.rows[self.log[*place]].visible)
            .map(|place| (place as u64 + 1, self.entry(self.log[place])))
            .collect();
        self.written
            .extend(publisher.revoked(visible, as_of, complete, &NoRandom));
        if heartbeat && complete {
            self.written.push(publisher.heartbeat(as_of, &NoRandom));
        }
        self.stream = Some((publisher, end));
    }

    fn publisher(&self, seq: u64) -> Publisher {
        let issuer = "https://id.example".parse().unwrap();
        Publisher::new(
            issuer,
            "app".parse().unwrap(),
            self.epoch(),
            seq,
            self.born_at,
        )
    }

    fn ask(&mut self, delay: u64) {
        let sent_at = self.now;
        self.now += delay;
        let as_of = self.as_of();
        let visible = self.log.iter().filter(|row| self.rows[**row].visible);
        let (odd, even): (Vec<usize>, Vec<usize>) =
            visible.partition(|row| **row % 2 == 1 || is_policy(**row));
        let entries = odd.into_iter().map(|row| self.entry(row)).collect();
        let ids: Vec<_> = even.iter().map(|row| self.rows[*row].session).collect();
        let expires_at = END;
        let groups = vec![Sessions { expires_at, ids }];
        let message = self
            .publisher(self.log.len() as u64)
            .snapshot(entries, groups, None, as_of, &NoRandom);
        self.answers.push(Answered {
            message,
            sent_at,
            ready_at: self.now,
            seen: false,
        });
    }

    fn connect(&mut self) {
        let epoch = self.epoch();
        let position = self
            .follower
            .position()
            .filter(|(known, _)| **known == epoch);
        let Some(seq) = position.map(|(_, seq)| seq) else {
            self.follower.reset();
            return;
        };
        // What the old connection had not delivered is lost with it.
        self.next = self.written.len();
        self.stream = Some((self.publisher(seq), usize::try_from(seq).unwrap()));
    }

    fn restart(&mut self, set_by: i64) {
        self.epoch += 1;
        self.offset += set_by;
        self.newest = Timestamp::from_millis(0);
        self.born_at = self.as_of();
        self.stream = None;
        if let Some(other) = &mut self.stopped {
            other.stream = None;
        }
    }

    fn restore(&mut self, missing: usize) {
        let kept = self.log.len().saturating_sub(missing);
        for row in self.log.split_off(kept) {
            self.rows[row].counts = self.is_revoked(row);
        }
        self.restart(0);
    }

    fn is_revoked(&self, row: usize) -> bool {
        if is_policy(row) {
            // A gate that decides by the version which was replaced asks this, and fetches another.
            let not_before = self.reader.read().policy_not_before();
            return not_before.is_some_and(|not_before| replaced(row) <= not_before);
        }
        matches!(self.judged(row), Judgement::Revoked(_))
    }

    /// What a process that only reads makes of it.
    fn judged(&self, row: usize) -> Judgement {
        let credential = Credential {
            tenant: None,
            grants: &[],
            session: Some(self.rows[row].session),
            subject: None,
            client: "app",
            key: None,
            token: None,
            started_at: Timestamp::from_seconds(1_800_000_000),
        };
        self.reader.judge(&credential, self.local(), BOUND)
    }

    /// If whoever wrote has died, others take over from what is in memory, and hear from the control plane anew.
    pub(super) fn bury(&mut self) {
        if !death::is_dead() {
            return;
        }
        death::never();
        self.follower = Follower::resume(join(&self.memory), BOUND);
        self.worker = View::over(Arc::<Mortal>::clone(&self.memory)).unwrap();
        self.stream = None;
        self.next = self.written.len();
        if self.stopped.is_some() {
            self.forget_seen();
        }
    }

    fn stop(&mut self) {
        let other = self.stopped.take().unwrap_or_else(|| Following {
            follower: Follower::resume(join(&self.memory), BOUND),
            stream: None,
            written: Vec::new(),
            next: 0,
        });
        self.stopped = Some(Following {
            follower: std::mem::replace(&mut self.follower, other.follower),
            stream: std::mem::replace(&mut self.stream, other.stream),
            written: std::mem::replace(&mut self.written, other.written),
            next: std::mem::replace(&mut self.next, other.next),
        });
        self.forget_seen();
    }

    fn forget_seen(&mut self) {
        for answer in &mut self.answers {
            answer.seen = false;
        }
    }

    /// Fills the table with what expires, and empties it, so that it grows and shrinks.
    fn churn(&mut self, sessions: u8) {
        for _ in 0..sessions {
            self.churned += 1;
            let mut id = [0xFF; 16];
            id[..8].copy_from_slice(&self.churned.to_be_bytes());
            self.worker.insert(&Entry {
                subject: Subject::Session(SessionId::from_bytes(id)),
                expires_at: Timestamp::from_seconds(1_790_000_000),
                reason: None,
            });
        }
        self.worker.sweep(Timestamp::from_seconds(1_800_000_000));
    }

    pub(super) fn take(&mut self, step: &Step) {
        match *step {
            Step::Wait(millis) => self.now += millis,
            Step::Commit { visible } => self.commit(visible),
            Step::Publish {
                rows,
                race,
                heartbeat,
            } => self.publish(rows, race, heartbeat),
            Step::Deliver => {
                if let Some(message) = self.written.get(self.next).cloned() {
                    self.next += 1;
                    self.follower.message(&message, self.local());
                }
            }
            Step::Lose => self.next = self.written.len().min(self.next + 1),
            Step::Replay(index) => {
                if let Some(message) =
                    pick(index, self.written.len()).map(|at| self.written[at].clone())
                {
                    self.follower.message(&message, self.local());
                }
            }
            Step::Ask(delay) => self.ask(delay),
            Step::Answer(index) => {
                let now = self.local();
                if let Some(at) = pick(index, self.answers.len()) {
                    let answer = &mut self.answers[at];
                    self.follower
                        .snapshot(&answer.message, up(answer.sent_at), now);
                    // Who dies over it may have told nobody that there was such a snapshot.
                    answer.seen |= !death::is_dead();
                }
            }
            Step::AnswerOld(index) => {
                let now = self.local();
                let seen: Vec<_> = self.answers.iter().filter(|answer| answer.seen).collect();
                if let Some(at) = pick(index, seen.len()) {
                    self.follower.snapshot(&seen[at].message, now, now);
                }
            }
            Step::Connect => self.connect(),
            Step::Reset => {
                self.follower.reset();
            }
            Step::Restart(set_by) => self.restart(set_by),
            Step::Restore(missing) => self.restore(missing),
            Step::Stall(millis) => self.offset -= millis,
            Step::Die(writes) => death::after(writes + 1),
            Step::Stop => self.stop(),
            Step::Churn(sessions) => self.churn(sessions),
            Step::Sweep(off_by) => {
                let wall = Timestamp::from_seconds(1_800_000_000 + off_by);
                self.follower.sweep(wall);
            }
        }
    }

    /// The promise: see the module's first lines.
    pub(super) fn judge(&self, known: &mut Vec<usize>) {
        for row in known.iter() {
            assert!(self.is_revoked(*row), "revocation {row} was taken back");
        }
        known.extend(
            (0..self.rows.len())
                .filter(|row| !known.contains(row) && self.is_revoked(*row))
                .collect::<Vec<_>>(),
        );
        if !self.reader.is_fresh(self.local(), BOUND) {
            return;
        }
        let age = u64::try_from(self.reader.age(self.local()).unwrap().as_millis()).unwrap();
        assert!(age <= 10_000);
        let proven = self.now - age;
        for (place, row) in self.rows.iter().enumerate() {
            if row.visible && row.counts && row.committed_at < proven {
                assert!(
                    self.is_revoked(place),
                    "{place} committed at {}, proven {proven}",
                    row.committed_at
                );
            }
        }
    }

    /// The network heals: one genuine snapshot, and the view is whole, fresh and can go on.
    pub(super) fn heal(&mut self) {
        death::never();
        self.follower = Follower::resume(join(&self.memory), BOUND);
        self.now += 200_000;
        self.follower.disconnected();
        self.follower.reset();
        self.ask(5);
        let answer = self.answers.last().unwrap();
        let action =
            self.follower
                .snapshot(&answer.message, up(answer.sent_at), up(answer.ready_at));
        assert_eq!(action, Action::Continue);
        assert!(self.reader.is_fresh(self.local(), BOUND));
        for row in &self.log {
            assert_eq!(self.is_revoked(*row), self.rows[*row].visible);
        }
        self.connect();
        self.now += 1_000;
        self.publish(1, false, true);
        assert_eq!(
            self.follower
                .message(self.written.last().unwrap(), self.local()),
            Action::Continue
        );
    }
}

/// Another process.
fn join(memory: &Arc<Mortal>) -> Arc<View> {
    Arc::new(View::over(Arc::<Mortal>::clone(memory)).unwrap())
}

fn up(millis: u64) -> Uptime {
    Uptime::from_elapsed(Duration::from_millis(millis))
}

fn pick(index: usize, of: usize) -> Option<usize> {
    (of > 0).then(|| index % of)
}
