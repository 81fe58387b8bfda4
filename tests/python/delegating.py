"""A service that calls the next one for whoever called it, for servers that run in a process of their own.

It repeats the token that it was called with: a test plays who has stolen it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI, Request
from sealgate import Actor, Agent, Gate, Machine, OnwardError, User
from starlette.responses import JSONResponse, StreamingResponse

NAME = os.environ["SERVICE"]
NEXT = os.environ.get("NEXT_SERVICE")
SCOPES = ["work"]

gate = Gate.from_env()
app = FastAPI()
gate.install(app)
onward = gate.client(audience=NEXT, scopes=SCOPES, on_behalf_of_user=True) if NEXT else None

Caller = Annotated[Actor, Depends(gate.actor(scopes=SCOPES))]


def said(caller: User | Machine | Agent, request: Request) -> dict[str, Any]:
    """Who called, and with what."""
    user = caller.user if isinstance(caller, Agent) else caller if isinstance(caller, User) else None
    token = request.headers.get("authorization")
    return {
        "service": NAME,
        "kind": type(caller).__name__,
        "id": caller.id,
        "via": [] if isinstance(caller, Machine) else [*caller.via],
        "user": user and user.id,
        "session": user and user.session_id,
        "token": token and token.split(" ", 1)[1],
    }


@app.get("/health", dependencies=[gate.public("the test asks whether it runs")])
async def health() -> str:
    """Whether it answers."""
    return "ok"


@app.get("/who")
async def who(caller: Caller, request: Request) -> dict[str, Any]:
    """Who called."""
    return said(caller, request)


@app.get("/chain")
async def chain(caller: Caller, request: Request) -> JSONResponse:
    """Who called, and what the next service says of the call that comes of it."""
    told = [said(caller, request)]
    if onward is None:
        return JSONResponse(told)
    assert NEXT is not None
    assert not isinstance(caller, Machine)
    try:
        async with httpx.AsyncClient(base_url=NEXT, timeout=20) as http:
            answer = await http.get("/chain", auth=onward.on_behalf_of(caller))
    except OnwardError as error:
        return JSONResponse({"service": NAME, "reason": error.reason}, 502)
    if answer.is_error:
        return JSONResponse(answer.json(), 502)
    return JSONResponse(told + answer.json())


@app.get("/stream")
async def stream(caller: Caller) -> StreamingResponse:
    """Ticks for as long as whoever asked for it is let in."""
    assert caller.id

    async def ticks() -> AsyncIterator[str]:
        while True:
            yield "data: tick\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(ticks(), media_type="text/event-stream")
