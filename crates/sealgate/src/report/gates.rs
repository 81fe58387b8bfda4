//! Gates: who follows the feed, and what each reports of itself.

use std::collections::BTreeMap;

use sealgate_audit::gate::{Agreement, Coverage, WhenStale};
use sealgate_report::{GateFact, PublicRoute, RouteFacts};
use sealgate_server::admin::{
    FeedGates, GateRoute, GateState, ReportedGate, ReportedGateShown, ReportedGates, ReportedState,
};

use crate::door::Door;
use crate::failure::Failure;

/// A gate is one however many workers it has.
type Name = (String, String);

/// Everybody who follows the feed, each with what it reports of itself.
pub(super) async fn gates(door: &Door) -> Result<Vec<GateFact>, Failure> {
    let following: FeedGates = door.get("/feed/gates", &[]).await?;
    let reported: ReportedGates = door.get("/gates", &[]).await?;
    let mut all: BTreeMap<Name, GateFact> = BTreeMap::new();
    for gate in following.gates {
        if gate.state == GateState::Gone {
            continue;
        }
        let name = gate.gate.unwrap_or_else(|| "without a name".to_owned());
        let key = (gate.client.to_string(), name);
        let bound = gate.bound;
        let fact = all
            .entry(key.clone())
            .or_insert_with(|| unreported(key, bound));
        fact.bound = fact.bound.max(bound);
        fact.heard_at = Some(following.at);
    }
    for gate in &reported.gates {
        if gate.state != ReportedState::Live {
            continue;
        }
        let key = (gate.client.to_string(), gate.gate.clone());
        let fact = all
            .entry(key.clone())
            .or_insert_with(|| unreported(key, None));
        let is_first = fact.version.is_none();
        add(fact, gate, is_first);
        if is_first && gate.table.is_some() {
            fact.routes = routes(door, gate).await?;
        }
    }
    Ok(all.into_values().collect())
}

fn unreported((client, name): Name, bound: Option<u64>) -> GateFact {
    GateFact {
        client,
        name,
        version: None,
        policy_version: None,
        bound,
        on_stale: None,
        heard_at: None,
        routes: None,
    }
}

/// What one worker reports. Of several the least favourable counts.
fn add(fact: &mut GateFact, gate: &ReportedGate, is_first: bool) {
    let version = gate.policy.as_ref().map(|policy| policy.version);
    fact.policy_version = match (is_first, fact.policy_version, version) {
        (true, _, version) => version,
        (false, Some(before), Some(version)) => Some(before.min(version)),
        (false, _, _) => None,
    };
    let on_stale = match gate.on_stale {
        WhenStale::Deny => "deny",
        WhenStale::Introspect => "introspect",
        WhenStale::Allow => "allow",
    };
    if is_first || on_stale == "allow" {
        fact.on_stale = Some(on_stale.to_owned());
    }
    fact.version = Some(gate.version.clone());
    fact.bound = fact.bound.max(Some(gate.bound));
    fact.heard_at = fact.heard_at.max(Some(gate.last_seen));
}

/// The routes of a gate, with those that are public by name.
async fn routes(door: &Door, gate: &ReportedGate) -> Result<Option<RouteFacts>, Failure> {
    let Some(table) = &gate.table else {
        return Ok(None);
    };
    let name: String = url::form_urlencoded::byte_serialize(gate.gate.as_bytes()).collect();
    let query = [("client", Some(gate.client.to_string()))];
    let shown: ReportedGateShown = door.get(&format!("/gates/{name}"), &query).await?;
    let listed = shown
        .tables
        .into_iter()
        .find(|one| one.client == gate.client && one.digest == table.digest)
        .map(|one| one.routes);
    let differs = |gate: &ReportedGate| {
        gate.table
            .as_ref()
            .is_some_and(|table| table.agreement == Agreement::Differs)
    };
    let number = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    Ok(Some(RouteFacts {
        total: number(table.routes),
        gated: number(table.gated),
        public: public(listed.unwrap_or_default()),
        // What nobody marked is closed to strangers, and what is open without a reason is not: neither was said.
        unmarked: number(table.unmarked).saturating_add(number(table.open)),
        unresolved: number(table.unresolved),
        as_reviewed: match table.agreement {
            _ if shown.gates.iter().any(differs) => Some(false),
            Agreement::Agrees => Some(true),
            Agreement::Differs => Some(false),
            Agreement::NoLockFile | Agreement::Unknown => None,
        },
    }))
}

fn public(routes: Vec<GateRoute>) -> Vec<PublicRoute> {
    routes
        .into_iter()
        .filter(|route| route.coverage == Coverage::Public)
        .map(|route| PublicRoute {
            route: format!("{} {}", route.methods, route.template),
            reason: Some(route.detail).filter(|reason| !reason.is_empty()),
        })
        .collect()
}
