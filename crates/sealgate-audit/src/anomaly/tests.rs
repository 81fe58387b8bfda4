//! Each rule by fixtures, and the engine by a naive model.

mod fixtures;
mod model;

use std::collections::BTreeSet;
use std::time::Duration;

use sealgate_model::Timestamp;

use super::*;
use fixtures::{FIXTURES, Fixture};

const START: Timestamp = Timestamp::from_seconds(1_795_338_305);

fn raised(engine: &mut Engine, fixture: &Fixture, count: usize) -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for (index, (seconds, facts)) in (fixture.stream)(count).into_iter().enumerate() {
        let number = i64::try_from(index).unwrap() + 1;
        let at = START + Duration::from_secs(seconds);
        let source = fixture.source;
        let facts: Vec<(Fact, String)> = facts;
        let event = facts
            .iter()
            .fold(Event::new(source, at, number), |event, (fact, value)| {
                event.with(*fact, value)
            });
        rules.extend(engine.judge(&event).into_iter().map(|raise| raise.rule));
    }
    rules
}

#[test]
fn the_rules_that_come_with_the_program_are_sound() {
    let rules = read(include_str!("rules.toml")).unwrap();
    assert_eq!(rules, builtin());
    assert!(rules.len() > 30, "{}", rules.len());
}

#[test]
fn each_rule_about_records_raises_at_its_threshold_and_not_below() {
    let counting = builtin().iter().filter(|rule| rule.source != Source::State);
    let known: BTreeSet<&str> = counting.map(|rule| rule.id.as_str()).collect();
    let tried: BTreeSet<&str> = FIXTURES.iter().map(|fixture| fixture.rule).collect();
    assert_eq!(
        known, tried,
        "a rule without fixtures, or fixtures without a rule"
    );
    for fixture in &FIXTURES {
        let only = BTreeSet::from([fixture.rule.to_owned()]);
        let also: BTreeSet<String> = fixture.also.iter().map(|id| (*id).to_owned()).collect();
        let exactly = raised(&mut Engine::new(builtin()), fixture, fixture.enough);
        assert_eq!(exactly, &only | &also, "{}", fixture.rule);
        let below = raised(&mut Engine::new(builtin()), fixture, fixture.enough - 1);
        assert!(!below.contains(fixture.rule), "{}", fixture.rule);
    }
}

#[test]
fn each_rule_about_states_raises_at_its_threshold_and_not_on_the_other_side() {
    for rule in builtin() {
        let How::Holds(held) = &rule.how else {
            continue;
        };
        let name: &'static str = held.measure.clone().leak();
        let measure = |value| Measure {
            name,
            of: rule
                .group_by
                .iter()
                .map(|fact| (*fact, "a".to_owned()))
                .collect(),
            value,
            detail: String::new(),
        };
        let other = match held.compare {
            Compare::AtLeast => rule.threshold - 1,
            Compare::AtMost => rule.threshold + 1,
        };
        let ids = |value| -> Vec<String> {
            let raised = judge(builtin(), &[measure(value)], START).into_iter();
            raised.map(|raise| raise.rule).collect()
        };
        assert!(ids(rule.threshold).contains(&rule.id), "{}", rule.id);
        assert!(!ids(other).contains(&rule.id), "{}", rule.id);
    }
}

#[test]
fn a_rule_raises_again_when_its_rest_is_over_with_what_came_meanwhile() {
    let rules: Vec<Rule> = builtin()
        .iter()
        .filter(|rule| rule.id == "administration_refused")
        .cloned()
        .collect();
    let mut engine = Engine::new(&rules);
    let mut judge = |seconds, number| {
        let at = START + Duration::from_secs(seconds);
        let event = Event::new(Source::Acts, at, number)
            .with(Fact::Action, "admin.request")
            .with(Fact::Outcome, "denied")
            .with(Fact::ActorKind, "client")
            .with(Fact::Actor, "client:robot");
        engine.judge(&event)
    };
    let first: Vec<Raise> = (1..=5).flat_map(|number| judge(1, number)).collect();
    let [raise] = first.as_slice() else {
        panic!("{first:?}")
    };
    assert_eq!(
        (raise.count, raise.subject.as_str()),
        (5, "actor=client:robot")
    );
    assert_eq!(raise.evidence, [1, 2, 3, 4, 5]);
    // One each four minutes: always five within ten, never out of sight.
    let mut later = Vec::new();
    for number in 6..=40 {
        for part in 0..2 {
            later.extend(judge(
                u64::try_from(number - 5).unwrap() * 200 + part,
                number * 2 + i64::try_from(part).unwrap(),
            ));
        }
    }
    assert_eq!(later.len(), 1, "{later:?}");
    let since = later[0].at.since(raise.at);
    assert!(since >= Duration::from_secs(3600), "{since:?}");
    assert!(later[0].count > 30, "{}", later[0].count);
}

