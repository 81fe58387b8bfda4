//! Each format as its readers see it, and that nothing foreign breaks out of it.

mod accepted;
mod hostile;
mod sample;
mod sarif;
mod specification;

use std::sync::Arc;

use super::{Format, NoSources, Sources, View, render};
use crate::Inventory;

/// A view of the sample, from the repository's root.
fn view(sources: &dyn Sources) -> View<'_> {
    View {
        rules: &sample::RULES,
        sources,
        prefix: "",
        all: false,
        color: false,
        version: "1.2.3",
    }
}

fn shown(format: Format) -> String {
    render(&sample::inventory(), format, &view(&sample::Files))
}

#[test]
fn people_read_findings_with_their_source_and_then_the_coverage() {
    insta::assert_snapshot!(shown(Format::Text));
}

#[test]
fn all_routes_are_told_when_asked_for() {
    let view = View {
        all: true,
        prefix: "services/shop/",
        ..view(&NoSources)
    };
    insta::assert_snapshot!(render(&sample::inventory(), Format::Text, &view));
}

#[test]
fn an_application_without_findings_is_short() {
    let mut inventory = sample::inventory();
    inventory.findings.clear();
    inventory.notes.clear();
    let text = |format| render(&inventory, format, &view(&NoSources));
    insta::assert_snapshot!(
        Format::ALL
            .map(|format| match format {
                Format::Json | Format::Sarif | Format::Junit => String::new(),
                _ => format!("== {format}\n{}", text(format)),
            })
            .concat()
    );
}

#[test]
fn colours_repeat_what_words_say() {
    let plain = shown(Format::Text);
    let view = View {
        color: true,
        ..view(&sample::Files)
    };
    let colored = render(&sample::inventory(), Format::Text, &view);
    assert!(colored.contains("\u{1b}[1;31merror[open-route]\u{1b}[0m"));
    let mut bare = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    // Spaces at the ends of lines are cut before the colours are seen.
    let trimmed = |text: &str| {
        text.lines()
            .map(str::trim_end)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(trimmed(&bare), trimmed(&plain));
}

#[test]
fn json_is_the_inventory_and_can_be_read_again() {
    let text = shown(Format::Json);
    let read: Inventory = serde_json::from_str(&text).unwrap();
    assert_eq!(read, sample::inventory());
    assert!(text.ends_with("}\n"));
}

#[test]
fn code_hosts_read_sarif() {
    insta::assert_snapshot!(shown(Format::Sarif));
}

#[test]
fn github_reads_workflow_commands() {
    insta::assert_snapshot!(shown(Format::Github));
}

#[test]
fn reviewers_read_a_comment() {
    insta::assert_snapshot!(shown(Format::Markdown));
}

#[test]
fn gitlab_reads_test_cases() {
    insta::assert_snapshot!(shown(Format::Junit));
}

#[test]
fn a_long_comment_says_how_much_it_leaves_out() {
    let mut inventory = sample::inventory();
    let finding = inventory.findings[0].clone();
    inventory.findings = vec![finding; 1_000];
    let text = render(&inventory, Format::Markdown, &view(&sample::Files));
    assert!(text.chars().count() < 60_000);
    assert!(text.ends_with(" findings more, which the command's other formats show.\n"));
}

#[test]
fn every_format_is_found_by_its_name() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    assert!("yaml".parse::<Format>().is_err());
}

#[test]
fn lines_that_are_very_long_or_missing_do_no_harm() {
    struct Long;
    impl Sources for Long {
        fn text(&self, _file: &str) -> Option<Arc<str>> {
            Some(format!("{}\n", "é".repeat(100_000)).into())
        }
    }
    let mut inventory = sample::inventory();
    for (finding, line) in inventory.findings.iter_mut().zip([0, 1, u32::MAX]) {
        finding.place.as_mut().unwrap().line = line;
    }
    let text = render(&inventory, Format::Text, &view(&Long));
    assert!(text.lines().all(|line| line.chars().count() < 300));
}

#[test]
fn a_file_above_what_was_looked_at_is_named_from_where_the_reader_stands() {
    let at = |prefix: &str, file: &str| {
        let view = View {
            prefix,
            ..view(&NoSources)
        };
        view.file(&sample::place(file, 1))
    };
    assert_eq!(at("", "../pyproject.toml"), "../pyproject.toml");
    assert_eq!(
        at("services/shop/", "../../pyproject.toml"),
        "pyproject.toml"
    );
    assert_eq!(at("services/shop/", "../x.toml"), "services/x.toml");
    assert_eq!(at("../a/", "../../x"), "../../x");
    assert_eq!(at("/srv/a/", "../x"), "/srv/x");
    assert_eq!(at("a/", "/usr/x.py"), "/usr/x.py");
}
