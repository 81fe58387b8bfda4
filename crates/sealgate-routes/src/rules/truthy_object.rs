//! Something that is always true stands where a decision is meant.

use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;
use super::fact::{Noticed, report, routes};
use crate::gates::FlawKind;

pub(super) static RULE: Rule = Rule {
    id: "truthy-object",
    severity: Severity::Error,
    title: "Something that is always true stands where a decision is meant",
    explanation: "A check returns an object, a coroutine or a non-empty text where its caller asks for true or false. All of those are true, so everybody passes. Raise where somebody is denied, and return what was found out otherwise; let type checkers see `-> bool` where a `bool` is meant.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


class Permission:
    def __init__(self, request: Request) -> None:
        self.granted = request.headers.get("x-key") in KEYS


def allowed(request: Request):
    return Permission(request)


def signed_in(request: Request) -> None:
    if not allowed(request):
        raise HTTPException(403)


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


class Permission:
    def __init__(self, request: Request) -> None:
        self.granted = request.headers.get("x-key") in KEYS


def allowed(request: Request) -> bool:
    return Permission(request).granted


def signed_in(request: Request) -> None:
    if not allowed(request):
        raise HTTPException(403)


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let kinds = [FlawKind::ReturnsTruthyObject];
    let hint = "raise where somebody is denied, and return a `bool` where one is asked for";
    let message = |noticed: &Noticed| {
        let (object, behind) = (&noticed.flaw.text, routes(&noticed.routes));
        Some(format!(
            "`{object}` is always true, so `{}` denies nobody: {behind}",
            noticed.callable
        ))
    };
    report(context, &RULE, &kinds, hint, message, findings);
}
