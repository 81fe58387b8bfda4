"""One connection at a time behind the layer alone, with a core that believes what a test tells it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from asgi_kit import Message, http_scope
from fastapi import FastAPI
from sealgate.asgi import GateLayer
from sealgate.targets import Request, Target
from starlette.middleware import Middleware


class Standing:
    """A core for which everybody is somebody, and good until a test says why not."""

    ready = True
    pins = None
    known: Mapping[Request, Target] = {}

    def __init__(self) -> None:
        self.reason: str | None = None
        self.calls: list[int] = []
        self.noted: list[tuple[str, str]] = []
        self.breaks = False
        self.asked = asyncio.Event()

    def admit(self, scope: Any, requirement: int, template: str | None = None) -> object:
        return "somebody" if requirement else None

    def fallen(self, actors: list[object]) -> list[tuple[int, str]]:
        self.calls.append(len(actors))
        if self.reason:
            self.asked.set()
        if self.breaks:
            raise RuntimeError("the core broke")
        return [(index, self.reason) for index in range(len(actors)) if self.reason]

    def record(self, actor: object) -> dict[str, str]:
        return {"actor": str(actor)}

    def note_outcome(self, scope: Any, outcome: str, reason: str, *_: object) -> None:
        self.noted.append((outcome, reason))

    def find(self, scope: Any) -> Target:
        return Target(0 if scope["path"].startswith("/public") else 1, verified=False)

    def stands(self, scope: Any, target: Target, actor: object) -> bool:
        return target.came_true(scope)


def behind(core: Standing, inner: Any) -> GateLayer:
    """`inner` behind the layer alone."""
    return GateLayer(
        inner,
        core=cast(Any, core),
        table=core,
        on_startup=lambda: None,
        on_shutdown=lambda: None,
    )


def application(core: Standing, *outside: Middleware) -> FastAPI:
    """A FastAPI application with the layer innermost of its middleware."""
    layer = Middleware(
        cast(Any, GateLayer), core=core, table=core, on_startup=lambda: None, on_shutdown=lambda: None
    )
    return FastAPI(middleware=[*outside, layer])


@dataclass
class Client:
    """The other end of one connection."""

    app: Any
    scope: Any
    messages: list[Message] = field(default_factory=list[Message])
    inbox: asyncio.Queue[Message] = field(default_factory=asyncio.Queue[Message])
    error: BaseException | None = None
    task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        async def send(message: Message) -> None:
            self.messages.append(message)

        try:
            await self.app(self.scope, self.inbox.get, send)
        except Exception as error:
            self.error = error

    async def until(self, done: Callable[[], object], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110 - what is waited for are messages, and no event.
                await asyncio.sleep(0.005)

    async def begun(self) -> None:
        await self.until(lambda: len(self.messages) > 1)

    @property
    def closes(self) -> list[tuple[int, str]]:
        return [(m["code"], m["reason"]) for m in self.messages if m["type"] == "websocket.close"]

    @property
    def kinds(self) -> list[str]:
        return [str(message["type"]) for message in self.messages]

    @property
    def complete(self) -> bool:
        return any(m["type"] == "http.response.body" and not m.get("more_body", False) for m in self.messages)

    async def ended(self) -> float:
        """The seconds until the request is over."""
        assert self.task is not None
        start = time.perf_counter()
        await asyncio.wait_for(asyncio.shield(self.task), 10)
        return time.perf_counter() - start


@contextlib.asynccontextmanager
async def connected(app: Any, path: str, kind: str = "http") -> AsyncGenerator[Client]:
    """A connection that has begun."""
    scope = http_scope("GET", path)
    client = Client(app, scope)
    if kind == "websocket":
        scope.update(type="websocket", scheme="ws", subprotocols=[], extensions={})
        del scope["method"]
        client.inbox.put_nowait({"type": "websocket.connect"})
    else:
        client.inbox.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    client.task = asyncio.create_task(client.run())
    yield client
    client.task.cancel()
    await asyncio.wait([client.task])
