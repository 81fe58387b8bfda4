//! Reads the lock file's text, and refuses what is not as it should be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::{Class, Entry, LOCK_BYTES_MAX, LOCK_ROUTES_MAX, LOCK_VERSION, LockError};
use super::{LockFile, LockProblem, requirement};
use crate::lines::{Lines, day, toml_error};
use crate::{Evidence, Kind, Lens, Methods, Risk, Strength};

#[derive(Deserialize)]
struct Head {
    version: Spanned<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[allow(dead_code, reason = "read before, by `Head`")]
    version: i64,
    lens: Lens,
    #[serde(default)]
    route: BTreeMap<String, BTreeMap<String, Spanned<RawEntry>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    class: Option<Class>,
    requires: Option<Spanned<String>>,
    #[serde(default)]
    gates: BTreeSet<String>,
    evidence: Evidence,
    reason: Option<String>,
    owner: Option<String>,
    expires: Option<Spanned<Datetime>>,
    #[serde(default)]
    risk: BTreeSet<Risk>,
    endpoint: Option<String>,
    kind: Option<Kind>,
}

/// Reads a lock file. What is not understood is an error, for whoever reads it holds an application to it.
pub fn read(text: &str) -> Result<LockFile, LockError> {
    limits(text)?;
    let lines = Lines::of(text);
    let head: Head = parse(text)?;
    if *head.version.get_ref() != LOCK_VERSION {
        return Err(LockError {
            problem: LockProblem::Version,
            line: Some(lines.at(head.version.span().start)),
            detail: format!("version {} is not known", head.version.get_ref()),
        });
    }
    let raw: RawFile = parse(text)?;
    let mut entries = Vec::new();
    for (app, routes) in raw.route {
        for (name, raw) in routes {
            entries.push(entry(text, &lines, &app, &name, raw)?);
        }
    }
    let file = LockFile::new(raw.lens, entries);
    for pair in file.entries.windows(2) {
        if let [first, second] = pair
            && first.sort_key() == second.sort_key()
        {
            return Err(LockError {
                problem: LockProblem::Duplicate,
                line: Some(first.line.max(second.line)),
                detail: format!("`{}` has two blocks", second.key()),
            });
        }
    }
    Ok(file)
}

/// What would take long to parse is refused before.
fn limits(text: &str) -> Result<(), LockError> {
    let error = |problem, detail| LockError {
        problem,
        line: None,
        detail,
    };
    if text.len() > LOCK_BYTES_MAX {
        let detail = format!(
            "the file has {} bytes, the limit is {LOCK_BYTES_MAX}",
            text.len()
        );
        return Err(error(LockProblem::TooLarge, detail));
    }
    let blocks = text.lines().filter(|line| line.starts_with('[')).count();
    if blocks > LOCK_ROUTES_MAX {
        let detail = format!("the file has {blocks} blocks, the limit is {LOCK_ROUTES_MAX}");
        return Err(error(LockProblem::TooManyRoutes, detail));
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, LockError> {
    toml::from_str(text).map_err(|error| {
        let (line, detail) = toml_error(text, &error);
        LockError {
            problem: LockProblem::Syntax,
            line,
            detail,
        }
    })
}

fn entry(
    text: &str,
    lines: &Lines,
    app: &str,
    name: &str,
    raw: Spanned<RawEntry>,
) -> Result<Entry, LockError> {
    let start = raw.span().start;
    let raw = raw.into_inner();
    let error = |problem, offset, detail| LockError {
        problem,
        line: Some(lines.at(offset)),
        detail,
    };
    let route = name
        .split_once(' ')
        .and_then(|(methods, path)| Some((Methods::parse(methods)?, path)));
    let Some((methods, path)) = route else {
        let detail = format!("`{name}` does not name a route");
        return Err(error(LockProblem::Route, start, detail));
    };
    let strength = match raw.requires {
        None => Strength::default(),
        Some(written) => requirement::parse(written.get_ref()).map_err(|_| {
            let detail = format!("`{}` is no requirement", written.get_ref());
            error(LockProblem::Requirement, written.span().start, detail)
        })?,
    };
    let blank = raw
        .reason
        .as_deref()
        .is_none_or(|reason| reason.trim().is_empty());
    if raw.class == Some(Class::Public) && blank {
        let detail = format!("`{name}` is public without a reason");
        return Err(error(LockProblem::ReasonMissing, start, detail));
    }
    let expires = match raw.expires {
        None => None,
        Some(written) => Some(day(written.get_ref()).ok_or_else(|| {
            let detail = format!("`{}` is no day", written.get_ref());
            error(LockProblem::Expiry, written.span().start, detail)
        })?),
    };
    let kind = match (&methods, raw.kind) {
        (Methods::Websocket, _) => Kind::Websocket,
        (_, kind) => kind.unwrap_or(Kind::Http),
    };
    Ok(Entry {
        app: app.to_owned(),
        path: path.to_owned(),
        methods,
        kind,
        endpoint: raw.endpoint,
        class: raw.class,
        risk: raw.risk.into_iter().collect(),
        strength,
        gates: raw.gates,
        evidence: raw.evidence,
        reason: raw.reason,
        owner: raw.owner,
        expires,
        comment: comment_above(text, start),
        line: lines.at(start),
    })
}

/// The lines of comment directly above a block.
fn comment_above(text: &str, start: usize) -> Vec<String> {
    let above = text.get(..start).unwrap_or_default();
    // The block's own line, if it is indented.
    let above = above.rfind('\n').map_or("", |end| &above[..end]);
    let mut lines: Vec<String> = above
        .lines()
        .rev()
        .map(str::trim)
        .take_while(|line| line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    lines.reverse();
    lines
}
