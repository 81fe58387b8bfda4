//! What is counted: names, buckets and what each is said to be.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

pub(super) const REQUESTS: &str = "sealgate_http_requests_total";
pub(super) const REQUEST_TIME: &str = "sealgate_http_request_duration_seconds";
pub(super) const TOKENS: &str = "sealgate_tokens_issued_total";
pub(super) const DOCUMENTS: &str = "sealgate_client_documents_total";
pub(super) const REGISTRATIONS: &str = "sealgate_client_registrations_total";
pub(super) const REFUSALS: &str = "sealgate_refusals_total";
pub(super) const LOGOUTS: &str = "sealgate_backchannel_logouts_total";
pub(super) const SIGNALS_RECEIVED: &str = "sealgate_signals_received_total";
pub(super) const SIGNALS: &str = "sealgate_signals_total";
pub(super) const FEED_SIGNED: &str = "sealgate_feed_messages_signed_total";
pub(super) const FEED_SENT: &str = "sealgate_feed_messages_sent_total";
pub(super) const FEED_LAG: &str = "sealgate_feed_lag_seconds";
pub(super) const FEED_CATCH_UPS: &str = "sealgate_feed_catch_ups_total";
pub(super) const FEED_DROPPED: &str = "sealgate_feed_dropped_total";
pub(super) const FEED_SNAPSHOTS: &str = "sealgate_feed_snapshot_bytes";
pub(super) const POLICY_BUNDLES: &str = "sealgate_policy_bundle_bytes";
pub(super) const ROLL_CALL_TIME: &str = "sealgate_feed_roll_call_seconds";
pub(super) const CHECKPOINTS: &str = "sealgate_audit_checkpoints_total";
pub(super) const CHECKPOINT: &str = "sealgate_audit_checkpoint_number";
pub(super) const VERIFICATIONS: &str = "sealgate_audit_verifications_total";
pub(super) const ANOMALIES_RAISED: &str = "sealgate_anomalies_raised_total";
pub(super) const ANOMALY_GROUPS: &str = "sealgate_anomaly_groups_forgotten_total";
pub(super) const ANOMALY_BLOCKS: &str = "sealgate_anomaly_blocks_passed_over_total";
pub(super) const RECEIPTS: &str = "sealgate_feed_receipts_total";
/// The store's own; it counts them itself.
pub(super) const ACTS: &str = "sealgate_acts_total";
pub(super) const SESSIONS_REVOKED: &str = "sealgate_sessions_revoked_total";
pub(super) const AUDIT_RETIRED: &str = "sealgate_audit_retired_total";
pub(super) const DECISIONS: &str = "sealgate_decisions_total";
pub(super) const DECISIONS_LAG: &str = "sealgate_decisions_lag_seconds";
pub(super) const DECISIONS_LEFT_OUT: &str = "sealgate_decisions_left_out_total";
pub(super) const DECISIONS_LOST: &str = "sealgate_decisions_lost_total";
pub(super) const DECISIONS_REFUSED: &str = "sealgate_decisions_refused_total";
pub(super) const DECISIONS_RETIRED: &str = "sealgate_decisions_retired_total";
pub(super) const SWEPT: &str = "sealgate_sweep_rows_total";
pub(super) const SWEEP_TIME: &str = "sealgate_sweep_duration_seconds";
pub(super) const COMMIT_TIME: &str = "sealgate_store_commit_duration_seconds";
pub(super) const COMMIT_WRITES: &str = "sealgate_store_commit_writes";
pub(super) const WRITES_WAITING: &str = "sealgate_store_writes_waiting";
pub(super) const REVOCATIONS: &str = "sealgate_revocations_logged_total";

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
const DECISIONS_LAG_BUCKETS: [f64; 8] = [0.5, 1.0, 2.5, 10.0, 60.0, 600.0, 3_600.0, 86_400.0];
const FEED_SNAPSHOT_BUCKETS: [f64; 6] = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
const ROLL_CALL_BUCKETS: [f64; 10] = [
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0,
];

/// The recorder, with the buckets of every histogram.
pub(super) fn builder() -> Result<PrometheusBuilder, BuildError> {
    let full = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(full(REQUEST_TIME), &REQUEST_BUCKETS)?
        .set_buckets_for_metric(full(COMMIT_TIME), &COMMIT_BUCKETS)?
        .set_buckets_for_metric(full(COMMIT_WRITES), &WRITES_BUCKETS)?
        .set_buckets_for_metric(full(SWEEP_TIME), &SWEEP_BUCKETS)?
        .set_buckets_for_metric(full(FEED_LAG), &FEED_LAG_BUCKETS)?
        .set_buckets_for_metric(full(FEED_SNAPSHOTS), &FEED_SNAPSHOT_BUCKETS)?
        .set_buckets_for_metric(full(DECISIONS_LAG), &DECISIONS_LAG_BUCKETS)?
        .set_buckets_for_metric(full(POLICY_BUNDLES), &FEED_SNAPSHOT_BUCKETS)?
        .set_buckets_for_metric(full(ROLL_CALL_TIME), &ROLL_CALL_BUCKETS)
}

/// Says what each of them is.
#[expect(clippy::too_many_lines, reason = "one name after the other")]
pub(super) fn describe() {
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
    describe_counter!(
        DOCUMENTS,
        "Documents of clients that were asked for, by outcome: read, unavailable, unsound"
    );
    describe_counter!(
        REGISTRATIONS,
        "Clients that asked to be registered, by outcome: registered, again, refused"
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
        POLICY_BUNDLES,
        Unit::Bytes,
        "How long the bundles of policies are that gates fetched"
    );
    describe_histogram!(
        ROLL_CALL_TIME,
        Unit::Seconds,
        "How long gates took to answer how far they have come"
    );
    describe_counter!(
        RECEIPTS,
        "Receipts of revocations that were asked for, by outcome"
    );
    describe_counter!(CHECKPOINTS, "Signed checkpoints of the audit log");
    describe_gauge!(
        CHECKPOINT,
        "The record that the newest checkpoint was signed over"
    );
    describe_counter!(
        VERIFICATIONS,
        "Verifications of the audit log, by result: sound, broken"
    );
    describe_counter!(AUDIT_RETIRED, "Audit records retired, by stream");
    describe_counter!(ANOMALIES_RAISED, "Anomalies raised, by rule and severity");
    describe_counter!(
        ANOMALY_GROUPS,
        "Groups of records that rules of anomalies forgot for want of room while something of them still counted"
    );
    describe_counter!(
        ANOMALY_BLOCKS,
        "Blocks of allowed decisions that were not judged because the judgement was far behind"
    );
    describe_counter!(
        DECISIONS,
        "Decisions that gates reported, by outcome and reason"
    );
    describe_histogram!(
        DECISIONS_LAG,
        Unit::Seconds,
        "How old the oldest decision of a batch was when it was kept"
    );
    describe_counter!(
        DECISIONS_LEFT_OUT,
        "Allowed requests that gates reported without a record: sampled out, or unkept for want of room"
    );
    describe_counter!(DECISIONS_LOST, "Decisions whose records gates lost");
    describe_counter!(
        DECISIONS_REFUSED,
        "Batches of decisions that were not taken, by reason"
    );
    describe_counter!(
        DECISIONS_RETIRED,
        "Decisions that are kept no longer, by stream"
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
