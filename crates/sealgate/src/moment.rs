//! Points in time as people give them.

use std::str::FromStr;
use std::time::Duration;

use sealgate_host::SystemClock;
use sealgate_model::{Clock as _, Timestamp};

const WRONG: &str = "a time is one such as 2026-11-22T09:05Z, or how long ago: a number and s, m, h or d, such as 2h";

/// A point in time: written out with its zone, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Timestamp),
    Ago(Duration),
}

impl Moment {
    /// The point in time, as of now.
    pub(crate) fn resolve(self) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => SystemClock::default().now() - span,
        }
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(span) = span(text) {
            return Ok(Self::Ago(span));
        }
        let at: jiff::Timestamp = text.parse().map_err(|_| WRONG)?;
        Ok(Self::At(Timestamp::from_millis(at.as_millisecond())))
    }
}

fn span(text: &str) -> Option<Duration> {
    let unit = match text.bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 24 * 3600,
        _ => return None,
    };
    let number: u64 = text.get(..text.len() - 1)?.parse().ok()?;
    // A hundred years are enough of a past.
    let seconds = number.checked_mul(unit)?;
    (seconds <= 100 * 366 * 24 * 3600).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_out_or_so_long_ago() {
        let at = Moment::At(Timestamp::from_seconds(1_795_338_300));
        assert_eq!("2026-11-22T09:05Z".parse(), Ok(at));
        assert_eq!("2026-11-22T10:05:00+01:00".parse(), Ok(at));
        assert_eq!("90s".parse(), Ok(Moment::Ago(Duration::from_secs(90))));
        assert_eq!("2d".parse(), Ok(Moment::Ago(Duration::from_secs(172_800))));
        for wrong in [
            "",
            "yesterday",
            "2026-11-22",
            "2026-11-22T09:05",
            "-1h",
            "1y",
            "h",
            "99999999999d",
        ] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }
}
