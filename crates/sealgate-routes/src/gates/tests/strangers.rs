//! Small programs that look guarded, in `programs/`: strangers come through the ones, and not through the others.

use super::scan;

const TOP: &str = include_str!("programs/top.txt");

/// The programs of a file, each after a line `# == name`.
fn programs(text: &str) -> Vec<(&str, &str)> {
    let found: Vec<(&str, &str)> = text
        .split("# == ")
        .filter_map(|program| program.split_once('\n'))
        .collect();
    assert!(found.len() > 4, "the programs were not found");
    found
}

/// What is found of the routes at `/x`, a line for each.
fn at_x(name: &str, source: &str) -> Vec<String> {
    let found = scan(&format!("{TOP}{source}"));
    let lines: Vec<String> = found
        .lines()
        .filter(|line| line.contains(" /x:"))
        .map(str::to_owned)
        .collect();
    assert!(!lines.is_empty(), "{name}: no route was found\n{found}");
    lines
}

fn strangers_come_through(text: &str) {
    for (name, source) in programs(text) {
        for line in at_x(name, source) {
            assert!(
                line.contains(" /x: OPEN") || line.contains(" /x: UNRESOLVED"),
                "{name}: {line}"
            );
        }
    }
}

fn nobody_comes_through(text: &str) {
    for (name, source) in programs(text) {
        for line in at_x(name, source) {
            assert!(line.contains(" /x: GATED-STATIC"), "{name}: {line}");
        }
    }
}

#[test]
fn being_there_is_no_proof() {
    strangers_come_through(include_str!("programs/presence.txt"));
}

#[test]
fn a_way_around_a_check_is_found() {
    strangers_come_through(include_str!("programs/ways_around.txt"));
    strangers_come_through(include_str!("programs/more_ways_around.txt"));
}

#[test]
fn a_way_around_a_middleware_is_found() {
    strangers_come_through(include_str!("programs/middleware.txt"));
}

#[test]
fn a_way_around_a_decorator_or_one_of_several_endpoints_is_found() {
    strangers_come_through(include_str!("programs/decorators.txt"));
}

#[test]
fn gates_as_projects_write_them_are_gates() {
    nobody_comes_through(include_str!("programs/gates.txt"));
    nobody_comes_through(include_str!("programs/more_gates.txt"));
}

#[test]
fn middleware_and_decorators_that_deny_are_gates() {
    nobody_comes_through(include_str!("programs/gates_around.txt"));
}

#[test]
fn what_only_sees_that_a_credential_is_there_is_said() {
    let (_, source) = programs(include_str!("programs/presence.txt"))[0];
    let line = at_x("presence", source).join("\n");
    assert!(
        line.contains("/x: OPEN") && line.contains("!PresenceOnly main:dep"),
        "{line}"
    );
}
