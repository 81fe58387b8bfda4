//! A route is added to a router that has been included already.

use sealgate_inventory::{Finding, Rule, Severity};

use super::Context;

pub(super) static RULE: Rule = Rule {
    id: "late-route",
    severity: Severity::Warning,
    title: "A route is added after its router was included",
    explanation: "Up to FastAPI 0.136, `include_router` copied the routes that the router had by then: later ones were never served. From 0.137 on they are served at once. So whether the route is there depends on the version that happens to be installed, and an upgrade opens routes that nobody reviewed. Add all routes first, and include the router then.",
    broken: r#"from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


router = APIRouter(dependencies=[Depends(signed_in)])
app.include_router(router)


@router.get("/late")
async def late() -> str:
    return "late"
"#,
    fixed: r#"from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request

app = FastAPI()
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


router = APIRouter(dependencies=[Depends(signed_in)])


@router.get("/late")
async def late() -> str:
    return "late"


app.include_router(router)
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let hint = "add all routes to a router before it is included";
    for seen in context.seen.iter().filter(|seen| seen.flat.late) {
        let message = format!(
            "{} is added after its router was included: FastAPI serves it from 0.137 on, and did not before",
            seen.route.key()
        );
        findings.push(context.about(&RULE, seen, message, hint));
    }
}
