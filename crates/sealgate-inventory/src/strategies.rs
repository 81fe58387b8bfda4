//! Inventories at random, for property tests.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use crate::fixtures::{route, scanned};
use crate::{Actor, Evidence, Inventory, Level, Route, Strength};

/// Any strength, with words that are hard to write down.
pub(crate) fn strength() -> impl Strategy<Value = Strength> {
    let word = prop_oneof!["[a-z:]{1,6}", "\\PC{0,6}", "[a', ]{0,4}"];
    let words = btree_set(word, 0..3);
    let actor = prop_oneof![Just(Actor::User), Just(Actor::Machine), Just(Actor::Agent)];
    let level = prop_oneof![
        Just(Level::None),
        Just(Level::User),
        Just(Level::Privileged)
    ];
    (
        level,
        btree_set(actor, 0..3),
        words.clone(),
        words.clone(),
        words.clone(),
        words,
    )
        .prop_map(|(level, actors, scopes, roles, any_of, more)| Strength {
            level,
            actors,
            scopes,
            roles,
            any_of,
            more,
        })
}

/// A route behind gates of different names, or open, unresolved or public.
pub(crate) fn any_route() -> impl Strategy<Value = Route> {
    let methods = prop_oneof![
        Just("GET"),
        Just("POST"),
        Just("GET,HEAD"),
        Just("DELETE,GET"),
        Just("*"),
        Just("WEBSOCKET")
    ];
    let path = prop_oneof![
        "(/[a-c]){1,3}",
        "(/[a-z{}<>\"\\\\. é]{1,6}){0,3}",
        "\\PC{0,8}"
    ];
    let gates = vec((strength(), "[a-z]{1,5}:[A-Za-z_.]{1,8}"), 0..4);
    let otherwise = prop_oneof![
        Just((Evidence::Open, None)),
        Just((Evidence::Unresolved, Some("a loop"))),
        Just((Evidence::Public, Some("load balancers ask"))),
    ];
    (methods, path, gates, otherwise).prop_map(|(methods, path, gates, (evidence, reason))| {
        let route = route(methods, &path);
        if gates.is_empty() {
            return route.known(evidence, reason);
        }
        let gates = gates.into_iter().enumerate();
        gates.fold(route, |route, (at, (strength, name))| {
            route.behind(&format!("{name}{at}"), &strength)
        })
    })
}

/// What a scan saw, each way in once.
pub(crate) fn inventory() -> impl Strategy<Value = Inventory> {
    vec(any_route(), 0..8).prop_map(|mut routes| {
        let mut seen = std::collections::BTreeSet::new();
        routes.retain(|route| seen.insert(route.path.clone()));
        scanned(routes)
    })
}
