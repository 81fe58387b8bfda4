//! The system's clocks, and a pair that moves only when told.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sealgate_model::{Clock, Timestamp, Uptime};

/// The machine's own clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Duration,
}

impl SystemClock {
    /// A clock whose uptime counts from now.
    pub fn new() -> Self {
        Self {
            start: since_boot(),
        }
    }

    /// A clock whose uptime counts from when the machine started, so that it is the same for all its
    /// processes. Linux only: elsewhere it counts from the process's start.
    pub const fn of_machine() -> Self {
        Self {
            start: Duration::ZERO,
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
        Uptime::from_elapsed(since_boot().saturating_sub(self.start))
    }
}

/// The time since the machine started, sleep included: a gate that wakes up must know how old its view
/// of revocations has become, which the standard library's monotonic clock does not tell on Linux.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

/// As above, as far as the platform's standard clock tells it.
#[cfg(not(target_os = "linux"))]
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the real clock is handed in"
)]
fn since_boot() -> Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_begins_at_zero_and_never_goes_back() {
        let clock = SystemClock::new();
        let readings: Vec<_> = (0..1000).map(|_| clock.uptime()).collect();
        assert!(readings.is_sorted());
        assert!(readings[0].since(Uptime::from_elapsed(Duration::ZERO)) < Duration::from_secs(60));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machines_uptime_is_what_the_system_says() {
        let said = std::fs::read_to_string("/proc/uptime").unwrap();
        let said: f64 = said.split(' ').next().unwrap().parse().unwrap();
        let ours = SystemClock::of_machine().uptime().elapsed().as_secs_f64();
        assert!((ours - said).abs() < 5.0, "{ours} and {said}");
    }
}
