//! A circuit breaker: who asks and gets no answer several times in a row stops asking for a while.

use std::time::Duration;

use sealgate_model::Uptime;

/// That many failures in a row open it.
pub(super) const FAILURES: u32 = 5;
/// That many may ask at once.
pub(super) const AT_ONCE: usize = 8;
/// Between opening and the first probe, at most.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Between two probes, at most.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The breaker. It knows no clock and asks nothing itself.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    asking: usize,
    /// Counts how often it opened: what began before is not news of what it is like since.
    turn: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Questions pass; that many failed in a row.
    Closed { failures: u32 },
    /// None passes until then; after that a single one, as a probe.
    Open { until: Uptime, pause: Duration },
    /// A probe is on its way.
    Probing { pause: Duration },
}

/// Leave to ask once. It has to be brought back with what came of it.
#[must_use = "leave to ask has to be brought back"]
#[derive(Debug)]
pub(super) struct Leave {
    turn: u64,
    is_probe: bool,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An answer, whatever it says.
    Answered,
    /// None.
    Failed,
    /// Nobody waited for it.
    Dropped,
}

/// How the breaker changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It lets nothing through for so long.
    Opened(Duration),
    /// It lets questions through again.
    Closed,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::Closed { failures: 0 },
            asking: 0,
            turn: 0,
        }
    }
}

impl Breaker {
    /// Leave to ask at `now`; none while it is open, and while as many ask as may.
    pub(super) fn begin(&mut self, now: Uptime) -> Option<Leave> {
        if self.asking >= AT_ONCE || self.is_open(now) {
            return None;
        }
        let is_probe = match self.state {
            State::Open { pause, .. } => {
                self.state = State::Probing { pause };
                true
            }
            _ => false,
        };
        self.asking += 1;
        Some(Leave {
            turn: self.turn,
            is_probe,
        })
    }

    /// Whether nobody may ask at `now`.
    pub(super) fn is_open(&self, now: Uptime) -> bool {
        match self.state {
            State::Closed { .. } => false,
            State::Open { until, .. } => now < until,
            State::Probing { .. } => true,
        }
    }

