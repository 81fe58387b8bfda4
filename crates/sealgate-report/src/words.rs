//! Spans, dates and counts in words.

use jiff::tz::TimeZone;
use sealgate_model::Timestamp;

/// A span in the largest unit that fits it whole, or in two.
pub(crate) fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        let whole = rest / size;
        if whole > 0 && parts.len() < 2 {
            parts.push(format!("{whole} {name}"));
            rest -= whole * size;
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() {
        "0 s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// The time between two moments, in whole seconds.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> u64 {
    to.since(from).as_secs()
}

/// A moment as people in one place and another read it: UTC, to the minute.
pub(crate) fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or_else(
        |_| "a time out of range".to_owned(),
        |at| {
            at.to_zoned(TimeZone::UTC)
                .strftime("%Y-%m-%d %H:%M UTC")
                .to_string()
        },
    )
}

/// `1 gate`, `2 gates`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// The first few of many names, and how many there are besides.
pub(crate) fn some<S: AsRef<str>>(names: &[S]) -> String {
    const MOST: usize = 5;
    let shown: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    let rest = names.len().saturating_sub(MOST);
    if rest == 0 {
        shown.join(", ")
    } else {
        format!("{} and {rest} more", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_two_units_at_most() {
        let told = [0, 59, 60, 3_600, 3_661, 86_400, 90 * 86_400, 90_061].map(span);
        assert_eq!(
            told,
            [
                "0 s",
                "59 s",
                "1 min",
                "1 h",
                "1 h 1 min",
                "1 d",
                "90 d",
                "1 d 1 h"
            ]
        );
    }

    #[test]
    fn many_names_are_cut_and_counted() {
        assert_eq!(some(&["a", "b"]), "a, b");
        assert_eq!(
            some(&["a", "b", "c", "d", "e", "f", "g"]),
            "a, b, c, d, e and 2 more"
        );
    }
}
