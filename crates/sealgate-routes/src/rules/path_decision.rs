//! A gate decides by a part of the path.

use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use super::fact::{Noticed, report, routes};
use crate::gates::FlawKind;

pub(super) static RULE: Rule = Rule {
    id: "path-decision",
    severity: Severity::Error,
    title: "A gate decides by a part of the path",
    explanation: "A gate or middleware looks at the end, the beginning or a part of `request.url.path` to see whether it has to check. Paths have parameters, so a stranger can often choose a path that fits: `/expenses/health` ends with `health` as well. And `request.url` is built from the `Host` header, which the caller chooses. A list of prefixes to protect leaves the next route open. Decide by the route that was matched: put a dependency on it, or have an ASGI gate that knows the routes.",
    broken: r#"from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

app = FastAPI()
KEYS = {"3f9a": "ada"}


@app.middleware("http")
async def gate(request: Request, call_next):
    if request.url.path.endswith(("health", "ready")):
        return await call_next(request)
    if request.headers.get("x-key") not in KEYS:
        return JSONResponse({"detail": "sign in"}, status_code=401)
    return await call_next(request)


@app.get("/expenses/{name}")
async def expense(name: str) -> str:
    return name
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.get("/expenses/{name}", dependencies=[Depends(signed_in)])
async def expense(name: str) -> str:
    return name
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let kinds = [FlawKind::PathDecision];
    let hint = "decide by the route that was matched: put the gate on routes";
    let message = |noticed: &Noticed| {
        let (callable, test) = (&noticed.callable, &noticed.flaw.text);
        let behind = routes(&noticed.routes);
        Some(format!(
            "`{callable}` decides by `{test}`, and a caller chooses the path: {behind}"
        ))
    };
    report(context, &RULE, &kinds, hint, message, findings);
}
