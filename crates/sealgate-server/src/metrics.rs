//! What the control plane counts and measures, in the text that Prometheus reads.
//!
//! Labels are words of ours: route templates, methods, statuses, grants, reason codes, tables. Nothing
//! a caller wrote becomes one, or a stranger could fill the memory with series. What is counted goes
//! through the `metrics` crate, whose recorder is the process's, as the log is; what is only looked at
//! (a queue's length, a key's age) is read when somebody asks.

mod decisions;
mod look;
mod names;
mod sinks;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, StatusCode};
use metrics::{Counter, Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sealgate_model::StreamId;

pub(crate) use self::decisions::{DecisionsSeen, decisions_refused, decisions_retired};
use self::look::look;
use self::names::{
    ANOMALIES_RAISED, ANOMALY_BLOCKS, ANOMALY_GROUPS, CHECKPOINT, CHECKPOINTS, DOCUMENTS,
    FEED_CATCH_UPS, FEED_DROPPED, FEED_LAG, FEED_SENT, FEED_SIGNED, FEED_SNAPSHOTS, LOGOUTS,
    POLICY_BUNDLES, RECEIPTS, REFUSALS, REGISTRATIONS, REQUEST_TIME, REQUESTS, ROLL_CALL_TIME,
    SIGNALS, SIGNALS_RECEIVED, TOKENS, VERIFICATIONS, builder, describe,
};
use crate::{ControlPlane, ServeError};

/// How often what was measured is put into its buckets: until then every measurement takes memory.
pub(crate) const UPKEEP: Duration = Duration::from_secs(5);

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
        sinks::look(plane, &mut text).await;
        text
    }
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

/// A checkpoint was signed over record `number`.
pub(crate) fn checkpointed(number: i64) {
    counter!(CHECKPOINTS).increment(1);
    gauge!(CHECKPOINT).set(place(number));
}

/// The audit log was verified, and sound or not.
pub(crate) fn audit_verified(sound: bool) {
    let result = if sound { "sound" } else { "broken" };
    counter!(VERIFICATIONS, "result" => result).increment(1);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact for as many records as there will be"
)]
fn place(number: i64) -> f64 {
    number as f64
}

/// A document of a client was asked for.
pub(crate) fn document_read(outcome: &'static str) {
    counter!(DOCUMENTS, "outcome" => outcome).increment(1);
}

/// A client asked to be registered.
pub(crate) fn client_registered(outcome: &'static str) {
    counter!(REGISTRATIONS, "outcome" => outcome).increment(1);
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

/// A bundle of policies was handed out.
pub(crate) fn policy_bundle(bytes: usize) {
    histogram!(POLICY_BUNDLES).record(number(bytes));
}

/// A gate answered, so long after it was asked.
pub(crate) fn gate_answered(took: Duration) {
    histogram!(ROLL_CALL_TIME).record(took.as_secs_f64());
}

/// A new anomaly was raised.
pub(crate) fn anomaly_raised(rule: &str, severity: &'static str) {
    counter!(ANOMALIES_RAISED, "rule" => rule.to_owned(), "severity" => severity).increment(1);
}

/// So many groups of records were forgotten of which something still counted.
pub(crate) fn anomaly_groups_forgotten(groups: u64) {
    counter!(ANOMALY_GROUPS).increment(groups);
}

/// So many blocks of allowed decisions were not judged.
pub(crate) fn anomaly_blocks_passed_over(blocks: u64) {
    counter!(ANOMALY_BLOCKS).increment(blocks);
}

/// Somebody was told which gates have applied a revocation.
pub(crate) fn receipt_given(complete: bool) {
    let outcome = if complete { "complete" } else { "incomplete" };
    counter!(RECEIPTS, "outcome" => outcome).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn number(count: usize) -> f64 {
    count as f64
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
