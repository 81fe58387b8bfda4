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

use crate::{ControlPlane, ServeError};

/// How often what was measured is put into its buckets: until then every measurement takes memory.
pub(crate) const UPKEEP: Duration = Duration::from_secs(5);

const REQUESTS: &str = "sealgate_http_requests_total";
const REQUEST_TIME: &str = "sealgate_http_request_duration_seconds";
const TOKENS: &str = "sealgate_tokens_issued_total";
const REFUSALS: &str = "sealgate_refusals_total";
const LOGOUTS: &str = "sealgate_backchannel_logouts_total";
/// The store's own; it counts them itself.
const ACTS: &str = "sealgate_acts_total";
const SESSIONS_REVOKED: &str = "sealgate_sessions_revoked_total";
const SWEPT: &str = "sealgate_sweep_rows_total";
const SWEEP_TIME: &str = "sealgate_sweep_duration_seconds";
const COMMIT_TIME: &str = "sealgate_store_commit_duration_seconds";
const COMMIT_WRITES: &str = "sealgate_store_commit_writes";
const WRITES_WAITING: &str = "sealgate_store_writes_waiting";

/// Upper bounds of the buckets, in seconds.
const REQUEST_BUCKETS: [f64; 13] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
const COMMIT_BUCKETS: [f64; 11] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5,
];
const WRITES_BUCKETS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0];
const SWEEP_BUCKETS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

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
        .set_buckets_for_metric(full(SWEEP_TIME), &SWEEP_BUCKETS)
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
        SESSIONS_REVOKED,
        "Sessions that were alive and are revoked, by reason"
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

/// Counted by the queue itself.
const HASHES: &str = "sealgate_password_hashes_total";

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
