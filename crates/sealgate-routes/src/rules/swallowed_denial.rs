//! A denial is caught on its way out.

use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use super::fact::{Noticed, report, routes};
use crate::gates::FlawKind;

pub(super) static RULE: Rule = Rule {
    id: "swallowed-denial",
    severity: Severity::Error,
    title: "A denial is caught, and the request goes on",
    explanation: "A gate raises its denial inside a `try` whose `except` catches it: `except Exception` around everything catches `HTTPException` too. The handler goes on as if the caller had passed. Catch only what the credential's library raises, or raise the denial after the `try`.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str | None:
    try:
        user = KEYS.get(request.headers.get("x-key", ""))
        if user is None:
            raise HTTPException(401)
        return user
    except Exception:
        return None


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str | None:
    try:
        user = KEYS[request.headers["x-key"]]
    except KeyError:
        raise HTTPException(401) from None
    return user


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let kinds = [FlawKind::SwallowedDenial];
    let hint = "catch only what the check itself raises, and let the denial out";
    let message = |noticed: &Noticed| {
        // What a helper of a handler catches may well be answered by its caller.
        if !noticed.of_gate && (!noticed.in_handler || noticed.ungated.is_empty()) {
            return None;
        }
        let (callable, by) = (&noticed.callable, &noticed.flaw.text);
        let behind = routes(&noticed.routes);
        // The class of a route stands around the gates of the route.
        let whose = if callable.contains(".get_route_handler") {
            "the denial of every gate before it"
        } else {
            "its own denial"
        };
        Some(format!(
            "`{callable}` catches {whose} with `{by}` and goes on: {behind}"
        ))
    };
    report(context, &RULE, &kinds, hint, message, findings);
}
