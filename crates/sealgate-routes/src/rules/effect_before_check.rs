//! A handler does something before it checks.

use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use super::fact::{Noticed, report, routes};
use crate::gates::FlawKind;

pub(super) static RULE: Rule = Rule {
    id: "effect-before-check",
    severity: Severity::Error,
    title: "A handler does something before it checks",
    explanation: "The handler calls its gate by hand, and has already done something by then: a row is deleted, a message is sent, a file is read. The answer says 403, and the effect stays. Make the gate a dependency: it runs before the handler. Otherwise call it in the first line.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


EXPENSES = {1: "train"}


@app.delete("/expenses/{number}")
async def remove(number: int, request: Request) -> None:
    EXPENSES.pop(number)
    await signed_in(request)
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


EXPENSES = {1: "train"}


@app.delete("/expenses/{number}")
async def remove(number: int, request: Request) -> None:
    await signed_in(request)
    EXPENSES.pop(number)
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let kinds = [FlawKind::EffectFirst];
    let hint = "make the gate a dependency, or call it in the first line";
    let message = |noticed: &Noticed| {
        // Behind a gate, it is done for somebody who may be there at all.
        if noticed.ungated.is_empty() {
            return None;
        }
        let effect = context.interpreter.source_of(noticed.flaw.spot);
        let (check, behind) = (&noticed.flaw.text, routes(&noticed.ungated));
        Some(format!(
            "`{effect}` is done before `{check}` denies anybody: {behind}"
        ))
    };
    report(context, &RULE, &kinds, hint, message, findings);
}
