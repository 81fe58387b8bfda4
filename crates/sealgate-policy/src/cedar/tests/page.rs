//! docs/reference/policy-schema.md says what is so.

use super::*;
use crate::cedar::{limits, schema as schema_file, value};

const PAGE: &str = include_str!("../../../../../docs/reference/policy-schema.md");

#[test]
fn the_page_has_the_schema_that_is_there_without_being_declared() {
    let own = schema(&PolicySource::default());
    assert_eq!(own, schema_file::BUILT_IN);
    assert!(PAGE.contains(&format!("```cedar\n{own}```")), "{own}");
}

#[test]
fn the_page_has_every_limit() {
    let limits = [
        ("files", limits::FILES_MOST),
        ("bytes in a file", limits::FILE_BYTES_MOST),
        ("bytes of policies", limits::BYTES_MOST),
        ("policies", limits::POLICIES_MOST),
        ("bytes in a policy", limits::POLICY_BYTES_MOST),
        (
            "nested expressions in a policy, or operators in a chain",
            limits::POLICY_DEPTH_MOST,
        ),
        ("kinds of resource", limits::RESOURCES_MOST),
        ("actions", limits::ACTIONS_MOST),
        (
            "attributes of a kind, or of a context",
            limits::ATTRIBUTES_MOST,
        ),
        ("routes", limits::ROUTES_MOST),
        ("roles", limits::ROLES_MOST),
        ("values in one question", value::VALUES_MOST),
        ("bytes in a value or an id", value::TEXT_MOST),
        ("resources and values within each other", value::DEPTH_MOST),
    ];
    let (_, section) = PAGE.split_once("## Limits").unwrap();
    let rows: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(2)
        .collect();
    let expected: Vec<String> = limits
        .iter()
        .map(|(what, most)| format!("| {what} | {most} |"))
        .collect();
    assert_eq!(rows, expected);
}

/// The codes as they stand in the code that finds them.
#[test]
fn the_page_has_every_code() {
    const FOUND_IN: [&str; 4] = [
        include_str!("../rules.rs"),
        include_str!("../compile.rs"),
        include_str!("../analysis.rs"),
        include_str!("../shape.rs"),
    ];
    let mut codes: Vec<&str> = vec![
        "never_applies",
        "type",
        "confusable",
        "role_unknown",
        "route_unknown",
        "route_unchecked",
        "route_not_asked",
        "role_unchecked",
    ];
    for text in FOUND_IN {
        for call in ["Finding::error(\"", "Finding::warning(\"", "told_as(\""] {
            codes.extend(
                text.split(call)
                    .skip(1)
                    .filter_map(|rest| rest.split('"').next()),
            );
        }
    }
    codes.sort_unstable();
    codes.dedup();
    let (_, section) = PAGE.split_once("## Findings").unwrap();
    let (section, _) = section.split_once("## Limits").unwrap();
    let mut told: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    told.sort_unstable();
    assert_eq!(told, codes);
}

#[test]
fn the_page_has_every_reason() {
    let reasons = [
        QuestionError::Action(String::new()),
        QuestionError::Kind {
            place: String::new(),
            kind: String::new(),
        },
        QuestionError::Missing(String::new()),
        QuestionError::Oversize,
    ];
    for reason in reasons {
        assert!(
            PAGE.contains(&format!("| `{}` |", reason.code())),
            "{reason:?}"
        );
    }
}
