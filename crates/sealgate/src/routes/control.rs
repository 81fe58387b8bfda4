//! The negative control: what found nothing is tried on an application that has lost a gate. If it finds nothing there
//! either, it could not have found anything.

use std::collections::BTreeMap;

use sealgate_inventory::{
    Evidence, Gate, Inventory, Placement, Route, RouteKey, Severity, Strength,
};

use crate::failure::Failure;

/// Whether `judged`, which adds what it finds, sees in each application of `inventory` that a gate is gone.
pub(super) fn can_fail(
    inventory: &Inventory,
    judged: impl FnOnce(Inventory) -> Inventory,
) -> Result<(), Failure> {
    let chosen = chosen(inventory, |_| true);
    if chosen.is_empty() {
        return Ok(());
    }
    let told = judged(robbed(inventory, &chosen));
    seen(&chosen, &told)
}

/// The same from further back: the gates are taken out of `raw`, what the application itself said, of which `live` is
/// what it was judged to be.
pub(super) fn can_fail_from(
    raw: &Inventory,
    live: &Inventory,
    judged: impl FnOnce(Inventory) -> Result<Inventory, Failure>,
) -> Result<(), Failure> {
    // What stands in code or around everything is not taken away by taking it out of one route.
    let chosen = chosen(live, |gate| {
        !matches!(
            gate.placement,
            Placement::Handler | Placement::Decorator | Placement::Middleware
        )
    });
    if chosen.is_empty() {
        return Ok(());
    }
    let told = judged(robbed(raw, &chosen))?;
    seen(&chosen, &told)
}

/// For each application one route that has a gate, and only such as `fits` takes.
fn chosen(inventory: &Inventory, fits: impl Fn(&Gate) -> bool) -> Vec<RouteKey> {
    let mut chosen: BTreeMap<&str, RouteKey> = BTreeMap::new();
    for route in &inventory.routes {
        let gated = route.evidence.is_gated() && !route.gates.is_empty();
        if gated && route.gates.iter().all(&fits) {
            chosen.entry(&route.app).or_insert_with(|| route.key());
        }
    }
    chosen.into_values().collect()
}

/// `inventory` without what stands before the routes that were chosen.
fn robbed(inventory: &Inventory, chosen: &[RouteKey]) -> Inventory {
    let mut robbed = inventory.clone();
    let lost = robbed.routes.iter_mut();
    for route in lost.filter(|route| chosen.contains(&route.key())) {
        rob(route);
    }
    robbed
}

fn rob(route: &mut Route) {
    route.gates.clear();
    route.dependencies.clear();
    route.strength = Strength::default();
    // What was not judged yet is judged again, without what was taken away.
    if route.evidence.is_gated() {
        route.evidence = Evidence::Open;
        route.reason = None;
    }
}

/// Whether each of `chosen` is told of.
fn seen(chosen: &[RouteKey], told: &Inventory) -> Result<(), Failure> {
    let is_told = |key: &&RouteKey| {
        let findings = told.findings.iter();
        let failing = findings.filter(|finding| finding.severity > Severity::Note);
        let mut routes = failing.filter_map(|finding| finding.route.as_ref());
        routes.any(|route| (&route.app, &route.path) == (&key.app, &key.path))
    };
    let Some(missed) = chosen.iter().find(|key| !is_told(key)) else {
        return Ok(());
    };
    let said = format!(
        "the check cannot fail: with the gate of {missed} taken away in memory it still finds nothing"
    );
    Err(Failure::usage("routes_control_green", said)
        .with_hint("trust no green result of it, and report this with the application's source"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealgate_inventory::{Finding, Lens};

    fn inventory() -> Inventory {
        let route = serde_json::json!({
            "app": "main:app", "path": "/a", "methods": ["GET"], "kind": "http", "endpoint": null,
            "file": null, "line": null, "evidence": "GATED", "reason": null,
            "gates": [{"name": "auth:user", "placement": "route"}], "strength": {"level": "user"},
        });
        let mut inventory = Inventory::new(Lens::Inspect, "main:app");
        inventory.routes = vec![serde_json::from_value(route).unwrap()];
        inventory
    }

    #[test]
    fn a_check_that_sees_the_lost_gate_can_fail() {
        let judged = |mut inventory: Inventory| {
            let open = inventory
                .routes
                .iter()
                .any(|route| route.evidence == Evidence::Open);
            inventory.findings = open.then(finding).into_iter().collect();
            inventory
        };
        assert!(can_fail(&inventory(), judged).is_ok());
    }

    #[test]
    fn a_check_that_sees_nothing_is_not_believed() {
        let failure = can_fail(&inventory(), |inventory| inventory).unwrap_err();
        assert!(
            failure.text().contains("(routes_control_green)"),
            "{}",
            failure.text()
        );
        let from = can_fail_from(&inventory(), &inventory(), Ok);
        assert!(from.is_err());
        // Without a gate there is nothing to take away.
        let mut open = inventory();
        open.routes[0].evidence = Evidence::Open;
        assert!(can_fail(&open, |inventory| inventory).is_ok());
    }

    fn finding() -> Finding {
        Finding {
            rule: "open-route".to_owned(),
            severity: Severity::Error,
            message: "GET /a has no gate".to_owned(),
            place: None,
            route: Some(inventory().routes[0].key()),
            hint: None,
            via: Vec::new(),
            sibling: None,
        }
    }
}
