//! Whole probes against applications that are closures.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use sealgate_inventory::{Evidence, Inventory, Kind, Lens, Level, Route, Strength};
use sealgate_probe::{
    Answer, Campaign, Channel, Document, Identity, Leave, ProbeFile, Purpose, Request, Settings,
};

const SEED: [u8; 32] = *b"not random, and different bytes.";

fn route(methods: &[&str], path: &str) -> Route {
    Route {
        app: "main:app".to_owned(),
        path: path.to_owned(),
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
        kind: Kind::Http,
        endpoint: None,
        file: None,
        line: None,
        evidence: Evidence::Unresolved,
        gates: Vec::new(),
        strength: Strength::default(),
        reason: None,
        dependencies: Vec::new(),
        risk: Vec::new(),
        via: Vec::new(),
    }
}

fn socket(path: &str) -> Route {
    Route {
        kind: Kind::Websocket,
        ..route(&[], path)
    }
}

fn settings() -> Settings {
    Settings {
        leave: Leave::Every,
        ..Settings::new("localhost", SEED)
    }
}

fn identities(text: &str) -> Vec<Identity> {
    let file: ProbeFile = serde_json::from_str(text).unwrap();
    let variable = |name: &str| Some(format!("value-of-{name}"));
    let written = file.identity.into_iter();
    written.map(|one| one.resolved(variable).unwrap()).collect()
}

/// Sends everything to `app`; what was sent, and what it proves.
fn probe(
    routes: Vec<Route>,
    settings: Settings,
    app: impl Fn(&Request) -> Answer,
) -> (Vec<(Purpose, Request)>, Inventory) {
    let mut inventory = Inventory::new(Lens::Inspect, "main:app");
    inventory.routes = routes;
    let mut campaign = Campaign::new(inventory, settings);
    let mut sent = Vec::new();
    loop {
        let stage = campaign.next_stage();
        if stage.is_empty() {
            break;
        }
        for probe in stage {
            let mut next = Some(probe);
            while let Some(probe) = next {
                let answer = app(&probe.request);
                next = campaign.answered(probe.id, &answer);
                sent.push((probe.purpose, probe.request));
            }
        }
    }
    (sent, campaign.finish())
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut headers = request.headers.iter();
    headers
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.as_str())
}

/// Lets in who has one of these tokens.
fn gated(request: &Request, tokens: &[&str]) -> Answer {
    match header(request, "authorization").and_then(|value| value.strip_prefix("Bearer ")) {
        Some(token) if tokens.contains(&token) => Answer::of(200),
        _ => Answer::of(401),
    }
}

fn only(inventory: &Inventory) -> (Evidence, Vec<&str>) {
    let rules = inventory.findings.iter();
    (
        inventory.routes[0].evidence,
        rules.map(|finding| finding.rule.as_str()).collect(),
    )
}

#[test]
fn a_gate_that_denies_everybody_else_is_denied_and_reachable() {
    let settings = Settings {
        identities: identities(
            r#"{"identity": [
                {"name": "ada", "kind": "valid", "headers": {"Authorization": "Bearer ${ADA}"}},
                {"name": "bob", "kind": "revoked", "headers": {"Authorization": "Bearer ${BOB}"}}]}"#,
        ),
        ..settings()
    };
    let (sent, inventory) = probe(vec![route(&["GET"], "/me")], settings, |request| {
        if request.path == "/me" {
            gated(request, &["value-of-ADA"])
        } else {
            Answer::of(404)
        }
    });
    assert_eq!(only(&inventory), (Evidence::Denied, vec![]));
    let reason = inventory.routes[0].reason.as_deref().unwrap();
    assert!(
        reason.ends_with("requests were denied, and ada was answered 200"),
        "{reason}"
    );
    assert!(inventory.notes.is_empty());
    assert!(sent.len() > 40, "{}", sent.len());
}

#[test]
fn an_open_route_is_asked_once_and_shown() {
    let (sent, inventory) = probe(vec![route(&["GET"], "/me")], settings(), |request| {
        Answer::of(if request.path == "/me" { 200 } else { 404 })
    });
    assert_eq!(
        only(&inventory),
        (Evidence::Open, vec!["open-when-anonymous"])
    );
    assert_eq!(sent.len(), 2);
    insta::assert_snapshot!(inventory.findings[0].message, @"GET /me was answered 200");
}

/// What gets in.
type Hole = fn(&Request) -> bool;

