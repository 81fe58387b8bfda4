use jiff::civil::date;

use super::*;
use crate::fixtures::scanned;
use crate::{RouteKey, rules};

static PATHS: Rule = Rule {
    id: "path-decision",
    severity: Severity::Error,
    title: "",
    explanation: "",
    broken: "",
    fixed: "",
};

fn place(line: u32) -> Place {
    Place {
        file: "app/auth.py".to_owned(),
        line,
    }
}

fn found(rule: &Rule, line: u32) -> Finding {
    Finding {
        rule: rule.id.to_owned(),
        severity: rule.severity,
        message: "it is so".to_owned(),
        place: Some(place(line)),
        route: Some(RouteKey {
            app: "main:app".to_owned(),
            path: "/a".to_owned(),
            methods: "GET".to_owned(),
        }),
        hint: None,
        via: Vec::new(),
        sibling: None,
    }
}

fn comment(rule: &str, reason: &str, line: u32) -> Acceptance {
    Acceptance {
        rule: rule.to_owned(),
        reason: reason.to_owned(),
        place: place(line),
    }
}

/// What is left, and what was accepted, each as `rule:line`.
fn applied(
    findings: Vec<Finding>,
    comments: Vec<Acceptance>,
    config: &str,
) -> (Vec<String>, Vec<String>) {
    let known: Vec<&'static Rule> = rules::ALL.iter().copied().chain([&PATHS]).collect();
    let here = known.iter().map(|rule| rule.id).collect();
    let source = [PATHS.id].into();
    let mut inventory = scanned(Vec::new());
    inventory.findings = findings;
    inventory.acceptances = comments;
    let asked = Asked {
        known: &known,
        source: &source,
        here: &here,
        whole: true,
        today: date(2026, 6, 30),
    };
    let config = Config::from_text(config).unwrap().with_file("routes.toml");
    apply(&mut inventory, &config, &asked);
    let told = |finding: &Finding| {
        let place = finding.place.as_ref().unwrap();
        format!("{}:{}", finding.rule, place.line)
    };
    (
        inventory.findings.iter().map(told).collect(),
        inventory
            .accepted
            .iter()
            .map(|one| told(&one.finding))
            .collect(),
    )
}

#[test]
fn a_comment_means_its_line_and_the_one_below() {
    let findings = || [4, 5, 6, 7].map(|line| found(&PATHS, line)).to_vec();
    let (left, accepted) = applied(findings(), vec![comment("path-decision", "x", 5)], "");
    assert_eq!(accepted, ["path-decision:5", "path-decision:6"]);
    assert_eq!(left, ["path-decision:4", "path-decision:7"]);
}

#[test]
fn several_comments_above_a_line_all_mean_it() {
    let comments = vec![
        comment("gate-changed", "x", 3),
        comment("path-decision", "x", 4),
    ];
    let findings = vec![found(&rules::GATE_CHANGED, 5), found(&PATHS, 5)];
    let (left, accepted) = applied(findings, comments, "");
    assert_eq!(
        (left.len(), accepted),
        (
            0,
            vec!["gate-changed:5".to_owned(), "path-decision:5".to_owned()]
        )
    );
}

#[test]
fn an_error_about_coverage_is_never_accepted() {
    for rule in rules::ALL {
        let (left, accepted) = applied(
            vec![found(rule, 5)],
            vec![comment(rule.id, "we know", 5)],
            "",
        );
        let may = rule.severity < Severity::Error && !is_never_accepted(rule.id);
        assert_eq!(!accepted.is_empty(), may, "{}: {left:?}", rule.id);
        if !may {
            assert!(left.contains(&format!("{}:5", rule.id)), "{left:?}");
        }
    }
    for rule in ["open-route", "unresolved-route"] {
        let mut note = found(&rules::OPEN_ROUTE, 5);
        note.rule = rule.to_owned();
        note.severity = Severity::Note;
        let (_, accepted) = applied(vec![note], vec![comment(rule, "we know", 5)], "");
        assert_eq!(accepted.len(), 0, "{rule}");
    }
}

#[test]
fn what_accepts_nothing_is_told() {
    for comment in [
        comment("path-decision", "x", 9),
        comment("path-decision", "", 5),
        comment("", "", 5),
        comment("no-such-rule", "x", 5),
        comment("open-route", "x", 5),
    ] {
        let (left, accepted) = applied(vec![found(&PATHS, 5)], vec![comment.clone()], "");
        assert_eq!(accepted.len(), 0, "{comment:?}");
        let unused = format!("unused-acceptance:{}", comment.place.line);
        assert!(left.contains(&unused), "{comment:?}: {left:?}");
        assert!(left.contains(&"path-decision:5".to_owned()));
    }
}

#[test]
fn the_configuration_accepts_by_route_or_file_until_a_day() {
    let entry =
        |more: &str| format!("[[accept]]\nrule = \"path-decision\"\nreason = \"x\"\n{more}\n");
    let one = |more: &str| applied(vec![found(&PATHS, 5)], Vec::new(), &entry(more));
    for more in [
        "file = \"app/auth.py\"",
        "file = \"app/**\"",
        "route = \"/a\"",
        "route = \"GET /a\"",
        "route = \"/a/*\"\nfile = \"app/**\"",
        "route = \"/a\"\nexpires = 2026-06-30",
    ] {
        assert_eq!(one(more).1, ["path-decision:5"], "{more}");
    }
    for more in [
        "file = \"auth.py\"",
        "file = \"ap/**\"",
        "route = \"POST /a\"",
        "route = \"/b\"",
        "route = \"/a\"\nfile = \"x.py\"",
    ] {
        let (left, accepted) = one(more);
        assert_eq!(accepted.len(), 0, "{more}");
        assert_eq!(left, ["path-decision:5", "unused-acceptance:1"], "{more}");
    }
    let (left, accepted) = one("route = \"/a\"\nexpires = 2026-06-29");
    assert_eq!(accepted.len(), 0);
    assert_eq!(left, ["path-decision:5", "expired-acceptance:1"]);
}

#[test]
fn what_another_look_asks_is_not_without_use_here() {
    let known: Vec<&'static Rule> = vec![&PATHS];
    for (here, whole, count) in [
        (vec![PATHS.id], true, 1),
        (vec![PATHS.id], false, 0),
        (Vec::new(), true, 0),
    ] {
        let mut inventory = scanned(Vec::new());
        inventory.acceptances = vec![comment("path-decision", "x", 5)];
        let asked = Asked {
            known: &known,
            source: &[PATHS.id].into(),
            here: &here.into_iter().collect(),
            whole,
            today: date(2026, 6, 30),
        };
        apply(&mut inventory, &Config::default(), &asked);
        assert_eq!(inventory.findings.len(), count);
    }
}

proptest::proptest! {
    #[test]
    fn nothing_is_lost(
        lines in proptest::collection::vec(0_u32..8, 0..6),
        comments in proptest::collection::vec((0_u32..8, proptest::bool::ANY), 0..6),
    ) {
        let findings: Vec<Finding> = lines.iter().map(|line| found(&PATHS, *line)).collect();
        let comments: Vec<Acceptance> = comments
            .iter()
            .map(|(line, good)| comment(if *good { "path-decision" } else { "open-route" }, "x", *line))
            .collect();
        let (left, accepted) = applied(findings, comments, "");
        let left = left.iter().filter(|one| one.starts_with("path-decision")).count();
        proptest::prop_assert_eq!(left + accepted.len(), lines.len());
    }
}
