//! Spans of time as rules and settings write them: a whole number and s, m, h or d.

use std::time::Duration;

/// The longest one: a year.
const LONGEST: u64 = 366 * 24 * 3600;

pub(super) fn parse(text: &str) -> Option<Duration> {
    let unit = match text.bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 24 * 3600,
        _ => return None,
    };
    let digits = text.get(..text.len() - 1)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    (1..=LONGEST)
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}

/// As rules and settings write it.
pub fn text(span: Duration) -> String {
    let seconds = span.as_secs();
    for (unit, word) in [(24 * 3600, 'd'), (3600, 'h'), (60, 'm')] {
        if seconds > 0 && seconds.is_multiple_of(unit) {
            return format!("{}{word}", seconds / unit);
        }
    }
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        for (told, seconds) in [("30s", 30), ("5m", 300), ("1h", 3600), ("90d", 7_776_000)] {
            let span = parse(told);
            assert_eq!(span, Some(Duration::from_secs(seconds)));
            assert_eq!(span.map(text).as_deref(), Some(told));
        }
        for wrong in [
            "",
            "m",
            "5",
            "0s",
            "-1m",
            "+5m",
            "1.5h",
            "5 m",
            "400d",
            "1w",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
