//! The system's clocks, and a pair that moves only when told.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sealgate_model::{Clock, Timestamp, Uptime};

/// The machine's own clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose uptime counts from now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the real clock is handed in"
    )]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the real clock is handed in"
    )]
    fn now(&self) -> Timestamp {
        let millis = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |span| span.as_millis());
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    fn uptime(&self) -> Uptime {
        Uptime::from_elapsed(self.start.elapsed())
    }
}

/// Clocks that stand still until they are moved.
#[derive(Debug)]
pub struct FakeClock {
    time: Mutex<(Timestamp, Duration)>,
}

impl FakeClock {
    /// Clocks that stand at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self {
            time: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Moves both clocks forwards.
    pub fn advance(&self, span: Duration) {
        let mut time = self.lock();
        time.0 = time.0 + span;
        time.1 += span;
    }

    /// Steps the wall clock alone, as a correction of the system's time does.
    pub fn step_wall_clock(&self, now: Timestamp) {
        self.lock().0 = now;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Timestamp, Duration)> {
        self.time
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.lock().0
    }

    fn uptime(&self) -> Uptime {
        Uptime::from_elapsed(self.lock().1)
    }
}
