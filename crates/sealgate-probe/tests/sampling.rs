//! Which routes are asked with everything, and which with what differs from route to route.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use sealgate_inventory::{Evidence, Gate, Inventory, Kind, Lens, Placement, Route, Strength};
use sealgate_probe::{Answer, Campaign, Identity, Leave, ProbeFile, Purpose, Request, Settings};

const ROUTES: usize = 20;

fn gate(name: &str, placement: Placement) -> Gate {
    Gate {
        name: name.to_owned(),
        placement,
        strength: Strength::default(),
        place: None,
    }
}

fn route(number: usize, gates: Vec<Gate>) -> Route {
    Route {
        app: "main:app".to_owned(),
        path: format!("/things/{number}"),
        methods: vec!["GET".to_owned()],
        kind: Kind::Http,
        endpoint: None,
        file: None,
        line: None,
        evidence: Evidence::Gated,
        gates,
        strength: Strength::default(),
        reason: None,
        dependencies: Vec::new(),
        risk: Vec::new(),
        via: Vec::new(),
    }
}

fn settings() -> Settings {
    Settings {
        leave: Leave::Every,
        ..Settings::new("localhost", *b"not random, and different bytes.")
    }
}

fn bob() -> Vec<Identity> {
    let text =
        r#"{"identity": [{"name": "bob", "kind": "revoked", "headers": {"X-Key": "${BOB}"}}]}"#;
    let file: ProbeFile = serde_json::from_str(text).unwrap();
    let written = file.identity.into_iter();
    written
        .map(|one| one.resolved(|_| Some("value-of-bob".to_owned())).unwrap())
        .collect()
}

/// Asks an application that has only these routes. By route: what for each of them was asked; and what it proves.
fn probe(
    routes: Vec<Route>,
    settings: Settings,
    app: impl Fn(&Request) -> u16,
) -> (BTreeMap<String, Vec<Purpose>>, Inventory) {
    let mut inventory = Inventory::new(Lens::Inspect, "main:app");
    inventory.routes = routes;
    let mut campaign = Campaign::new(inventory, settings);
    let mut asked: BTreeMap<String, Vec<Purpose>> = BTreeMap::new();
    loop {
        let stage = campaign.next_stage();
        if stage.is_empty() {
            return (asked, campaign.finish());
        }
        for probe in stage {
            let known = probe.request.path.starts_with("/things/")
                && probe.request.path.matches('/').count() == 2;
            let status = if known { app(&probe.request) } else { 404 };
            assert_eq!(campaign.answered(probe.id, &Answer::of(status)), None);
            asked
                .entry(probe.request.path)
                .or_default()
                .push(probe.purpose);
        }
    }
}

fn forged(asked: &BTreeMap<String, Vec<Purpose>>) -> usize {
    asked
        .values()
        .filter(|purposes| purposes.contains(&Purpose::Forged))
        .count()
}

fn behind(gate: &Gate) -> Vec<Route> {
    (0..ROUTES)
        .map(|number| route(number, vec![gate.clone()]))
        .collect()
}

#[test]
fn three_routes_behind_the_same_gates_are_asked_with_everything_and_all_with_garbage_and_those_who_are_known()
 {
    let settings = Settings {
        identities: bob(),
        ..settings()
    };
    let (asked, inventory) = probe(
        behind(&gate("auth:user", Placement::Route)),
        settings,
        |_| 401,
    );
    assert_eq!(forged(&asked), 3);
    for number in 0..ROUTES {
        let purposes = &asked[&format!("/things/{number}")];
        for wanted in [Purpose::Baseline, Purpose::Garbage] {
            assert!(purposes.contains(&wanted), "{number}: {wanted:?}");
        }
        assert!(
            purposes
                .iter()
                .any(|one| matches!(one, Purpose::Identity { .. })),
            "{number}"
        );
    }
    assert!(
        inventory
            .routes
            .iter()
            .all(|route| route.evidence == Evidence::Denied)
    );
    let notes: Vec<&str> = inventory
        .notes
        .iter()
        .map(|note| note.text.as_str())
        .collect();
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].starts_with("17 of 20 routes and methods have the gates of others"),
        "{}",
        notes[0]
    );
}

#[test]
fn what_one_of_the_three_takes_is_tried_at_all_of_them() {
    let takes_unsigned = |request: &Request| {
        let tokens = request
            .headers
            .iter()
            .filter(|header| header.name == "Authorization");
        let mut unsigned = tokens.filter(|header| header.shown.contains("<token"));
        if unsigned.next().is_some() { 200 } else { 401 }
    };
    let (asked, inventory) = probe(
        behind(&gate("auth:user", Placement::Route)),
        settings(),
        takes_unsigned,
    );
    assert_eq!(forged(&asked), ROUTES);
    let found: BTreeSet<&str> = inventory
        .findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect();
    assert_eq!(found, BTreeSet::from(["accepts-forged"]));
    assert_eq!(inventory.findings.len(), ROUTES);
    assert!(inventory.notes.is_empty());
}

#[test]
fn routes_whose_gates_are_not_known_or_not_the_same_are_asked_with_everything() {
    let unknown = (0..ROUTES)
        .map(|number| route(number, Vec::new()))
        .collect();
    let in_handlers = behind(&gate("auth:user", Placement::Handler));
    let different = (0..ROUTES)
        .map(|number| {
            route(
                number,
                vec![gate(&format!("auth:user_{number}"), Placement::Route)],
            )
        })
        .collect();
    for routes in [unknown, in_handlers, different] {
        let (asked, inventory) = probe(routes, settings(), |_| 401);
        assert_eq!(forged(&asked), ROUTES);
        assert!(inventory.notes.is_empty());
    }
}

#[test]
fn a_route_that_answers_strangers_otherwise_is_no_part_of_a_sample() {
    let odd = |request: &Request| {
        if request.path == "/things/7" {
            403
        } else {
            401
        }
    };
    let (asked, _) = probe(
        behind(&gate("auth:user", Placement::Route)),
        settings(),
        odd,
    );
    assert_eq!(forged(&asked), 4);
    assert!(asked["/things/7"].contains(&Purpose::Forged));
}

#[test]
fn on_demand_every_route_is_asked_with_everything() {
    let settings = Settings {
        thorough: true,
        ..settings()
    };
    let (asked, inventory) = probe(
        behind(&gate("auth:user", Placement::Route)),
        settings,
        |_| 401,
    );
    assert_eq!(forged(&asked), ROUTES);
    assert!(inventory.notes.is_empty());
}

#[test]
fn gates_that_a_lock_file_knows_count_as_well() {
    let routes: Vec<Route> = (0..ROUTES)
        .map(|number| route(number, Vec::new()))
        .collect();
    let gates = BTreeSet::from(["auth:user".to_owned()]);
    let behind = routes
        .iter()
        .map(|route| (route.key(), gates.clone()))
        .collect();
    let (asked, _) = probe(
        routes,
        Settings {
            behind,
            ..settings()
        },
        |_| 401,
    );
    assert_eq!(forged(&asked), 3);
}
