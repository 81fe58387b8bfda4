//! The memory of anomalies: what was raised, and who has seen to it; and of what gates report.

use async_trait::async_trait;
use sealgate_model::{ClientId, Timestamp};
use serde_json::Value;

use crate::{
    AnomalyFilter, AnomalyProgress, AnomalyRaise, AnomalyRaised, AnomalyRow, AnomalyState, Audit,
    GateReportRow, GateRoutes, StoreError,
};

/// The memory of anomalies: part of [`super::Store`], under the same rules.
#[async_trait]
pub trait AnomalyStore: Send + Sync + 'static {
    /// Keeps what a gate says of itself, in place of what it said before; `first_seen` of one that is known
    /// stays. Of one client at most `room` gates are kept: the one that was heard of longest ago makes
    /// place. False if it names a route table whose routes are neither in `routes` nor known: then nothing
    /// is kept.
    async fn gate_report(
        &self,
        report: GateReportRow,
        routes: Option<GateRoutes>,
        room: u32,
    ) -> Result<bool, StoreError>;
    /// What gates said of themselves that were heard of since, by client, name and instance.
    async fn gate_reports(&self, since: Timestamp) -> Result<Vec<GateReportRow>, StoreError>;
    /// The routes of a client's table with this digest.
    async fn gate_routes(
        &self,
        client: &ClientId,
        digest: &str,
    ) -> Result<Option<Value>, StoreError>;
    /// Forgets gates that were not heard of since `before`, and route tables that no gate has any more. How
    /// many gates.
    async fn gate_reports_forget(&self, before: Timestamp) -> Result<u64, StoreError>;

    /// How far the records were judged, and what is remembered of them.
    async fn anomaly_progress(&self) -> Result<AnomalyProgress, StoreError>;
    /// Keeps how far they were.
    async fn anomaly_progress_keep(&self, progress: AnomalyProgress) -> Result<(), StoreError>;
    /// Raises an anomaly, with `audit` as its record if it is a new one: its `object` becomes
    /// `RULE NUMBER SUBJECT`. One that is open gets the count and the evidence instead. One that was raised by
    /// the same record or a later one stays as it is, so that records can be judged again after a crash.
    async fn anomaly_raise(
        &self,
        raise: AnomalyRaise,
        audit: Audit,
    ) -> Result<AnomalyRaised, StoreError>;
    /// Ends an anomaly, as `audit` tells. False if there is none, or it was over.
    async fn anomaly_resolve(&self, id: i64, audit: Audit) -> Result<bool, StoreError>;
    /// Somebody, `by`, has seen to an anomaly, and says why it is left as it is. False if there is none that is
    /// not over.
    async fn anomaly_acknowledge(
        &self,
        id: i64,
        by: &str,
        why: &str,
        audit: Audit,
    ) -> Result<bool, StoreError>;
    /// The anomaly with this number.
    async fn anomaly(&self, id: i64) -> Result<Option<AnomalyRow>, StoreError>;
    /// Up to `limit` anomalies that fit, newest first.
    async fn anomalies(
        &self,
        filter: AnomalyFilter,
        limit: u32,
    ) -> Result<Vec<AnomalyRow>, StoreError>;
    /// How many there are of each rule in each state.
    async fn anomaly_counts(&self) -> Result<Vec<(String, AnomalyState, u64)>, StoreError>;
    /// Forgets anomalies that were over before `before`, and those that somebody has seen to and that were not
    /// found again since. How many.
    async fn anomalies_forget(&self, before: Timestamp) -> Result<u64, StoreError>;
}
