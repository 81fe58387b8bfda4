//! How long to wait before trying again: at random, so that a thousand gates do not come back at the same
//! moment, and within a span that doubles.

use std::time::Duration;

use sealgate_model::Random;

/// The first span. Already this one spreads them: when a control plane starts anew, all have lost it at once.
const FIRST: Duration = Duration::from_millis(400);
/// The longest. With the time that a try takes, everybody is back within five seconds.
const LONGEST: Duration = Duration::from_millis(1600);

/// A row of pauses.
#[derive(Debug)]
pub(super) struct Pauses(Duration);

impl Pauses {
    pub(super) const fn new() -> Self {
        Self(FIRST)
    }

    /// The next one.
    pub(super) fn next(&mut self, random: &dyn Random) -> Duration {
        let pause = within(self.0, random);
        self.0 = (self.0 * 2).min(LONGEST);
        pause
    }
}

/// A moment of `span`, each as likely as any other.
pub(crate) fn within(span: Duration, random: &dyn Random) -> Duration {
    span * u32::from(u16::from_le_bytes(random.bytes())) / u32::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeRandom;

    use super::*;

    #[test]
    fn pauses_grow_and_never_fall_together() {
        let random = FakeRandom::seeded(1);
        for _ in 0..100 {
            let mut pauses = Pauses::new();
            let row: Vec<_> = (0..6).map(|_| pauses.next(&random)).collect();
            assert!(row[0] <= FIRST && row[1] <= FIRST * 2);
            assert!(row.iter().all(|pause| *pause <= LONGEST));
        }
        let mut first: Vec<_> = (0..100)
            .map(|_| Pauses::new().next(&random).as_millis() / 100)
            .collect();
        first.sort_unstable();
        first.dedup();
        assert!(first.len() >= 4, "{first:?}");
    }
}