#[test]
fn memory_is_bounded_and_says_what_it_forgot() {
    let rules: Vec<Rule> = builtin()
        .iter()
        .filter(|rule| rule.id == "denied_burst_network")
        .cloned()
        .collect();
    let mut engine = Engine::with_room(&rules, 50);
    for number in 0..1_000_i64 {
        let network = format!("10.0.{}.0/24", number % 200);
        let event = Event::new(Source::Acts, START, number + 1)
            .with(Fact::Outcome, "denied")
            .with(Fact::Network, &network);
        assert!(engine.judge(&event).is_empty());
        assert!(engine.entries() <= 50);
    }
    assert!(engine.forgotten() > 0);
    // With room for all of them nothing is missed.
    let mut engine = Engine::new(&rules);
    for number in 0..1_000_i64 {
        let network = format!("10.0.{}.0/24", number % 5);
        let event = Event::new(Source::Acts, START, number + 1)
            .with(Fact::Outcome, "denied")
            .with(Fact::Network, &network);
        let raised = engine.judge(&event);
        assert_eq!(!raised.is_empty(), (495..500).contains(&number), "{number}");
    }
    assert_eq!(engine.forgotten(), 0);
}

#[test]
fn what_is_over_is_forgotten_and_counts_as_nothing_missed() {
    let mut engine = Engine::new(builtin());
    for number in 0..500_u32 {
        let at = START + Duration::from_secs(u64::from(number) * 7_200);
        let user = format!("user-{number}");
        let event = Event::new(Source::Acts, at, i64::from(number) + 1)
            .with(Fact::Action, "sign_in.start")
            .with(Fact::Outcome, "denied")
            .with(Fact::Reason, "password_wrong")
            .with(Fact::User, &user);
        engine.judge(&event);
    }
    assert!(engine.entries() <= 4, "{}", engine.entries());
    assert_eq!(engine.forgotten(), 0);
}

#[test]
fn what_is_not_of_the_form_is_refused() {
    let good = include_str!("rules.toml");
    for (what, text) in [
        ("not TOML", "rule"),
        ("no rule", "other = 1"),
        ("an unknown member", "[[rule]]\nid = \"a\"\nmore = 1"),
    ] {
        assert!(matches!(read(text), Err(RuleError::Malformed(_))), "{what}");
    }
    assert_eq!(read(&" ".repeat(RULES_LIMIT + 1)), Err(RuleError::TooLong));
    for (what, old, new) in [
        (
            "twice",
            "id = \"code_reused\"",
            "id = \"refresh_token_reused\"",
        ),
        ("an id", "id = \"code_reused\"", "id = \"Code reused\""),
        ("no threshold", "threshold = 4", "threshold = 0"),
        (
            "a threshold without room",
            "threshold = 300",
            "threshold = 100000",
        ),
        ("no span", "window = \"10m\"", "window = \"soon\""),
        (
            "a fact that is not grouped by",
            "user sign-out {user} --wait`.\"",
            "{actor}\"",
        ),
        (
            "two ways to count",
            "new_of = \"network\"",
            "new_of = \"network\"\ndistinct_of = \"user\"",
        ),
        (
            "a state that counts",
            "measure = \"tls_days_left\"",
            "measure = \"tls_days_left\"\nwindow = \"1h\"",
        ),
        (
            "records that are measured",
            "distinct_of = \"gate\"",
            "measure = \"gates\"",
        ),
        ("a star within", "\"password_wrong\"", "\"pass*word\""),
    ] {
        let text = good.replacen(old, new, 1);
        assert_ne!(text, good, "{what}");
        assert!(matches!(read(&text), Err(RuleError::Unsound(..))), "{what}");
    }
}

