//! What there is, measured: service accounts, secrets, keys, the certificate, gates.

mod gates;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sealgate_audit::anomaly::{Fact, Measure};
use sealgate_model::{ClientId, Timestamp};
use sealgate_store::{KeyRow, KeyState, MachineRow, MachineUses, StoreError, UseKind};

use super::certificate;
use crate::ControlPlane;

const DAY: u64 = 24 * 3600;

/// What a machine may and has not used for so long is counted: as `machine list` does.
const UNUSED: Duration = Duration::from_secs(90 * DAY);

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) measures: Vec<Measure>,
    /// The names of what could be measured, whether or not there was anything.
    pub(super) taken: BTreeSet<&'static str>,
}

impl Measured {
    fn of_client(&mut self, name: &'static str, client: &ClientId, value: i64, detail: String) {
        self.add(
            name,
            vec![(Fact::Client, client.to_string())],
            value,
            detail,
        );
    }

    fn add(&mut self, name: &'static str, of: Vec<(Fact, String)>, value: i64, detail: String) {
        self.measures.push(Measure {
            name,
            of,
            value,
            detail,
        });
    }

    fn took(&mut self, names: &[&'static str]) {
        self.taken.extend(names);
    }
}

/// Measures what can be. What cannot be read now is left out, and said.
pub(super) async fn take(
    plane: &ControlPlane,
    secrets: &BTreeMap<ClientId, Timestamp>,
) -> Measured {
    let mut measured = Measured::default();
    let failures = [
        machines(plane, &mut measured).await,
        clients(plane, secrets, &mut measured).await,
        keys(plane, &mut measured).await,
        sinks(plane, &mut measured).await,
        gates::measure(plane, &mut measured).await,
    ];
    for error in failures.into_iter().filter_map(Result::err) {
        tracing::warn!(reason = error.code(), %error, "something was not measured for anomalies");
    }
    agents(plane, &mut measured);
    tls(plane, &mut measured).await;
    measured
}

async fn machines(plane: &ControlPlane, measured: &mut Measured) -> Result<(), StoreError> {
    let now = plane.clock.now();
    for row in plane.store.machines(false).await? {
        let end = row.client.ends_at();
        if row.client.disabled_at.is_some() || end.is_some_and(|end| end <= now) {
            continue;
        }
        machine(&row, now, measured);
    }
    measured.took(&[
        "machine_unused_days",
        "machine_unused_grants",
        "machine_days_left",
    ]);
    Ok(())
}

fn machine(row: &MachineRow, now: Timestamp, measured: &mut Measured) {
    let (client, uses) = (&row.client, MachineUses(&row.uses));
    let last = uses.last();
    let idle = days(now.since(last.unwrap_or(client.created_at)));
    let told = match last {
        Some(_) => format!("it was last used {idle} days ago"),
        None => format!("it was made {idle} days ago and never used"),
    };
    measured.of_client("machine_unused_days", &client.id, idle, told);
    let resources = &client.details.resources;
    let scopes = client.scopes.iter().map(|name| (UseKind::Scope, name));
    let all = scopes.chain(resources.iter().map(|name| (UseKind::Resource, name)));
    let unused: Vec<&str> = all
        .filter(|(kind, name)| {
            let known = uses.of(*kind, name);
            let since = known.map_or(client.created_at, |known| known.since);
            let last_at = known.and_then(|known| known.used_at);
            now.since(last_at.unwrap_or(since).max(since)) >= UNUSED
        })
        .map(|(_, name)| name.as_str())
        .collect();
    // One that uses nothing at all is told of by itself.
    if idle < days(UNUSED) {
        let count = i64::try_from(unused.len()).unwrap_or(i64::MAX);
        let named: Vec<&str> = unused.iter().take(8).copied().collect();
        let detail = format!("{count} not used for 90 days: {}", named.join(" "));
        measured.of_client("machine_unused_grants", &client.id, count, detail);
    }
    if let Some(end) = client.ends_at() {
        let left = days(end.since(now));
        let detail = format!("it ends in {left} days");
        measured.of_client("machine_days_left", &client.id, left, detail);
    }
}

async fn clients(
    plane: &ControlPlane,
    secrets: &BTreeMap<ClientId, Timestamp>,
    measured: &mut Measured,
) -> Result<(), StoreError> {
    let now = plane.clock.now();
    for client in plane.store.clients().await? {
        if client.secret_hash.is_none() || client.disabled_at.is_some() {
            continue;
        }
        let since = secrets.get(&client.id).copied();
        let since = since.unwrap_or(client.created_at).max(client.created_at);
        let age = days(now.since(since));
        let detail = format!("its secret is {age} days old");
        measured.of_client("client_secret_days", &client.id, age, detail);
    }
    measured.took(&["client_secret_days"]);
    Ok(())
}

async fn keys(plane: &ControlPlane, measured: &mut Measured) -> Result<(), StoreError> {
    let (now, all) = (plane.clock.now(), plane.store.keys().await?);
    // What is declared of an algorithm counts in place of the setting, as it does where keys are rotated.
    let schedules = plane.store.key_schedules().await?;
    for key in all.iter().filter(|key| key.state == KeyState::Active) {
        let signed = now.since(key.changed_at);
        let of = || vec![(Fact::Object, key.kid.clone())];
        let age = days(signed);
        let algorithm = &key.algorithm;
        let told = format!("the {algorithm} key signs for {age} days");
        measured.add("key_age_days", of(), age, told);
        let declared = schedules.iter().find(|one| one.algorithm == *algorithm);
        let every = match declared.map(|one| Duration::from_secs(one.rotate_every)) {
            Some(every) => Some(every).filter(|every| !every.is_zero()),
            None => plane.policy.rotate_every,
        };
        let Some(every) = every else { continue };
        let overdue = days(signed.saturating_sub(every));
        let told = format!(
            "the {algorithm} key should have signed for {} days at most",
            days(every)
        );
        measured.add("key_overdue_days", of(), overdue, told);
        let is_followed =
            |next: &KeyRow| next.state == KeyState::Next && next.algorithm == key.algorithm;
        if !all.iter().any(is_followed) {
            let left = days(every.saturating_sub(signed));
            let told =
                format!("no next {algorithm} key is published, and this one has {left} days left");
            measured.add("key_days_left", of(), left, told);
        }
    }
    measured.took(&["key_age_days", "key_overdue_days", "key_days_left"]);
    Ok(())
}

async fn sinks(plane: &ControlPlane, measured: &mut Measured) -> Result<(), StoreError> {
    let now = plane.clock.now();
    for sink in plane.store.sinks().await? {
        // One that was paused is meant to send nothing.
        let Some(since) = sink.failing_since.filter(|_| !sink.paused) else {
            continue;
        };
        let minutes = i64::try_from(now.since(since).as_secs() / 60).unwrap_or(i64::MAX);
        let reason = sink
            .last_error
            .map(|(reason, _)| reason)
            .unwrap_or_default();
        let detail = format!("for {minutes} minutes: {reason}");
        let of = vec![(Fact::Object, sink.name)];
        measured.add("sink_failing_minutes", of, minutes, detail);
    }
    measured.took(&["sink_failing_minutes"]);
    Ok(())
}

fn agents(plane: &ControlPlane, measured: &mut Measured) {
    let lifetime = days(plane.policy.agents.lifetime);
    let of = vec![(Fact::Object, "agents.lifetime".to_owned())];
    let detail = format!("agents may act for {lifetime} days");
    measured.add("agent_session_days", of, lifetime, detail);
    measured.took(&["agent_session_days"]);
}

/// The certificate as it is in its file: what is renewed there is served from the next start on.
async fn tls(plane: &ControlPlane, measured: &mut Measured) {
    let Some(path) = plane.anomalies.certificate.get().cloned() else {
        measured.took(&["tls_days_left"]);
        return;
    };
    let shown = path.display().to_string();
    let end = tokio::task::spawn_blocking(move || certificate::end_of(&path)).await;
    match end {
        Ok(Ok(end)) => {
            let left = days(end.since(plane.clock.now()));
            let of = vec![(Fact::Object, shown)];
            measured.add("tls_days_left", of, left, format!("it ends in {left} days"));
            measured.took(&["tls_days_left"]);
        }
        Ok(Err(why)) => tracing::warn!(why, "the certificate was not looked at for anomalies"),
        Err(error) => tracing::warn!(%error, "the certificate was not looked at for anomalies"),
    }
}

/// Whole days.
fn days(span: Duration) -> i64 {
    i64::try_from(span.as_secs() / DAY).unwrap_or(i64::MAX)
}
