//! What is not counted but looked at when somebody asks: lengths of queues, ages of keys, memory.

use std::fmt::Write as _;

use sealgate_model::Timestamp;
use sealgate_store::decisions::DecisionTotals;
use sealgate_store::{AnomalyState, Stream};

use super::number;
use crate::{ControlPlane, admin};

/// Counted by the queue itself.
const HASHES: &str = "sealgate_password_hashes_total";

/// How many security events wait on each stream; nothing if the store does not say.
async fn signals_waiting(plane: &ControlPlane) -> Vec<(String, f64)> {
    let streams = plane.store.streams(None).await.unwrap_or_default();
    let waiting = |stream: &Stream| {
        let (id, client) = (stream.id, &stream.client);
        let labels = format!("{{stream=\"{id}\",client=\"{client}\"}}");
        (labels, whole(stream.queued))
    };
    streams.iter().map(waiting).collect()
}

/// How many service accounts there are in each state; nothing if the store does not say. The last three are of the
/// active ones, and one of those can be in several.
async fn machines(plane: &ControlPlane, now: Timestamp) -> Vec<(String, f64)> {
    let Ok(counts) = admin::count_machines(plane, now).await else {
        return Vec::new();
    };
    let labelled = |(state, count)| (format!("{{state=\"{state}\"}}"), number(count));
    counts.into_iter().map(labelled).collect()
}

/// How many anomalies there are that are not over; nothing if the store does not say. Each rule has a line, so that
/// a series does not begin with its first anomaly.
async fn anomalies(plane: &ControlPlane) -> Vec<(String, f64)> {
    let Ok(counts) = plane.store.anomaly_counts().await else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for rule in plane.anomalies.rules() {
        for state in [AnomalyState::Open, AnomalyState::Acknowledged] {
            let count = counts
                .iter()
                .find(|(id, at, _)| *id == rule.id && *at == state)
                .map_or(0, |(.., count)| *count);
            let (id, severity, state) = (&rule.id, rule.severity.as_str(), state.as_str());
            let labels = format!("{{rule=\"{id}\",severity=\"{severity}\",state=\"{state}\"}}");
            lines.push((labels, whole(count)));
        }
    }
    lines
}

/// The age of each signing key; nothing if the store does not say: its absence is told by `/ready`.
async fn key_ages(plane: &ControlPlane, now: Timestamp) -> Option<Vec<(String, f64)>> {
    let keys = plane.store.keys().await.ok()?;
    let aged = keys.iter().map(|key| {
        let (algorithm, state, kid) = (&key.algorithm, key.state.as_str(), &key.kid);
        let labels = format!("{{algorithm=\"{algorithm}\",state=\"{state}\",kid=\"{kid}\"}}");
        (labels, now.since(key.created_at).as_secs_f64())
    });
    Some(aged.collect())
}

/// Appends what is only looked at.
#[expect(clippy::too_many_lines, reason = "one figure after the other")]
pub(super) async fn look(plane: &ControlPlane, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "# HELP {HASHES} Passwords hashed, to be kept or to be compared\n\
         # TYPE {HASHES} counter\n{HASHES} {}\n\n",
        plane.passwords.worked()
    );
    let mut gauge = |name: &str, help: &str, values: &[(String, f64)]| {
        // Writing to a String cannot fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for (labels, value) in values {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
        text.push('\n');
    };
    let single = |value: f64| [(String::new(), value)];
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    gauge(
        "sealgate_build_info",
        "Always 1; which build runs",
        &[(version, 1.0)],
    );
    if let Some(bytes) = resident_bytes() {
        gauge(
            "sealgate_process_resident_memory_bytes",
            "Memory of the process that is in RAM",
            &single(bytes),
        );
    }
    let uptime = plane.clock.uptime().elapsed();
    gauge(
        "sealgate_process_uptime_seconds",
        "Time since the process started",
        &single(uptime.as_secs_f64()),
    );
    gauge(
        "sealgate_password_queue_waiting",
        "Passwords that wait to be checked",
        &single(number(plane.passwords.waiting())),
    );
    gauge(
        "sealgate_password_queue_places",
        "Passwords that may wait at once",
        &single(number(plane.policy.limits.password_queue)),
    );
    gauge(
        "sealgate_feed_subscribers",
        "Open streams of the revocation feed",
        &single(number(plane.feed.subscribers())),
    );
    if let Ok(head) = plane.store.revocation_head().await {
        let counts = plane.feed.gates.counts(head, &*plane.clock);
        let states = [
            ("live", counts.live),
            ("silent", counts.silent),
            ("gone", counts.gone),
        ];
        gauge(
            "sealgate_feed_gates",
            "Gates that follow the feed, or did in the last 10 minutes, by state",
            &states.map(|(state, count)| (format!("{{state=\"{state}\"}}"), number(count))),
        );
        gauge(
            "sealgate_feed_applied_lag",
            "How many revocations the live gate is behind that is farthest behind, by its last answer",
            &single(whole(counts.behind)),
        );
        gauge(
            "sealgate_feed_head_seq",
            "The number of the last revocation",
            &single(whole(head)),
        );
    }
    if let Ok(newest) = plane.store.policies(None, 1).await {
        let version = newest.first().map_or(0, |newest| newest.version);
        gauge(
            "sealgate_policy_version",
            "The version of the policies that gates decide by; 0 for none",
            &single(whole(version)),
        );
    }
    if let Ok(totals) = plane.decisions.totals().await {
        let of = |value: fn(&DecisionTotals) -> u64| {
            totals.map(|(stream, totals)| {
                let stream = stream.as_str();
                (format!("{{stream=\"{stream}\"}}"), whole(value(&totals)))
            })
        };
        gauge(
            "sealgate_decisions_kept",
            "Decisions of gates that are kept, by stream",
            &of(|totals| totals.decisions),
        );
        gauge(
            "sealgate_decisions_bytes",
            "Bytes that they take up, by stream",
            &of(|totals| totals.bytes),
        );
    }
    gauge(
        "sealgate_signal_queue_waiting",
        "Security events that wait for their receiver, by stream",
        &signals_waiting(plane).await,
    );
    let now = plane.clock.now();
    gauge(
        "sealgate_machines",
        "Service accounts by state; of those that are active also which are unused, may more than they use, or expire within 30 days",
        &machines(plane, now).await,
    );
    gauge(
        "sealgate_anomalies",
        "Anomalies that are not over, by rule, severity and state",
        &anomalies(plane).await,
    );
    let lags = plane.anomalies.lag();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds far below 2^53")]
    let lags =
        lags.map(|(source, millis)| (format!("{{source=\"{source}\"}}"), millis as f64 / 1_000.0));
    gauge(
        "sealgate_anomaly_lag_seconds",
        "How old the last record is that was judged for anomalies, by source; 0 when all are",
        &lags,
    );
    if let Some(ages) = key_ages(plane, now).await {
        gauge(
            "sealgate_signing_key_age_seconds",
            "Time since a signing key was made",
            &ages,
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers far below 2^53")]
pub(super) fn whole(number: u64) -> f64 {
    number as f64
}

/// The resident set of this process, where the operating system tells it as Linux does.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kibibytes) * 1024.0)
}
