//! What is found in policies that are not as they should be.

use std::fmt::Write as _;

use super::*;

fn found(policies: &str) -> Vec<Finding> {
    analyse(&source_of(DECLARED, policies)).unwrap()
}

fn codes(policies: &str) -> Vec<&'static str> {
    found(policies).iter().map(|finding| finding.code).collect()
}

/// Policies that permit every action, so that only what is added is found.
const REST: &str = r#"
@id("rest") permit (principal in Role::"auditor", action, resource) when { context.issuer == "x" };
"#;

#[test]
fn sound_policies_have_no_findings() {
    assert_eq!(found(POLICIES), []);
    assert_eq!(found(REST), []);
}

#[test]
fn every_finding_has_a_place_and_a_way_out() {
    let cases = [
        "@id(\"a\")\npermit (principal, action, resource)\nwhen { resource.amont > 1 };",
        "permit (principal, action, resource);",
        "@id(\"a b\") permit (principal is User, action, resource);",
        "@id(\"a\") permit (principal is User, action == Action::\"expenses.raed\", resource);",
        "@id(\"a\") forbid (principal is User, action, resource)\n  when { principal.acr == \"x\" };",
        "@id(\"a\")\npermit (principal == ?principal, action, resource);",
        "@id(\"a\") permit (principal, action, resource) when { 1 + \"a\" == 2 };",
        "@id(\"a\") permit (principal, action, resource) when { true ;",
        "@id(\"a\") permit (principal is Machine, action == Action::\"expenses.approve\", resource);",
        "@id(\"a\") permit (principal in Role::\"aprover\", action, resource);",
        "@id(\"a\") permit (principal, action, resource);",
        "@id(\"a\") permit (principal, action == Action::\"expenses.list\", resource);",
        "@id(\"rest\") forbid (principal is Agent, action, resource);",
        "@id(\"z\") permit (principal in Role::\"auditor\", action, resource) when { context.issuer == \"x\" };",
        "@id(\"a\") forbid (principal, action, resource);",
        ";",
    ];
    let mut text = String::new();
    for case in cases {
        let _ = writeln!(text, "{case}");
        for finding in found(&format!("{REST}{case}")) {
            let _ = writeln!(text, "  {:?} {finding}", finding.level);
            if let Some(hint) = &finding.hint {
                let _ = writeln!(text, "    hint: {hint}");
            }
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_action_that_nothing_permits_is_told() {
    let found = found(
        "@id(\"a\") permit (principal in Role::\"auditor\", action == Action::\"expenses.list\", resource);",
    );
    let told: Vec<_> = found
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "no policy permits \"expenses.approve\": it is always denied",
            "no policy permits \"expenses.read\": it is always denied",
        ]
    );
    // One that is for actors that the action is not for permits nothing.
    let codes = codes(&POLICIES.replace(
        "principal is User, action == Action::\"expenses.read\"",
        "principal is Machine, action == Action::\"expenses.read\"",
    ));
    assert!(
        !codes.contains(&"action_never_permitted"),
        "agents still read: {codes:?}"
    );
}

#[test]
fn findings_of_level_error_keep_policies_from_compiling() {
    for (policies, code) in [
        ("permit (principal, action, resource);", "id_missing"),
        (
            "@id(\"a\") permit (principal, action, resource) when { resource.x };",
            "type",
        ),
        ("@id(\"a\") permit (principal", "syntax"),
        (
            "@id(\"a\") permit (principal is User, action, resource);@id(\"a\") forbid (principal, action, resource);",
            "id_duplicate",
        ),
    ] {
        let Err(crate::PolicyError::Unsound(found)) =
            Policies::compile(&source_of(DECLARED, policies))
        else {
            panic!("{policies}");
        };
        assert!(
            found.iter().any(|finding| finding.code == code),
            "{found:?}"
        );
        assert!(
            found
                .iter()
                .all(|finding| finding.span.as_ref().is_some_and(|span| span.line > 0))
        );
    }
}

#[test]
fn declarations_that_contradict_themselves_are_refused() {
    for (declared, said) in [
        ("[policy.resource.User]", "cannot be the name"),
        (
            "[policy.resource.A]\nattributes = { b = \"B\" }",
            "there is no type \"B\"",
        ),
        (
            "[policy.resource.A]\nparents = [\"Role\"]",
            "nothing can lie in",
        ),
        ("[policy.actions]\n\"a b\" = {}", "no name of an action"),
        (
            "[policy.actions]\na = { actors = [\"Human\"] }",
            "no kind of actor",
        ),
        (
            "[policy.actions]\na = { resources = [\"X\"] }",
            "no kind of resource",
        ),
        (
            "[policy.actions]\na = { context = { now = \"Long\" } }",
            "always there",
        ),
        (
            "[policy.actions]\na = { context = { ip = \"ipaddr\" } }",
            "write \"ip?\"",
        ),
        (
            "[policy.actions]\na = { in = [\"b\"] }\nb = { in = [\"a\"] }",
            "makes no schema",
        ),
    ] {
        let found = analyse(&source_of(declared, "")).unwrap();
        let told = found
            .iter()
            .find(|finding| finding.code == "declaration_wrong");
        let told = told.unwrap_or_else(|| panic!("{declared}: {found:?}"));
        assert!(told.message.contains(said), "{declared}: {told}");
        assert!(
            Policies::compile(&source_of(declared, "")).is_err(),
            "{declared}"
        );
    }
}

#[test]
fn routes_are_those_of_the_lock_file() {
    let mut source = source_of(
        "",
        "@id(\"a\") permit (principal is User, action == Action::\"x\", resource == Route::\"GET /expense\");",
    );
    source
        .routes
        .insert("GET /expenses".to_owned(), ["x".to_owned()].into());
    let found = analyse(&source).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "route_unknown");
    assert_eq!(
        found[0].hint.as_deref(),
        Some("did you mean \"GET /expenses\"?")
    );
}

