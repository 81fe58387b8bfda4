//! What gates report of themselves, measured.

use std::collections::BTreeMap;
use std::time::Duration;

use sealgate_audit::anomaly::Fact;
use sealgate_audit::gate::{Agreement, WhenStale};
use sealgate_model::{ClientId, Timestamp};
use sealgate_store::{PolicyVersion, StoreError};

use super::Measured;
use crate::ControlPlane;
use crate::gate_reports::{REMEMBERED, SILENT, Told, since};

pub(super) async fn measure(
    plane: &ControlPlane,
    measured: &mut Measured,
) -> Result<(), StoreError> {
    let now = plane.clock.now();
    let all = since(plane, now - REMEMBERED).await?;
    let policy = plane.store.policy_current().await?;
    let policy = policy.map(|stored| stored.version);
    silent(plane, &all, measured).await?;
    // What was said long ago says nothing of now.
    for one in all.iter().filter(|one| now.since(one.last_seen) < SILENT) {
        gate(one, policy.as_ref(), now, measured);
    }
    measured.took(&[
        "gate_policy_behind_minutes",
        "gate_routes_differing",
        "gate_open_routes",
        "gate_stale_seconds",
        "gate_silent_minutes",
    ]);
    Ok(())
}

fn gate(one: &Told, policy: Option<&PolicyVersion>, now: Timestamp, measured: &mut Measured) {
    let report = &one.report;
    let of = || {
        vec![
            (Fact::Client, one.client.to_string()),
            (Fact::Gate, report.gate.clone()),
        ]
    };
    // One that decides by a file of its own follows no version.
    let loaded = report.policy.as_ref().map_or(0, |policy| policy.version);
    let is_own = report
        .policy
        .as_ref()
        .is_some_and(|policy| policy.version == 0);
    if let Some(current) = policy.filter(|_| !is_own)
        && loaded < current.version
    {
        let behind = minutes(now.since(current.made_at));
        let detail = format!(
            "it has version {loaded}, and {} is in force since {behind} minutes",
            current.version
        );
        measured.add("gate_policy_behind_minutes", of(), behind, detail);
    }
    if let Some(table) = &report.table {
        if table.agreement == Agreement::Differs {
            let differing = i64::from(table.differing.max(1));
            let detail = format!("{differing} routes are not as the lock file has them");
            measured.add("gate_routes_differing", of(), differing, detail);
        }
        let open = i64::from(table.counts.open) + i64::from(table.counts.unresolved);
        let detail = format!(
            "{} open and {} that could not be told, of {} routes",
            table.counts.open, table.counts.unresolved, table.counts.routes
        );
        measured.add("gate_open_routes", of(), open, detail);
    }
    if report.on_stale == WhenStale::Allow {
        let seconds = i64::try_from(report.beyond / 1_000).unwrap_or(i64::MAX);
        let detail = format!("for {seconds} seconds beyond its staleness bound");
        measured.add("gate_stale_seconds", of(), seconds, detail);
    }
}

/// Applications none of whose gates report any more. A single process that ended is none: another took its place.
async fn silent(
    plane: &ControlPlane,
    all: &[Told],
    measured: &mut Measured,
) -> Result<(), StoreError> {
    let now = plane.clock.now();
    let mut last: BTreeMap<&ClientId, Timestamp> = BTreeMap::new();
    for one in all {
        let heard = last.entry(&one.client).or_insert(one.last_seen);
        *heard = (*heard).max(one.last_seen);
    }
    // After a start everybody is given the time to come back.
    let up = plane.clock.uptime().elapsed();
    for (id, heard) in last {
        let client = plane.store.client(id).await?;
        if client.is_none_or(|client| client.disabled_at.is_some()) {
            continue;
        }
        let silent = minutes(now.since(heard).min(up));
        let detail = format!(
            "the last report came {} minutes ago",
            minutes(now.since(heard))
        );
        measured.of_client("gate_silent_minutes", id, silent, detail);
    }
    Ok(())
}

fn minutes(span: Duration) -> i64 {
    i64::try_from(span.as_secs() / 60).unwrap_or(i64::MAX)
}
