//! The routes behind the gate, as the control plane is told of them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use sealgate_gate::told::{
    Agreement, Coverage, ROUTES_MOST, RouteCounts, RouteTable, RouteTold, clipped, digest,
    worst_first,
};
use sealgate_inventory::{Evidence, Inventory, Kind, Route, lock};

/// What the gate is called that stands before a route which says nothing.
const UNMARKED: &str = "sealgate:Gate";

/// How the reason ends of a route that lets in those who are not signed in, too, as it was marked.
const OPTIONAL: &str = "gate.optional";

/// What stands behind a gate of an ASGI application.
pub(crate) const HOST: &str = "asgi";

/// The table of an inventory in JSON. `lock_digest` is that of the lock file, if there is one, and `differing` how
/// many routes are not as it has them, if that could be told.
pub(crate) fn table(
    inventory: &str,
    lock_digest: Option<String>,
    differing: Option<u32>,
) -> PyResult<RouteTable> {
    let inventory: Inventory = serde_json::from_str(inventory)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    let mut routes: Vec<RouteTold> = inventory.routes.iter().map(told).collect();
    let counts = counts(&routes);
    let digest = digest(&routes);
    if routes.len() > ROUTES_MOST {
        worst_first(&mut routes);
        routes.truncate(ROUTES_MOST);
    }
    let agreement = match (&lock_digest, differing) {
        (None, _) => Agreement::NoLockFile,
        (Some(_), None) => Agreement::Unknown,
        (Some(_), Some(0)) => Agreement::Agrees,
        (Some(_), Some(_)) => Agreement::Differs,
    };
    Ok(RouteTable {
        digest,
        lock_digest,
        agreement,
        differing: differing.unwrap_or(0),
        counts,
        routes: Some(routes),
    })
}

fn told(route: &Route) -> RouteTold {
    let reason = || route.reason.as_deref().unwrap_or_default().to_owned();
    let (coverage, detail) = match route.evidence {
        Evidence::Public => (Coverage::Public, reason()),
        // Somebody marked it so: it is no oversight, and not worth an alarm.
        Evidence::Open if reason().ends_with(OPTIONAL) => (Coverage::Public, reason()),
        Evidence::Open => (Coverage::Open, reason()),
        Evidence::Unresolved => (Coverage::Unresolved, reason()),
        Evidence::GatedStatic | Evidence::Gated | Evidence::Denied => {
            let is_unmarked = route.gates.iter().all(|gate| gate.name == UNMARKED);
            let coverage = if is_unmarked {
                Coverage::Unmarked
            } else {
                Coverage::Gated
            };
            (coverage, lock::requirement::text(&route.strength))
        }
    };
    RouteTold {
        methods: clipped(&route.methods_text()),
        template: clipped(&route.path),
        docs: route.kind == Kind::Docs,
        coverage,
        detail: clipped(&detail),
    }
}

fn counts(routes: &[RouteTold]) -> RouteCounts {
    let of = |fits: &dyn Fn(&RouteTold) -> bool| {
        let count = routes.iter().filter(|route| fits(route)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let covered = |coverage| of(&|route: &RouteTold| route.coverage == coverage);
    RouteCounts {
        routes: of(&|_| true),
        gated: covered(Coverage::Gated),
        unmarked: covered(Coverage::Unmarked),
        public: covered(Coverage::Public),
        open: covered(Coverage::Open),
        unresolved: covered(Coverage::Unresolved),
        docs: of(&|route| route.docs),
    }
}
