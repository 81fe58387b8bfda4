use jiff::civil::{Date, date};

use super::*;
use crate::fixtures::{admin, route, scanned, user};
use crate::lock::{Class, LockFile, read, renew};
use crate::{Evidence, Lens, Route, Severity, Strength};

mod documentation;
mod properties;
mod pull_requests;

const TODAY: Date = date(2026, 11, 22);

fn told(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let severity = format!("{:?}", finding.severity).to_lowercase();
        let place = finding
            .place
            .as_ref()
            .map(|place| format!("{place}: "))
            .unwrap_or_default();
        let hint = finding.hint.as_deref().unwrap_or_default();
        let sibling = finding
            .sibling
            .as_ref()
            .map_or_else(String::new, |sibling| {
                format!(
                    "\n  like: {} behind {}",
                    sibling.route,
                    sibling.gates.join(", ")
                )
            });
        format!(
            "{severity}[{}] {place}{}\n  hint: {hint}{sibling}",
            finding.rule, finding.message
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .collect()
}

fn lock_of(inventory: &Inventory) -> LockFile {
    read(&renew(inventory, None, &Config::default()).to_text()).unwrap()
}

fn compared(lock: &LockFile, inventory: &Inventory) -> Vec<Finding> {
    compare(lock, inventory, &Config::default(), TODAY)
}

/// Gives every open route of a lock file what makes it pass.
fn declare(lock: &mut LockFile) {
    for entry in &mut lock.entries {
        if !entry.evidence.is_gated() {
            entry.class = Some(Class::Public);
            entry.reason = entry.reason.take().or(Some("strangers may".to_owned()));
            entry.expires = Some(date(2027, 6, 30));
        }
    }
}

fn as_seen_by(lens: Lens, evidence: Evidence, routes: Vec<Route>) -> Inventory {
    let mut inventory = scanned(routes);
    inventory.lens = lens;
    for route in &mut inventory.routes {
        if route.evidence.is_gated() {
            route.evidence = evidence;
        }
    }
    inventory
}

fn gated(path: &str) -> Route {
    route("GET", path).behind("app.auth:signed_in", &user())
}

#[test]
fn writing_the_lock_file_does_not_let_an_open_route_pass() {
    let inventory = scanned(vec![
        gated("/a"),
        route("GET", "/b"),
        route("GET", "/c").known(Evidence::Unresolved, Some("a loop over plug-ins")),
        route("GET", "/d").known(Evidence::Public, None),
    ]);
    let first = lock_of(&inventory);
    let again = renew(&inventory, Some(&first), &Config::default());
    assert_eq!(again.to_text(), first.to_text());
    let expected = ["open-route", "unresolved-route", "public-without-reason"];
    assert_eq!(ids(&compared(&again, &inventory)), expected);
    assert_eq!(
        ids(&coverage(&inventory, &Config::default(), TODAY)),
        expected
    );
}

#[test]
fn a_route_that_was_gated_and_is_declared_public_has_lost_its_gate() {
    let lock = lock_of(&scanned(vec![gated("/a")]));
    let declared = scanned(vec![
        route("GET", "/a").known(Evidence::Public, Some("why not")),
    ]);
    assert_eq!(ids(&compared(&lock, &declared)), ["lost-gate"]);
    let config = Config::from_text("[[public]]\nroute = '/a'\nreason = 'why not'\n").unwrap();
    let opened = scanned(vec![route("GET", "/a")]);
    assert_eq!(ids(&compare(&lock, &opened, &config, TODAY)), ["lost-gate"]);
}

#[test]
fn a_declaration_of_the_source_that_is_gone_leaves_the_route_open() {
    let declared = route("GET", "/a").known(Evidence::Public, Some("load balancers ask"));
    let lock = lock_of(&scanned(vec![declared]));
    let findings = compared(&lock, &scanned(vec![route("GET", "/a")]));
    assert_eq!(ids(&findings), ["open-route"]);
    assert!(findings[0].message.contains("not declared public any more"));
}

#[test]
fn methods_are_compared_one_by_one() {
    let lock = lock_of(&scanned(vec![
        route("DELETE,GET", "/a").behind("app.auth:require_admin", &admin()),
    ]));
    let split = scanned(vec![
        route("GET", "/a").behind("app.auth:require_admin", &admin()),
        route("DELETE", "/a").behind("app.auth:signed_in", &user()),
    ]);
    let mut findings = compared(&lock, &split);
    findings.retain(|finding| finding.severity > Severity::Note);
    assert_eq!(ids(&findings), ["weaker-gate"]);
    assert!(
        findings[0].message.contains("`DELETE /a`"),
        "{}",
        findings[0].message
    );
    let fewer = scanned(vec![split.routes[1].clone()]);
    assert!(ids(&compared(&lock, &fewer)).contains(&"dead-entry"));
}

#[test]
fn a_route_at_another_path_is_still_held_to_its_gate() {
    let at = |path, strength| route("DELETE", path).behind("app.auth:gate", &strength);
    let lock = lock_of(&scanned(vec![at("/a/b", admin())]));
    let same = compared(&lock, &scanned(vec![at("/api/a/b", admin())]));
    assert_eq!(ids(&same), ["new-route"]);
    let weaker = compared(&lock, &scanned(vec![at("/api/a/b", user())]));
    assert_eq!(ids(&weaker), ["new-route", "weaker-gate"]);
    let lost = compared(&lock, &scanned(vec![route("DELETE", "/api/a/b")]));
    assert_eq!(ids(&lost), ["lost-gate", "new-route"]);
}

#[test]
fn a_route_that_takes_every_method_now_is_new_and_still_held_to_its_entry() {
    let lock = lock_of(&scanned(vec![gated("/a")]));
    let findings = compared(&lock, &scanned(vec![route("*", "/a")]));
    assert_eq!(ids(&findings), ["lost-gate", "new-route"]);
}

#[test]
fn head_beside_get_is_no_other_route() {
    let lock = lock_of(&scanned(vec![gated("/a")]));
    let with_head = route("GET,HEAD", "/a").behind("app.auth:signed_in", &user());
    assert_eq!(compared(&lock, &scanned(vec![with_head])), []);
}

#[test]
fn a_weaker_way_of_looking_fails_nothing_by_itself() {
    let seen = as_seen_by(
        Lens::Probe,
        Evidence::Denied,
        vec![gated("/a"), gated("/b"), gated("/plugin"), gated("/c")],
    );
    let lock = lock_of(&seen);
    let unresolved = route("GET", "/b").known(Evidence::Unresolved, Some("a loop"));
    let scan = scanned(vec![gated("/a"), unresolved, gated("/c")]);
    let findings = compared(&lock, &scan);
    assert_eq!(ids(&findings), ["unresolved-route", "dead-entry"]);
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity == Severity::Note)
    );
}

