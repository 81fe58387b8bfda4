"""The ASGI layer: decides about every request before the application routes it or reads its body.

It stands innermost of the middleware, so that CORS headers and the like also reach its answers. An
`OPTIONS` request that gets here was not answered by a CORS middleware outside, and is treated like any
other method. Refusals are sent by the layer itself, which never calls `receive()`. It reads a body itself
only where the decision is about one: that of a logout told by the issuer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from sealgate.dependencies import STATE_KEY

if TYPE_CHECKING:
    from sealgate._core import Core, Decision
    from sealgate.routes import RouteTable, Target

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_T = TypeVar("_T")

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("sealgate")

_ALLOW = 0
_PENDING = 2
_POLICY_VIOLATION = 1008

_BODY_SECONDS = 10.0
"""How long a body that the gate reads may take to arrive."""

_FIRST_VIEW_SECONDS = 2.0
"""How long the first requests of a process wait for the first revocation view."""

_CACHE_FIELDS = (b"cache-control", b"surrogate-control")
_STARTS = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


class GateLayer:
    """The layer around one application's router."""

    def __init__(
        self,
        app: Application,
        *,
        core: Core,
        table: RouteTable,
        on_startup: Callable[[], None],
        on_shutdown: Callable[[], None],
    ) -> None:
        """Takes the application inside and what the gate hands it."""
        self._app = app
        self._core = core
        self._table = table
        self._on_startup = on_startup
        self._on_shutdown = on_shutdown
        self._checked = False
        self._first_view_awaited = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection, or the application's start and stop."""
        kind = scope["type"]
        if kind == "http" or kind == "websocket":
            await self._serve(kind, scope, receive, send)
        elif kind == "lifespan":
            await self._live(scope, receive, send)
        else:
            raise RuntimeError(f"the gate does not know connections of type {kind!r}")

    async def _serve(
        self, kind: Literal["http", "websocket"], scope: Scope, receive: Receive, send: Send
    ) -> None:
        if not self._checked:
            self._on_startup()  # Without lifespan the first request starts the gate.
            self._checked = True
        target = self._table.find(scope)
        decision = self._decide(kind, scope, target)
        if decision.outcome != _ALLOW:
            final = await self._settle_later(kind, scope, receive, target, decision)
            if final is None or final.outcome != _ALLOW:
                await _answer(final, scope, send)
                return
            decision = final
        state = scope.get("state")
        if state is None:
            state = scope["state"] = {}
        state[STATE_KEY] = decision.actor
        if target.public:
            send = _interlock(scope, send, target)
        if decision.set_cookies:
            send = _with_cookies(send, decision.set_cookies)
        await self._app(scope, receive, send)

    async def _settle_later(
        self,
        kind: Literal["http", "websocket"],
        scope: Scope,
        receive: Receive,
        target: Target,
        decision: Decision,
    ) -> Decision | None:
        """The final decision, where the first was no plain "allow"."""
        if decision.reason == "feed_stale" and not self._first_view_awaited:
            await self._await_first_view()
            decision = self._decide(kind, scope, target)
        if decision.outcome != _PENDING:
            return decision
        limit = decision.body_limit
        return await self._finish(decision, None if limit is None else await _body(receive, limit))

    def _decide(self, kind: Literal["http", "websocket"], scope: Scope, target: Target) -> Decision:
        path: str = scope["path"]
        root: str = scope.get("root_path", "")
        if root and path != root and not path.startswith(root + "/"):
            path = root + path  # A proxy cut the path under which browsers see the application.
        return self._core.decide(
            kind,
            scope.get("method", "GET"),
            path,
            scope.get("query_string", b""),
            scope["headers"],
            target.number,
        )

    async def _finish(self, pending: Decision, body: bytes | None) -> Decision | None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Decision | None] = loop.create_future()
        self._core.finish(pending, lambda decision: _settle(loop, future, decision), body)
        return await future

    async def _await_first_view(self) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._core.wait_ready(_FIRST_VIEW_SECONDS, lambda ready: _settle(loop, future, ready))
        await future
        self._first_view_awaited = True

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                # Raising here makes the application report that its start failed.
                self._on_startup()
                self._checked = True
                await self._await_first_view()
                if not self._core.ready:
                    _log.warning(
                        "no fresh word from the control plane yet: sessions are answered 503 until it comes"
                    )
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._on_shutdown()
            self._checked = False
            self._first_view_awaited = False


