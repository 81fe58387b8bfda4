//! How this gate is set up, told to the control plane: at the start, when anything of it changes, and each minute.
//!
//! Nothing waits for it and nothing depends on it. A report that is not taken is made again.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sealgate_audit::gate::{
    PolicyTold, REPORT_LIMIT, Report, RouteTable, RouteTold, WhenStale, worst_first,
};
use sealgate_model::{Random, Uptime};
use tokio::sync::watch;

use crate::common::Common;
use crate::provider::ProviderError;
use crate::stale::OnStale;

/// Between two reports of what has not changed.
const EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether something has, and the shortest time between two reports.
const LOOK: Duration = Duration::from_secs(1);
/// After a report that was not taken.
const AGAIN: Duration = Duration::from_secs(10);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many routes are told of at most, and how often all of them again: a control plane whose data was put back
/// would not know them.
const WHOLE_EVERY: Duration = Duration::from_secs(3600);

/// What there is to tell that the gate itself does not know.
pub(crate) struct State {
    told: Mutex<Told>,
    /// Moves when it is another.
    changes: watch::Sender<u64>,
}

struct Told {
    /// What the gate stands in.
    host: &'static str,
    table: Option<RouteTable>,
}

/// What the control plane has taken.
struct Taken {
    /// Which process this is.
    instance: String,

    /// The digest of the table whose routes it has, and when all of them were told.
    routes: Option<(String, Uptime)>,
    policy: Option<PolicyTold>,
    change: Option<u64>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            told: Mutex::new(Told {
                host: "rust",
                table: None,
            }),
            changes: watch::Sender::new(0),
        }
    }
}

impl State {
    /// The routes behind the gate, and what it stands in: a word. The same table again is no news.
    pub(crate) fn routes_are(&self, host: &'static str, table: RouteTable) {
        let mut told = self.lock();
        if told.table.as_ref() != Some(&table) || told.host != host {
            told.host = host;
            told.table = Some(table);
            drop(told);
            self.changes
                .send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Nothing yet, of a process that has a name of its own from now on.
    fn of(random: &dyn Random) -> Self {
        let mut instance = String::with_capacity(32);
        for byte in random.bytes::<16>() {
            // Writing to a String cannot fail.
            let _ = write!(instance, "{byte:02x}");
        }
        Self {
            instance,
            routes: None,
            policy: None,
            change: None,
        }
    }
}

/// Reports until the future is dropped.
pub(crate) async fn keep(common: &Common) {
    let mut changes = common.state().changes.subscribe();
    let mut taken = Taken::of(common.random());
    loop {
        // What belongs together comes together: routes are told of a moment after the start.
        tokio::time::sleep(LOOK).await;
        let change = *changes.borrow_and_update();
        let pause = match tokio::time::timeout(PATIENCE, report(common, &taken)).await {
            Ok(Ok(Some(now))) => {
                taken = Taken {
                    change: Some(change),
                    ..now
                };
                EVERY
            }
            // This issuer takes none, or nobody has asked it yet what it does.
            Ok(Ok(None)) => LOOK,
            Ok(Err(error)) => {
                // It may have been for want of the routes.
                taken.routes = None;
                tracing::debug!(%error, "the report of this gate was not taken");
                AGAIN
            }
            Err(_) => AGAIN,
        };
        rest(common, &taken, &mut changes, pause).await;
    }
}

/// Until `pause` is over, or there is news.
async fn rest(common: &Common, taken: &Taken, changes: &mut watch::Receiver<u64>, pause: Duration) {
    // Not all gates at the same moment.
    let more = crate::feed::within(pause / 10, common.random());
    let end = tokio::time::sleep(pause + more);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return,
            news = changes.changed() => {
                if news.is_err() || taken.change.is_some() {
                    return;
                }
            }
            () = tokio::time::sleep(LOOK) => {
                // Another policy is news; one that could not be told is no reason to hurry.
                if taken.change.is_some() && policy(common) != taken.policy {
                    return;
                }
            }
        }
    }
}

