//! How the feed fares, as figures and as text for collectors.

use std::time::Duration;

use sealgate_model::Timestamp;

use super::metrics::Exposition;
use super::sight::Seen;
use crate::common::Common;

/// How the revocation feed fares, as this process sees it.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, for people to look at"
)]
pub struct FeedStatus {
    /// Whether the view is fresh: everything committed before the staleness bound is known. Of an issuer without
    /// a feed it always is.
    pub fresh: bool,
    /// How old the view is at most; none before the first snapshot.
    pub age: Option<Duration>,
    /// The staleness bound (B).
    pub bound: Duration,
    /// Seconds between the moment the newest message speaks of and its receipt, by two wall clocks; none where
    /// another process follows the feed.
    pub lag: Option<f64>,
    /// How many revocations are known.
    pub entries: usize,
    /// Whether other processes of this machine share the view.
    pub shared: bool,
    /// Whether this process is the one that follows the feed.
    pub leading: bool,
    /// Whether word of the feed keeps coming: by this process's own connection, or by another's.
    pub connected: bool,
    /// How often this process connected again.
    pub reconnects: u64,
    /// How often it had to read everything anew.
    pub resyncs: u64,
    /// How many snapshots it read.
    pub snapshots: u64,
    /// How many receipts it gave.
    pub receipts: u64,
    /// Seconds that the control plane's clock is ahead of this machine's, as of the last snapshot that this
    /// process read.
    pub skew: Option<f64>,
    /// Since when the view has been stale, by the wall clock, as this process noticed it; none while it is fresh
    /// and before it ever was.
    pub stale_since: Option<Timestamp>,
    /// How often it went stale.
    pub times_stale: u64,
}

/// Older than this, and another process's connection is taken to be lost.
const SILENT: Duration = Duration::from_secs(3);

/// How the feed fares now.
pub(crate) fn status(common: &Common) -> FeedStatus {
    of(common, &common.sight().seen())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of a clock's error are far from 2^52"
)]
fn of(common: &Common, seen: &Seen) -> FeedStatus {
    let (view, now) = (common.view(), common.uptime());
    let age = view.age(now);
    let seconds = |millis: i64| millis as f64 / 1000.0;
    let is_recent = age.is_some_and(|age| age <= SILENT);
    FeedStatus {
        fresh: view.is_fresh(now),
        age,
        bound: view.bound(),
        lag: seen.lag.map(seconds),
        entries: view.view().len(),
        shared: view.shared().is_some(),
        leading: seen.leading,
        connected: seen.connected || (!seen.leading && is_recent),
        reconnects: seen.connections.saturating_sub(1),
        resyncs: seen.resyncs.values().sum(),
        snapshots: seen.snapshots,
        receipts: seen.receipts,
        skew: seen.skew.map(seconds),
        stale_since: seen.stale_since,
        times_stale: seen.times_stale,
    }
}

/// The same as `OpenMetrics` text, with what was decided.
pub(crate) fn openmetrics(common: &Common) -> String {
    let seen = common.sight().seen();
    let status = of(common, &seen);
    let settings = common.settings();
    let mut text = Exposition::default();
    text.info(
        "sealgate_gate",
        "Which gate this is.",
        &[
            ("name", common.gate_name()),
            ("issuer", settings.issuer.as_str()),
            ("client_id", settings.client_id.as_str()),
            ("version", env!("CARGO_PKG_VERSION")),
        ],
    );
    state(&mut text, &status);
    let kinds = common.view().view().len_by_kind();
    text.family(
        "sealgate_gate_feed_entries",
        "gauge",
        "Revocations that are known, by what is revoked.",
        "kind",
        kinds,
    );
    events(&mut text, &status);
    text.family(
        "sealgate_gate_feed_resyncs",
        "counter",
        "Times that everything was read anew, by reason.",
        "reason",
        seen.resyncs.iter().map(|(reason, count)| (*reason, *count)),
    );
    text.family(
        "sealgate_gate_decisions",
        "counter",
        "Requests by what was decided about them.",
        "outcome",
        common.sight().decisions().counts(),
    );
    policy(&mut text, common);
    reports(&mut text, common);
    text.counter(
        "sealgate_gate_withheld",
        "Answers that no decision of the gate stood behind.",
        common.sight().withheld(),
    );
    text.end()
}

