"""The ASGI layer: decides about every request before the application routes it or reads its body.

It stands innermost of the middleware, so that CORS headers and the like also reach its answers. An
`OPTIONS` request that gets here was not answered by a CORS middleware outside, and is treated like any
other method. Refusals are sent by the layer itself, which never calls `receive()`. It reads a body itself
only where the decision is about one: that of a logout told by the issuer, or of a form.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeVar

from sealgate import decisions
from sealgate._core import Decision
from sealgate._lifespans import Lifespans
from sealgate.answers import answer, redirect, with_fields
from sealgate.bodies import Body
from sealgate.connections import Connection, Connections, Socket, Stream
from sealgate.decisions import ALLOWED, EXCEPTION, is_enabled_for
from sealgate.dependencies import JUDGED_KEY, STATE_KEY, Refused
from sealgate.interlock import DECIDED_KEY, Held
from sealgate.policies import Here, here
from sealgate.stand_ins import StandIns

if TYPE_CHECKING:
    from sealgate._core import Core
    from sealgate.actors import Actor
    from sealgate.targets import Table, Target

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_T = TypeVar("_T")

Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("sealgate")

_ALLOW = 0
_PENDING = 2

_FIRST_VIEW_SECONDS = 2.0
"""How long the first requests of a process wait for the first revocation view."""


class GateLayer:
    """The layer around one application's router."""

    def __init__(
        self,
        app: Application,
        *,
        core: Core,
        table: Table,
        on_startup: Callable[[], None],
        on_shutdown: Callable[[], None],
        stand_ins: StandIns | None = None,
        beside: Lifespans | None = None,
    ) -> None:
        """Takes the application inside, what the gate hands it, and what starts and stops beside it."""
        self.stand_ins = stand_ins or StandIns()
        self._app = app
        self._core = core
        self._table = table
        self._connections = Connections(core, table)
        self._on_startup = on_startup
        self._on_shutdown = on_shutdown
        self._beside = beside or Lifespans()
        self._checked = False
        self._first_view_awaited = False

    @property
    def core(self) -> Core:
        """The gate's core."""
        return self._core

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serves one connection, or the application's start and stop."""
        kind = scope["type"]
        if kind == "http" or kind == "websocket":
            return self._serve(scope, receive, send)
        if kind == "lifespan":
            return self._live(scope, receive, send)
        raise RuntimeError(f"the gate does not know connections of type {kind!r}")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._checked:
            self._on_startup()  # Without lifespan the first request starts the gate.
            self._checked = True
        table, found, reason = self._table, None, ""
        if table.pins is not None and not self.stand_ins.open:
            found = self._core.admit_known(scope, table.pins, table.known)
        if found is None:
            target = table.find(scope)
            actor = self._admit(scope, target)
        else:
            target, actor = found
        if isinstance(actor, Decision):
            settled = await self._settled(actor, scope, receive, send, target)
            if settled is None:
                return
            actor, receive, send, reason = settled
        if is_enabled_for(EXCEPTION if reason else ALLOWED):
            decisions.allowed(self._core, scope, target, actor, reason)
        if target.redirect is not None:
            await redirect(target.redirect, scope, send)
            return
        state = scope.get("state")
        if state is None or STATE_KEY in state:
            # A server that gives several requests one state, against the specification, mixes up no actors.
            state = scope["state"] = {**state} if state else {}
        state[STATE_KEY] = actor
        state[JUDGED_KEY] = (self._core, target.number)
        scope[DECIDED_KEY] = table
        token = here.set(Here(self._core, scope, target, actor))
        try:
            if actor is None:
                await self._serve_nobody(scope, receive, send, target)
            else:
                await self._serve_actor(scope, receive, send, target, actor)
        finally:
            # A test's client serves requests in the task of whoever asks.
            here.reset(token)

    async def _serve_actor(
        self, scope: Scope, receive: Receive, send: Send, target: Target, actor: Actor
    ) -> None:
        watch, task = self._connections.here()
        if scope["type"] == "http":
            connection: Connection = Stream(watch, task, actor, scope, send, target)
        else:
            connection = socket = Socket(watch, task, actor, scope, send, target)
            receive = socket.receiver(receive)
        try:
            await self._app(scope, receive, connection.send)
        except BaseException as error:
            if connection.reason is not None:
                await connection.end(error)
            elif isinstance(error, Refused) and not connection.watched:
                # No handler of the application's has taken it: the gate is only wrapped around it.
                await answer(error.answer, scope, send)
            elif not (connection.withheld and isinstance(error, Exception)):
                raise
        else:
            if connection.reason is not None:
                await connection.end(None)
        finally:
            if connection.watched:
                connection.leave()

    async def _serve_nobody(self, scope: Scope, receive: Receive, send: Send, target: Target) -> None:
        """Serves what was let in without an actor."""
        held = Held(self._core, self._table, target, scope, send)
        try:
            await self._app(scope, receive, held)
        except Exception:
            if not held.withheld:  # Else it was told that nobody is there.
                raise

    def _admit(self, scope: Scope, target: Target) -> Decision | Actor | None:
        if self.stand_ins.open:  # Only in tests.
            return self.stand_ins.decide(self._core, scope, target.number)
        return self._core.admit(scope, target.number, target.template)

    async def _settled(
        self, decision: Decision, scope: Scope, receive: Receive, send: Send, target: Target
    ) -> tuple[Actor | None, Receive, Send, str] | None:
        """Who calls, what the application receives and sends with, and the reason code if it would not go on
        as a rule, where there is more to a decision than that somebody may go on; nothing if the gate itself
        has answered.
        """
        if decision.reason == "feed_stale" and not self._first_view_awaited:
            await self._await_first_view()
            again = self._admit(scope, target)
            if not isinstance(again, Decision):
                return again, receive, send, ""
            decision = again
        body = Body(receive)
        final = await self._final(decision, body)
        if final is None or final.outcome != _ALLOW:
            decisions.refused(self._core, scope, target, final)
            await answer(final, scope, send)
            return None
        self._core.note_decision(scope, final, target.template)
        fields = final.headers
        return (
            final.actor,
            body.receive if body.was_read else receive,
            with_fields(send, fields) if fields else send,
            final.reason,
        )

    async def _final(self, decision: Decision, body: Body) -> Decision | None:
        """The decision once the network was asked, where it has to be; nothing if the gate was stopped."""
        if decision.outcome != _PENDING:
            return decision
        limit = decision.body_limit
        return await self._finish(decision, None if limit is None else await body.read(limit))

    async def _finish(self, pending: Decision, body: bytes | None) -> Decision | None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Decision | None] = loop.create_future()
        self._core.finish(pending, lambda decision: _settle(loop, future, decision), body)
        return await future

    async def _await_first_view(self) -> None:
        if self.stand_ins.open:
            return
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
                await self._beside.start()
                await self._await_first_view()
                if not self._core.ready and not self.stand_ins.open:
                    _log.warning(
                        "no fresh word from the control plane yet: sessions are answered 503 until it comes"
                    )
            await send(message)

        async def received() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                # Before the application takes away what they work with.
                await self._beside.stop()
            return message

        scope[DECIDED_KEY] = self._table
        try:
            await self._app(scope, received, watched)
        finally:
            await self._beside.stop()
            self._on_shutdown()
            self._checked = False
            self._first_view_awaited = False


def _settle(loop: asyncio.AbstractEventLoop, future: asyncio.Future[_T], value: _T) -> None:
    """Called from the core's thread: gives `future` its value on the loop that waits for it."""

    def settle() -> None:
        if not future.done():
            future.set_result(value)

    # A closed loop refuses: then nobody waits any more.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)