#[test]
fn a_path_that_a_scan_does_not_fully_know_is_known_by_its_handler() {
    let inspected = vec![gated("/api/a"), gated("/api/b")];
    let lock = lock_of(&as_seen_by(Lens::Inspect, Evidence::Gated, inspected));
    let scan = scanned(vec![gated("<settings.PREFIX>/a"), gated("/api/b")]);
    assert_eq!(compared(&lock, &scan), []);
    let again = renew(&scan, Some(&lock), &Config::default());
    assert_eq!(again.to_text(), lock.to_text());
    let open = scanned(vec![route("GET", "<settings.PREFIX>/a"), gated("/api/b")]);
    assert_eq!(ids(&compared(&lock, &open)), ["lost-gate"]);
}

#[test]
fn what_a_weaker_way_of_looking_does_see_counts_in_full() {
    let seen = as_seen_by(
        Lens::Inspect,
        Evidence::Gated,
        vec![
            gated("/a"),
            route("GET", "/b").behind("app.auth:require_admin", &admin()),
        ],
    );
    let lock = lock_of(&seen);
    let scan = scanned(vec![
        route("GET", "/a"),
        route("GET", "/b").behind("app.auth:require_admin", &user()),
        route("GET", "/c"),
    ]);
    let findings = compared(&lock, &scan);
    assert_eq!(ids(&findings), ["lost-gate", "weaker-gate", "new-route"]);
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity == Severity::Error)
    );
}

