//! When a client that could not be told of a logout is tried again.

use std::time::Duration;

/// How long to wait after each failure. After the last the client is given up: by then the sessions that
/// it was to end are over by themselves.
const WAITS: [Duration; 11] = [
    Duration::from_secs(5),
    Duration::from_secs(20),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(4 * 3600),
    Duration::from_secs(4 * 3600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(6 * 3600),
];

/// How long to wait after a failure that came after `failures` others; none: no more tries.
pub(super) fn next_try(failures: u32) -> Option<Duration> {
    let index = usize::try_from(failures).ok()?;
    WAITS.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_never_shrink_and_end_after_a_day() {
        assert!(WAITS.is_sorted());
        let all: Duration = WAITS.iter().sum();
        assert!(all > Duration::from_secs(23 * 3600), "{all:?}");
        assert!(all < Duration::from_secs(25 * 3600), "{all:?}");
        assert_eq!(next_try(11), None);
        assert_eq!(next_try(u32::MAX), None);
    }
}
