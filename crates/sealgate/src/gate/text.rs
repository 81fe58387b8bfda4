//! What gates report, as people read it.

use std::fmt::Write as _;

use sealgate_server::admin::{GateRoute, ReportedGate, ReportedGateShown, ReportedGates};
use serde::Serialize;

use crate::output::{self, Text, second};
use crate::receipt::span;
use crate::screen::clean;

const HEADINGS: [&str; 8] = [
    "GATE",
    "APPLICATION",
    "STATE",
    "LAST REPORT",
    "VERSION",
    "POLICY",
    "ROUTES",
    "AS REVIEWED",
];

pub(super) fn listed(gates: &ReportedGates) -> Text {
    let rows: Vec<[String; 8]> = gates.gates.iter().map(row).collect();
    output::table(HEADINGS, &rows, "No gate has reported of late.")
}

fn row(gate: &ReportedGate) -> [String; 8] {
    let table = gate.table.as_ref();
    [
        gate.gate.clone(),
        gate.client.to_string(),
        gate.state.as_str().to_owned(),
        second(gate.last_seen),
        format!("{} {}", gate.version, gate.host),
        policy(gate),
        table
            .map(|table| table.routes.to_string())
            .unwrap_or_default(),
        table
            .map(|table| agreement(&table.agreement, table.differing))
            .unwrap_or_default(),
    ]
}

fn policy(gate: &ReportedGate) -> String {
    match &gate.policy {
        None => String::new(),
        Some(policy) => match (policy.version, policy.current) {
            (0, _) => "a file of its own".to_owned(),
            (version, Some(true)) => version.to_string(),
            (version, _) => format!("{version}, not the one in force"),
        },
    }
}

fn agreement(word: &impl Serialize, differing: u32) -> String {
    match worded(word).as_str() {
        "agrees" => "yes".to_owned(),
        "differs" => format!("no, {differing} differ"),
        "no_lock_file" => "no lock file".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// One of the API's words.
fn worded(word: &impl Serialize) -> String {
    let value = serde_json::to_value(word).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

pub(super) fn shown(shown: &ReportedGateShown, with_routes: bool) -> Text {
    let mut data = String::new();
    for gate in &shown.gates {
        if !data.is_empty() {
            data.push('\n');
        }
        data.push_str(&one(gate).data);
    }
    for table in shown.tables.iter().filter(|_| with_routes) {
        // Writing to a String cannot fail.
        let _ = writeln!(data, "\nRoutes of {}:", table.client);
        data.push_str(&routes(&table.routes).data);
    }
    Text {
        data,
        ..Text::default()
    }
}

fn one(gate: &ReportedGate) -> Text {
    let stale = match worded(&gate.on_stale).as_str() {
        "allow" => format!("marked routes go on for {}", span(gate.beyond)),
        "introspect" => "asks the control plane about each".to_owned(),
        _ => "denies".to_owned(),
    };
    let table = gate.table.as_ref();
    let lock = table.and_then(|table| table.lock_digest.clone());
    let coverage = table.map(|table| {
        format!(
            "{}: {} gated, {} unmarked and closed, {} public, {} open, {} unresolved; {} of documentation",
            table.routes, table.gated, table.unmarked, table.public, table.open, table.unresolved, table.docs
        )
    });
    output::fields(&[
        ("Gate", gate.gate.clone()),
        ("Application", gate.client.to_string()),
        ("Process", gate.instance.clone()),
        ("State", gate.state.as_str().to_owned()),
        ("First report", second(gate.first_seen)),
        ("Last report", second(gate.last_seen)),
        ("Version", format!("{} {}", gate.version, gate.host)),
        ("Policy", policy(gate)),
        ("Staleness bound", span(gate.bound)),
        ("When stale", stale),
        ("Credentials", gate.credentials.join(" ")),
        ("Routes", coverage.unwrap_or_default()),
        (
            "As reviewed",
            table
                .map(|table| agreement(&table.agreement, table.differing))
                .unwrap_or_default(),
        ),
        (
            "Route table",
            table.map(|table| table.digest.clone()).unwrap_or_default(),
        ),
        ("Lock file", lock.unwrap_or_default()),
    ])
}

fn routes(routes: &[GateRoute]) -> Text {
    let rows: Vec<[String; 4]> = routes
        .iter()
        .map(|route| {
            [
                clean(&route.methods).into_owned(),
                route.template.clone(),
                worded(&route.coverage),
                route.detail.clone(),
            ]
        })
        .collect();
    output::table(
        ["METHODS", "PATH", "COVERAGE", "ASKS FOR, OR WHY"],
        &rows,
        "",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn some() -> ReportedGateShown {
        serde_json::from_value(json!({
            "at": 1_795_338_305_000_i64,
            "gates": [{
                "client": "expense-tracker", "gate": "web-1", "instance": "0123456789abcdef",
                "state": "live", "first_seen": 1_795_338_000_000_i64, "last_seen": 1_795_338_300_000_i64,
                "version": "0.1.0", "host": "asgi",
                "policy": { "version": 3, "made_at": 1_795_338_000_000_i64, "current": false },
                "bound": 10_000, "on_stale": "allow", "beyond": 60_000,
                "credentials": ["session", "bearer"],
                "table": {
                    "digest": "ab".repeat(32), "lock_digest": "cd".repeat(32), "agreement": "differs",
                    "differing": 2, "routes": 12, "gated": 9, "unmarked": 1, "public": 2, "open": 0,
                    "unresolved": 0, "docs": 3,
                },
            }],
            "tables": [{
                "client": "expense-tracker", "digest": "ab".repeat(32),
                "routes": [
                    { "methods": "GET", "template": "/expenses/{id}", "docs": false, "coverage": "gated", "detail": "user" },
                    { "methods": "GET", "template": "/health", "docs": false, "coverage": "public", "detail": "probes" },
                ],
            }],
        }))
        .unwrap()
    }

    #[test]
    fn gates_are_listed_and_shown_with_their_routes() {
        let all = ReportedGates {
            at: some().at,
            gates: some().gates,
        };
        insta::assert_snapshot!(listed(&all).data);
        insta::assert_snapshot!(shown(&some(), true).data);
    }
}
