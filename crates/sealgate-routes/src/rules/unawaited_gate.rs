//! A gate is called and not awaited: it never runs.

use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use super::fact::{Noticed, report, routes};
use crate::gates::FlawKind;

pub(super) static RULE: Rule = Rule {
    id: "unawaited-gate",
    severity: Severity::Error,
    title: "A gate is called and not awaited",
    explanation: "Calling a coroutine function runs nothing: it gives a coroutine. Whoever calls a gate and forgets `await` gets something that is always true, and the check never happens. Nothing fails, and no test that signs in notices. The route is open to strangers although its code names the gate. Await it, or better, make it a dependency, which the framework awaits.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.delete("/expenses/{number}")
async def remove(number: int, request: Request) -> None:
    signed_in(request)
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


@app.delete("/expenses/{number}")
async def remove(number: int, request: Request) -> None:
    await signed_in(request)
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let kinds = [FlawKind::UnawaitedCall];
    let hint = "await it, or make it a dependency";
    let message = |noticed: &Noticed| {
        let (call, behind) = (&noticed.flaw.text, routes(&noticed.routes));
        Some(format!(
            "`{call}` is not awaited, so it never runs: {behind}"
        ))
    };
    report(context, &RULE, &kinds, hint, message, findings);
}
