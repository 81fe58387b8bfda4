//! Durations as people write them: `90d`, `5m`, `1h 30m`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;
use serde::{Deserialize, Serialize};

/// A duration in whole seconds, read and written with its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Span(pub(crate) Duration);

/// Text that is no duration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoSpan;

impl fmt::Display for NoSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a duration")
    }
}

impl Span {
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Span {
    type Err = NoSpan;

    /// Days are 24 hours. Months and years are refused: nobody can say how long they are.
    fn from_str(text: &str) -> Result<Self, NoSpan> {
        let span: jiff::Span = text.parse().map_err(|_| NoSpan)?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours());
        let length = Duration::try_from(length.map_err(|_| NoSpan)?).map_err(|_| NoSpan)?;
        if length.subsec_nanos() == 0 {
            Ok(Self(length))
        } else {
            Err(NoSpan)
        }
    }
}

impl fmt::Display for Span {
    /// In the largest unit that leaves no rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
        let whole = units
            .into_iter()
            .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
        match whole {
            // Lifetimes of a day are told in hours, as the standards tell them.
            Some((86_400, _)) if seconds == 86_400 => f.write_str("24h"),
            Some((unit, name)) => write!(f, "{}{name}", seconds / unit),
            None => write!(f, "{seconds}s"),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = NoSpan;

    fn try_from(text: String) -> Result<Self, NoSpan> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn a_duration_is_read_with_its_units() {
        for (text, seconds) in [
            ("90d", 90 * 86_400),
            ("5m", 300),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            ("0s", 0),
            ("60 seconds", 60),
        ] {
            assert_eq!(text.parse(), Ok(Span::seconds(seconds)), "{text}");
        }
        for wrong in [
            "",
            "5",
            "m",
            "-5m",
            "1 month",
            "1y",
            "10ms",
            "1.5",
            "5m ago",
            "99999999999d",
        ] {
            assert_eq!(wrong.parse::<Span>(), Err(NoSpan), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_number_of_seconds_is_read_as_it_is_written(seconds in 0_u64..400 * 86_400) {
            let span = Span::seconds(seconds);
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn no_text_is_too_odd_to_be_refused(text in "\\PC{0,24}") {
            let _ = text.parse::<Span>();
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (90, "90s"),
            (5_400, "90m"),
            (86_400, "24h"),
            (259_200, "3d"),
        ] {
            let span = Span::seconds(seconds);
            assert_eq!(span.to_string(), text);
            assert_eq!(text.parse(), Ok(span));
        }
    }
}
