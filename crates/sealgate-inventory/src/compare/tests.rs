//! Each difference and what is said of it.

use super::{compare, complete};
use crate::{
    Callable, Evidence, Finding, Gate, Inventory, Kind, Lens, Place, Placement, Route, Strength,
};

fn gate(name: &str, placement: Placement) -> Gate {
    Gate {
        name: name.to_owned(),
        placement,
        strength: Strength::default(),
        place: None,
    }
}

fn route(method: &str, path: &str) -> Route {
    Route {
        app: "main:app".to_owned(),
        path: path.to_owned(),
        methods: vec![method.to_owned()],
        kind: Kind::Http,
        endpoint: Some(format!("main:{}", path.trim_matches('/'))),
        file: Some("main.py".to_owned()),
        line: Some(7),
        evidence: Evidence::Open,
        gates: Vec::new(),
        strength: Strength::default(),
        reason: None,
        dependencies: Vec::new(),
        risk: Vec::new(),
        via: Vec::new(),
    }
}

fn gated(mut route: Route, gates: Vec<Gate>) -> Route {
    route.evidence = Evidence::Gated;
    route.gates = gates;
    route
}

fn inventory(lens: Lens, routes: Vec<Route>) -> Inventory {
    Inventory {
        routes,
        ..Inventory::new(lens, "main:app")
    }
}

fn compared(live: Vec<Route>, source: Vec<Route>) -> Vec<Finding> {
    compare(
        &inventory(Lens::Inspect, live),
        &inventory(Lens::Scan, source),
    )
}

