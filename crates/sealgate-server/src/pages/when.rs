//! Times for people: how long ago, and exactly when.

use std::time::Duration;

use jiff::tz::TimeZone;
use sealgate_model::Timestamp;

/// A point in the past as it stands on a page. Without script the reader's time zone is unknown, so
/// the exact time is in UTC and says so; "ago" is what most readers need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For the `datetime` attribute: RFC 3339.
    pub(crate) machine: String,
    /// `3 minutes ago`.
    pub(crate) ago: String,
    /// `22 November 2026, 09:14 UTC`.
    pub(crate) exact: String,
}

impl Moment {
    /// The point `at`, which is yet to come: `in 6 days`.
    pub(crate) fn ahead(at: Timestamp, now: Timestamp) -> Self {
        let left = at.since(now).as_secs();
        let ago = if left < 60 {
            "in less than a minute".to_owned()
        } else {
            format!("in {}", rough(left))
        };
        Self {
            ago,
            ..Self::new(at, now)
        }
    }

    /// The point `at`, seen from `now`.
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        let zoned = jiff::Timestamp::from_millisecond(at.as_millis())
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(TimeZone::UTC);
        Self {
            machine: zoned.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            ago: ago(now.since(at).as_secs()),
            exact: zoned.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        }
    }
}

/// A span of time in words: `30 days`, `24 hours`, `5 minutes`, `90 seconds`.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (count, unit) = match seconds {
        whole if whole > 86_400 && whole % 86_400 == 0 => (whole / 86_400, "day"),
        whole if whole > 0 && whole % 3_600 == 0 => (whole / 3_600, "hour"),
        whole if whole > 0 && whole % 60 == 0 => (whole / 60, "minute"),
        other => (other, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => "just now".to_owned(),
        _ => format!("{} ago", rough(seconds)),
    }
}

/// A minute or more in its largest unit, whole ones of it.
fn rough(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_roughly_and_exactly() {
        let at = Timestamp::from_seconds(1_795_338_840);
        let moment = Moment::new(at, Timestamp::from_seconds(1_795_338_840 + 7_300));
        assert_eq!(moment.machine, "2026-11-22T09:14:00Z");
        assert_eq!(moment.exact, "22 November 2026, 09:14 UTC");
        assert_eq!(moment.ago, "2 hours ago");
    }

    #[test]
    fn a_span_is_told_in_its_largest_whole_unit() {
        let told = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(
            [30 * 86_400, 86_400, 3_600, 300, 60, 90, 1].map(told),
            [
                "30 days",
                "24 hours",
                "1 hour",
                "5 minutes",
                "1 minute",
                "90 seconds",
                "1 second"
            ]
        );
    }

    #[test]
    fn what_is_yet_to_come_is_told_as_that() {
        let now = Timestamp::from_seconds(1_795_338_840);
        let ahead =
            |seconds: i64| Moment::ahead(Timestamp::from_seconds(1_795_338_840 + seconds), now);
        assert_eq!(ahead(6 * 86_400 + 5).ago, "in 6 days");
        assert_eq!(ahead(3_600).ago, "in 1 hour");
        assert_eq!(ahead(59).ago, "in less than a minute");
        assert_eq!(ahead(86_400).exact, "23 November 2026, 09:14 UTC");
    }

    #[test]
    fn a_clock_that_stepped_back_never_shows_the_future() {
        assert_eq!(
            Moment::new(Timestamp::from_seconds(100), Timestamp::from_seconds(50)).ago,
            "just now"
        );
        assert_eq!(ago(61), "1 minute ago");
        assert_eq!(ago(3 * 86_400), "3 days ago");
    }
}
