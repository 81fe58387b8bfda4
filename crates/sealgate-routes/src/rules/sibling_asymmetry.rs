//! One of many neighbours has no gate.

use std::collections::BTreeMap;

use sealgate_inventory::{Evidence, Finding, Kind, Rule, Severity, Sibling};

use super::fact::routes;
use super::{Context, Seen};

pub(super) static RULE: Rule = Rule {
    id: "sibling-asymmetry",
    severity: Severity::Error,
    title: "One of many neighbours has no gate",
    explanation: "Nearly all routes of a file have a gate, and this one has none. That is how routes are forgotten: a parameter is missing in one of twenty signatures. If it is meant to be public, say so with a reason; otherwise give it the gate of its neighbours, or put the gate on the router, where nobody can forget it.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []


@app.post("/expenses", dependencies=[Depends(signed_in)])
async def add() -> None: ...


@app.delete("/expenses/{number}", dependencies=[Depends(signed_in)])
async def remove(number: int) -> None: ...


@app.put("/expenses/{number}/approval")
async def approve(number: int) -> None: ...
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []


@app.post("/expenses", dependencies=[Depends(signed_in)])
async def add() -> None: ...


@app.delete("/expenses/{number}", dependencies=[Depends(signed_in)])
async def remove(number: int) -> None: ...


@app.put("/expenses/{number}/approval", dependencies=[Depends(signed_in)])
async def approve(number: int) -> None: ...
"#,
};

/// So many of four neighbours have a gate where one without is conspicuous.
const GATED_OF_FOUR: usize = 3;
/// Fewer neighbours than this tell nothing.
const FEWEST: usize = 4;

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let mut files: BTreeMap<(&str, &str), Vec<&Seen<'_>>> = BTreeMap::new();
    for seen in context.seen {
        if matches!(seen.route.kind, Kind::Http | Kind::Websocket)
            && let Some(file) = &seen.route.file
        {
            files.entry((&seen.route.app, file)).or_default().push(seen);
        }
    }
    let hint = "give it the gate of its neighbours, or declare it public with a reason";
    for ((_, file), all) in files {
        let (gated, rest): (Vec<&Seen<'_>>, Vec<&Seen<'_>>) = all
            .iter()
            .copied()
            .partition(|seen| seen.route.evidence.is_gated());
        if all.len() < FEWEST || gated.len() * 4 < all.len() * GATED_OF_FOUR {
            continue;
        }
        // A function may serve several paths: it is one thing to look at.
        let mut open: BTreeMap<u32, Vec<&Seen<'_>>> = BTreeMap::new();
        for seen in rest
            .into_iter()
            .filter(|seen| seen.route.evidence == Evidence::Open)
        {
            open.entry(seen.route.line.unwrap_or_default())
                .or_default()
                .push(seen);
        }
        for (line, several) in open {
            let Some(seen) = several.first() else {
                continue;
            };
            let names: Vec<String> = several
                .iter()
                .map(|seen| seen.route.key().to_string())
                .collect();
            let message = format!(
                "{} {} no gate, and {} of the {} routes in {file} have one",
                routes(&names),
                if several.len() == 1 { "has" } else { "have" },
                gated.len(),
                all.len()
            );
            let nearest = gated
                .iter()
                .min_by_key(|other| other.route.line.unwrap_or_default().abs_diff(line));
            let sibling = nearest.map(|other| Sibling {
                route: other.route.key(),
                place: other.route.place(),
                gates: other
                    .route
                    .gates
                    .iter()
                    .map(|gate| gate.name.clone())
                    .collect(),
            });
            findings.push(Finding {
                sibling,
                ..context.about(&RULE, seen, message, hint)
            });
        }
    }
}
