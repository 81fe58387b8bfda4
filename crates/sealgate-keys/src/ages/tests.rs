use sealgate_host::FakeClock;
use sealgate_model::Clock as _;

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn row(kid: &str, state: KeyState, created: Timestamp, changed: Timestamp) -> KeyRow {
    KeyRow {
        kid: kid.to_owned(),
        algorithm: "EdDSA".to_owned(),
        state,
        sealed_private: String::new(),
        public_jwk: String::new(),
        created_at: created,
        changed_at: changed,
    }
}

struct Watch {
    clock: FakeClock,
    ages: Ages,
}

impl Watch {
    fn new() -> Self {
        let clock = FakeClock::at(START);
        let ages = Ages::default();
        Self { clock, ages }
    }

    /// How long ago each key was published and changed.
    fn look(&mut self, rows: &[KeyRow]) -> Vec<(Duration, Duration)> {
        let (now, uptime) = (self.clock.now(), self.clock.uptime());
        self.ages.observe(rows, now, uptime);
        let keys = self.ages.keys(rows, now, uptime).unwrap();
        keys.iter()
            .map(|key| (now.since(key.published_at), now.since(key.changed_at)))
            .collect()
    }
}

#[test]
fn an_age_comes_from_the_store_first_and_from_uptime_then() {
    let mut watch = Watch::new();
    let hour = Duration::from_secs(3600);
    let rows = [row("a", KeyState::Active, START - 3 * hour, START - hour)];
    assert_eq!(watch.look(&rows), [(3 * hour, hour)]);
    watch.clock.advance(hour);
    assert_eq!(watch.look(&rows), [(4 * hour, 2 * hour)]);
}

#[test]
fn a_wall_clock_that_is_set_ages_nothing_and_makes_nothing_younger() {
    let mut watch = Watch::new();
    let minute = Duration::from_secs(60);
    let mut rows = vec![row("a", KeyState::Active, START, START)];
    watch.look(&rows);
    watch.clock.step_wall_clock(START + 10 * YEAR);
    watch.clock.advance(minute);
    assert_eq!(watch.look(&rows), [(minute, minute)]);
    // What changes under the wrong time counts from then on, and goes on when it is set right.
    let wrong = watch.clock.now();
    rows[0] = row("a", KeyState::Retiring, START, wrong);
    rows.push(row("b", KeyState::Active, wrong, wrong));
    let none = Duration::ZERO;
    assert_eq!(watch.look(&rows), [(minute, none), (none, none)]);
    watch.clock.step_wall_clock(START);
    watch.clock.advance(minute);
    assert_eq!(watch.look(&rows), [(2 * minute, minute), (minute, minute)]);
}

#[test]
fn a_change_from_the_future_counts_from_when_it_is_seen() {
    let mut watch = Watch::new();
    let rows = [row("a", KeyState::Active, START + YEAR, START + YEAR)];
    assert_eq!(watch.look(&rows), [(Duration::ZERO, Duration::ZERO)]);
    watch.clock.advance(YEAR);
    assert_eq!(watch.look(&rows), [(YEAR, YEAR)]);
}

#[test]
fn an_algorithm_of_a_newer_version_is_not_guessed_at() {
    let mut watch = Watch::new();
    let mut newer = row("a", KeyState::Active, START, START);
    newer.algorithm = "HSS-LMS".to_owned();
    let rows = [newer];
    watch.ages.observe(&rows, START, watch.clock.uptime());
    let refused = watch.ages.keys(&rows, START, watch.clock.uptime());
    assert_eq!(refused.unwrap_err().code(), "key_unreadable");
}
