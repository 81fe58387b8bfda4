//! A gated route stands behind one that is not gated and takes its requests.

use sealgate_inventory::{Finding, Kind, Route, Rule, Severity};

use super::Context;

pub(super) static RULE: Rule = Rule {
    id: "shadowed-route",
    severity: Severity::Error,
    title: "An open route takes the requests of a gated one",
    explanation: "Routes are tried in their order. A route with a parameter that stands first takes the requests of a later one: `/users/{name}` takes `/users/admin`. If the first has no gate, or a weaker one, the gate of the second never runs. Put the more specific route first, or give both the gate.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.get("/reports/{name}")
async def report(name: str) -> str:
    return name


@app.get("/reports/salaries", dependencies=[Depends(signed_in)])
async def salaries() -> str:
    return "all"
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.get("/reports/salaries", dependencies=[Depends(signed_in)])
async def salaries() -> str:
    return "all"


@app.get("/reports/{name}")
async def report(name: str) -> str:
    return name
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let hint = "put the more specific route first, or give both the gate";
    for (at, hidden) in context.seen.iter().enumerate() {
        if !hidden.route.evidence.is_gated() || hidden.route.path.contains('<') {
            continue;
        }
        let before = context.seen[..at]
            .iter()
            .filter(|first| first.route.app == hidden.route.app);
        let mut before = before.filter(|first| {
            first.route.strength.level < hidden.route.strength.level
                && !first.route.evidence.is_gated()
                && first.flat.conditions.is_empty()
                && takes(&first.route, &hidden.route)
        });
        if let Some(first) = before.next() {
            let place = first
                .route
                .place()
                .map(|place| format!(" ({place})"))
                .unwrap_or_default();
            let message = format!(
                "{} is never reached: {}{place} stands before it and has no gate",
                hidden.route.key(),
                first.route.key(),
            );
            findings.push(context.about(&RULE, hidden, message, hint));
        }
    }
}

/// Whether every request for `later` is one for `first`, which is tried first.
fn takes(first: &Route, later: &Route) -> bool {
    if (first.kind == Kind::Websocket) != (later.kind == Kind::Websocket)
        || first.path.contains('<')
    {
        return false;
    }
    let methods = first.methods.is_empty()
        || (!later.methods.is_empty()
            && later
                .methods
                .iter()
                .all(|method| first.methods.contains(method)));
    let below = matches!(first.kind, Kind::Mount | Kind::Static | Kind::Frontend);
    methods && fits(&first.path, &later.path, below)
}

/// Whether a path template takes every path of another one.
fn fits(first: &str, later: &str, below: bool) -> bool {
    let mut later = later.split('/');
    let mut segments = first
        .trim_end_matches(if below { "/" } else { "" })
        .split('/');
    for segment in segments.by_ref() {
        if segment.starts_with('{') && segment.ends_with(":path}") {
            return later.next().is_some();
        }
        let Some(other) = later.next() else {
            return false;
        };
        let fits = match parameter(segment) {
            None => segment == other && parameter(other).is_none(),
            Some("") => !other.contains(":path}") && !other.is_empty(),
            // A convertor takes only some values.
            convertor => convertor == parameter(other),
        };
        if !fits {
            return false;
        }
    }
    below || later.next().is_none()
}

/// The convertor of a segment that is a parameter; empty if it takes anything.
fn parameter(segment: &str) -> Option<&str> {
    let inner = segment.strip_prefix('{')?.strip_suffix('}')?;
    let convertor = inner.split_once(':').map_or("", |(_, convertor)| convertor);
    Some(if convertor == "str" { "" } else { convertor })
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_template_takes_what_it_fits_wholly() {
        for (first, later) in [
            ("/u/{id}", "/u/admin"),
            ("/u/{id}", "/u/{name}"),
            ("/{rest:path}", "/u/admin/x"),
            ("/u/{id:int}", "/u/{n:int}"),
            ("/u/{id}/x", "/u/me/x"),
        ] {
            assert!(fits(first, later, false), "{first} {later}");
        }
        for (first, later) in [
            ("/u/admin", "/u/{id}"),
            ("/u/{id:int}", "/u/admin"),
            ("/u/{id}", "/u/admin/x"),
            ("/u/{id}", "/u/{rest:path}"),
            ("/u/x{id}", "/u/xy"),
        ] {
            assert!(!fits(first, later, false), "{first} {later}");
        }
        assert!(fits("/", "/u/admin", true));
        assert!(fits("/files", "/files/a", true));
        assert!(!fits("/files", "/filesystem", true));
    }
}