/// Makes a report and sends it. What was taken; nothing where nobody takes any.
async fn report(common: &Common, taken: &Taken) -> Result<Option<Taken>, ProviderError> {
    // Whoever follows the feed has asked: a report is no reason to.
    let metadata = common.provider().known_metadata();
    let Some(endpoint) = metadata.and_then(|known| known.gate_report_endpoint.clone()) else {
        return Ok(None);
    };
    let now = common.uptime();
    let (mut report, policy) = (whole(common, taken), policy(common));
    report.policy.clone_from(&policy);
    let mut routes = None;
    if let Some(table) = &mut report.table {
        let known = taken
            .routes
            .as_ref()
            .filter(|(digest, at)| *digest == table.digest && now.since(*at) < WHOLE_EVERY);
        routes = Some(match known {
            Some(known) => {
                table.routes = None;
                known.clone()
            }
            None => (table.digest.clone(), now),
        });
    }
    let document = document(&mut report)?;
    common.provider().post_json(endpoint, document).await?;
    Ok(Some(Taken {
        instance: taken.instance.clone(),
        routes,
        policy,
        change: None,
    }))
}

/// The report as it is sent: with as many routes as there is room for. How many there are stands in it in any case.
fn document(report: &mut Report) -> Result<Vec<u8>, ProviderError> {
    loop {
        let document = serde_json::to_vec(report)
            .map_err(|error| ProviderError::Unacceptable(error.to_string()))?;
        let table = report.table.as_mut();
        match table.and_then(|table| table.routes.as_mut()) {
            Some(routes) if document.len() > REPORT_LIMIT && !routes.is_empty() => {
                worst_first(routes);
                routes.truncate(routes.len() / 4 * 3);
            }
            _ => return Ok(document),
        }
    }
}

/// Everything there is to tell, but the policy.
fn whole(common: &Common, taken: &Taken) -> Report {
    let (settings, state) = (common.settings(), common.state());
    let told = state.lock();
    let on_stale = match settings.on_stale {
        OnStale::Deny => WhenStale::Deny,
        OnStale::Introspect => WhenStale::Introspect,
        OnStale::Allow(_) => WhenStale::Allow,
    };
    Report {
        gate: common.gate_name().to_owned(),
        instance: taken.instance.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: told.host.to_owned(),
        policy: None,
        bound: millis(settings.staleness_bound),
        on_stale,
        beyond: millis(settings.on_stale.beyond()),
        credentials: ["session", "bearer", "dpop"].map(str::to_owned).to_vec(),
        table: told.table.clone(),
    }
}

fn policy(common: &Common) -> Option<PolicyTold> {
    let status = common.policy().status();
    status.version.map(|version| PolicyTold {
        version,
        made_at: status.made_at.map(sealgate_model::Timestamp::as_millis),
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The digest of a table: the SHA-256 of its routes, one on each line, in order.
#[must_use]
pub fn digest(routes: &[RouteTold]) -> String {
    let mut lines: Vec<String> = routes
        .iter()
        .filter_map(|route| serde_json::to_string(route).ok())
        .collect();
    lines.sort_unstable();
    hexadecimal(lines.join("\n").as_bytes())
}

/// The SHA-256 of `bytes`, in hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    let hash = sealgate_host::sha256(bytes);
    hash.as_bytes()
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use sealgate_audit::gate::{Agreement, Coverage, RouteCounts};

    use super::*;

    /// As many routes as an application may tell of: those that nobody stands before are among what is sent.
    #[test]
    fn a_report_is_never_longer_than_the_control_plane_reads() {
        let route = |number: usize| RouteTold {
            methods: "GET".to_owned(),
            template: format!("/organisations/{{organisation}}/projects/{number:05}"),
            docs: false,
            coverage: if number.is_multiple_of(100) {
                Coverage::Open
            } else {
                Coverage::Gated
            },
            detail: "user with projects:read".to_owned(),
        };
        let routes: Vec<RouteTold> = (1..=2_000).map(route).collect();
        let mut report = Report {
            gate: "web-1".to_owned(),
            instance: "0".repeat(32),
            version: "1".to_owned(),
            host: "asgi".to_owned(),
            policy: None,
            bound: 10_000,
            on_stale: WhenStale::Deny,
            beyond: 0,
            credentials: vec!["session".to_owned()],
            table: Some(RouteTable {
                digest: digest(&routes),
                lock_digest: None,
                agreement: Agreement::NoLockFile,
                differing: 0,
                counts: RouteCounts {
                    routes: 2_000,
                    ..RouteCounts::default()
                },
                routes: Some(routes),
            }),
        };
        let sent = document(&mut report).unwrap();
        assert!(sent.len() <= REPORT_LIMIT, "{}", sent.len());
        let read: Report = serde_json::from_slice(&sent).unwrap();
        let table = read.table.unwrap();
        assert_eq!(table.counts.routes, 2_000);
        let told = table.routes.unwrap();
        let open = told
            .iter()
            .filter(|route| route.coverage == Coverage::Open)
            .count();
        assert!(open == 20 && told.len() > 200, "{open} {}", told.len());
    }
}