fn told(findings: &[Finding]) -> String {
    let line = |one: &Finding| format!("{}[{}] {}", one.severity.as_str(), one.rule, one.message);
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_same_routes_with_the_same_gates_are_no_finding() {
    let user = || vec![gate("auth:user", Placement::Dependency)];
    let mut head = gated(route("GET", "/a/{id:int}"), user());
    head.methods.push("HEAD".to_owned());
    assert_eq!(
        compared(vec![head], vec![gated(route("GET", "/a/{id}"), user())]),
        []
    );
}

#[test]
fn a_route_of_one_side_is_told_with_the_likely_reason() {
    let mut package = route("POST", "/hook");
    package.file = Some("/site-packages/hook.py".to_owned());
    let mut made = route("GET", "/metrics");
    made.file = None;
    let shown = gated(
        route("GET", "/late"),
        vec![gate("auth:user", Placement::App)],
    );
    let both = route("GET", "/");
    let findings = compared(
        vec![both.clone(), package, made, shown],
        vec![both, route("GET", "/debug")],
    );
    insta::assert_snapshot!(told(&findings), @r"
    warning[only-at-run-time] `POST /hook` is there at run time and not in the source: an installed package adds it
    warning[only-at-run-time] `GET /metrics` is there at run time and not in the source: the framework, or code that is made at run time, adds it
    note[only-at-run-time] `GET /late` is there at run time and not in the source: it is added in a way that the scan does not follow
    note[only-in-source] `GET /debug` is in the source and not there at run time: it is likely added under a condition that does not hold here
    ");
}

#[test]
fn a_gate_of_one_side_is_told_and_is_worst_where_nothing_else_stands() {
    let user = gate("auth:user", Placement::Router);
    let admin = gate("auth:admin", Placement::Route);
    let inside = gate("main:check", Placement::Handler);
    let findings = compared(
        vec![
            route("GET", "/lost"),
            gated(route("GET", "/weaker"), vec![user.clone()]),
            gated(route("GET", "/more"), vec![user.clone()]),
            route("GET", "/inside"),
        ],
        vec![
            gated(route("GET", "/lost"), vec![user.clone()]),
            gated(route("GET", "/weaker"), vec![user, admin]),
            route("GET", "/more"),
            gated(route("GET", "/inside"), vec![inside]),
        ],
    );
    insta::assert_snapshot!(told(&findings), @r"
    error[gate-differs] `auth:user` before `GET /lost` is in the source and not there at run time: nothing stands before the route that runs; the gate is likely put there under a condition, or overridden
    warning[gate-differs] `auth:admin` before `GET /weaker` is in the source and not there at run time: it is likely put there under a condition, or overridden
    note[gate-differs] `auth:user` before `GET /more` is seen at run time and not in the source: it is added in a way that the scan does not follow
    note[gate-differs] `main:check` before `GET /inside` is in the source and not there at run time: a running application does not show what its handlers do; a probe does
    ");
}

#[test]
fn a_prefix_that_the_source_does_not_know_is_no_difference() {
    let live = Route {
        path: "/v2/a".to_owned(),
        ..route("GET", "/a")
    };
    let source = Route {
        path: "<settings.PREFIX>/a".to_owned(),
        ..route("GET", "/a")
    };
    assert_eq!(compared(vec![live], vec![source]), []);
}

#[test]
fn a_gate_whose_module_has_two_names_is_one_gate() {
    let place = Place {
        file: "auth.py".to_owned(),
        line: 3,
    };
    let at = |name: &str| {
        let mut gate = gate(name, Placement::Dependency);
        gate.place = Some(place.clone());
        gated(route("GET", "/a"), vec![gate])
    };
    assert_eq!(
        compared(vec![at("auth:user")], vec![at("src.auth:user")]),
        []
    );
}

#[test]
fn an_application_with_another_name_is_found_by_its_routes() {
    let factory = Route {
        app: "main:create_app()".to_owned(),
        ..route("GET", "/a")
    };
    let other = Route {
        app: "other:app".to_owned(),
        ..route("GET", "/b")
    };
    assert_eq!(
        compared(vec![route("GET", "/a")], vec![factory, other.clone()]),
        []
    );
    let findings = compared(vec![route("GET", "/a")], vec![other]);
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0]
            .message
            .contains("found no application like `main:app`")
    );
}

#[test]
fn what_only_the_source_tells_is_added_to_the_same_routes() {
    let inside = || vec![gate("main:check", Placement::Handler)];
    let public = Route {
        evidence: Evidence::Public,
        reason: Some("load balancers ask".to_owned()),
        ..route("GET", "/health")
    };
    let mut elsewhere = gated(route("GET", "/other"), inside());
    elsewhere.endpoint = Some("main:replaced".to_owned());
    let mut live = inventory(
        Lens::Inspect,
        vec![
            route("GET", "/a"),
            route("GET", "/health"),
            route("GET", "/other"),
        ],
    );
    let source = vec![gated(route("GET", "/a"), inside()), public, elsewhere];
    complete(&mut live, &inventory(Lens::Scan, source));
    let known: Vec<Evidence> = live.routes.iter().map(|route| route.evidence).collect();
    assert_eq!(known, [Evidence::Gated, Evidence::Public, Evidence::Open]);
    assert_eq!(live.routes[0].gates.len(), 1);
    assert_eq!(live.routes[1].reason.as_deref(), Some("load balancers ask"));
}

#[test]
fn a_gate_that_does_not_run_is_not_added() {
    let router = vec![gate("auth:user", Placement::Router)];
    let mut live = inventory(Lens::Inspect, vec![route("GET", "/a")]);
    let before = live.clone();
    let source = inventory(Lens::Scan, vec![gated(route("GET", "/a"), router)]);
    complete(&mut live, &source);
    assert_eq!(live, before);
}

#[test]
fn a_callable_that_runs_is_a_gate_if_its_source_says_so() {
    let user = gate("auth:user", Placement::Include);
    let mut running = route("GET", "/a");
    running.evidence = Evidence::Unresolved;
    running.dependencies = ["db:session", "auth:user"]
        .map(|name| Callable {
            name: name.to_owned(),
            placement: Placement::Route,
            place: None,
            scopes: Vec::new(),
            held: std::collections::BTreeMap::new(),
        })
        .to_vec();
    let mut live = inventory(Lens::Inspect, vec![running.clone()]);
    let source = inventory(Lens::Scan, vec![gated(route("GET", "/a"), vec![user])]);
    complete(&mut live, &source);
    assert_eq!(live.routes[0].evidence, Evidence::Gated);
    let gates: Vec<&str> = live.routes[0]
        .gates
        .iter()
        .map(|gate| gate.name.as_str())
        .collect();
    assert_eq!(gates, ["auth:user"]);
    assert_eq!(compare(&live, &source), []);

    // A dependency that replaces it is not it.
    running.dependencies.truncate(1);
    let mut live = inventory(Lens::Inspect, vec![running]);
    complete(&mut live, &source);
    assert_eq!(live.routes[0].evidence, Evidence::Unresolved);
    assert_eq!(compare(&live, &source)[0].rule, "gate-differs");
}
