//! What the control plane counts and measures, in the text that Prometheus reads.
//!
//! Labels are words of ours: route templates, methods, statuses, grants, reason codes, tables. Nothing
//! a caller wrote becomes one, or a stranger could fill the memory with series. What is counted goes
//! through the `metrics` crate, whose recorder is the process's, as the log is; what is only looked at
//! (a queue's length, a key's age) is read when somebody asks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, StatusCode};
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use sealgate_model::StreamId;
use sealgate_store::Stream;

use crate::{ControlPlane, ServeError};

/// How often what was measured is put into its buckets: until then every measurement takes memory.
pub(crate) const UPKEEP: Duration = Duration::from_secs(5);

const REQUESTS: &str = "sealgate_http_requests_total";
const REQUEST_TIME: &str = "sealgate_http_request_duration_seconds";
const TOKENS: &str = "sealgate_tokens_issued_total";
const REFUSALS: &str = "sealgate_refusals_total";
const LOGOUTS: &str = "sealgate_backchannel_logouts_total";
const SIGNALS_RECEIVED: &str = "sealgate_signals_received_total";
const SIGNALS: &str = "sealgate_signals_total";
const FEED_SIGNED: &str = "sealgate_feed_messages_signed_total";
const FEED_SENT: &str = "sealgate_feed_messages_sent_total";
const FEED_LAG: &str = "sealgate_feed_lag_seconds";
const FEED_CATCH_UPS: &str = "sealgate_feed_catch_ups_total";
const FEED_DROPPED: &str = "sealgate_feed_dropped_total";
const FEED_SNAPSHOTS: &str = "sealgate_feed_snapshot_bytes";
const ROLL_CALL_TIME: &str = "sealgate_feed_roll_call_seconds";
const RECEIPTS: &str = "sealgate_feed_receipts_total";
/// The store's own; it counts them itself.
const ACTS: &str = "sealgate_acts_total";
const SESSIONS_REVOKED: &str = "sealgate_sessions_revoked_total";
const SWEPT: &str = "sealgate_sweep_rows_total";
const SWEEP_TIME: &str = "sealgate_sweep_duration_seconds";
const COMMIT_TIME: &str = "sealgate_store_commit_duration_seconds";
const COMMIT_WRITES: &str = "sealgate_store_commit_writes";
const WRITES_WAITING: &str = "sealgate_store_writes_waiting";
const REVOCATIONS: &str = "sealgate_revocations_logged_total";

/// Upper bounds of the buckets, in seconds.
const REQUEST_BUCKETS: [f64; 13] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
const COMMIT_BUCKETS: [f64; 11] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5,
];
const WRITES_BUCKETS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0];
const SWEEP_BUCKETS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];
const FEED_LAG_BUCKETS: [f64; 10] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0,
];
const FEED_SNAPSHOT_BUCKETS: [f64; 6] = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
const ROLL_CALL_BUCKETS: [f64; 10] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0,
];

/// The process's metrics. There is one for a process.
pub struct Metrics {
    counted: PrometheusHandle,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Begins to count, for the whole process.
    ///
    /// # Errors
    /// [`ServeError::Metrics`] if something else counts already.
    pub fn install() -> Result<Self, ServeError> {
        let counted = builder()
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| ServeError::Metrics(error.to_string()))?;
        describe();
        Ok(Self { counted })
    }

    /// Puts what was measured into its buckets.
    pub(crate) fn keep_up(&self) {
        self.counted.run_upkeep();
    }

    /// Everything, in the text format of Prometheus.
    async fn text(&self, plane: &ControlPlane) -> String {
        let mut text = self.counted.render();
        look(plane, &mut text).await;
        text
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let full = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(full(REQUEST_TIME), &REQUEST_BUCKETS)?
        .set_buckets_for_metric(full(COMMIT_TIME), &COMMIT_BUCKETS)?
        .set_buckets_for_metric(full(COMMIT_WRITES), &WRITES_BUCKETS)?
        .set_buckets_for_metric(full(SWEEP_TIME), &SWEEP_BUCKETS)?
        .set_buckets_for_metric(full(FEED_LAG), &FEED_LAG_BUCKETS)?
        .set_buckets_for_metric(full(FEED_SNAPSHOTS), &FEED_SNAPSHOT_BUCKETS)?
        .set_buckets_for_metric(full(ROLL_CALL_TIME), &ROLL_CALL_BUCKETS)
}

fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route, method and status");
    describe_histogram!(
        REQUEST_TIME,
        Unit::Seconds,
        "How long requests took to answer, by route"
    );
    describe_counter!(
        TOKENS,
        "Answers of the token endpoint that gave tokens, by grant"
    );
    describe_counter!(REFUSALS, "Refusals put on record, by action and reason");
    describe_counter!(ACTS, "Acts put on record, by action");
    describe_counter!(
        LOGOUTS,
        "Tries to tell clients of sessions that ended, by outcome"
    );
    describe_counter!(
        SIGNALS,
        "Security events of each stream to a receiver, by outcome: queued, delivered, failed (a try to push), refused, dropped"
    );
    describe_counter!(
        SIGNALS_RECEIVED,
        "Security events from other identity systems, by outcome: revoked, disabled, unused, again, refused, failed"
    );
    describe_counter!(
        SESSIONS_REVOKED,
        "Sessions that were alive and are revoked, by reason"
    );
    describe_counter!(
        REVOCATIONS,
        "Revocations logged, by kind of what is revoked"
    );
    describe_counter!(
        FEED_SIGNED,
        "Messages of the feed that were signed, for however many subscribers"
    );
    describe_counter!(
        FEED_SENT,
        "Messages of the feed that were handed to subscribers"
    );
    describe_histogram!(
        FEED_LAG,
        Unit::Seconds,
        "Time from a revocation to its signed message"
    );
    describe_counter!(
        FEED_CATCH_UPS,
        "Times that a subscriber was so far behind that it read the log for itself"
    );
    describe_counter!(FEED_DROPPED, "Subscribers sent away, by why");
    describe_histogram!(FEED_SNAPSHOTS, Unit::Bytes, "How long snapshots are");
    describe_histogram!(
        ROLL_CALL_TIME,
        Unit::Seconds,
        "How long gates took to answer how far they have come"
    );
    describe_counter!(
        RECEIPTS,
        "Receipts of revocations that were asked for, by outcome"
    );
    describe_counter!(SWEPT, "Expired rows deleted, by kind");
    describe_histogram!(
        SWEEP_TIME,
        Unit::Seconds,
        "How long one slice of expired rows held up other writes, by kind"
    );
    describe_histogram!(
        COMMIT_TIME,
        Unit::Seconds,
        "How long a commit took, its sync of the disk included"
    );
    describe_histogram!(COMMIT_WRITES, "How many writes one commit carried");
    describe_gauge!(
        WRITES_WAITING,
        "Writes that waited when the last commit began"
    );
}

