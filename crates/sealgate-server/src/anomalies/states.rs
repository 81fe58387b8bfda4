//! States: measured, judged, raised, and resolved when they are mended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sealgate_audit::anomaly::{How, Source, judge};
use sealgate_model::{ClientId, Timestamp};
use sealgate_store::{
    AnomalyFilter, AnomalyRow, AnomalyState, Audit, AuditActor, OTHERS, StoreError,
};

use super::measures::{self, Measured};
use super::{ROOM, raise};
use crate::ControlPlane;

/// How often it is noted of a state that it is still so.
const NOTED: Duration = Duration::from_secs(3600);
/// Anomalies that were over for so long are forgotten; their records stay.
const KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

#[cfg(test)]
pub(super) async fn look(plane: &ControlPlane) {
    look_with(plane, &BTreeMap::new()).await;
}

/// Measures everything and judges it. `secrets` says when clients last got another secret.
pub(super) async fn look_with(plane: &ControlPlane, secrets: &BTreeMap<ClientId, Timestamp>) {
    let measured = measures::take(plane, secrets).await;
    if let Err(error) = settle(plane, &measured).await {
        tracing::warn!(reason = error.code(), %error, "states were not judged for anomalies");
    }
    let now = plane.clock.now();
    let forgotten = async {
        plane.store.anomalies_forget(now - KEPT).await?;
        let before = now - crate::gate_reports::REMEMBERED;
        plane.store.gate_reports_forget(before).await
    };
    if let Err(error) = forgotten.await {
        tracing::warn!(reason = error.code(), %error, "old anomalies were not forgotten");
    }
}

async fn settle(plane: &ControlPlane, measured: &Measured) -> Result<(), StoreError> {
    let now = plane.clock.now();
    let raised = judge(plane.anomalies.rules(), &measured.measures, now);
    let known = unresolved(plane).await?;
    let still: BTreeSet<(&str, &str)> = raised
        .iter()
        .map(|raise| (raise.rule.as_str(), raise.subject.as_str()))
        .collect();
    let mut of_rule: BTreeMap<&str, u32> = BTreeMap::new();
    for raise in &raised {
        *of_rule.entry(&raise.rule).or_default() += 1;
    }
    // First what is over: it makes room.
    for row in &known {
        let is_still = if row.subject == OTHERS {
            of_rule.get(&*row.rule).is_some_and(|count| *count > ROOM)
        } else {
            still.contains(&(&*row.rule, &*row.subject))
        };
        if !is_still && measured.knows(plane, &row.rule) {
            let record = Audit {
                reason: row.rule.clone(),
                object: Some(format!("{} {} {}", row.rule, row.id, row.subject)),
                ..Audit::allowed(now, AuditActor::System, "anomaly.resolve")
            };
            if plane.store.anomaly_resolve(row.id, record).await? {
                tracing::info!(rule = row.rule, subject = row.subject, "an anomaly is over");
            }
        }
    }
    for found in raised.clone() {
        let row = known
            .iter()
            .find(|row| row.rule == found.rule && row.subject == found.subject);
        let is_noted =
            row.is_some_and(|row| row.detail == found.detail && now.since(row.last_at) < NOTED);
        if !is_noted {
            raise(plane, found, true).await?;
        }
    }
    Ok(())
}

/// Every anomaly about a state that is not over.
async fn unresolved(plane: &ControlPlane) -> Result<Vec<AnomalyRow>, StoreError> {
    const SLICE: u32 = 1_000;
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let filter = AnomalyFilter {
            states: vec![AnomalyState::Open, AnomalyState::Acknowledged],
            rule: None,
            before,
        };
        let rows = plane.store.anomalies(filter, SLICE).await?;
        let is_all = rows.len() < SLICE as usize;
        before = rows.last().map(|row| row.id);
        let is_state = |row: &AnomalyRow| {
            plane
                .anomalies
                .rule(&row.rule)
                .is_some_and(|rule| rule.source == Source::State)
        };
        all.extend(rows.into_iter().filter(is_state));
        if is_all {
            return Ok(all);
        }
    }
}

impl Measured {
    /// Whether what this rule measures was measured, or it is off: else nobody knows that it is over.
    fn knows(&self, plane: &ControlPlane, rule: &str) -> bool {
        plane.anomalies.rule(rule).is_some_and(|rule| {
            rule.off.is_some()
                || matches!(&rule.how, How::Holds(held) if self.taken.contains(held.measure.as_str()))
        })
    }
}
