//! What is done every minute: expired rows are swept, signing keys moved along.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{Timestamp, Uptime};

use crate::audit_chain::Retirement;
use crate::{ControlPlane, decisions, machines};

/// How often expired rows are swept and the signing keys' ages looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// Since when the two clocks agree about how much time passes.
///
/// What is deleted under a wrong time is gone when the time is set right: a jump a day ahead would end
/// every session, and forget every revocation of tokens that are good again when it is undone.
#[derive(Default)]
struct Steadiness {
    since: Option<(Timestamp, Uptime)>,
}

impl Steadiness {
    /// How far the clocks may drift apart: what setting a clock right bit by bit may do.
    const SLACK: Duration = Duration::from_secs(30);
    /// How long the clocks must have agreed before anything is deleted.
    const PROVEN: Duration = Duration::from_secs(10 * 60);
    /// How much longer than needed everything is kept besides.
    const MARGIN: Duration = Duration::from_secs(10 * 60);

    /// Before which time what expired may go: none that ever was, while the wall clock is not proven.
    fn expired_before(&mut self, now: Timestamp, uptime: Uptime) -> Timestamp {
        let (wall, start) = *self.since.get_or_insert((now, uptime));
        let passed = uptime.since(start);
        let expected = wall + passed;
        if now.since(expected) > Self::SLACK || expected.since(now) > Self::SLACK {
            tracing::warn!(
                "the system's time was set; nothing is swept until it has held for ten minutes"
            );
            self.since = Some((now, uptime));
            return Timestamp::from_millis(0);
        }
        if passed < Self::PROVEN {
            return Timestamp::from_millis(0);
        }
        now - Self::MARGIN
    }
}

/// Sweeps what expired and moves signing keys along, every minute. A failure is logged and tried
/// again a minute later: nothing that is refused depends on it.
pub(crate) async fn keep_house(plane: Arc<ControlPlane>) {
    let mut rounds = tokio::time::interval(HOUSEKEEPING);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut steadiness = Steadiness::default();
    let mut retirement = Retirement::default();
    let mut decisions_rounds = decisions::Rounds::default();
    loop {
        rounds.tick().await;
        plane.refusals.flush(&plane).await;
        let before = steadiness.expired_before(plane.clock.now(), plane.clock.uptime());
        // Asked every time: the store also looks after its room on the disk.
        match plane.store.sweep(before).await {
            Ok(swept) => {
                let (rows, slices) = (swept.total(), swept.slices);
                if rows > 0 {
                    tracing::debug!(rows, slices, "swept expired rows");
                }
            }
            Err(error) => {
                tracing::warn!(reason = error.code(), %error, "expired rows were not swept");
            }
        }
        crate::own_clients::keep_house(&plane, before).await;
        machines::end_expired(&plane, before).await;
        retirement.round(&plane, before).await;
        decisions::keep_house(&plane, &mut decisions_rounds, before).await;
        if let Err(error) = plane.keys.tick().await {
            tracing::warn!(%error, "the signing keys were not looked after");
        }
    }
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeClock;
    use sealgate_model::Clock as _;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn round(steadiness: &mut Steadiness, clock: &FakeClock) -> Option<Duration> {
        let before = steadiness.expired_before(clock.now(), clock.uptime());
        (before > Timestamp::from_millis(0)).then(|| clock.now().since(before))
    }

    #[test]
    fn nothing_is_swept_until_a_changed_wall_clock_has_held_for_ten_minutes() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let clock = FakeClock::at(start);
        let mut steadiness = Steadiness::default();
        for _ in 0..10 {
            assert_eq!(round(&mut steadiness, &clock), None);
            clock.advance(MINUTE);
        }
        assert_eq!(round(&mut steadiness, &clock), Some(10 * MINUTE));

        // A day ahead for some minutes, and back.
        let ahead = clock.now() + 26 * 60 * MINUTE;
        clock.step_wall_clock(ahead);
        for _ in 0..5 {
            assert_eq!(round(&mut steadiness, &clock), None);
            clock.advance(MINUTE);
        }
        clock.step_wall_clock(start + 15 * MINUTE);
        for _ in 0..10 {
            assert_eq!(round(&mut steadiness, &clock), None);
            clock.advance(MINUTE);
        }
        assert_eq!(round(&mut steadiness, &clock), Some(10 * MINUTE));
        // A correction by a second is none to speak of.
        let now = clock.now();
        clock.step_wall_clock(now - Duration::from_secs(1));
        assert_eq!(round(&mut steadiness, &clock), Some(10 * MINUTE));
    }
}
