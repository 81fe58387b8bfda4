//! Writes the lock file's text.

use std::fmt::Write as _;

use super::{Entry, LOCK_VERSION, LockFile, requirement};
use crate::{Kind, Lens, Risk, Strength};

/// The first line of every lock file.
const HEADER: &str = "# The reviewed ways into this application, and what stands before each. `sealgate routes \
lock` renews it and keeps class, reason, owner, expires and the comments above blocks.";

/// An array that would make its line longer stands on lines of its own.
const LINE_MAX: usize = 100;

pub(super) fn whole(file: &LockFile) -> String {
    let mut text = format!("{HEADER}\nversion = {LOCK_VERSION}\nlens = ");
    let _ = writeln!(text, "\"{}\"", lens_name(file.lens));
    for entry in &file.entries {
        text.push('\n');
        block(&mut text, entry);
    }
    text
}

fn block(text: &mut String, entry: &Entry) {
    for line in &entry.comment {
        let _ = writeln!(text, "{line}");
    }
    let name = format!("{} {}", entry.methods, entry.path);
    let _ = writeln!(text, "[route.{}.{}]", quoted(&entry.app), quoted(&name));
    // What may let somebody in comes first: the three lines around a change in a diff then show whose it is.
    line(text, "class", entry.class.map(super::Class::as_str));
    if entry.evidence.is_gated() || entry.strength != Strength::default() {
        line(text, "requires", Some(&requirement::text(&entry.strength)));
    }
    array(text, "gates", entry.gates.iter().map(String::as_str));
    line(text, "evidence", Some(entry.evidence.as_str()));
    line(text, "reason", entry.reason.as_deref());
    line(text, "owner", entry.owner.as_deref());
    if let Some(expires) = entry.expires {
        let _ = writeln!(text, "expires = {expires}");
    }
    array(text, "risk", entry.risk.iter().copied().map(risk_name));
    line(text, "endpoint", entry.endpoint.as_deref());
    line(text, "kind", kind_name(entry.kind));
}

fn line(text: &mut String, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = writeln!(text, "{key} = {}", quoted(value));
    }
}

fn array<'a>(text: &mut String, key: &str, values: impl Iterator<Item = &'a str>) {
    let values: Vec<String> = values.map(quoted).collect();
    if values.is_empty() {
        return;
    }
    let joined = values.join(", ");
    if key.len() + joined.len() + " = []".len() <= LINE_MAX {
        let _ = writeln!(text, "{key} = [{joined}]");
    } else {
        let _ = writeln!(text, "{key} = [");
        for value in values {
            let _ = writeln!(text, "  {value},");
        }
        let _ = writeln!(text, "]");
    }
}

/// A TOML string. What people cannot see, or what turns the direction of a line and so hides what it says, is
/// escaped: a reviewer has to see what is there.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            _ if c.is_control() || hides(c) => {
                let _ = write!(text, "\\U{:08X}", u32::from(c));
            }
            _ => text.push(c),
        }
    }
    text.push('"');
    text
}

fn hides(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn lens_name(lens: Lens) -> &'static str {
    match lens {
        Lens::Scan => "scan",
        Lens::Inspect => "inspect",
        Lens::Probe => "probe",
    }
}

/// The kind, where methods do not tell it.
fn kind_name(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Http | Kind::Websocket => None,
        Kind::Mount => Some("mount"),
        Kind::Static => Some("static"),
        Kind::Frontend => Some("frontend"),
        Kind::Docs => Some("docs"),
    }
}

fn risk_name(risk: Risk) -> &'static str {
    match risk {
        Risk::Reads => "reads",
        Risk::Writes => "writes",
        Risk::Administers => "administers",
        Risk::Secrets => "secrets",
    }
}