/// A forbid of what is called otherwise forbids nothing, and nobody would see it.
#[test]
fn a_forbid_that_may_never_be_asked_is_told() {
    let route = |effect: &str| {
        format!(
            "@id(\"a\") {effect} (principal, action == Action::\"x\", resource == Route::\"DELETE /things\");"
        )
    };
    let codes = |source: &PolicySource| -> Vec<(&str, Level)> {
        let found = analyse(source).unwrap();
        let found = found.iter().map(|finding| (finding.code, finding.level));
        found
            .filter(|(code, _)| code.starts_with("route_") || code.starts_with("role_"))
            .collect()
    };
    let declared = "[policy.actions]\nx = {}\ny = {}";
    // What permits too little is seen.
    assert_eq!(codes(&source_of(declared, &route("permit"))), []);
    let mut source = source_of(declared, &route("forbid"));
    assert_eq!(codes(&source), [("route_unchecked", Level::Error)]);
    assert!(check(&source).is_err());
    for (asked, told) in [
        (vec!["x"], vec![]),
        (vec!["y"], vec![("route_not_asked", Level::Warning)]),
        (vec![], vec![("route_not_asked", Level::Warning)]),
    ] {
        let asked = asked.into_iter().map(str::to_owned).collect();
        source.routes = [("DELETE /things".to_owned(), asked)].into();
        assert_eq!(codes(&source), told);
    }
    // As where the group is forbidden that the action is in.
    let mut source = source_of(
        "[policy.actions]\nx = { in = [\"writes\"] }",
        "@id(\"a\") forbid (principal, action in Action::\"writes\", resource) when { resource == Route::\"DELETE /things\" };",
    );
    source.routes = [("DELETE /things".to_owned(), ["x".to_owned()].into())].into();
    assert_eq!(codes(&source), []);
    let role = |effect: &str| {
        let text =
            format!("@id(\"a\") {effect} (principal in Role::\"suspended\", action, resource);");
        source_of(declared, &text)
    };
    assert_eq!(codes(&role("permit")), []);
    assert_eq!(codes(&role("forbid")), [("role_unchecked", Level::Warning)]);
}

#[test]
fn what_is_too_long_or_too_deep_is_refused_before_it_is_parsed() {
    let deep = format!(
        "@id(\"a\") permit (principal, action, resource) when {{ {}true{} }};",
        "(".repeat(5_000),
        ")".repeat(5_000)
    );
    let chain = format!(
        "@id(\"a\") permit (principal, action, resource) when {{ true{} }};",
        " && true".repeat(1_000)
    );
    let long = format!(
        "@id(\"a\") permit (principal, action, resource) when {{ context.issuer == \"{}\" }};",
        "x".repeat(17_000)
    );
    // Cedar takes every space of Unicode for space, and would nest this as deep as it is long.
    let spaced = format!(
        "@id(\"a\") permit (principal, action, resource) when {{ {}true }};",
        "if\u{a0}true\u{a0}then\u{a0}true\u{a0}else\u{a0}".repeat(500)
    );
    let wide = "@id(\"rest\")\u{a0}permit(principal,action,resource)\u{2003}when{context.issuer\u{3000}==\"x\"};";
    assert!(codes(wide).is_empty());
    for text in [deep, chain, long, spaced] {
        assert_eq!(codes(&text), ["policy_oversize"]);
    }
    let many = "@id(\"a\") permit (principal, action, resource);".repeat(3_000);
    assert!(codes(&many).contains(&"id_duplicate"));
    let declared = read(&DECLARED.parse().unwrap()).unwrap();
    let files = BTreeMap::from([("a".to_owned(), "x".repeat(300 << 10))]);
    let error = declared.with(files, &BTreeMap::new()).unwrap_err();
    assert_eq!(error.code(), "policy_oversize");
}

/// A gate reads policies on threads with two megabytes of stack.
#[test]
fn the_most_that_is_taken_needs_no_more_stack_than_there_is() {
    let work = || {
        let chain = format!(
            "@id(\"a\") permit (principal is User, action, resource) when {{ true{} }};",
            " && true".repeat(92)
        );
        let nots = format!(
            "@id(\"b\") permit (principal is User, action, resource) when {{ {}true{} }};",
            "if true then (".repeat(18),
            ") else false".repeat(18)
        );
        let dots = format!(
            "@id(\"c\") permit (principal is User, action, resource) when {{ context{} == 1 }};",
            ".a".repeat(92)
        );
        let sums = format!(
            "@id(\"d\") permit (principal is User, action, resource) when {{ 1{} == 1 }};",
            " + 1".repeat(92)
        );
        for text in [chain, nots, dots, sums] {
            let source = source_of(DECLARED, &text);
            let found = analyse(&source).unwrap();
            let is_looked_at = found
                .iter()
                .all(|finding| finding.code != "policy_oversize");
            assert!(is_looked_at, "{text}");
            if let Ok(policies) = Policies::compile(&source) {
                let list = Resource::route("GET /expenses");
                let u1 = user("u1", &[]);
                policies
                    .explain(&question(&u1, "expenses.list", &list))
                    .unwrap();
            }
        }
    };
    let thread = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(work)
        .unwrap();
    thread.join().unwrap();
}

#[test]
fn the_schema_is_what_is_declared() {
    insta::assert_snapshot!(schema(&source_of(DECLARED, "")));
}
