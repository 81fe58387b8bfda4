//! Which routes are asked with everything, and which with what differs from route to route.
//!
//! Whether a gate takes a forged token does not depend on the route that it stands before. So of the routes that have
//! the very same gates, ask for the same and answer strangers the same, a few are asked with everything. The others
//! are asked too, with everything only if one of the few was not denied.

use std::collections::BTreeMap;

use sealgate_inventory::{Placement, Route};

use crate::answer::Verdict;
use crate::case::{Base, Case};
use crate::probe::{Outcome, Purpose};
use crate::settings::Settings;

/// How many routes behind the same gates are asked with everything.
const SAMPLE: usize = 3;

/// Whether a gate stands where it does the same for every route: not in a handler, nor around one.
fn is_shared(placement: Placement) -> bool {
    !matches!(placement, Placement::Handler | Placement::Decorator)
}

/// Whether a route's gates are known to be asked after it was found, so that another path to another route is not
/// decided about by what they make of the path.
pub(crate) fn is_routed_first(route: &Route) -> bool {
    let gates = || route.gates.iter();
    !route.gates.is_empty()
        && gates().all(|gate| is_shared(gate.placement) && gate.placement != Placement::Middleware)
}

/// For each case the group that it belongs to; none where its gates are not known.
pub(crate) fn groups(cases: &[Case], routes: &[Route], settings: &Settings) -> Vec<Option<usize>> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    cases
        .iter()
        .map(|case| {
            let key = key(case, &routes[case.route], settings)?;
            let next = known.len();
            Some(*known.entry(key).or_insert(next))
        })
        .collect()
}

fn key(case: &Case, route: &Route, settings: &Settings) -> Option<String> {
    if settings.thorough || case.base() != Base::Denied {
        return None;
    }
    let behind = settings.behind.get(&route.key());
    if route.gates.is_empty() && behind.is_none_or(std::collections::BTreeSet::is_empty) {
        return None;
    }
    if !route.gates.iter().all(|gate| is_shared(gate.placement)) {
        return None;
    }
    let gates: Vec<_> = route
        .gates
        .iter()
        .map(|gate| (&gate.name, gate.placement, &gate.strength))
        .collect();
    // The same class made with something else is another gate.
    let held: Vec<_> = route
        .dependencies
        .iter()
        .filter(|callable| route.gates.iter().any(|gate| gate.name == callable.name))
        .map(|callable| (&callable.name, &callable.scopes, &callable.held))
        .collect();
    let answers: Vec<_> = case
        .outcomes
        .iter()
        .filter(|one| matches!(one.purpose, Purpose::Baseline | Purpose::Filled))
        .map(|one| &one.answer)
        .collect();
    Some(format!(
        "{} {:?} {gates:?} {held:?} {behind:?} {:?} {answers:?}",
        route.app, route.kind, route.strength
    ))
}

/// Whether each case is asked with everything: all of which the gates are not known, and of every group the first,
/// the last and one between.
pub(crate) fn whole(groups: &[Option<usize>]) -> Vec<bool> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, group) in groups.iter().enumerate() {
        if let Some(group) = group {
            members.entry(*group).or_default().push(at);
        }
    }
    let mut whole: Vec<bool> = groups.iter().map(Option::is_none).collect();
    for members in members.values() {
        let last = members.len() - 1;
        for pick in 0..SAMPLE {
            whole[members[last * pick / (SAMPLE - 1)]] = true;
        }
    }
    whole
}

/// Whether an answer shows that a gate does not deny what does not depend on the route.
pub(crate) fn is_doubtful(outcome: &Outcome) -> bool {
    match outcome.purpose {
        Purpose::Garbage | Purpose::Forged => outcome.verdict != Verdict::Denied,
        Purpose::Host | Purpose::Header | Purpose::Path => outcome.verdict == Verdict::Open,
        _ => false,
    }
}