    /// Takes leave back, at `now`, with what came of it. `jitter` is random: pauses lie between half their
    /// length and all of it, so that many gates do not come back at the same moment.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "leave is used up: nobody brings it back twice"
    )]
    pub(super) fn end(
        &mut self,
        leave: Leave,
        outcome: Outcome,
        now: Uptime,
        jitter: u8,
    ) -> Option<Change> {
        self.asking = self.asking.saturating_sub(1);
        if leave.turn != self.turn {
            return None;
        }
        match (self.state, outcome) {
            (State::Closed { .. }, Outcome::Answered) => {
                self.state = State::Closed { failures: 0 };
                None
            }
            (State::Closed { failures }, Outcome::Failed) if failures + 1 < FAILURES => {
                self.state = State::Closed {
                    failures: failures + 1,
                };
                None
            }
            (State::Closed { .. }, Outcome::Failed) => Some(self.open(FIRST_PAUSE, now, jitter)),
            (State::Probing { .. }, Outcome::Answered) if leave.is_probe => {
                self.state = State::Closed { failures: 0 };
                Some(Change::Closed)
            }
            (State::Probing { pause }, Outcome::Failed) if leave.is_probe => {
                Some(self.open((pause * 2).min(LONGEST_PAUSE), now, jitter))
            }
            (State::Probing { pause }, Outcome::Dropped) if leave.is_probe => {
                // Nothing was found out: whoever comes next finds it out.
                self.state = State::Open { until: now, pause };
                None
            }
            _ => None,
        }
    }

    fn open(&mut self, pause: Duration, now: Uptime, jitter: u8) -> Change {
        let waited = pause / 2 + pause / 2 * u32::from(jitter) / 255;
        self.state = State::Open {
            until: now + waited,
            pause,
        };
        self.turn += 1;
        Change::Opened(waited)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_millis(millis))
    }

    fn fail(breaker: &mut Breaker, now: Uptime) -> Option<Change> {
        let leave = breaker.begin(now).unwrap();
        breaker.end(leave, Outcome::Failed, now, 255)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert_eq!(fail(&mut breaker, at(0)), None);
        }
        assert_eq!(fail(&mut breaker, at(0)), Some(Change::Opened(FIRST_PAUSE)));
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_an_answer_in_between_does_not_count() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 1..FAILURES {
                assert_eq!(fail(&mut breaker, at(0)), None);
            }
            let leave = breaker.begin(at(0)).unwrap();
            assert_eq!(breaker.end(leave, Outcome::Answered, at(0), 0), None);
        }
        assert!(opened().begin(at(499)).is_none());
    }

    #[test]
    fn after_its_pause_one_may_ask_and_the_others_wait_for_what_comes_of_it() {
        let mut breaker = opened();
        let probe = breaker.begin(at(500)).unwrap();
        assert!(breaker.begin(at(60_000)).is_none());
        let closed = breaker.end(probe, Outcome::Answered, at(501), 0);
        assert_eq!(closed, Some(Change::Closed));
        assert!(breaker.begin(at(501)).is_some());
    }

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let mut breaker = opened();
        let mut now = at(500);
        let mut pauses = Vec::new();
        for _ in 0..5 {
            let Some(Change::Opened(pause)) = fail(&mut breaker, now) else {
                panic!("a probe that fails opens it again");
            };
            pauses.push(pause.as_millis());
            now = now + pause;
        }
        assert_eq!(pauses, [1_000, 2_000, 4_000, 4_000, 4_000]);
    }

    #[test]
    fn a_probe_that_nobody_waited_for_leaves_the_next_one_to_try() {
        let mut breaker = opened();
        let probe = breaker.begin(at(500)).unwrap();
        assert_eq!(breaker.end(probe, Outcome::Dropped, at(510), 0), None);
        assert!(breaker.begin(at(510)).is_some());
    }

    #[test]
    fn what_began_before_it_opened_neither_closes_nor_prolongs_it() {
        let mut breaker = Breaker::default();
        let slow = [(); 2].map(|()| breaker.begin(at(0)).unwrap());
        for _ in 0..FAILURES {
            fail(&mut breaker, at(0));
        }
        let [first, second] = slow;
        assert_eq!(breaker.end(first, Outcome::Answered, at(10), 0), None);
        assert_eq!(breaker.end(second, Outcome::Failed, at(400), 255), None);
        assert!(breaker.is_open(at(499)) && !breaker.is_open(at(500)));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Begin,
        End(usize, u8, u8),
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Begin),
            4 => (any::<usize>(), 0..6_u8, any::<u8>()).prop_map(|(at, what, jitter)| Step::End(at, what, jitter)),
            2 => (0..3_000_u64).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_few_ask_at_once_and_it_never_stays_shut(
            steps in proptest::collection::vec(step(), 1..300),
        ) {
            let (mut breaker, mut now, mut out) = (Breaker::default(), 0, Vec::new());
            let mut shut_until = None;
            for step in steps {
                match step {
                    Step::Wait(millis) => now += millis,
                    Step::Begin => {
                        let leave = breaker.begin(at(now));
                        if let Some(until) = shut_until {
                            prop_assert!(leave.is_none() || at(now) >= until);
                        }
                        out.extend(leave);
                    }
                    Step::End(_, _, _) if out.is_empty() => {}
                    Step::End(place, what, jitter) => {
                        let leave = out.swap_remove(place % out.len());
                        let outcome = match what {
                            0 => Outcome::Answered,
                            1 => Outcome::Dropped,
                            _ => Outcome::Failed,
                        };
                        match breaker.end(leave, outcome, at(now), jitter) {
                            Some(Change::Opened(pause)) => {
                                prop_assert!(pause >= FIRST_PAUSE / 2 && pause <= LONGEST_PAUSE);
                                prop_assert_eq!(outcome, Outcome::Failed);
                                shut_until = Some(at(now) + pause);
                            }
                            Some(Change::Closed) => {
                                prop_assert_eq!(outcome, Outcome::Answered);
                                shut_until = None;
                            }
                            None => {}
                        }
                    }
                }
                prop_assert!(out.len() <= AT_ONCE);
                prop_assert!(out.iter().filter(|leave| leave.is_probe && leave.turn == breaker.turn).count() <= 1);
            }
            // Once everybody is back, whoever waits long enough may ask.
            for leave in out {
                breaker.end(leave, Outcome::Failed, at(now), 255);
            }
            prop_assert!(breaker.begin(at(now) + LONGEST_PAUSE).is_some());
        }
    }
}
