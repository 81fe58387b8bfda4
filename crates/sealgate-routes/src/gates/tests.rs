//! Small applications, and what is found to stand before their routes.

use std::fmt::Write as _;

use sealgate_inventory::{Config, Level, Strength};

use super::{Gates, gates_of};
use crate::evaluate::Interpreter;
use crate::framework::applications;
use crate::source::Sources;

/// The routes of a project with their evidence, without those of the documentation.
fn scan_files(files: &[(&str, &str)], config: Config) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let sources = Sources::find(folder.path(), &[], &|_| {}).unwrap();
    let mut interpreter = Interpreter::new(&sources);
    interpreter.run();
    let mut gates = Gates::new(config);
    gates.learn_handlers(&interpreter);
    let mut text = String::new();
    for app in applications(&mut interpreter) {
        for route in app.flatten(&mut interpreter) {
            if route.kind == sealgate_inventory::Kind::Docs {
                continue;
            }
            let found = gates_of(&mut interpreter, &mut gates, &route);
            write!(
                text,
                "{} {}: {}",
                route.methods.join(","),
                route.path,
                found.evidence
            )
            .unwrap();
            for gate in &found.gates {
                write!(
                    text,
                    " [{} {:?}{}]",
                    gate.name,
                    gate.placement,
                    words(&gate.strength)
                )
                .unwrap();
            }
            if let Some(reason) = &found.reason {
                write!(text, " ({reason})").unwrap();
            }
            for (_, flaw) in &found.flaws {
                write!(text, " !{:?} {}", flaw.kind, flaw.text).unwrap();
            }
            text.push('\n');
        }
    }
    text
}

fn words(strength: &Strength) -> String {
    let mut text = String::new();
    if strength.level == Level::Privileged {
        text.push_str(" privileged");
    }
    for (name, set) in [
        ("roles", &strength.roles),
        ("scopes", &strength.scopes),
        ("any", &strength.any_of),
        ("more", &strength.more),
    ] {
        if !set.is_empty() {
            let all: Vec<&str> = set.iter().map(String::as_str).collect();
            write!(text, " {name}={}", all.join(",")).unwrap();
        }
    }
    text
}

fn scan(source: &str) -> String {
    scan_files(&[("main.py", source)], Config::default())
}

mod basics;
mod paths_of;
mod strangers;