#[test]
fn what_is_set_otherwise_is_checked_as_strictly() {
    let changes = |text: &str| toml::from_str::<Changes>(text).unwrap().apply(builtin());
    let rules = changes("denied_burst_actor = { threshold = 7, window = \"1m\" }\nmachine_unused = { off = \"none here\" }").unwrap();
    let rule = |id: &str| rules.iter().find(|rule| rule.id == id).unwrap();
    assert_eq!(rule("denied_burst_actor").threshold, 7);
    assert_eq!(rule("machine_unused").off.as_deref(), Some("none here"));
    let silent = judge(
        &rules,
        &[Measure {
            name: "machine_unused_days",
            of: vec![(Fact::Client, "a".to_owned())],
            value: 1_000,
            detail: String::new(),
        }],
        START,
    );
    assert_eq!(silent, []);
    for wrong in [
        "no_such_rule = { threshold = 1 }",
        "denied_burst_actor = { threshold = 0 }",
        "denied_burst_actor = { threshold = 100000 }",
        "denied_burst_actor = { window = \"soon\" }",
        "machine_unused = { window = \"1h\" }",
        "machine_unused = { off = \" \" }",
    ] {
        assert!(changes(wrong).is_err(), "{wrong}");
    }
    assert!(toml::from_str::<Changes>("machine_unused = { treshold = 1 }").is_err());
}

#[test]
fn advice_names_what_it_is_about() {
    let rule = builtin()
        .iter()
        .find(|rule| rule.id == "refresh_token_reused")
        .unwrap();
    let advice = rule.advice_for("user=01890a5d session=abc");
    assert!(
        advice.contains("sealgate user sign-out 01890a5d --wait"),
        "{advice}"
    );
    for rule in builtin() {
        let subject: Vec<String> = rule
            .group_by
            .iter()
            .map(|fact| format!("{}=x y=z", fact.as_str()))
            .collect();
        let advice = rule.advice_for(&subject.join(" "));
        assert!(!advice.contains('{'), "{advice}");
    }
    assert!(rule.advice_for("others").contains("{user}"));
}

/// A rule as the reference page tells it.
fn section(rule: &Rule) -> String {
    let counts = match &rule.how {
        How::Counts(counts) => {
            let told = |(fact, any): &(Fact, Vec<Pattern>)| {
                let any: Vec<String> = any
                    .iter()
                    .map(|one| format!("`{}`", one.as_str()))
                    .collect();
                format!("`{}` {}", fact.as_str(), any.join(" or "))
            };
            let matching: Vec<String> = counts.matching.iter().map(told).collect();
            let what = match counts.counted {
                Counted::Records => "records".to_owned(),
                Counted::Distinct(fact) => {
                    format!("different values of `{}` in records", fact.as_str())
                }
                Counted::New(fact, learn) => format!(
                    "values of `{}` that were never seen, once there were records for {}, in records",
                    fact.as_str(),
                    span_text(learn)
                ),
            };
            format!(
                "- counts: {what} with {}\n- raises at: {} within {}; again after {}\n",
                matching.join(", "),
                rule.threshold,
                span_text(counts.window),
                span_text(counts.suppress)
            )
        }
        How::Holds(held) => {
            let side = match held.compare {
                Compare::AtLeast => "or more",
                Compare::AtMost => "or less",
            };
            format!(
                "- measures: `{}`\n- raises at: {} {side}, until it is mended\n",
                held.measure, rule.threshold
            )
        }
    };
    let by: Vec<String> = rule
        .group_by
        .iter()
        .map(|fact| format!("`{}`", fact.as_str()))
        .collect();
    format!(
        "### {}\n\n{}. Severity {}, source `{}`.\n\n{counts}- told apart by: {}\n- what to do: {}\n- asked for by: {}\n",
        rule.id,
        rule.title,
        rule.severity.as_str(),
        rule.source.as_str(),
        by.join(", "),
        rule.advice,
        rule.references.join(", ")
    )
}

#[test]
fn the_reference_page_tells_of_every_rule_as_it_is() {
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/anomalies.md"
    );
    let page = std::fs::read_to_string(page).unwrap();
    let rules: Vec<String> = builtin().iter().map(section).collect();
    let whole = rules.join("\n");
    if !page.contains(&whole) {
        // What belongs there, to be put there.
        let missing: Vec<&String> = rules.iter().filter(|one| !page.contains(*one)).collect();
        panic!("the page lacks, or has otherwise: {missing:#?}");
    }
    assert_eq!(page.matches("\n### ").count(), builtin().len());
}
