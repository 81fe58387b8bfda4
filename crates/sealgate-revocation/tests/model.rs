//! A control plane, a gate and a network that drops, repeats, reorders, delays and replays: whatever
//! happens, a fresh view never denies that something revoked before the proven moment is revoked.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::time::Duration;

use proptest::prelude::*;
use sealgate_model::{Random, SessionId, Timestamp, Uptime};
use sealgate_revocation::{
    Action, Credential, Entry, Epoch, Follower, Message, Publisher, Subject,
};

const BOUND: Duration = Duration::from_secs(10);

/// What can happen next. Indices choose among what there is, modulo its number.
#[derive(Debug, Clone)]
enum Step {
    /// Time passes, in milliseconds.
    Wait(u64),
    /// A revocation commits, visible to this client or not.
    Commit { visible: bool },
    /// The control plane reads its log and writes messages: how many rows it reads at most, whether a
    /// revocation commits between its reading of the clock and of the log, whether it ends with a
    /// heartbeat.
    Publish {
        rows: usize,
        race: bool,
        heartbeat: bool,
    },
    /// The network hands over the next message in order.
    Deliver,
    /// The network loses the next message.
    Lose,
    /// The network hands over any message that was ever written, again or late.
    Replay(usize),
    /// The gate asks for a snapshot, and the control plane answers after so many milliseconds.
    Ask(u64),
    /// An answer arrives, for the first time or again, matched to its own request.
    Answer(usize),
    /// A request is answered, by a cache or a liar, with a snapshot the gate has seen before.
    AnswerOld(usize),
    /// The gate opens the stream from where it stands.
    Connect,
    /// The control plane says that it cannot go on.
    Reset,
    /// The control plane restarts with its clock set by so many milliseconds.
    Restart(i64),
    /// The control plane is restored from a backup that misses so many revocations.
    Restore(usize),
    /// The control plane's clock stands still for so many milliseconds.
    Stall(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_000_u64).prop_map(Step::Wait),
        4 => any::<bool>().prop_map(|visible| Step::Commit { visible }),
        6 => (1..4_usize, any::<bool>(), any::<bool>())
            .prop_map(|(rows, race, heartbeat)| Step::Publish { rows, race, heartbeat }),
        6 => Just(Step::Deliver),
        1 => Just(Step::Lose),
        3 => any::<usize>().prop_map(Step::Replay),
        2 => (0..3_000_u64).prop_map(Step::Ask),
        3 => any::<usize>().prop_map(Step::Answer),
        1 => any::<usize>().prop_map(Step::AnswerOld),
        3 => Just(Step::Connect),
        1 => Just(Step::Reset),
        1 => (-100_000..100_000_i64).prop_map(Step::Restart),
        1 => (0..4_usize).prop_map(Step::Restore),
        1 => (0..5_000_i64).prop_map(Step::Stall),
    ]
}

struct Row {
    committed_at: u64,
    visible: bool,
    session: SessionId,
    /// The gate was told, or the control plane still knows: it must stay revoked.
    counts: bool,
}

struct Answered {
    message: Message,
    sent_at: u64,
    ready_at: u64,
    seen: bool,
}

struct NoRandom;
impl Random for NoRandom {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct World {
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
    follower: Follower,
}

impl World {
    fn new() -> Self {
        let born_at = Timestamp::from_seconds(1_800_000_000);
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
            follower: Follower::new(BOUND),
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
        self.rows.push(Row {
            committed_at: self.now,
            visible,
            session,
            counts: true,
        });
    }

    fn entry(&self, row: usize) -> Entry {
        let expires_at = Timestamp::from_seconds(1_900_000_000);
        Entry {
            subject: Subject::Session(self.rows[row].session),
            expires_at,
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
        let entries = visible.map(|row| self.entry(*row)).collect();
        let message = self
            .publisher(self.log.len() as u64)
            .snapshot(entries, as_of, &NoRandom);
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
    }

    fn restore(&mut self, missing: usize) {
        let kept = self.log.len().saturating_sub(missing);
        for row in self.log.split_off(kept) {
            self.rows[row].counts = self.is_revoked(row);
        }
        self.restart(0);
    }

    fn is_revoked(&self, row: usize) -> bool {
        let session = Some(self.rows[row].session);
        let started_at = Timestamp::from_seconds(1_800_000_000);
        let credential = Credential {
            tenant: None,
            grants: &[],
            session,
            subject: None,
            client: "app",
            key: None,
            token: None,
            started_at,
        };
        self.follower.check(&credential).is_some()
    }

    fn take(&mut self, step: &Step) {
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
                    answer.seen = true;
                    self.follower
                        .snapshot(&answer.message, up(answer.sent_at), now);
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
        }
    }

    /// The promise: see the module's first lines.
    fn judge(&self, known: &mut Vec<usize>) {
        for row in known.iter() {
            assert!(self.is_revoked(*row), "revocation {row} was taken back");
        }
        known.extend(
            (0..self.rows.len())
                .filter(|row| !known.contains(row) && self.is_revoked(*row))
                .collect::<Vec<_>>(),
        );
        if !self.follower.is_fresh(self.local()) {
            return;
        }
        let age = u64::try_from(self.follower.age(self.local()).unwrap().as_millis()).unwrap();
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
    fn heal(&mut self) {
        self.now += 200_000;
        self.follower.disconnected();
        self.follower.reset();
        self.ask(5);
        let answer = self.answers.last().unwrap();
        let action =
            self.follower
                .snapshot(&answer.message, up(answer.sent_at), up(answer.ready_at));
        assert_eq!(action, Action::Continue);
        assert!(self.follower.is_fresh(self.local()));
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

fn up(millis: u64) -> Uptime {
    Uptime::from_elapsed(Duration::from_millis(millis))
}

fn pick(index: usize, of: usize) -> Option<usize> {
    (of > 0).then(|| index % of)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fresh_view_knows_everything_revoked_before_the_proven_moment(
        steps in proptest::collection::vec(step(), 1..80)
    ) {
        let mut world = World::new();
        let mut known = Vec::new();
        // Most histories begin well; what goes wrong later is more telling.
        world.ask(3);
        world.take(&Step::Answer(0));
        world.take(&Step::Connect);
        for step in &steps {
            world.take(step);
            world.judge(&mut known);
        }
        world.heal();
        world.judge(&mut known);
    }
}
