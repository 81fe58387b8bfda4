//! A factory of gates gives something that does nothing.

use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use super::fact::{Noticed, report, routes};
use crate::gates::FlawKind;

pub(super) static RULE: Rule = Rule {
    id: "no-op-branch",
    severity: Severity::Error,
    title: "A factory of gates may give something that does nothing",
    explanation: "A function that makes the gate returns `None`, or a function that does nothing, when some setting is off. Whoever deploys without that setting has every route open, and the code still shows `Depends(...)`. Make the gate deny when it is not configured. If there has to be a way to run without it, let the application refuse to start in production.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
import os

KEYS = {"3f9a": "ada"}
ENABLED = os.getenv("AUTH") == "on"


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


def gate():
    if not ENABLED:
        return lambda: None
    return signed_in


@app.get("/expenses", dependencies=[Depends(gate())])
async def expenses() -> list[str]:
    return []
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


def gate():
    return signed_in


@app.get("/expenses", dependencies=[Depends(gate())])
async def expenses() -> list[str]:
    return []
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let kinds = [FlawKind::NoOpBranch];
    let hint = "make the gate deny where it is not configured";
    let message = |noticed: &Noticed| {
        let (instead, behind) = (&noticed.flaw.text, routes(&noticed.routes));
        Some(format!(
            "under some configuration the gate is `{instead}`, which denies nobody: {behind}"
        ))
    };
    report(context, &RULE, &kinds, hint, message, findings);
}