#[test]
fn each_hole_has_its_rule() {
    let with = |answer: Hole| {
        let app = move |request: &Request| Answer::of(if answer(request) { 200 } else { 401 });
        let (_, inventory) = probe(vec![route(&["GET"], "/keys/{name}")], settings(), app);
        let found = inventory.findings.iter();
        let rules: Vec<String> = found.map(|finding| finding.rule.clone()).collect();
        (inventory.routes[0].evidence, rules.join(" "))
    };
    let holes: [(Hole, &str); 5] = [
        (
            |request| request.path.ends_with("/health"),
            "path-confusion",
        ),
        (
            |request| header(request, "host").is_some_and(|host| host.contains("health")),
            "trusts-host",
        ),
        (
            |request| header(request, "x-forwarded-user").is_some(),
            "trusts-headers",
        ),
        (
            |request| header(request, "authorization").is_some_and(|value| value == "Bearer "),
            "accepts-garbage",
        ),
        (
            |request| {
                header(request, "authorization")
                    .is_some_and(|value| value.matches('.').count() == 2 && value.ends_with('.'))
            },
            "accepts-forged",
        ),
    ];
    for (hole, rule) in holes {
        assert_eq!(with(hole), (Evidence::Open, rule.to_owned()));
    }
    let shut = with(|_| false);
    assert_eq!(shut, (Evidence::Denied, String::new()));
}

#[test]
fn identities_that_must_not_get_in_are_tried_where_that_means_something() {
    let settings = || Settings {
        params: BTreeMap::from([("tenant".to_owned(), "acme".to_owned())]),
        identities: identities(
            r#"{"identity": [
                {"name": "ada", "kind": "valid", "headers": {"Authorization": "Bearer ${ADA}"}},
                {"name": "dan", "kind": "demoted", "headers": {"Authorization": "Bearer ${DAN}"}},
                {"name": "tom", "kind": "other-tenant", "headers": {"Authorization": "Bearer ${TOM}"}}]}"#,
        ),
        ..self::settings()
    };
    let mut admin = route(&["GET"], "/admin");
    admin.strength.level = Level::Privileged;
    let routes = || {
        vec![
            admin.clone(),
            route(&["GET"], "/tenants/{tenant}"),
            route(&["GET"], "/me"),
        ]
    };
    let everybody = ["value-of-ADA", "value-of-DAN", "value-of-TOM"];
    let (_, inventory) = probe(routes(), settings(), |request| gated(request, &everybody));
    let found: Vec<String> = inventory
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.rule, finding.message))
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    accepts-demoted: GET /admin with Authorization: Bearer <demoted: dan> was answered 200
    crosses-tenants: GET /tenants/acme with Authorization: Bearer <other-tenant: tom> was answered 200
    ");
    assert_eq!(
        inventory.routes[1].evidence,
        Evidence::Denied,
        "{:?}",
        inventory.routes
    );
    // What is hidden from the other tenant is as good as denied.
    let (_, inventory) = probe(routes(), settings(), |request| {
        let answer = gated(request, &everybody[..1]);
        let other = gated(request, &everybody).status == Some(200);
        let hidden = other && request.path.starts_with("/tenants/");
        if hidden && answer.status == Some(401) {
            Answer::of(404)
        } else {
            answer
        }
    });
    assert!(inventory.findings.is_empty(), "{:?}", inventory.findings);
}

#[test]
fn a_gate_in_a_handler_is_reached_with_what_the_document_requires() {
    let document = Document::new(
        serde_json::json!({"paths": {"/items": {"post": {"requestBody": {
        "content": {"application/json": {"schema": {"required": ["name"], "properties": {"name": {}}}}}}}}}}),
    );
    let app = |request: &Request| match &request.body {
        Some(body) if body.bytes == br#"{"name":"x"}"# => gated(request, &[]),
        _ => Answer::of(422),
    };
    let filled = Settings {
        openapi: Some(document),
        ..settings()
    };
    let (_, inventory) = probe(vec![route(&["POST"], "/items")], filled, app);
    assert_eq!(only(&inventory), (Evidence::Denied, vec!["denied-late"]));
    let (_, inventory) = probe(vec![route(&["POST"], "/items")], settings(), app);
    assert_eq!(only(&inventory), (Evidence::Unresolved, vec!["not-proven"]));
    insta::assert_snapshot!(inventory.routes[0].reason.as_deref().unwrap(), @"POST /items was answered 422");
}

#[test]
fn redirects_to_a_slash_are_followed_and_others_are_not() {
    let app = |request: &Request| {
        let mut answer = Answer::of(307);
        let location = match request.path.as_str() {
            "/a" => "http://localhost/a/",
            "/b" => "http://elsewhere.example/b/",
            "/a/" => return Answer::of(200),
            _ => return Answer::of(404),
        };
        answer.headers = vec![("location".to_owned(), location.to_owned())];
        answer
    };
    let (sent, inventory) = probe(
        vec![route(&["GET"], "/a"), route(&["GET"], "/b")],
        settings(),
        app,
    );
    let evidence: Vec<Evidence> = inventory
        .routes
        .iter()
        .map(|route| route.evidence)
        .collect();
    assert_eq!(evidence, [Evidence::Open, Evidence::Unresolved]);
    assert!(!sent.iter().any(|(_, request)| request.path == "/b/"));
}

