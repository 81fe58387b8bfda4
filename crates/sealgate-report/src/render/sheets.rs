//! The sheets of facts: services and their routes, keys and secrets, service accounts, drills, anomalies.

use std::fmt::Write as _;

use super::Sheet;
use crate::facts::{DrillVerdict, Facts, RouteFacts, Seen};
use crate::words::{between, moment, span};

/// Every sheet, in the order of the report.
pub(crate) fn sheets(facts: &Facts) -> Vec<Sheet> {
    vec![
        services(facts),
        public_routes(facts),
        keys(facts),
        secrets(facts),
        machines(facts),
        drills(facts),
        anomalies(facts),
    ]
}

fn sheet<T>(
    title: &'static str,
    columns: &[&'static str],
    seen: &Seen<Vec<T>>,
    none: &str,
    row: impl Fn(&T) -> Vec<String>,
) -> Sheet {
    let rows: Vec<Vec<String>> = seen.value().into_iter().flatten().map(row).collect();
    let missing = match seen {
        Seen::NotShown { why } => Some(format!("Not shown: {why}.")),
        Seen::Measured { .. } if rows.is_empty() => Some(none.to_owned()),
        Seen::Measured { .. } => None,
    };
    Sheet {
        title,
        missing,
        columns: columns.to_vec(),
        rows,
    }
}

fn or_not_told(text: Option<String>) -> String {
    text.unwrap_or_else(|| "not reported".to_owned())
}

fn routes_in_words(routes: &RouteFacts) -> String {
    let mut told = format!(
        "{} routes: {} gated, {} public",
        routes.total,
        routes.gated,
        routes.public.len()
    );
    for (number, what) in [
        (routes.unmarked, "unmarked"),
        (routes.unresolved, "not understood"),
    ] {
        if number > 0 {
            let _ = write!(told, ", {number} {what}");
        }
    }
    told
}

fn reviewed(as_reviewed: Option<bool>) -> String {
    match as_reviewed {
        Some(true) => "as reviewed",
        Some(false) => "differs",
        None => "none",
    }
    .to_owned()
}

fn services(facts: &Facts) -> Sheet {
    let columns = [
        "service",
        "version",
        "policy",
        "bound",
        "when stale",
        "routes",
        "lock file",
    ];
    let mut made = sheet(
        "Services",
        &columns,
        &facts.gates,
        "No gate follows the revocation feed.",
        |gate| {
            vec![
                format!("{}/{}", gate.client, gate.name),
                or_not_told(gate.version.clone()),
                or_not_told(gate.policy_version.map(|version| version.to_string())),
                or_not_told(gate.bound.map(|bound| format!("{bound} ms"))),
                or_not_told(gate.on_stale.clone()),
                or_not_told(gate.routes.as_ref().map(routes_in_words)),
                gate.routes.as_ref().map_or_else(
                    || "not reported".to_owned(),
                    |routes| reviewed(routes.as_reviewed),
                ),
            ]
        },
    );
    for file in facts.lock_files.value().into_iter().flatten() {
        let mut row = vec![file.file.clone()];
        row.extend((0..4).map(|_| "a lock file".to_owned()));
        row.push(routes_in_words(&file.routes));
        row.push(reviewed(file.routes.as_reviewed));
        made.rows.push(row);
        made.missing = None;
    }
    made
}

fn public_routes(facts: &Facts) -> Sheet {
    let mut rows = Vec::new();
    let mut add = |service: &str, routes: &RouteFacts| {
        for one in &routes.public {
            let reason = one.reason.clone();
            rows.push(vec![
                service.to_owned(),
                one.route.clone(),
                reason.unwrap_or_else(|| "nobody said why".to_owned()),
            ]);
        }
    };
    for gate in facts.gates.value().into_iter().flatten() {
        if let Some(routes) = &gate.routes {
            add(&format!("{}/{}", gate.client, gate.name), routes);
        }
    }
    for file in facts.lock_files.value().into_iter().flatten() {
        add(&file.file, &file.routes);
    }
    let looked = facts
        .gates
        .value()
        .is_some_and(|gates| gates.iter().any(|gate| gate.routes.is_some()))
        || facts.lock_files.value().is_some();
    let missing = rows.is_empty().then(|| {
        if looked {
            "No route is public.".to_owned()
        } else {
            "Not shown: no gate reported its routes, and no lock file was given.".to_owned()
        }
    });
    Sheet {
        title: "Public routes",
        missing,
        columns: vec!["service", "route", "reason"],
        rows,
    }
}

fn keys(facts: &Facts) -> Sheet {
    sheet(
        "Signing keys",
        &["key", "algorithm", "state", "in it for", "made"],
        &facts.keys,
        "There are no signing keys.",
        |key| {
            vec![
                key.kid.clone(),
                key.algorithm.clone(),
                key.state.clone(),
                span(between(key.changed_at, facts.taken_at)),
                moment(key.created_at),
            ]
        },
    )
}

fn secrets(facts: &Facts) -> Sheet {
    sheet(
        "Clients",
        &[
            "client",
            "proves who it is by",
            "secret is at most",
            "state",
        ],
        &facts.clients,
        "There are no clients.",
        |client| {
            let age = client
                .secret_since
                .map(|since| format!("{} old", span(between(since, facts.taken_at))));
            let has_secret = client.authentication == "secret";
            vec![
                client.id.clone(),
                client.authentication.clone(),
                age.unwrap_or_else(|| if has_secret { "not known" } else { "has none" }.to_owned()),
                if client.disabled {
                    "disabled"
                } else {
                    "enabled"
                }
                .to_owned(),
            ]
        },
    )
}

fn machines(facts: &Facts) -> Sheet {
    sheet(
        "Service accounts",
        &[
            "machine",
            "owner",
            "environment",
            "ends",
            "last token",
            "has and does not use",
        ],
        &facts.machines,
        "There are no service accounts.",
        |machine| {
            vec![
                machine.id.clone(),
                machine.owner.clone(),
                machine.environment.clone(),
                moment(machine.expires_at),
                machine.used_at.map_or_else(|| "never".to_owned(), moment),
                machine.unused.join(", "),
            ]
        },
    )
}

fn drills(facts: &Facts) -> Sheet {
    sheet(
        "Drills",
        &["drill", "verdict", "when", "target"],
        &facts.drills,
        "No report that was given has a drill in it.",
        |drill| {
            let verdict = match drill.verdict {
                DrillVerdict::Pass => "pass",
                DrillVerdict::Fail => "fail",
                DrillVerdict::NotApplicable => "not applicable",
                DrillVerdict::CouldNotRun => "could not run",
            };
            vec![
                drill.id.clone(),
                verdict.to_owned(),
                moment(drill.at),
                drill.target.clone(),
            ]
        },
    )
}

fn anomalies(facts: &Facts) -> Sheet {
    sheet(
        "Anomalies",
        &["rule", "severity", "what", "since", "state"],
        &facts.anomalies,
        "There are no anomalies that are open or acknowledged.",
        |anomaly| {
            vec![
                anomaly.rule.clone(),
                anomaly.severity.clone(),
                anomaly.title.clone(),
                moment(anomaly.since),
                anomaly.state.clone(),
            ]
        },
    )
}
