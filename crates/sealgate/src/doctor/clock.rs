//! The clock: tokens carry times, and gates allow 60 seconds of difference.

use std::time::Duration;

use sealgate_model::{Clock, Timestamp};
use sealgate_server::names_loopback;

use super::Patient;
use super::report::Report;

/// How long the two clocks are watched.
const WATCH: Duration = Duration::from_millis(300);

/// How far they may drift apart in that time.
const DRIFT: Duration = Duration::from_millis(30);

/// More than this breaks sign-ins: what gates allow.
const BROKEN: Duration = Duration::from_secs(60);

/// More than this is no accident of the measurement.
const OFF: Duration = Duration::from_secs(5);

pub(super) async fn look(patient: &Patient, url: Option<&str>, report: &mut Report) {
    let clock = patient.web.clock();
    let drift = steadiness(clock).await;
    if drift > DRIFT {
        report.warn(
            "clock",
            format!(
                "the system's time moved by {} ms against the monotonic clock",
                drift.as_millis()
            ),
            Some(
                "let a time service slew the clock, not step it; nothing is swept while it jumps"
                    .to_owned(),
            ),
        );
    }
    let issuer = patient.issuer.as_ref();
    let (url, host) = match (url, issuer) {
        (Some(url), _) => (url.to_owned(), url.to_owned()),
        (None, Some(issuer)) if !names_loopback(issuer) => {
            (issuer.url("/health"), issuer.to_string())
        }
        _ => {
            report.skip(
                "clock",
                "the clock was compared with no other machine's; --clock-url names one",
            );
            return;
        }
    };
    let seen = match patient.web.get(&url).await {
        Ok(seen) => seen,
        Err(error) => {
            report.skip("clock", format!("{host} tells no time: {error}"));
            return;
        }
    };
    let Some(told) = seen.header("date").and_then(date) else {
        report.skip("clock", format!("{host} tells no time"));
        return;
    };
    // The time was told at some moment of the request, cut to the second.
    let ours = seen.at - seen.took / 2;
    compare(ours, told + Duration::from_millis(500), &host, report);
}

fn compare(ours: Timestamp, theirs: Timestamp, host: &str, report: &mut Report) {
    let (apart, word) = if ours > theirs {
        (ours.since(theirs), "ahead of")
    } else {
        (theirs.since(ours), "behind")
    };
    let told = format!("the clock is {} s {word} that of {host}", apart.as_secs());
    let hint = Some("set it by a time service, such as systemd-timesyncd or chrony".to_owned());
    if apart > BROKEN {
        report.fix("clock", told, hint);
    } else if apart > OFF {
        report.warn("clock", told, hint);
    } else {
        report.good("clock", format!("the clock agrees with that of {host}"));
    }
}

/// How far the clocks drift apart while they are watched.
async fn steadiness(clock: &dyn Clock) -> Duration {
    let (wall, uptime) = (clock.now(), clock.uptime());
    tokio::time::sleep(WATCH).await;
    let expected = wall + clock.uptime().since(uptime);
    let now = clock.now();
    now.since(expected).max(expected.since(now))
}

/// A date as HTTP writes it (RFC 9110, 5.6.7).
fn date(text: &str) -> Option<Timestamp> {
    let parsed = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from_millis(parsed.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_read() {
        let at = date("Sun, 22 Nov 2026 09:05:05 GMT").unwrap();
        assert_eq!(at, Timestamp::from_seconds(1_795_338_305));
        assert!(date("yesterday").is_none());
    }

    #[test]
    fn a_clock_that_gates_would_refuse_must_be_set() {
        let theirs = Timestamp::from_seconds(1_800_000_000);
        let told = |apart: u64| {
            let mut report = Report::default();
            compare(
                theirs + Duration::from_secs(apart),
                theirs,
                "https://id.example",
                &mut report,
            );
            compare(
                theirs - Duration::from_secs(apart),
                theirs,
                "https://id.example",
                &mut report,
            );
            report.text().data
        };
        insta::assert_snapshot!(told(1) + &told(30) + &told(3600), @r"
        ok    clock     the clock agrees with that of https://id.example
        ok    clock     the clock agrees with that of https://id.example
        warn  clock     the clock is 30 s ahead of that of https://id.example
                        hint: set it by a time service, such as systemd-timesyncd or chrony
        warn  clock     the clock is 30 s behind that of https://id.example
                        hint: set it by a time service, such as systemd-timesyncd or chrony
        fix   clock     the clock is 3600 s ahead of that of https://id.example
                        hint: set it by a time service, such as systemd-timesyncd or chrony
        fix   clock     the clock is 3600 s behind that of https://id.example
                        hint: set it by a time service, such as systemd-timesyncd or chrony
        ");
    }
}
