//! A running application against what was reviewed of it: what its own gate asks when it starts, and again
//! whenever its routes change.
//!
//! It asks less than [`crate::drift`] does, and needs no clock and no configuration. A route that asks for more
//! than before, an entry without a route, another reason for being public: all of this lets nobody in.

use std::collections::BTreeSet;

use crate::drift::weaker;
use crate::lock::{Entry, LockFile};
use crate::{Evidence, Inventory, Lens, Methods, Route, Rule, rules};

/// What the names of Sealgate's own gates begin with.
const OWN: &str = "sealgate:";

/// A route that is not as it was reviewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreviewed {
    /// Its path.
    pub path: String,
    /// Its methods, as the lock file writes them.
    pub methods: Methods,
    /// The rule that it breaks.
    pub rule: &'static str,
    /// What is wrong with it, in one sentence without a full stop.
    pub message: String,
}

/// The routes of a running application behind Sealgate's gate that the lock file lacks, or has with more asked.
/// `app` is what the lock file calls the application.
pub fn unreviewed(lock: &LockFile, app: &str, live: &Inventory) -> Vec<Unreviewed> {
    let around: BTreeSet<&str> = live
        .apps
        .iter()
        .flat_map(|app| &app.middleware)
        .map(|one| one.name.as_str())
        .collect();
    let judged = live.routes.iter().filter_map(|route| {
        let methods = Methods::of(route);
        let (rule, message) = judge(lock, app, route, &methods, &around)?;
        Some(Unreviewed {
            path: route.path.clone(),
            methods,
            rule: rule.id,
            message,
        })
    });
    judged.collect()
}

fn judge(
    lock: &LockFile,
    app: &str,
    route: &Route,
    methods: &Methods,
    around: &BTreeSet<&str>,
) -> Option<(&'static Rule, String)> {
    let name = format!("{methods} {}", route.path);
    let entries = lock.at(app, &route.path);
    let exact = entries.iter().find(|entry| entry.methods == *methods);
    if let Some(entry) = exact {
        return against(lock, entry, route, &name, around);
    }
    for method in methods.each() {
        let covering = entries.iter().filter(|entry| entry.methods.cover(method));
        // Of two that speak of the method, the one that asks for more.
        let strictest =
            covering.max_by_key(|entry| (entry.class, entry.evidence, entry.strength.level));
        let Some(entry) = strictest else {
            let message = match (route.evidence, route.reason.as_deref()) {
                (Evidence::Public, Some(reason)) => format!("it is new, and public: {reason}"),
                (Evidence::Public | Evidence::Open, _) => "it is new, and open".to_owned(),
                _ => "it is new".to_owned(),
            };
            return Some((
                &rules::NEW_ROUTE,
                format!("`{name}` is not in {}: {message}", lock.file),
            ));
        };
        if let Some(found) = against(lock, entry, route, &name, around) {
            return Some(found);
        }
    }
    None
}

