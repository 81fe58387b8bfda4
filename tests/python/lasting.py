"""An application with connections that last, for servers that run in a process of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import Depends, FastAPI, WebSocket
from sealgate import Gate, User
from starlette.responses import StreamingResponse

gate = Gate.from_env()
app = FastAPI()
gate.install(app)
anybody = [Depends(gate.actor)]


@app.get("/me")
async def me(user: Annotated[User, Depends(gate.user)]) -> dict[str, str | None]:
    return {"session": user.session_id}


async def _events() -> AsyncIterator[str]:
    while True:
        yield "data: tick\n\n"
        await asyncio.sleep(0.05)


def _blocking() -> Iterator[str]:
    while True:
        yield "tick\n"
        time.sleep(0.05)


async def _quiet() -> AsyncIterator[str]:
    yield "the only one\n"
    await asyncio.Event().wait()


@app.get("/events", dependencies=anybody)
async def events() -> StreamingResponse:
    return StreamingResponse(_events(), media_type="text/event-stream")


@app.get("/blocking", dependencies=anybody)
def blocking() -> StreamingResponse:
    return StreamingResponse(_blocking())


@app.get("/quiet", dependencies=anybody)
async def quiet() -> StreamingResponse:
    return StreamingResponse(_quiet())


@app.websocket("/echo", dependencies=anybody)
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())


@app.websocket("/ticker", dependencies=anybody)
async def ticker(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        await socket.send_text("tick")
        await asyncio.sleep(0.02)
