//! Values as people write them: spans of time and points in time.

use std::fmt;
use std::str::FromStr;

use jiff::SpanRelativeTo;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A span of whole seconds, written with its unit: `5m`, `90d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(
    /// Seconds.
    pub u64,
);

impl FromStr for Span {
    type Err = &'static str;

    /// Days are 24 hours. Months and years are refused: nobody can say how long they are.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "this is no span of time: write one such as 5m, 12h or 90d";
        let span: jiff::Span = text.parse().map_err(|_| WRONG)?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours());
        let length = length.map_err(|_| WRONG)?;
        if length.subsec_nanos() != 0 {
            return Err(WRONG);
        }
        u64::try_from(length.as_secs()).map(Self).map_err(|_| WRONG)
    }
}

impl fmt::Display for Span {
    /// In the largest unit that leaves no rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
        let whole = units
            .into_iter()
            .find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit));
        match whole {
            Some((unit, name)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}s", self.0),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

/// A point in time with its zone, in whole milliseconds. Written as in RFC 3339; a date alone is its first
/// moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(
    /// Milliseconds since 1970.
    pub i64,
);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str =
            "this is no point in time: write one such as 2027-01-31 or 2027-01-31T12:00:00Z";
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(at.as_millisecond()));
        }
        // What has a time of day needs its zone, or nobody can say when it is.
        if text.len() != 10 {
            return Err(WRONG);
        }
        let date: jiff::civil::Date = text.parse().map_err(|_| WRONG)?;
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| WRONG)?;
        Ok(Self(midnight.timestamp().as_millisecond()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => at.fmt(f),
            Err(_) => f.write_str("out of range"),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// Text, or what TOML has for a date: a map of one member, which is its text.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a point in time such as 2027-01-31T12:00:00Z")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Moment, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Moment, A::Error> {
        let entry: Option<(String, String)> = map.next_entry()?;
        let (_, text) = entry.ok_or_else(|| A::Error::custom("this is no point in time"))?;
        text.parse().map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_with_their_unit() {
        for (text, seconds, written) in [
            ("90d", 7_776_000, "90d"),
            ("24h", 86_400, "1d"),
            ("90m", 5_400, "90m"),
            ("1h 30m", 5_400, "90m"),
            ("45s", 45, "45s"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.0, span.to_string().as_str()), (seconds, written));
        }
        for wrong in ["", "5", "1 month", "-5m", "100ms", "soon"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_has_a_zone_or_is_a_date() {
        let at = |text: &str| text.parse::<Moment>();
        assert_eq!(
            at("2027-01-31").unwrap().to_string(),
            "2027-01-31T00:00:00Z"
        );
        assert_eq!(
            at("2027-01-31T12:00:00+02:00").unwrap().to_string(),
            "2027-01-31T10:00:00Z"
        );
        for wrong in ["", "2027-01-31T12:00:00", "31.1.2027", "2027-13-01"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }
}
