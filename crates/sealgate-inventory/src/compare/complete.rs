//! What the source alone can say of a route that runs.

use super::pairs::pairs;
use super::{counterpart, names, of_app};
use crate::{Callable, Evidence, Gate, Inventory, Placement, Route, Strength};

/// Adds to `live`, an inventory of a running application, what only `source` shows of the same routes: the way to
/// them, a declaration that they are public, which of the callables before them are gates, and gates in handlers and
/// in decorators around them. A running application tells what runs, and not what it does.
///
/// Nothing becomes a gate that does not run: each is one of the callables that the application itself named.
pub fn complete(live: &mut Inventory, source: &Inventory) {
    let mut added: Vec<(usize, Addition)> = Vec::new();
    for app in names(live) {
        let Some(other) = counterpart(app, live, source) else {
            continue;
        };
        let mine: Vec<usize> = (0..live.routes.len())
            .filter(|index| live.routes[*index].app == app)
            .collect();
        let routes = of_app(live, app);
        for (route, twin) in pairs(&routes, &of_app(source, other)).both {
            let place = routes.iter().position(|one| std::ptr::eq(*one, route));
            if let Some(index) = place.and_then(|place| mine.get(place)) {
                let middleware = live.apps.iter().find(|one| one.name == app);
                let middleware = middleware.map_or(&[][..], |one| &one.middleware);
                added.push((*index, Addition::of(route, twin, middleware)));
            }
        }
    }
    for (index, addition) in added {
        addition.put(&mut live.routes[index]);
    }
}

/// What is added to one route.
struct Addition {
    via: Vec<crate::Step>,
    /// Whether it is public.
    public: bool,
    /// Why it is.
    reason: Option<String>,
    gates: Vec<Gate>,
    /// Whether one of the gates is seen to run.
    runs: bool,
    /// What the source knows of the route.
    evidence: Evidence,
    /// What the gates that run ask for besides, by their source.
    stronger: Vec<(String, Strength)>,
}

impl Addition {
    fn of(route: &Route, twin: &Route, middleware: &[Callable]) -> Self {
        let known = route.evidence.is_gated() || route.evidence == Evidence::Public;
        // Another handler at the same path may check nothing.
        let same = route.endpoint.is_some() && route.endpoint == twin.endpoint;
        let inside = |gate: &&Gate| {
            matches!(gate.placement, Placement::Handler | Placement::Decorator)
                && !route.gates.iter().any(|one| super::same(one, gate))
        };
        let mut gates: Vec<Gate> = twin
            .gates
            .iter()
            .filter_map(|gate| {
                let mut callables = route.dependencies.iter().chain(middleware);
                // One that was judged by what it was made with does not do what its source alone promises.
                let callable = callables
                    .find(|callable| callable.held.is_empty() && is_one(callable, gate))?;
                Some(Gate {
                    placement: callable.placement,
                    ..gate.clone()
                })
            })
            .filter(|_| !known)
            .collect();
        let runs = !gates.is_empty();
        if same {
            gates.extend(twin.gates.iter().filter(inside).cloned());
        }
        Self {
            via: twin.via.clone(),
            public: !known && same && twin.evidence == Evidence::Public,
            reason: twin.reason.clone(),
            gates,
            runs,
            evidence: twin.evidence,
            stronger: if known && same {
                stronger(route, twin)
            } else {
                Vec::new()
            },
        }
    }

    fn put(self, route: &mut Route) {
        if route.via.is_empty() {
            route.via = self.via;
        }
        if self.public {
            route.evidence = Evidence::Public;
            route.reason = self.reason;
        }
        for (name, strength) in self.stronger {
            if let Some(gate) = route.gates.iter_mut().find(|gate| gate.name == name) {
                gate.strength = std::mem::take(&mut gate.strength).and(&strength);
            }
            route.strength = std::mem::take(&mut route.strength).and(&strength);
        }
        if self.gates.is_empty() {
            return;
        }
        if !route.evidence.is_gated() && self.evidence.is_gated() {
            route.evidence = if self.runs {
                Evidence::Gated
            } else {
                self.evidence
            };
            route.reason = None;
        }
        for gate in self.gates {
            route.strength = std::mem::take(&mut route.strength).and(&gate.strength);
            route.gates.push(gate);
        }
    }
}

/// What the source knows of the gates that run before the same handler. An application that runs does not tell the
/// roles that an object was made with: they may be secrets. Where fewer run than there are in the source, it is not
/// known which.
fn stronger(route: &Route, twin: &Route) -> Vec<(String, Strength)> {
    let mut told = Vec::new();
    // Sealgate's own tell all that they ask for.
    let foreign = |gate: &&Gate| !gate.name.starts_with("sealgate:");
    for gate in route.gates.iter().filter(foreign) {
        let runs = route
            .dependencies
            .iter()
            .filter(|callable| is_one(callable, gate))
            .count();
        let mut written = twin.gates.iter().filter(|other| same_gate(gate, other));
        if runs > 0 && written.clone().count() == runs {
            let first = written
                .next()
                .map(|gate| gate.strength.clone())
                .unwrap_or_default();
            let whole = written.fold(first, |all, other| all.and(&other.strength));
            told.push((gate.name.clone(), whole));
        }
    }
    told
}

fn same_gate(gate: &Gate, other: &Gate) -> bool {
    super::same(gate, other) || (gate.place.is_some() && gate.place == other.place)
}

/// Whether the callable that runs is the gate that was read.
pub(super) fn is_one(callable: &Callable, gate: &Gate) -> bool {
    callable.name == gate.name || (callable.place.is_some() && callable.place == gate.place)
}
