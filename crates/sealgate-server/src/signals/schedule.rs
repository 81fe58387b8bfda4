//! When a receiver that could not be reached is tried again.

use std::time::Duration;

/// How long to wait after each failure in a row; after the last of them always as long as that. The events
/// themselves become too old at some time.
const WAITS: [Duration; 7] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(3600),
];

/// How long to wait after a failure that came after `failures` others.
pub(super) fn wait(failures: u32) -> Duration {
    let index = usize::try_from(failures).unwrap_or(usize::MAX);
    WAITS[index.min(WAITS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_to_an_hour_and_stay_there() {
        assert!(WAITS.is_sorted());
        assert_eq!(wait(0), Duration::from_secs(2));
        assert_eq!(wait(6), Duration::from_secs(3600));
        assert_eq!(wait(u32::MAX), Duration::from_secs(3600));
    }
}
