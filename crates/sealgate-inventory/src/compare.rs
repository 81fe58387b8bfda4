//! Two looks at one application: what runs, and what its source says. Where they differ, one of them is wrong, and
//! the likely reason is told.

mod complete;
mod pairs;
pub mod rules;
#[cfg(test)]
mod tests;

pub use complete::complete;
use pairs::{Paired, pairs};

use crate::{Evidence, Finding, Gate, Inventory, Placement, Route, RouteKey, Rule, Severity};

/// What differs between `live`, an inventory of a running application, and `source`, one of its source.
pub fn compare(live: &Inventory, source: &Inventory) -> Vec<Finding> {
    let mut findings = Vec::new();
    for app in names(live) {
        let Some(other) = counterpart(app, live, source) else {
            findings.push(unknown(app, live));
            continue;
        };
        let Paired {
            both,
            only_live,
            only_source,
        } = pairs(&of_app(live, app), &of_app(source, other));
        findings.extend(only_live.into_iter().map(only_at_run_time));
        findings.extend(
            only_source
                .into_iter()
                .map(|route| only_in_source(app, route)),
        );
        for (live, source) in both {
            findings.extend(gates(live, source));
        }
    }
    findings
}

/// The applications, those without an entry of their own included.
fn names(inventory: &Inventory) -> Vec<&str> {
    let apps = inventory.apps.iter().map(|app| app.name.as_str());
    let routes = inventory.routes.iter().map(|route| route.app.as_str());
    let mut names: Vec<&str> = apps.chain(routes).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn of_app<'a>(inventory: &'a Inventory, app: &str) -> Vec<&'a Route> {
    let routes = inventory.routes.iter();
    routes.filter(|route| route.app == app).collect()
}

/// What `source` calls the application: the same, or else the one that has most of its routes. A factory has
/// another name there, and a module, if it is imported from another folder.
fn counterpart<'a>(app: &str, live: &Inventory, source: &'a Inventory) -> Option<&'a str> {
    let candidates = names(source);
    if let Some(same) = candidates.iter().find(|name| **name == app) {
        return Some(same);
    }
    let mine = of_app(live, app);
    let shared = |name: &&str| pairs(&mine, &of_app(source, name)).both.len();
    let best = candidates.into_iter().max_by_key(shared)?;
    (shared(&best) > 0).then_some(best)
}

fn unknown(app: &str, live: &Inventory) -> Finding {
    let entry = live.apps.iter().find(|one| one.name == app);
    finding(
        &rules::ONLY_AT_RUN_TIME,
        Severity::Warning,
        format!("the scan of the source found no application like `{app}`, so that nothing could be compared"),
        None,
    )
    .at(entry.and_then(|entry| entry.place.clone()))
    .hinting("give the folder that its source is in, and see what the scan says of it: `sealgate routes scan`")
}

fn only_at_run_time(route: &Route) -> Finding {
    let name = route.key().to_string();
    let why = match &route.file {
        Some(file) if file.starts_with('/') => "an installed package adds it".to_owned(),
        None => "the framework, or code that is made at run time, adds it".to_owned(),
        Some(_) => "it is added in a way that the scan does not follow".to_owned(),
    };
    let covered = route.evidence.is_gated() || route.evidence == Evidence::Public;
    let severity = if covered {
        Severity::Note
    } else {
        Severity::Warning
    };
    finding(
        &rules::ONLY_AT_RUN_TIME,
        severity,
        format!("`{name}` is there at run time and not in the source: {why}"),
        Some(route.key()),
    )
    .at(route.place())
    .hinting("hold the running application to the lock file, and not only its source: `sealgate routes check --lens inspect`")
}

fn only_in_source(app: &str, route: &Route) -> Finding {
    let mut finding = finding(
        &rules::ONLY_IN_SOURCE,
        Severity::Note,
        format!(
            "`{}` is in the source and not there at run time: it is likely added under a condition that does not hold here",
            route.key()
        ),
        Some(RouteKey {
            app: app.to_owned(),
            ..route.key()
        }),
    )
    .at(route.place());
    finding.via.clone_from(&route.via);
    finding
}

/// What one side knows of the gates of a route and the other does not.
fn gates(live: &Route, source: &Route) -> Vec<Finding> {
    let lacking = |of: &[Gate], other: &[Gate]| -> Vec<Gate> {
        let gates = of
            .iter()
            .filter(|gate| !other.iter().any(|one| same(gate, one)));
        gates.cloned().collect()
    };
    // What runs and was not found to be a gate is told of with its route, and is not gone.
    let runs = |gate: &Gate| {
        live.dependencies
            .iter()
            .any(|one| complete::is_one(one, gate))
    };
    let mut gone = lacking(&source.gates, &live.gates);
    gone.retain(|gate| !runs(gate));
    let more = lacking(&live.gates, &source.gates);
    let name = live.key().to_string();
    let mut findings = Vec::new();
    if !gone.is_empty() {
        findings.push(gone_at_run_time(live, source, &name, &gone));
    }
    if !more.is_empty() {
        let message = format!(
            "{} before `{name}` is seen at run time and not in the source: it is added in a way that the scan does not follow",
            listed(&more)
        );
        let key = Some(live.key());
        findings.push(finding(&rules::GATE_DIFFERS, Severity::Note, message, key).at(live.place()));
    }
    findings
}

fn gone_at_run_time(live: &Route, source: &Route, name: &str, gone: &[Gate]) -> Finding {
    // The body of a handler is not part of what a running application tells.
    let inside = |gate: &Gate| matches!(gate.placement, Placement::Handler | Placement::Decorator);
    let (severity, why) = if gone.iter().all(inside) {
        (
            Severity::Note,
            "a running application does not show what its handlers do; a probe does",
        )
    } else if live.evidence != Evidence::Open {
        (
            Severity::Warning,
            "it is likely put there under a condition, or overridden",
        )
    } else {
        (
            Severity::Error,
            "nothing stands before the route that runs; the gate is likely put there under a condition, or overridden",
        )
    };
    let message = format!(
        "{} before `{name}` is in the source and not there at run time: {why}",
        listed(gone)
    );
    let mut finding = finding(&rules::GATE_DIFFERS, severity, message, Some(live.key()))
        .at(live.place().or_else(|| source.place()));
    finding.via.clone_from(&source.via);
    finding
}

/// Whether it is the same gate. Modules can have two names, but a callable is written in one place.
fn same(one: &Gate, other: &Gate) -> bool {
    one.name == other.name || (one.place.is_some() && one.place == other.place)
}

fn listed(gates: &[Gate]) -> String {
    let names: Vec<String> = gates
        .iter()
        .map(|gate| format!("`{}`", gate.name))
        .collect();
    names.join(", ")
}

fn finding(rule: &Rule, severity: Severity, message: String, route: Option<RouteKey>) -> Finding {
    Finding {
        rule: rule.id.to_owned(),
        severity,
        message,
        place: None,
        route,
        hint: None,
        via: Vec::new(),
        sibling: None,
    }
}

impl Finding {
    fn at(mut self, place: Option<crate::Place>) -> Self {
        self.place = place;
        self
    }

    fn hinting(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }
}
