//! What an attacker who writes file names, routes and source can do to a report: nothing.

use std::sync::Arc;

use proptest::prelude::*;

use super::{sample, view};
use crate::report::{Format, Sources, View, render};
use crate::{Inventory, Note};

/// Texts that try to be more than text.
fn foul() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\u{1b}\n\r\t]{0,40}",
        prop::sample::select(vec![
            "\n::error file=x::y",
            "%0A::set-output name=a::b",
            "\r\n::stop-commands::t",
            "##[add-path]/tmp",
            "a::b,c=d%",
            "\u{1b}[2J\u{1b}]0;x\u{7}",
            "]]></failure><x a='\"&",
            "`` ``` ~~~ | **x** <img src=x> [a](javascript:b) @admin #1",
            "\n```\n# heading\n- item\n| a |\n",
            "\u{202e}abc\u{2028}\u{0}\u{85}\u{fffe}",
            "\"'\\",
        ])
        .prop_map(str::to_owned),
    ]
}

struct Foul(String);

impl Sources for Foul {
    fn text(&self, _file: &str) -> Option<Arc<str>> {
        Some(format!("{0}\n{0}\n{0}\n{0}\n{0}\n{0}\n{0}\n", self.0).into())
    }
}

/// The sample with `text` everywhere where code could have put it.
fn with(text: &str) -> Inventory {
    let mut inventory = sample::inventory();
    let text = text.to_owned();
    inventory.apps[0].name.clone_from(&text);
    for route in &mut inventory.routes {
        route.app.clone_from(&text);
        route.path.clone_from(&text);
        route.methods = vec![text.clone()];
        route.file = Some(text.clone());
        route.endpoint = Some(text.clone());
        route.reason = Some(text.clone());
        for gate in &mut route.gates {
            gate.name.clone_from(&text);
        }
    }
    for finding in &mut inventory.findings {
        finding.rule.clone_from(&text);
        finding.message.clone_from(&text);
        finding.hint = Some(text.clone());
        if let Some(place) = &mut finding.place {
            place.file.clone_from(&text);
        }
        for step in &mut finding.via {
            step.text.clone_from(&text);
            step.place.file.clone_from(&text);
        }
        if let Some(sibling) = &mut finding.sibling {
            sibling.route.path.clone_from(&text);
            sibling.gates = vec![text.clone()];
        }
    }
    inventory.notes = vec![Note {
        place: Some(sample::place(&text, 1)),
        text: text.clone(),
    }];
    inventory
}

fn shown(text: &str, format: Format) -> String {
    let sources = Foul(text.replace(['\n', '\r'], " "));
    let view = View {
        all: true,
        prefix: "a/",
        ..view(&sources)
    };
    render(&with(text), format, &view)
}

proptest! {
    #[test]
    fn no_text_rewrites_a_terminal_or_adds_a_line(text in foul()) {
        for format in [Format::Text, Format::Markdown, Format::Github, Format::Junit] {
            let out = shown(&text, format);
            prop_assert!(!out.chars().any(|c| c != '\n' && c.is_control()), "{format}: {out:?}");
            prop_assert!(!out.contains(['\u{202e}', '\u{2028}', '\u{2066}']), "{format}");
            let plain = shown("x", format);
            // Excerpts leave out what is blank, so that there may be fewer.
            prop_assert!(out.lines().count() <= plain.lines().count(), "{format}: {out}");
        }
    }

    #[test]
    fn no_text_becomes_a_workflow_command(text in foul()) {
        let out = shown(&text, Format::Github);
        let commands: Vec<&str> = out.lines().collect();
        prop_assert_eq!(commands.len(), sample::inventory().findings.len() + 1);
        for line in &commands[..commands.len() - 1] {
            let (head, _) = line[2..].split_once("::").unwrap();
            let (command, properties) = head.split_once(' ').unwrap();
            prop_assert!(["error", "warning", "notice"].contains(&command), "{line}");
            let names: Vec<&str> = properties.split(',').map(|one| one.split('=').next().unwrap()).collect();
            prop_assert_eq!(names, ["file", "line", "title"]);
        }
        for format in Format::ALL {
            let out = shown(&text, format);
            prop_assert!(!out.contains("##["), "{format}");
            if format != Format::Github {
                // An excerpt in a comment begins its line with the source itself, but a comment is no output of a step.
                prop_assert!(format == Format::Markdown || !out.lines().any(|line| line.trim_start().starts_with("::")), "{out}");
            }
        }
    }

    #[test]
    fn json_and_sarif_stay_json_and_say_what_was_said(text in foul()) {
        let json: Inventory = serde_json::from_str(&shown(&text, Format::Json)).unwrap();
        prop_assert_eq!(&json.findings[0].message, &text);
        let sarif: serde_json::Value = serde_json::from_str(&shown(&text, Format::Sarif)).unwrap();
        let result = &sarif["runs"][0]["results"][0];
        prop_assert!(result["message"]["text"].as_str().unwrap().starts_with(text.trim_end()));
        let address = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        let uri = address.strip_prefix("file://").unwrap_or(address);
        prop_assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{}|?#:".contains(&byte)), "{uri}");
    }

    #[test]
    fn junit_stays_xml_with_the_same_elements(text in foul()) {
        let names = |xml: &str| -> Vec<String> {
            let document = roxmltree::Document::parse(xml).unwrap();
            let elements = document.descendants().filter(roxmltree::Node::is_element);
            elements.map(|node| node.tag_name().name().to_owned()).collect()
        };
        let mut found = names(&shown(&text, Format::Junit));
        let mut plain = names(&shown("x", Format::Junit));
        // Suites are in the order of their names.
        found.sort();
        plain.sort();
        prop_assert_eq!(found, plain);
    }

    #[test]
    fn a_comment_mentions_nobody_and_holds_no_markup(text in foul()) {
        let out = shown(&text, Format::Markdown);
        let mut fence: Option<&str> = None;
        for line in out.lines() {
            // Within a fence everything is text, up to a line that is the fence.
            match fence {
                Some(open) if line == open => fence = None,
                Some(_) => {}
                None if line.starts_with("```") => fence = Some(line.strip_suffix("python").unwrap()),
                None => {
                    let words = without_code(line);
                    for mark in ["<", "[", "](", "*x*", "@a", "#1"] {
                        prop_assert!(!words.contains(mark), "{line}");
                    }
                }
            }
        }
        prop_assert!(fence.is_none(), "{out}");
    }
}

/// `line` without its code and without what is escaped.
fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(escaped) = rest.strip_prefix('\\') {
            let mut chars = escaped.chars();
            chars.next();
            rest = chars.as_str();
            continue;
        }
        let run = rest.len() - rest.trim_start_matches('`').len();
        let inside = &rest[run..];
        let mut from = 0;
        let end = loop {
            let Some(next) = inside[from..].find('`') else {
                panic!("code without an end: {line}");
            };
            let start = from + next;
            let length = inside[start..].len() - inside[start..].trim_start_matches('`').len();
            if length == run {
                break start + length;
            }
            from = start + length;
        };
        rest = &inside[end..];
    }
    out.push_str(rest);
    out
}