#[test]
fn the_same_way_of_looking_has_to_see_as_much() {
    let lock = lock_of(&as_seen_by(
        Lens::Inspect,
        Evidence::Gated,
        vec![gated("/a")],
    ));
    let less = as_seen_by(Lens::Inspect, Evidence::GatedStatic, vec![gated("/a")]);
    assert_eq!(ids(&compared(&lock, &less)), ["evidence-lost"]);
    let unresolved = route("GET", "/a").known(Evidence::Unresolved, Some("a closure"));
    let unresolved = as_seen_by(Lens::Inspect, Evidence::Gated, vec![unresolved]);
    let findings = compared(&lock, &unresolved);
    assert_eq!(ids(&findings), ["unresolved-route"]);
    assert_eq!(findings[0].severity, Severity::Error);
    assert_eq!(compared(&lock, &scanned(vec![gated("/a")])), []);
}

#[test]
fn other_gates_that_ask_for_as_much_are_a_warning_and_more_gates_a_note() {
    let lock = lock_of(&scanned(vec![gated("/a")]));
    let other = scanned(vec![route("GET", "/a").behind("app.auth:other", &user())]);
    let more = scanned(vec![gated("/a").behind("app.auth:tenant", &user())]);
    let other = compared(&lock, &other);
    let more = compared(&lock, &more);
    assert_eq!(
        (ids(&other), ids(&more)),
        (vec!["gate-changed"], vec!["gate-changed"])
    );
    assert_eq!(
        (other[0].severity, more[0].severity),
        (Severity::Warning, Severity::Note)
    );
}

#[test]
fn classes_need_gates_of_their_strength() {
    let inventory = scanned(vec![gated("/a")]);
    for (class, expected) in [
        (Class::User, vec![]),
        (Class::Internal, vec!["weak-for-class"]),
        (Class::Privileged, vec!["weak-for-class"]),
    ] {
        let mut lock = lock_of(&inventory);
        lock.entries[0].class = Some(class);
        assert_eq!(ids(&compared(&lock, &inventory)), expected, "{class}");
        let rules = "[classes]\nprivileged_needs = 'user'\ninternal_needs = 'user'\n";
        let config = Config::from_text(rules).unwrap();
        assert_eq!(compare(&lock, &inventory, &config, TODAY), []);
    }
    let mut machines = user();
    machines.actors.insert(crate::Actor::Machine);
    let inventory = scanned(vec![route("GET", "/a").behind("a:b", &machines)]);
    assert_eq!(compared(&lock_of(&inventory), &inventory), []);
}

#[test]
fn writes_and_secrets_are_public_for_a_reason_and_until_a_day() {
    let inventory = scanned(vec![
        route("GET", "/a"),
        route("POST", "/b"),
        route("POST", "/login"),
    ]);
    let mut lock = lock_of(&inventory);
    declare(&mut lock);
    assert_eq!(compared(&lock, &inventory), []);
    let never = Config::from_text("[classes]\npublic_writes = 'never'\npublic_reads = 'never'\n");
    let findings = compare(&lock, &inventory, &never.unwrap(), TODAY);
    assert_eq!(
        ids(&findings),
        ["public-read", "public-write", "public-write"]
    );
    for entry in &mut lock.entries {
        entry.expires = None;
    }
    assert_eq!(
        ids(&compared(&lock, &inventory)),
        ["public-write", "public-secret"]
    );
    let reason =
        Config::from_text("[classes]\npublic_writes = 'reason'\npublic_secrets = 'reason'\n");
    assert_eq!(compare(&lock, &inventory, &reason.unwrap(), TODAY), []);
}