/// The records of decisions on their way to the control plane.
fn reports(text: &mut Exposition, common: &Common) {
    if !common.reports().is_on() {
        return;
    }
    let figures = common.reports().figures();
    text.family(
        "sealgate_gate_decisions_delivered",
        "counter",
        "Decisions that the control plane has taken, by stream.",
        "stream",
        figures.deliveries(),
    );
    for (name, help, count) in figures.counts() {
        text.counter(name, help, count);
    }
}

/// The policies that are decided by.
#[expect(
    clippy::cast_precision_loss,
    reason = "versions are counted, and far from 2^52"
)]
fn policy(text: &mut Exposition, common: &Common) {
    let (policy, now) = (common.policy(), common.now());
    let status = policy.status();
    text.gauge(
        "sealgate_gate_policy_version",
        "The version of the policies that is loaded; 0 for none.",
        status.version.unwrap_or_default() as f64,
    );
    if let Some(made_at) = status.made_at.filter(|_| status.version != Some(0)) {
        text.gauge(
            "sealgate_gate_policy_age_seconds",
            "Time since that version was applied, by two clocks.",
            now.since(made_at).as_secs_f64(),
        );
    }
    text.gauge(
        "sealgate_gate_policy_ready",
        "Whether the policies that count are at hand and can be decided by.",
        f64::from(u8::from(status.counts)),
    );
    text.counter(
        "sealgate_gate_policy_loads",
        "Versions of the policies that were loaded.",
        policy.figures().loads(),
    );
    text.family(
        "sealgate_gate_policy_failures",
        "counter",
        "Times that policies were asked for and not loaded, by reason.",
        "reason",
        policy.figures().failures().into_iter(),
    );
}

/// How it is now.
fn state(text: &mut Exposition, status: &FeedStatus) {
    let mut whether = |name, help, is_so| text.gauge(name, help, f64::from(u8::from(is_so)));
    whether(
        "sealgate_gate_feed_fresh",
        "Whether the revocation view is fresh.",
        status.fresh,
    );
    whether(
        "sealgate_gate_feed_connected",
        "Whether word of the revocation feed keeps coming.",
        status.connected,
    );
    whether(
        "sealgate_gate_feed_leading",
        "Whether this process follows the revocation feed.",
        status.leading,
    );
    whether(
        "sealgate_gate_feed_shared",
        "Whether other processes share the view.",
        status.shared,
    );
    let mut seconds = |name, help, value: Option<f64>| {
        if let Some(value) = value {
            text.gauge(name, help, value);
        }
    };
    seconds(
        "sealgate_gate_feed_age_seconds",
        "How old the revocation view is at most.",
        status.age.map(|age| age.as_secs_f64()),
    );
    seconds(
        "sealgate_gate_feed_bound_seconds",
        "The staleness bound.",
        Some(status.bound.as_secs_f64()),
    );
    seconds(
        "sealgate_gate_feed_lag_seconds",
        "Age of the newest message at its receipt, by two clocks.",
        status.lag,
    );
    seconds(
        "sealgate_gate_clock_skew_seconds",
        "How far the control plane's clock is ahead of this machine's.",
        status.skew,
    );
}

/// How often what happened.
fn events(text: &mut Exposition, status: &FeedStatus) {
    let mut count = |name, help, count| text.counter(name, help, count);
    count(
        "sealgate_gate_feed_reconnects",
        "Connections to the feed after the first.",
        status.reconnects,
    );
    count(
        "sealgate_gate_feed_snapshots",
        "Snapshots that were read.",
        status.snapshots,
    );
    count(
        "sealgate_gate_feed_receipts",
        "Receipts that the control plane took.",
        status.receipts,
    );
    count(
        "sealgate_gate_feed_stale",
        "How often the view went stale.",
        status.times_stale,
    );
}
