//! A gate that lets everybody pass, always or under some configuration.

use sealgate_inventory::{Finding, Rule, Severity};

use super::fact::{Noticed, noticed, routes};
use super::{Context, standing};
use crate::gates::FlawKind;

pub(super) static RULE: Rule = Rule {
    id: "gate-cannot-deny",
    severity: Severity::Error,
    title: "A gate cannot deny",
    explanation: "The route has something that looks like a gate, and it does not turn strangers away: it returns early where nothing is configured, gives a made-up user, or only sees whether some credential is there. A reviewer who reads `Depends(...)` believes that the route is protected. Deny where configuration is missing. A security scheme of FastAPI such as `HTTPBearer()` only reads a credential, and with `auto_error=False` not even that: something has to judge it.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
import os

KEY = os.getenv("API_KEY")


async def signed_in(request: Request) -> None:
    if not KEY:
        return
    if request.headers.get("x-key") != KEY:
        raise HTTPException(401)


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()
import os

KEY = os.environ["API_KEY"]


async def signed_in(request: Request) -> None:
    if request.headers.get("x-key") != KEY:
        raise HTTPException(401)


@app.get("/expenses", dependencies=[Depends(signed_in)])
async def expenses() -> list[str]:
    return []
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let kinds = [
        FlawKind::NeverDenies,
        FlawKind::EarlyReturn,
        FlawKind::NotConfigured,
        FlawKind::MockUser,
        FlawKind::AutoErrorFalse,
        FlawKind::SchemeOnly,
        FlawKind::PresenceOnly,
    ];
    let hint =
        "deny whenever the credential was not shown to be good, and where configuration is missing";
    let all = noticed(context, &kinds);
    for noticed in &all {
        let (name, text) = (&noticed.callable, &noticed.flaw.text);
        let (behind, ungated) = (routes(&noticed.routes), routes(&noticed.ungated));
        let message = match noticed.flaw.kind {
            // A handler may return early, and so may a dependency that turns nobody away anyhow.
            FlawKind::EarlyReturn if noticed.of_gate => {
                format!("`{name}` lets everybody pass when `{text}`: {behind}")
            }
            FlawKind::NotConfigured if noticed.of_gate => {
                format!("`{name}` lets everybody pass when `{text}` is not set: {behind}")
            }
            // The early return that gives it says it already.
            FlawKind::MockUser
                if noticed.of_gate && !all.iter().any(|other| returns(other, noticed)) =>
            {
                format!("`{name}` returns a user that nobody proved to be, `{text}`: {behind}")
            }
            FlawKind::EarlyReturn | FlawKind::MockUser | FlawKind::NotConfigured => continue,
            // What another gate takes the credential of is only read by it.
            _ if noticed.ungated.is_empty() => continue,
            FlawKind::AutoErrorFalse => {
                format!(
                    "`{text}` denies nobody with `auto_error=False`, and nothing else does: {ungated}"
                )
            }
            FlawKind::SchemeOnly => {
                format!(
                    "`{text}` sees that a credential is there, not whether it is good: {ungated}"
                )
            }
            FlawKind::PresenceOnly => {
                format!(
                    "`{text}` denies who brings nothing, and lets in whoever brings anything: {ungated}"
                )
            }
            _ => format!("`{name}` takes a credential and lets everybody pass: {ungated}"),
        };
        findings.push(context.at(&RULE, noticed.flaw.spot, message, hint));
    }
}

/// Whether a fact is the early return of what another one is about.
fn returns(early: &Noticed, given: &Noticed) -> bool {
    early.flaw.kind == FlawKind::EarlyReturn
        && early.flaw.spot.module == given.flaw.spot.module
        && standing::range(early.flaw.spot).contains_range(standing::range(given.flaw.spot))
}