/// The series of one route that a thread has in hand.
struct Route {
    time: Histogram,
    /// By method and status: a handful.
    counts: Vec<(&'static str, StatusCode, Counter)>,
}

thread_local! {
    /// The series this thread has used before, by the route's template: to look one up in the recorder
    /// costs more than all the rest. As bounded as the series themselves.
    static ROUTES: RefCell<HashMap<String, Route>> = RefCell::default();
}

/// A request to `route`, a template of ours, was answered.
pub(crate) fn answered(route: &str, method: &Method, status: StatusCode, took: Duration) {
    let method = known(method);
    ROUTES.with_borrow_mut(|routes| {
        if !routes.contains_key(route) {
            let time = histogram!(REQUEST_TIME, "route" => route.to_owned());
            let counts = Vec::new();
            routes.insert(route.to_owned(), Route { time, counts });
        }
        let Some(Route { time, counts }) = routes.get_mut(route) else {
            return;
        };
        time.record(took.as_secs_f64());
        let used = counts.iter().find(|one| one.0 == method && one.1 == status);
        if let Some((.., count)) = used {
            count.increment(1);
        } else {
            let text = status.as_str().to_owned();
            let count = counter!(REQUESTS, "route" => route.to_owned(), "method" => method, "status" => text);
            count.increment(1);
            counts.push((method, status, count));
        }
    });
}

/// Methods are text of the caller's; the usual ones are told apart.
pub(crate) fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The token endpoint gave tokens for `grant`.
pub(crate) fn token_issued(grant: &'static str) {
    counter!(TOKENS, "grant" => grant).increment(1);
}

/// `action` was refused, for `reason`, a stable code.
pub(crate) fn refused(action: &'static str, reason: &str) {
    counter!(REFUSALS, "action" => action, "reason" => reason.to_owned()).increment(1);
}

/// A client was, or was not, told of a session that ended.
pub(crate) fn logout_delivered(outcome: &'static str) {
    counter!(LOGOUTS, "outcome" => outcome).increment(1);
}

/// A try to push the events of a stream failed.
pub(crate) fn signal_failed(stream: StreamId) {
    counter!(SIGNALS, "stream" => stream.to_string(), "outcome" => "failed").increment(1);
}

/// A security event came in from another identity system.
pub(crate) fn signal_received(outcome: &'static str) {
    counter!(SIGNALS_RECEIVED, "outcome" => outcome).increment(1);
}

/// So many messages of the feed were signed.
pub(crate) fn feed_signed(messages: usize) {
    counter!(FEED_SIGNED).increment(u64::try_from(messages).unwrap_or(u64::MAX));
}

/// A subscriber was handed so many.
pub(crate) fn feed_sent(messages: u64) {
    counter!(FEED_SENT).increment(messages);
}

/// What was revoked so long ago is told now.
pub(crate) fn feed_told(lag: Duration) {
    histogram!(FEED_LAG).record(lag.as_secs_f64());
}

/// A subscriber reads the log for itself.
pub(crate) fn feed_caught_up() {
    counter!(FEED_CATCH_UPS).increment(1);
}

/// A subscriber was sent away.
pub(crate) fn feed_dropped(why: &'static str) {
    counter!(FEED_DROPPED, "reason" => why).increment(1);
}

/// A snapshot of so many bytes was written.
pub(crate) fn feed_snapshot(bytes: usize) {
    histogram!(FEED_SNAPSHOTS).record(number(bytes));
}

/// A gate answered, so long after it was asked.
pub(crate) fn gate_answered(took: Duration) {
    histogram!(ROLL_CALL_TIME).record(took.as_secs_f64());
}

/// Somebody was told which gates have applied a revocation.
pub(crate) fn receipt_given(complete: bool) {
    let outcome = if complete { "complete" } else { "incomplete" };
    counter!(RECEIPTS, "outcome" => outcome).increment(1);
}

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

/// Appends what is only looked at.
async fn look(plane: &ControlPlane, text: &mut String) {
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
    gauge(
        "sealgate_signal_queue_waiting",
        "Security events that wait for their receiver, by stream",
        &signals_waiting(plane).await,
    );
    let now = plane.clock.now();
    let Ok(keys) = plane.store.keys().await else {
        // The store's absence is told by /ready, and by the key ages that are missing here.
        return;
    };
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            let labels = format!(
                "{{algorithm=\"{}\",state=\"{}\",kid=\"{}\"}}",
                key.algorithm,
                key.state.as_str(),
                key.kid
            );
            (labels, now.since(key.created_at).as_secs_f64())
        })
        .collect();
    gauge(
        "sealgate_signing_key_age_seconds",
        "Time since a signing key was made",
        &keys,
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn number(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "numbers far below 2^53")]
fn whole(number: u64) -> f64 {
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

/// `GET /metrics`, for listeners that only the operator's monitoring reaches.
pub(crate) fn routes(metrics: Arc<Metrics>) -> Router<Arc<ControlPlane>> {
    Router::new().route("/metrics", get(show).layer(Extension(metrics)))
}

async fn show(
    State(plane): State<Arc<ControlPlane>>,
    Extension(metrics): Extension<Arc<Metrics>>,
) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, metrics.text(&plane).await).into_response()
}
