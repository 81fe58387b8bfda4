//! Points in time to come, as people give them.

use std::str::FromStr;
use std::time::Duration;

use sealgate_host::SystemClock;
use sealgate_model::{Clock as _, Timestamp};

const WRONG: &str = "a time to come is one such as 2027-05-01T00:00Z, a day such as 2027-05-01, or how long from now: a number and h or d, such as 90d";

/// A point in time: written out, or so long from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    At(Timestamp),
    In(Duration),
}

impl Until {
    /// The point in time, as of now.
    pub(super) fn resolve(self) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::In(span) => SystemClock::default().now() + span,
        }
    }
}

impl FromStr for Until {
    type Err = &'static str;

    /// A day alone begins at midnight, UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(span) = span(text) {
            return Ok(Self::In(span));
        }
        let whole;
        let text = if text.len() == "2027-05-01".len() {
            whole = format!("{text}T00:00Z");
            &whole
        } else {
            text
        };
        let at: jiff::Timestamp = text.parse().map_err(|_| WRONG)?;
        Ok(Self::At(Timestamp::from_millis(at.as_millisecond())))
    }
}

fn span(text: &str) -> Option<Duration> {
    let hours = match text.bytes().last()? {
        b'h' => 1,
        b'd' => 24,
        _ => return None,
    };
    let number: u64 = text.get(..text.len() - 1)?.parse().ok()?;
    // What is too far ahead is refused by who knows how far is.
    let hours = number
        .checked_mul(hours)
        .filter(|hours| *hours <= 24 * 36_600)?;
    Some(Duration::from_secs(hours * 3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_come_is_written_out_or_so_far_from_now() {
        let at = |seconds| Ok(Until::At(Timestamp::from_seconds(seconds)));
        assert_eq!("2026-11-22T09:05Z".parse(), at(1_795_338_300));
        assert_eq!("2026-11-22T10:05:00+01:00".parse(), at(1_795_338_300));
        assert_eq!("2026-11-22".parse(), at(1_795_305_600));
        assert_eq!(
            "90d".parse(),
            Ok(Until::In(Duration::from_secs(90 * 86_400)))
        );
        assert_eq!("12h".parse(), Ok(Until::In(Duration::from_secs(43_200))));
        for wrong in [
            "",
            "tomorrow",
            "90",
            "-1d",
            "1m",
            "2026-13-01",
            "2026-11-22T09:05",
            "d",
            "99999999d",
        ] {
            assert!(wrong.parse::<Until>().is_err(), "{wrong}");
        }
    }
}
