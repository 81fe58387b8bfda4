//! When a sink that could not be reached is tried again.

use std::time::Duration;

use sealgate_model::Random;

/// How many failures in a row make a sink a failing one: it is recorded then, and not at every hiccup.
pub(crate) const ANNOUNCED: u32 = 5;

/// The first wait, and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(600);

/// How long to wait after a failure that came after `failures` others: twice as long each time, up to ten minutes, and
/// of that between the half and the whole, so that many sinks of one receiver do not come back together. What the
/// receiver asks for is respected, up to an hour.
pub(super) fn wait(failures: u32, asked: Option<Duration>, random: &dyn Random) -> Duration {
    let whole = FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST);
    let [byte] = random.bytes::<1>();
    let some = whole / 2 + whole / 2 * u32::from(byte) / 255;
    some.max(asked.unwrap_or_default().min(Duration::from_secs(3600)))
}

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which `now` is compared with.
pub(super) fn asked(value: &str, now: sealgate_model::Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.len() < 10 && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().ok().map(Duration::from_secs);
    }
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let at = parser
        .parse_timestamp(value.get(..64).unwrap_or(value))
        .ok()?;
    Some(sealgate_model::Timestamp::from_millis(at.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_host::FakeRandom;
    use sealgate_model::Timestamp;

    use super::*;

    #[test]
    fn waits_grow_to_ten_minutes_and_are_never_the_half_of_that_less() {
        let random = FakeRandom::seeded(1);
        for failures in 0..40 {
            let whole = Duration::from_secs(1 << failures.min(10)).min(LONGEST);
            let waited = wait(failures, None, &random);
            assert!(
                waited >= whole / 2 && waited <= whole.max(FIRST * 600),
                "{failures}: {waited:?}"
            );
        }
        assert!(wait(u32::MAX, None, &random) >= LONGEST / 2);
    }

    #[test]
    fn what_a_receiver_asks_for_is_respected_up_to_an_hour() {
        let random = FakeRandom::seeded(1);
        let of = |asked| wait(0, Some(Duration::from_secs(asked)), &random);
        assert_eq!(of(120), Duration::from_secs(120));
        assert_eq!(of(1_000_000), Duration::from_secs(3600));
        let now = Timestamp::from_seconds(784_111_777);
        assert_eq!(asked(" 90 ", now), Some(Duration::from_secs(90)));
        let later = asked("Sun, 06 Nov 1994 08:50:37 GMT", now);
        assert_eq!(later, Some(Duration::from_secs(60)));
        assert_eq!(
            asked("Sun, 06 Nov 1994 08:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(asked("soon", now), None);
        assert_eq!(asked("-1", now), None);
    }

    proptest! {
        #[test]
        fn any_header_can_be_read(value in any::<String>()) {
            let _ = asked(&value, Timestamp::from_seconds(0));
        }
    }
}