fn against(
    lock: &LockFile,
    entry: &Entry,
    route: &Route,
    name: &str,
    around: &BTreeSet<&str>,
) -> Option<(&'static Rule, String)> {
    if entry.is_public() || !entry.evidence.is_gated() {
        return None;
    }
    let was = crate::lock::requirement::text(&entry.strength);
    if !route.evidence.is_gated() {
        let now = match (route.evidence, route.reason.as_deref()) {
            (Evidence::Public, Some(reason)) => format!("is public now: {reason}"),
            (_, Some(reason)) => format!("is open now: {reason}"),
            (_, None) => "is open now".to_owned(),
        };
        let message = format!("`{name}` asked for `{was}`, and {now}");
        return Some((&rules::LOST_GATE, message));
    }
    let (own, others): (Vec<&str>, Vec<&str>) = entry
        .gates
        .iter()
        .map(String::as_str)
        .partition(|gate| gate.starts_with(OWN));
    let mut here: BTreeSet<&str> = route.gates.iter().map(|gate| gate.name.as_str()).collect();
    here.extend(route.dependencies.iter().map(|one| one.name.as_str()));
    here.extend(around);
    // From source gates may be known by other names than a running application has for them.
    let gone = others
        .iter()
        .find(|gate| lock.lens != Lens::Scan && !here.contains(*gate));
    if let Some(gone) = gone {
        let message = format!("`{name}` was behind `{gone}`, and is not now");
        return Some((&rules::LOST_GATE, message));
    }
    // What gates ask for that are not Sealgate's, a running application cannot tell. Where they are all there,
    // and so are Sealgate's, what is missing is theirs.
    if !others.is_empty() && own.iter().all(|gate| here.contains(gate)) {
        return None;
    }
    let less = weaker(&entry.strength, &route.strength);
    if less.is_empty() {
        return None;
    }
    let message = format!("`{name}` asks for less than `{was}`: {}", less.join("; "));
    Some((&rules::WEAKER_GATE, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{admin, route, user};
    use crate::{Callable, Config, Placement, lock};

    fn live(routes: Vec<Route>) -> Inventory {
        let mut live = Inventory::new(Lens::Inspect, "main:app");
        live.routes = routes;
        live
    }

    fn gated(methods: &str, path: &str, name: &str, strength: &crate::Strength) -> Route {
        let route = route(methods, path).behind(name, strength);
        route.known(Evidence::Gated, None)
    }

    fn locked(routes: Vec<Route>) -> LockFile {
        lock::renew(&live(routes), None, &Config::default())
    }

    fn told(lock: &LockFile, routes: Vec<Route>) -> Vec<String> {
        let found = unreviewed(lock, "main:app", &live(routes));
        found
            .into_iter()
            .map(|one| format!("{}: {}", one.rule, one.message))
            .collect()
    }

    fn reviewed() -> LockFile {
        locked(vec![
            gated("GET,POST", "/things", "sealgate:Gate.user", &user()),
            gated("DELETE", "/things", "sealgate:Gate.user", &admin()),
            route("GET", "/health").known(Evidence::Public, Some("load balancers ask")),
            gated("GET", "/report", "app.auth:require_admin", &admin()),
        ])
    }

    #[test]
    fn what_is_as_reviewed_or_asks_for_more_is_fine() {
        let same = vec![
            gated("GET,HEAD", "/things", "sealgate:Gate.user", &user()),
            gated("POST", "/things", "sealgate:Gate.user", &admin()),
            route("GET", "/health").known(Evidence::Public, Some("another reason")),
        ];
        assert_eq!(told(&reviewed(), same), Vec::<String>::new());
        let gated = vec![gated("GET", "/health", "sealgate:Gate.user", &user())];
        assert_eq!(told(&reviewed(), gated), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_as_reviewed_is_said_in_words() {
        let changed = vec![
            gated("PUT", "/things", "sealgate:Gate.user", &user()),
            route("GET", "/new").known(Evidence::Public, Some("why not")),
            route("WEBSOCKET", "/things").known(Evidence::Open, None),
            gated("DELETE", "/things", "sealgate:Gate.user", &user()),
            gated("DELETE,GET", "/things", "sealgate:Gate.user", &user()),
            route("*", "/things").known(Evidence::Public, Some("everybody")),
            route("GET", "/things").known(Evidence::Public, Some("everybody")),
            route("GET", "/things").known(Evidence::Open, None),
            gated("GET", "/report", "sealgate:Gate.user", &user()),
        ];
        insta::assert_snapshot!(told(&reviewed(), changed).join("\n"));
    }

    #[test]
    fn gates_that_are_not_sealgates_are_known_by_their_names() {
        let mut there = gated("GET", "/report", "sealgate:Gate", &user());
        there.dependencies.push(Callable {
            name: "app.auth:require_admin".to_owned(),
            placement: Placement::Route,
            place: None,
            scopes: Vec::new(),
            held: std::collections::BTreeMap::new(),
        });
        assert_eq!(told(&reviewed(), vec![there.clone()]), Vec::<String>::new());
        // It is not there: then neither what it asks for.
        there.dependencies.clear();
        assert_eq!(told(&reviewed(), vec![there]).len(), 1);
    }

    #[test]
    fn the_name_is_that_of_the_lock_file() {
        let mine = vec![gated("GET", "/things", "sealgate:Gate.user", &user())];
        assert_eq!(unreviewed(&reviewed(), "other:app", &live(mine)).len(), 1);
    }
}
