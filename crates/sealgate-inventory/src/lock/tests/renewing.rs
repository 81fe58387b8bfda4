//! What is kept and what is not when a lock file is written again.

use jiff::civil::date;

use super::*;

const TEXT: &str = r#"version = 1
lens = "scan"

# Asked for by the load balancer's team.
[route."main:app"."GET /health"]
class = "public"
evidence = "OPEN"
reason = "load balancers ask"
owner = "platform"
expires = 2027-06-30
risk = ["reads"]
endpoint = "app.routes:health"
"#;

fn renewed(text: &str, inventory: &Inventory) -> LockFile {
    renew(inventory, Some(&read(text).unwrap()), &Config::default())
}

fn one(file: &LockFile) -> &Entry {
    assert_eq!(file.entries.len(), 1, "{}", file.to_text());
    &file.entries[0]
}

#[test]
fn what_people_wrote_is_kept() {
    let file = renewed(TEXT, &scanned(vec![route("GET", "/health")]));
    assert_eq!(file.to_text().split_once('\n').unwrap().1, TEXT);
}

#[test]
fn a_declaration_goes_when_a_gate_stands_there() {
    let file = renewed(
        TEXT,
        &scanned(vec![route("GET", "/health").behind("a:b", &user())]),
    );
    let entry = one(&file);
    assert_eq!(entry.class, Some(Class::User));
    assert_eq!((&entry.reason, entry.expires), (&None, None));
    assert_eq!(entry.owner.as_deref(), Some("platform"));
    assert_eq!(entry.comment.len(), 1);
}

#[test]
fn a_declaration_is_not_handed_on_to_more_methods_or_another_path() {
    for changed in [route("GET,POST", "/health"), route("GET", "/api/health")] {
        let file = renewed(TEXT, &scanned(vec![changed]));
        let entry = one(&file);
        assert_eq!(
            (entry.class, &entry.reason, entry.expires),
            (None, &None, None)
        );
        assert_eq!(entry.owner.as_deref(), Some("platform"));
    }
}

#[test]
fn a_declaration_is_kept_by_fewer_methods() {
    let text = TEXT.replace("GET /health", "GET,POST /health");
    let file = renewed(&text, &scanned(vec![route("GET", "/health")]));
    assert_eq!(one(&file).class, Some(Class::Public));
}

#[test]
fn a_declaration_that_was_withdrawn_in_the_source_is_withdrawn_here() {
    let text = TEXT.replace("OPEN", "PUBLIC");
    let file = renewed(&text, &scanned(vec![route("GET", "/health")]));
    let entry = one(&file);
    assert_eq!(entry.evidence, Evidence::Open);
    assert_eq!((entry.class, &entry.reason), (None, &None));
}

#[test]
fn a_class_is_raised_and_never_lowered() {
    let strong = scanned(vec![route("GET", "/x").behind("a:b", &admin())]);
    let weak = scanned(vec![route("GET", "/x").behind("a:b", &user())]);
    let first = renew(&weak, None, &Config::default());
    assert_eq!(one(&first).class, Some(Class::User));
    let raised = renew(&strong, Some(&first), &Config::default());
    assert_eq!(one(&raised).class, Some(Class::Privileged));
    let kept = renew(&weak, Some(&raised), &Config::default());
    assert_eq!(one(&kept).class, Some(Class::Privileged));
    assert_eq!(requirement::text(&one(&kept).strength), "user");
}

#[test]
fn a_lost_gate_keeps_its_class_and_so_stays_wrong() {
    let gated = scanned(vec![route("GET", "/x").behind("a:b", &user())]);
    let first = renew(&gated, None, &Config::default());
    let file = renew(
        &scanned(vec![route("GET", "/x")]),
        Some(&first),
        &Config::default(),
    );
    let entry = one(&file);
    assert_eq!(
        (entry.class, entry.evidence),
        (Some(Class::User), Evidence::Open)
    );
    assert!(entry.gates.is_empty());
}

