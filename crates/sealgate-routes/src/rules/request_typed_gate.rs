//! A gate that takes a `Request` stands before a WebSocket.

use sealgate_inventory::{Finding, Kind, Rule, Severity};

use super::Context;
use crate::gates::FlawKind;

pub(super) static RULE: Rule = Rule {
    id: "request-typed-gate",
    severity: Severity::Error,
    title: "A gate that takes a `Request` stands before a WebSocket",
    explanation: "A WebSocket has no `Request`. A dependency that asks for one fails with a `TypeError` when a WebSocket connects: the caller sees an error and not a denial, people take the gate away to make it work, and then the WebSocket is open. Take `HTTPConnection` from `starlette.requests`, which both have.",
    broken: r#"from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket

KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


app = FastAPI(dependencies=[Depends(signed_in)])


@app.websocket("/live")
async def live(websocket: WebSocket) -> None:
    await websocket.accept()
"#,
    fixed: r#"from fastapi import Depends, FastAPI, HTTPException, WebSocket
from starlette.requests import HTTPConnection

KEYS = {"3f9a": "ada"}


async def signed_in(request: HTTPConnection) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


app = FastAPI(dependencies=[Depends(signed_in)])


@app.websocket("/live")
async def live(websocket: WebSocket) -> None:
    await websocket.accept()
"#,
};

pub(super) fn check(context: &mut Context<'_, '_>, findings: &mut Vec<Finding>) {
    let hint =
        "take `HTTPConnection` of starlette.requests, which requests and WebSockets both have";
    for seen in context
        .seen
        .iter()
        .filter(|seen| seen.route.kind == Kind::Websocket)
    {
        for (callable, flaw) in seen
            .flaws
            .iter()
            .filter(|(_, flaw)| flaw.kind == FlawKind::RequestTyped)
        {
            let message = format!(
                "`{callable}` takes a `Request`, which the WebSocket {} has none of: it fails and does not deny",
                seen.route.path
            );
            findings.push(context.at(&RULE, flaw.spot, message, hint));
        }
    }
}