#[test]
fn an_expiry_counts_to_the_end_of_its_day_and_the_earlier_of_two_counts() {
    let inventory = scanned(vec![route("POST", "/a")]);
    let mut lock = lock_of(&inventory);
    declare(&mut lock);
    lock.entries[0].expires = Some(TODAY);
    assert_eq!(compared(&lock, &inventory), []);
    let tomorrow = TODAY.tomorrow().unwrap();
    let findings = compare(&lock, &inventory, &Config::default(), tomorrow);
    assert_eq!(ids(&findings), ["expired-entry"]);
    lock.entries[0].expires = Some(date(2030, 1, 1));
    let declared = "[[public]]\nroute = '/a'\nreason = 'strangers may'\nexpires = 2026-01-01\n";
    let config = Config::from_text(declared).unwrap();
    assert_eq!(
        ids(&coverage(&inventory, &config, TODAY)),
        ["expired-entry"]
    );
    assert_eq!(
        ids(&compare(&lock, &inventory, &config, TODAY)),
        ["expired-entry"]
    );
}

#[test]
fn declarations_of_the_configuration_that_are_of_no_use_are_found() {
    let text = "[[public]]\nroute = '/gone'\nreason = 'x'\n\n[[public]]\nroute = '/a'\nreason = 'x'\n\
                \n[[public]]\nroute = '/s/*'\nreason = 'x'\n";
    let config = Config::from_text(text).unwrap().with_file("pyproject.toml");
    let inventory = scanned(vec![gated("/a"), gated("/s/x"), route("GET", "/s/y")]);
    let findings = coverage(&inventory, &config, TODAY);
    assert_eq!(ids(&findings), ["dead-entry", "now-gated"]);
    let places: Vec<String> = findings
        .iter()
        .map(|f| f.place.clone().unwrap().to_string())
        .collect();
    assert_eq!(places, ["pyproject.toml:1", "pyproject.toml:5"]);
}

#[test]
fn an_application_that_was_not_looked_at_is_one_finding() {
    let mut other = vec![gated("/x"), gated("/y")];
    for route in &mut other {
        route.app = "admin:app".to_owned();
    }
    let routes = vec![gated("/a"), gated("/b"), other[0].clone(), other[1].clone()];
    let lock = lock_of(&scanned(routes));
    let alone = scanned(vec![gated("/a"), gated("/b")]);
    let findings = compared(&lock, &alone);
    assert_eq!(ids(&findings), ["dead-app"]);
    assert!(
        findings[0].message.contains("2 routes"),
        "{}",
        findings[0].message
    );
    assert_eq!(compared(&lock.only(|app| app == "main:app"), &alone), []);
}

#[test]
fn seeing_little_or_nothing_fails() {
    let many: Vec<Route> = (0..5).map(|at| gated(&format!("/{at}"))).collect();
    let lock = lock_of(&scanned(many.clone()));
    assert_eq!(
        ids(&compared(&lock, &scanned(Vec::new()))),
        ["fewer-routes"]
    );
    let few = compared(&lock, &scanned(many[..2].to_vec()));
    assert_eq!(
        few.iter()
            .filter(|finding| finding.rule == "fewer-routes")
            .count(),
        1
    );
    let enough = compared(&lock, &scanned(many[..3].to_vec()));
    assert_eq!(ids(&enough), ["dead-entry", "dead-entry"]);
    let empty = scanned(Vec::new());
    assert_eq!(compared(&lock_of(&empty), &empty), []);
}

#[test]
fn an_application_has_as_many_operations_as_its_own_document_says() {
    let mut inventory = scanned(vec![gated("/a"), route("GET,POST", "/b")]);
    assert_eq!(fewer_than_openapi(&inventory), []);
    inventory.apps[0].openapi_operations = Some(3);
    assert_eq!(fewer_than_openapi(&inventory), []);
    inventory.apps[0].openapi_operations = Some(4);
    let findings = fewer_than_openapi(&inventory);
    assert_eq!(ids(&findings), ["fewer-routes"]);
    assert!(
        findings[0]
            .message
            .starts_with("3 operations of `main:app`")
    );
}

#[test]
fn every_finding_is_of_a_rule() {
    let ids: Vec<&str> = crate::rules::ALL.iter().map(|rule| rule.id).collect();
    let inventory = scanned(vec![route("GET", "/a"), gated("/b")]);
    for finding in coverage(&inventory, &Config::default(), TODAY) {
        assert!(ids.contains(&finding.rule.as_str()));
    }
}
