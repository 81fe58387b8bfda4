//! What holds for every inventory.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::strategies;

/// The route without one of its gates.
fn without(route: &Route, at: Index) -> Route {
    let mut gates = route.gates.clone();
    gates.remove(at.index(gates.len()));
    let mut bare = route.clone();
    bare.gates = Vec::new();
    bare.strength = Strength::default();
    bare.evidence = Evidence::Open;
    gates
        .iter()
        .fold(bare, |route, gate| route.behind(&gate.name, &gate.strength))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_inventory_is_as_its_lock_file_says(inventory in strategies::inventory()) {
        let mut lock = renew(&inventory, None, &Config::default());
        declare(&mut lock);
        let lock = read(&lock.to_text()).unwrap();
        let findings = compared(&lock, &inventory);
        prop_assert!(findings.is_empty(), "{}\n{}", told(&findings), lock.to_text());
        // Nor does renewing it undo what was declared.
        let again = renew(&inventory, Some(&lock), &Config::default());
        prop_assert_eq!(again.to_text(), lock.to_text());
    }

    #[test]
    fn without_declarations_every_open_route_is_found(inventory in strategies::inventory()) {
        let lock = lock_of(&inventory);
        let findings = compared(&lock, &inventory);
        for route in &inventory.routes {
            if matches!(route.evidence, Evidence::Open | Evidence::Unresolved) {
                let key = route.key();
                prop_assert!(findings.iter().any(|finding| finding.route.as_ref() == Some(&key)));
            }
        }
    }

    #[test]
    fn removing_any_gate_is_found(inventory in strategies::inventory(), of: Index, at: Index) {
        let gated: Vec<usize> = (0..inventory.routes.len())
            .filter(|at| !inventory.routes[*at].gates.is_empty())
            .collect();
        prop_assume!(!gated.is_empty());
        let mut lock = lock_of(&inventory);
        declare(&mut lock);
        let mut changed = inventory.clone();
        let route = &mut changed.routes[gated[of.index(gated.len())]];
        *route = without(route, at);
        let key = route.key();
        let open = route.gates.is_empty();
        let findings = compared(&lock, &changed);
        let about: Vec<&Finding> = findings
            .iter()
            .filter(|finding| finding.route.as_ref() == Some(&key))
            .collect();
        prop_assert!(about.iter().any(|finding| finding.severity > Severity::Note));
        prop_assert!(!open || about.iter().any(|finding| finding.rule == "lost-gate"));
        // Renewing the lock file does not make an open route pass.
        let again = renew(&changed, Some(&lock), &Config::default());
        let findings = compared(&again, &changed);
        prop_assert!(!open || findings.iter().any(|finding| finding.severity == Severity::Error));
    }

    #[test]
    fn dropping_any_role_or_scope_is_a_weaker_gate(
        strength in strategies::strength(), of: Index, role: bool,
    ) {
        let words = if role { &strength.roles } else { &strength.scopes };
        prop_assume!(!words.is_empty());
        let word = words.iter().nth(of.index(words.len())).unwrap().clone();
        let kind = if role { "role" } else { "scope" };
        prop_assume!(!strength.any_of.contains(&format!("{kind}:{word}")));
        let mut less = strength.clone();
        if role { less.roles.remove(&word) } else { less.scopes.remove(&word) };
        let lock = lock_of(&scanned(vec![route("GET", "/a").behind("a:b", &strength)]));
        let findings = compared(&lock, &scanned(vec![route("GET", "/a").behind("a:b", &less)]));
        prop_assert!(ids(&findings).contains(&"weaker-gate"));
    }

    #[test]
    fn any_new_route_is_found(inventory in strategies::inventory(), new in strategies::any_route()) {
        prop_assume!(inventory.routes.iter().all(|route| route.path != new.path));
        let mut lock = lock_of(&inventory);
        declare(&mut lock);
        let mut changed = inventory.clone();
        let key = new.key();
        changed.routes.push(new);
        changed.sort();
        let findings = compared(&lock, &changed);
        let mut new = findings.iter().filter(|finding| finding.rule == "new-route");
        prop_assert!(new.any(|finding| finding.route.as_ref() == Some(&key)));
    }
}