#[test]
fn the_configuration_says_owner_and_expiry_of_what_it_declares() {
    let text =
        "[[public]]\nroute = '/health'\nreason = 'new'\nowner = 'us'\nexpires = 2031-01-01\n";
    let config = Config::from_text(text).unwrap();
    let previous = read(TEXT).unwrap();
    let file = renew(
        &scanned(vec![route("GET", "/health")]),
        Some(&previous),
        &config,
    );
    let entry = one(&file);
    assert_eq!(entry.evidence, Evidence::Public);
    assert_eq!(entry.reason.as_deref(), Some("new"));
    assert_eq!(entry.owner.as_deref(), Some("us"));
    assert_eq!(entry.expires, Some(date(2031, 1, 1)));
}

#[test]
fn a_public_route_without_a_reason_has_no_class() {
    let blank = route("GET", "/x").known(Evidence::Public, Some("  "));
    let file = renew(&scanned(vec![blank]), None, &Config::default());
    assert_eq!(one(&file).class, None);
    assert!(read(&file.to_text()).is_ok());
}

fn inspected(routes: Vec<Route>) -> Inventory {
    let mut inventory = scanned(routes);
    inventory.lens = Lens::Inspect;
    for route in &mut inventory.routes {
        if route.evidence.is_gated() {
            route.evidence = Evidence::Gated;
        }
    }
    inventory
}

#[test]
fn a_scan_leaves_alone_what_only_an_inspection_could_tell() {
    let gated = |path| route("GET", path).behind("a:b", &user());
    let seen = inspected(vec![gated("/a"), gated("/late"), gated("/plugin")]);
    let first = renew(&seen, None, &Config::default());
    let unresolved = route("GET", "/plugin").known(Evidence::Unresolved, Some("a plug-in"));
    let scan = scanned(vec![gated("/a"), unresolved]);
    assert_eq!(
        renew(&scan, Some(&first), &Config::default()).to_text(),
        first.to_text()
    );
}

#[test]
fn a_scan_writes_down_what_it_sees_to_be_open_or_other() {
    let first = renew(
        &inspected(vec![
            route("GET", "/a").behind("a:b", &user()),
            route("GET", "/b").behind("a:b", &user()),
        ]),
        None,
        &Config::default(),
    );
    let scan = scanned(vec![
        route("GET", "/a"),
        route("GET", "/b").behind("a:c", &user()),
    ]);
    let file = renew(&scan, Some(&first), &Config::default());
    let evidence: Vec<Evidence> = file.entries.iter().map(|entry| entry.evidence).collect();
    assert_eq!(evidence, [Evidence::Open, Evidence::GatedStatic]);
    assert_eq!(file.lens, Lens::Inspect);
}

#[test]
fn an_inspection_of_one_application_leaves_the_others_alone() {
    let other = TEXT
        .replace("main:app", "other:app")
        .replace("lens = \"scan\"", "lens = \"inspect\"");
    let file = renewed(&other, &inspected(vec![route("GET", "/health")]));
    assert_eq!(file.entries.len(), 2);
    let file = renewed(
        &other.replace("inspect", "scan"),
        &scanned(vec![route("GET", "/health")]),
    );
    assert_eq!(one(&file).app, "main:app");
}

#[test]
fn applications_that_were_not_looked_at_stay_as_they_are() {
    let mut both = scanned(vec![route("GET", "/a"), route("GET", "/b")]);
    both.routes[1].app = "other:app".to_owned();
    let before = renew(&both, None, &Config::default());
    let one = scanned(vec![route("GET", "/c")]);
    let after = renew_only(&one, Some(&before), &Config::default(), |app| {
        app == "main:app"
    });
    let keys: Vec<String> = after
        .entries
        .iter()
        .map(|entry| format!("{} {}", entry.app, entry.key()))
        .collect();
    assert_eq!(keys, ["main:app GET /c", "other:app GET /b"]);
    assert_eq!(after.lens, before.lens);
}

#[test]
fn what_a_weaker_way_of_looking_did_not_see_is_told() {
    let mut whole = scanned(vec![route("GET", "/a"), route("GET", "/b")]);
    whole.lens = crate::Lens::Inspect;
    let before = renew(&whole, None, &Config::default());
    let scan = scanned(vec![route("GET", "/a")]);
    let after = renew(&scan, Some(&before), &Config::default());
    let unseen: Vec<String> = kept(&after, &scan, &Config::default())
        .into_iter()
        .map(|entry| entry.key().to_string())
        .collect();
    assert_eq!(unseen, ["GET /b"]);
}