async def _body(receive: Receive, limit: int) -> bytes:
    """The body, of which no more than one byte beyond `limit` is kept; nothing if it does not arrive."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while len(body) <= limit:
                message = await receive()
                if message["type"] != "http.request":
                    return b""
                body += message.get("body", b"")[: limit + 1 - len(body)]
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return b""
    return bytes(body)


def _settle(loop: asyncio.AbstractEventLoop, future: asyncio.Future[_T], value: _T) -> None:
    """Called from the core's thread: gives `future` its value on the loop that waits for it."""

    def settle() -> None:
        if not future.done():
            future.set_result(value)

    # A closed loop refuses: then nobody waits any more.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)


async def _answer(decision: Decision | None, scope: Scope, send: Send) -> None:
    """Sends the gate's own answer."""
    if decision is None:
        await _send_answer(scope, send, 503, [(b"retry-after", b"1")], b"", "gate_stopped")
    else:
        await _send_answer(scope, send, decision.status, decision.headers, decision.body, decision.reason)


async def _send_answer(
    scope: Scope, send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes, reason: str
) -> None:
    if not any(name == b"content-length" for name, _ in headers):
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    prefix = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            # Before the handshake is accepted, servers turn this into a plain 403.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason})
            return
        prefix = "websocket.http.response"
    elif scope["method"] == "HEAD":
        body = b""
    await send({"type": f"{prefix}.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": body})


def _with_cookies(send: Send, cookies: tuple[bytes, ...]) -> Send:
    """Adds `Set-Cookie` fields to whatever answer starts: streams and exceptions keep them too. No cache
    that others share may keep such an answer.
    """

    async def wrapped(message: Message) -> None:
        if message["type"] in _STARTS:
            headers: list[tuple[bytes, bytes]] = list(message.get("headers") or ())
            if message["type"] != "websocket.accept":
                headers = _unshared(headers)
            message = {**message, "headers": [*headers, *((b"set-cookie", cookie) for cookie in cookies)]}
        await send(message)

    return wrapped


def _unshared(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The fields with `Cache-Control: no-store`, unless they keep shared caches off already (RFC 9111,
    section 5.2.2). Fields meant for one kind of cache only (RFC 9213) would overrule it, and go.
    """
    kept = [field for field in headers if not field[0].lower().endswith(_CACHE_FIELDS)]
    values = [value for name, value in headers if name.lower() == b"cache-control"]
    said = {directive.strip().lower() for value in values for directive in value.split(b",")}
    if b"no-store" in said or (b"private" in said and b"public" not in said):
        return [*kept, *((b"cache-control", value) for value in values)]
    return [*kept, (b"cache-control", b"no-store")]


def _interlock(scope: Scope, send: Send, target: Target) -> Send:
    """Withholds the answer when a request that was let in as public reached another route than the
    one foretold. It stands behind the route table: what the table got wrong does not get out.
    """
    passed = False
    withheld = False

    async def wrapped(message: Message) -> None:
        nonlocal passed, withheld
        if not passed and not withheld:
            if target.came_true(scope):
                passed = True
            else:
                withheld = True
                _log.error(
                    "interlock: a request let in as public reached another route; answer withheld",
                    extra={"path": scope["path"], "reason": "interlock"},
                )
                await _withhold(scope, send)
        if passed:
            await send(message)

    return wrapped


async def _withhold(scope: Scope, send: Send) -> None:
    body = b'{"type":"about:blank","title":"The answer was withheld.","status":500,"reason":"interlock"}'
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"no-store"),
    ]
    await _send_answer(scope, send, 500, headers, body, "interlock")