#[test]
fn websockets_are_shaken_hands_with() {
    let app = |request: &Request| match (request.channel, request.path.as_str()) {
        (Channel::Websocket, "/open") => Answer {
            accepted: true,
            ..Answer::default()
        },
        (Channel::Websocket, "/shut") => Answer {
            closed: Some(1008),
            ..Answer::default()
        },
        _ => Answer::of(404),
    };
    let (_, inventory) = probe(vec![socket("/open"), socket("/shut")], settings(), app);
    let evidence: Vec<Evidence> = inventory
        .routes
        .iter()
        .map(|route| route.evidence)
        .collect();
    assert_eq!(evidence, [Evidence::Open, Evidence::Denied]);
    assert_eq!(inventory.findings[0].rule, "websocket-open");
}

#[test]
fn public_routes_stay_public_and_lend_their_paths() {
    let mut ping = route(&["GET"], "/ping");
    ping.evidence = Evidence::Public;
    let routes = vec![ping, route(&["GET"], "/me")];
    let (sent, inventory) = probe(routes, settings(), |request| {
        let free = request.path == "/ping" || request.path.starts_with("/ping/");
        if free {
            Answer::of(200)
        } else {
            Answer::of(401)
        }
    });
    assert_eq!(inventory.routes[1].evidence, Evidence::Public);
    assert_eq!(inventory.routes[0].evidence, Evidence::Open);
    assert_eq!(inventory.findings[0].rule, "path-confusion");
    assert!(
        inventory.findings[0]
            .message
            .starts_with("GET /ping/me was answered 200")
    );
    assert!(
        sent.iter()
            .filter(|(_, request)| request.path == "/ping")
            .count()
            == 1
    );
}

#[test]
fn a_page_for_everything_hides_what_other_paths_would_tell() {
    let app = |request: &Request| Answer::of(if request.path == "/me" { 401 } else { 200 });
    let (sent, inventory) = probe(vec![route(&["GET"], "/me")], settings(), app);
    assert_eq!(inventory.routes[0].evidence, Evidence::Denied);
    assert_eq!(inventory.notes.len(), 1);
    assert!(!sent.iter().any(|(purpose, _)| *purpose == Purpose::Path));
}

fn methods() -> impl Strategy<Value = Vec<&'static str>> {
    let every = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PURGE", "OPTIONS",
    ];
    prop::sample::subsequence(every.to_vec(), 0..=4)
}

fn paths() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/".to_owned()),
        Just("/a".to_owned()),
        Just("/a/{b}".to_owned()),
        Just("/c/{d:path}".to_owned()),
        Just("<unknown>/e".to_owned()),
        Just("/é/{f:int}/".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_route_is_asked_by_nobody_first_and_judged_by_all_answers(
        routes in prop::collection::vec((paths(), methods(), any::<bool>()), 1..5),
        answers in prop::collection::vec(prop::sample::select(vec![200_u16, 204, 302, 401, 403, 404, 422, 500]), 1..40),
        every in any::<bool>(),
    ) {
        let made = routes.iter().map(|(path, methods, is_socket)| {
            if *is_socket { socket(path) } else { route(methods, path) }
        }).collect();
        let leave = if every { Leave::Every } else { Leave::SafeOnly };
        let told = Settings { leave, ..settings() };
        let turn = std::cell::Cell::new(0);
        let (sent, inventory) = probe(made, told, |_| {
            turn.set(turn.get() + 1);
            Answer::of(answers[turn.get() % answers.len()])
        });
        let first = sent.iter().position(|(purpose, _)| !matches!(purpose, Purpose::Baseline | Purpose::Control));
        let last = sent.iter().rposition(|(purpose, _)| matches!(purpose, Purpose::Baseline));
        if let (Some(first), Some(last)) = (first, last) {
            prop_assert!(last < first);
        }
        for (purpose, request) in &sent {
            if matches!(purpose, Purpose::Baseline | Purpose::Control) {
                prop_assert!(request.headers.is_empty());
            }
            if !every && request.channel == Channel::Http {
                prop_assert!(["GET", "HEAD", "OPTIONS"].contains(&request.method.as_str()));
            }
        }
        prop_assert_eq!(inventory.routes.len(), routes.len());
        for route in &inventory.routes {
            prop_assert!(matches!(route.evidence, Evidence::Open | Evidence::Denied | Evidence::Unresolved));
            prop_assert!(route.reason.is_some());
            let unknown = route.path.contains('<');
            prop_assert!(!unknown || route.evidence == Evidence::Unresolved);
        }
    }
}
