"""Asks an application in this process, for `sealgate routes probe`: `python -m sealgate._probe main:app`.

The first line of stdout is the inventory and the OpenAPI document, or `fatal`. Then each line of stdin is a
request and each line of stdout an answer, in the order in which they are done.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import unquote

from sealgate._inspect import FatalError, load
from sealgate.inventory import Json, UnreadableError, read

_Message = MutableMapping[str, Any]
_App = Callable[..., Awaitable[None]]

GRACE = 0.25
"""Seconds that an application gets to end what it has answered already."""

STOP = 5.0
"""Seconds that its lifespan gets to stop."""

STRANGER = "198.51.100.7"
"""Whom requests come from: an address for documentation, RFC 5737, as loopback ones are often trusted."""

_TOLD = (b"location", b"www-authenticate")


class _StartError(Exception):
    """The application said that its start failed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as the program sends it."""

    id: int
    kind: str
    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    timeout: float

    @classmethod
    def of(cls, line: bytes) -> Asked:
        """The request in one line."""
        told: Json = json.loads(line)
        headers = [(str(name).lower(), str(value)) for name, value in told["headers"]]
        return cls(
            id=int(told["id"]),
            kind=str(told["kind"]),
            method=str(told["method"]),
            path=str(told["path"]),
            query=str(told["query"]),
            headers=[(name.encode("latin-1"), value.encode("utf-8")) for name, value in headers],
            body=str(told["body"]).encode(),
            timeout=float(told["timeout"]),
        )

    def scope(self, state: dict[str, Any]) -> dict[str, Any]:
        """What the application gets, as a server behind TLS makes it."""
        is_socket = self.kind == "websocket"
        length = [(b"content-length", str(len(self.body)).encode())] if self.body else []
        scope: dict[str, Any] = {
            "type": self.kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "wss" if is_socket else "https",
            "path": unquote(self.path),
            "raw_path": self.path.encode("latin-1"),
            "query_string": self.query.encode("latin-1"),
            "root_path": "",
            "headers": [*self.headers, *length],
            "client": (STRANGER, 50_000),
            "server": ("127.0.0.1", 443),
            "state": state.copy(),
        }
        if is_socket:
            return {**scope, "subprotocols": [], "extensions": {"websocket.http.response": {}}}
        return {**scope, "method": self.method}


@dataclass(slots=True)
class _Exchange:
    """One request under way."""

    asked: Asked
    begun: asyncio.Future[None]
    """Done as soon as the application has said what it answers."""
    over: asyncio.Event
    """Set when the caller goes away."""
    answer: Json = field(default_factory=dict[str, Any])
    received: int = 0

    async def receive(self) -> _Message:
        self.received += 1
        is_socket = self.asked.kind == "websocket"
        if self.received == 1:
            if is_socket:
                return {"type": "websocket.connect"}
            return {"type": "http.request", "body": self.asked.body, "more_body": False}
        await self.over.wait()
        if is_socket:
            return {"type": "websocket.disconnect", "code": 1001}
        return {"type": "http.disconnect"}

    async def send(self, message: _Message) -> None:
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            self.answer["status"] = int(message["status"])
            self.answer["headers"] = [
                (bytes(name).lower().decode("latin-1"), bytes(value).decode("latin-1"))
                for name, value in message.get("headers", ())
                if bytes(name).lower() in _TOLD
            ]
        elif kind == "websocket.accept":
            self.answer["accepted"] = True
        elif kind == "websocket.close":
            self.answer["closed"] = int(message.get("code", 1000))
        elif kind == "websocket.send":
            self.answer["sent"] = True
        elif kind == "http.response.body" and not message.get("more_body", False):
            self.over.set()
        if not self.begun.done():
            self.begun.set_result(None)


async def ask(app: _App, asked: Asked, state: dict[str, Any]) -> Json:
    """What `app` answers. Whatever it raises is an answer, too."""
    exchange = _Exchange(asked, asyncio.get_running_loop().create_future(), asyncio.Event())
    running = asyncio.create_task(_run(app, exchange, state))
    await asyncio.wait({running, exchange.begun}, timeout=asked.timeout, return_when=asyncio.FIRST_COMPLETED)
    if not running.done():
        if exchange.begun.done():
            # An answer that goes on for ever has been given all the same.
            await asyncio.wait({running}, timeout=GRACE)
        elif not exchange.answer:
            exchange.answer["error"] = f"no answer within {asked.timeout:g} s"
        answer = dict(exchange.answer)
        exchange.over.set()
        if not running.done():
            await asyncio.wait({running}, timeout=GRACE if exchange.begun.done() else 0)
        running.cancel()
        return answer
    if not exchange.answer:
        exchange.answer["error"] = "it ended without an answer"
    return exchange.answer


async def _run(app: _App, exchange: _Exchange, state: dict[str, Any]) -> None:
    try:
        await app(exchange.asked.scope(state), exchange.receive, exchange.send)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # Also what ends a program: this one goes on to ask.
        exchange.answer.setdefault("error", type(error).__name__)


class Lifespan:
    """The application's start and stop."""

    def __init__(self, app: _App) -> None:
        """Starts nothing yet."""
        self.state: dict[str, Any] = {}
        self._app = app
        self._told: asyncio.Queue[_Message] = asyncio.Queue()
        self._said: asyncio.Queue[_Message] = asyncio.Queue()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the application. One that knows nothing of a lifespan needs no start, as for servers."""
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._told.put_nowait({"type": "lifespan.startup"})
        self._running = asyncio.create_task(self._run(scope))
        said = await self._next()
        if said is not None and said["type"] != "lifespan.startup.complete":
            lines = [line for line in str(said.get("message") or "").splitlines() if line.strip()]
            raise _StartError(lines[-1].strip() if lines else "it does not say why")

    async def stop(self) -> None:
        """Stops it, and does not wait for long."""
        if self._running is None or self._running.done():
            return
        self._told.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait({self._running}, timeout=STOP)

    async def _run(self, scope: dict[str, Any]) -> None:
        try:
            await self._app(scope, self._told.get, self._said.put)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            print(f"lifespan: {type(error).__name__}: {error}", file=sys.stderr)

    async def _next(self) -> _Message | None:
        assert self._running is not None
        saying = asyncio.create_task(self._said.get())
        await asyncio.wait({self._running, saying}, return_when=asyncio.FIRST_COMPLETED)
        if not saying.done() and not self._said.empty():
            await saying
        if saying.done():
            return saying.result()
        saying.cancel()
        return None


def _document(app: Any) -> Any:
    """The OpenAPI document, where the application makes one."""
    make = getattr(app, "openapi", None)
    try:
        return make() if callable(make) else None
    except Exception:
        traceback.print_exc()
        return None


async def _serve(
    target: str, *, factory: bool, lifespan: bool, requests: IO[bytes], answers: IO[str]
) -> None:
    def tell(answer: Json) -> None:
        answers.write(f"{json.dumps(answer)}\n")
        answers.flush()

    try:
        app, name = load(target, factory=factory)
    except FatalError as fatal:
        return tell(fatal.answer)
    around = Lifespan(app)
    try:
        if lifespan:
            await around.start()
        tell({"inventory": read(app, name), "openapi": _document(app)})
    except _StartError as error:
        return tell({"fatal": "lifespan", "problem": f"{target} did not start: {error}"})
    except UnreadableError as error:
        return tell({"fatal": "framework", "problem": str(error)})
    except Exception as error:
        traceback.print_exc()
        return tell({"fatal": "unreadable", "problem": f"{target} cannot be read: {type(error).__name__}"})
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes] = asyncio.Queue()

    def listen() -> None:
        for line in requests:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, b"")

    async def answer(line: bytes) -> None:
        asked = Asked.of(line)
        tell({"id": asked.id, **await ask(app, asked, around.state)})

    threading.Thread(target=listen, daemon=True).start()
    under_way: set[asyncio.Task[None]] = set()
    while line := await lines.get():
        task = asyncio.create_task(answer(line))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    if under_way:
        await asyncio.wait(under_way)
    await around.stop()
    return None


def main() -> None:
    """Answers until nobody asks any more."""
    parser = argparse.ArgumentParser(prog="python -m sealgate._probe", description=__doc__)
    parser.add_argument("target", help="module:app")
    parser.add_argument("--factory", action="store_true", help="the target makes the application")
    parser.add_argument("--no-lifespan", action="store_true", help="do not start the application")
    asked = parser.parse_args()
    sys.path.insert(0, "")
    # What the application prints and reads is neither an answer nor a request.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    work = _serve(
        asked.target,
        factory=asked.factory,
        lifespan=not asked.no_lifespan,
        requests=requests,
        answers=answers,
    )
    asyncio.run(work)
    answers.close()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by way of the threads that the application may have started, which would be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
