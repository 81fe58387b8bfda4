//! The tables of small applications, as text.

use std::fmt::Write as _;

use sealgate_inventory::{Kind, Placement};

use super::{FlatRoute, applications, orphans};
use crate::evaluate::Interpreter;
use crate::evaluate::value::Value;
use crate::source::Sources;

mod applications_of;
mod idioms;
mod includes;
mod lists;
mod mounts;
mod strays;
mod subclasses;
mod views;

/// The tables of all applications and orphans of a project.
fn scan_text(files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let sources = Sources::find(folder.path(), &[], &|_| {}).unwrap();
    tables(&sources)
}

fn tables(sources: &Sources) -> String {
    let mut interpreter = Interpreter::new(sources);
    interpreter.run();
    let mut text = String::new();
    for app in applications(&mut interpreter) {
        writeln!(text, "{}", app.name).unwrap();
        for route in app.flatten(&mut interpreter) {
            writeln!(text, "  {}", line(&mut interpreter, &route)).unwrap();
        }
    }
    for router in orphans(&mut interpreter) {
        writeln!(text, "orphan {}", router.name).unwrap();
        for route in router.flatten(&mut interpreter) {
            writeln!(text, "  {}", line(&mut interpreter, &route)).unwrap();
        }
    }
    text
}

/// The same without FastAPI's documentation, which most tests are not about.
fn scan(files: &[(&str, &str)]) -> String {
    let text = scan_text(files);
    let lines = text.lines().filter(|line| !line.contains(" docs "));
    lines.collect::<Vec<_>>().join("\n")
}

fn line<'a>(interpreter: &mut Interpreter<'a>, route: &FlatRoute<'a>) -> String {
    let methods = match route.kind {
        Kind::Websocket => "WEBSOCKET".to_owned(),
        _ if route.methods.is_empty() => "*".to_owned(),
        _ => route.methods.join(","),
    };
    let kind = match route.kind {
        Kind::Http | Kind::Websocket => "",
        Kind::Mount => " mount",
        Kind::Static => " static",
        Kind::Frontend => " frontend",
        Kind::Docs => " docs",
    };
    let mut text = format!(
        "{methods} {:?}{kind} {}",
        route.path,
        interpreter.name_of(&route.endpoint)
    );
    for layer in &route.layers {
        let placement = match layer.placement {
            Placement::App => "app",
            Placement::Include => "include",
            Placement::Router => "router",
            Placement::Route => "route",
            Placement::Dependency => "view",
            _ => "other",
        };
        let mut names = Vec::new();
        for value in &layer.dependencies {
            names.push(name(interpreter, value));
        }
        write!(text, " {placement}({})", names.join(", ")).unwrap();
    }
    for middleware in &route.middleware {
        let callee = name(interpreter, &middleware.callee);
        let when = if middleware.added.conditions.is_empty() {
            ""
        } else {
            "?"
        };
        write!(text, " middleware{when}({callee})").unwrap();
    }
    if let Some(class) = &route.route_class {
        write!(text, " class({})", name(interpreter, class)).unwrap();
    }
    for condition in &route.conditions {
        write!(text, " if `{condition}`").unwrap();
    }
    if route.late {
        text.push_str(" late");
    }
    if let Some(reason) = &route.unresolved {
        write!(text, " unresolved: {reason}").unwrap();
    }
    text
}

fn name<'a>(interpreter: &mut Interpreter<'a>, value: &Value<'a>) -> String {
    match value {
        Value::Depends(depends) => match &depends.callee {
            Some(callee) => interpreter.name_of(callee),
            None => "Depends()".to_owned(),
        },
        Value::Either(several) => {
            let all: Vec<_> = several.iter().map(|one| name(interpreter, one)).collect();
            all.join("|")
        }
        Value::None => "None".to_owned(),
        Value::Unknown(why) => format!("unknown: {why}"),
        other => interpreter.name_of(other),
    }
}
