use async_trait::async_trait;
use sealgate_store::{
    AnomalyFilter, AnomalyProgress, AnomalyRaise, AnomalyRaised, AnomalyRow, AnomalyState,
    AnomalyStore, GateReportRow, GateRoutes,
};

use super::*;

/// The calls of a part of the store, each behind the switch.
macro_rules! anomalies {
    ($(fn $call:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        #[async_trait]
        impl AnomalyStore for Switched {
            $(async fn $call(&self, $($arg: $type),*) -> Result<$result, StoreError> {
                self.lost(DOWN)?;
                let done = self.inner.$call($($arg),*).await?;
                self.lost(UNKNOWN)?;
                Ok(done)
            })*
        }
    };
}

anomalies! {
    fn gate_report(report: GateReportRow, routes: Option<GateRoutes>, room: u32) -> bool;
    fn gate_reports(since: Timestamp) -> Vec<GateReportRow>;
    fn gate_routes(client: &ClientId, digest: &str) -> Option<Value>;
    fn gate_reports_forget(before: Timestamp) -> u64;
    fn anomaly_progress() -> AnomalyProgress;
    fn anomaly_progress_keep(progress: AnomalyProgress) -> ();
    fn anomaly_raise(raise: AnomalyRaise, audit: Audit) -> AnomalyRaised;
    fn anomaly_resolve(id: i64, audit: Audit) -> bool;
    fn anomaly_acknowledge(id: i64, by: &str, why: &str, audit: Audit) -> bool;
    fn anomaly(id: i64) -> Option<AnomalyRow>;
    fn anomalies(filter: AnomalyFilter, limit: u32) -> Vec<AnomalyRow>;
    fn anomaly_counts() -> Vec<(String, AnomalyState, u64)>;
    fn anomalies_forget(before: Timestamp) -> u64;
}
