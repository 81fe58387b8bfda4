"""The interlock: no answer of a route leaves that no decision of the gate stood behind.

It has two parts, which do not rely on each other. At the door of the application's router stands an
`Interlock`. It lets in what the layer has just decided about, and of everything else only what is public, so
that a layer that was lost on the way opens nothing. On the way out, what an answer comes from is held against
what was decided about: `Held` for requests without an actor, `sealgate.connections` for the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from starlette.routing import Router

from sealgate import decisions
from sealgate.answers import send_answer
from sealgate.targets import Table, Target

if TYPE_CHECKING:
    from sealgate._core import Core
    from sealgate.actors import Actor

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("sealgate")

DECIDED_KEY = "sealgate.decided"
"""Where the layer says in the scope that it has decided about this request: the table that it asked. The door
takes it out before anything of the application runs. So nothing can be copied from another request, and the
same scope opens the door once.
"""

_doors: WeakKeyDictionary[Application, Interlock] = WeakKeyDictionary()

_PROOF = "sealgate.proof"
"""The type of a scope that no server makes: only a door knows it."""


class Guarding(Table, Protocol):
    """A route table whose router has a door."""

    @property
    def core(self) -> Core:
        """The gate's core."""
        ...

    def is_open(self, target: Target) -> bool:
        """Whether everybody is let in there."""
        ...


class Interlock:
    """The door of a router: nothing gets in about which the layer has not decided, unless it is public."""

    def __init__(self, inner: Application, table: Guarding) -> None:
        """Takes what stands behind the door, and the table of the layer that decides."""
        self.inner = inner
        self._tables = {table}
        self._told = False

    def admit_for(self, table: Guarding) -> None:
        """Lets in what another gate's layer has decided about too, where two gates share a router."""
        self._tables.add(table)

    def door(self) -> Application:
        """What the router serves with from now on. It is a function, which costs a request less than a method
        does.
        """
        inner, tables, undecided = self.inner, self._tables, self._undecided

        def door(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope.pop(DECIDED_KEY, None) in tables:
                return inner(scope, receive, send)
            return undecided(scope, receive, send)

        _doors[door] = self
        return door

    async def _undecided(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == _PROOF:
            scope["held"] = True
            return
        self._tell()
        if kind == "lifespan":
            await self.inner(scope, receive, send)
            return
        for table in self._tables:
            target = table.find(scope)
            if not table.is_open(target):
                await withhold(table.core, scope, send, target, None)
                return
            send = Held(table.core, table, target, scope, send)
        await self.inner(scope, receive, send)

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            _log.error(
                "interlock: requests reach the application's router without its gate: all of them are "
                "withheld that are not for public routes. Serve the application itself, with the middleware "
                "that gate.install(app) has put there"
            )


class Held:
    """The way out for a request that was let in without an actor: its first message leaves when what answers
    is what was decided about.
    """

    __slots__ = ("_core", "_passed", "_scope", "_send", "_table", "_target", "withheld")

    def __init__(self, core: Core, table: Table, target: Target, scope: Scope, send: Send) -> None:
        """Takes the gate's core, what was decided about, by which table, and the server's `send`."""
        self._core = core
        self._table = table
        self._target = target
        self._scope = scope
        self._send = send
        self._passed = False
        self.withheld = False
        """Whether the gate has answered in place of the application."""

    def __call__(self, message: Message) -> Awaitable[None]:
        """Passes `message` on, if nothing speaks against it."""
        if self._passed:
            return self._send(message)
        if self.withheld:
            return drop(message)
        if self._table.stands(self._scope, self._target, None):
            self._passed = True
            return self._send(message)
        self.withheld = True
        return withhold(self._core, self._scope, self._send, self._target, None)


async def withhold(core: Core, scope: Scope, send: Send, target: Target, actor: Actor | None) -> None:
    """Answers in place of the application, and says so in the log of decisions."""
    core.note_withheld()
    decisions.withheld(core, scope, target, actor)
    body = b'{"type":"about:blank","title":"The answer was withheld.","status":500,"reason":"interlock"}'
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"cache-control", b"no-store"),
    ]
    await send_answer(scope, send, 500, headers, body, "interlock")


async def drop(message: Message) -> None:
    """In place of sending, once an answer was withheld. What goes on sending is told that nobody is there, as
    servers say it (ASGI, 2.4): it would not end otherwise.
    """
    if message.get("more_body", False) or message["type"] == "websocket.send":
        raise OSError("the answer was withheld")
    await asyncio.sleep(0)


def guard(router: Router, table: Guarding) -> None:
    """Puts the door in front of what `router` serves with, if it is not there yet."""
    interlock = _of(router)
    if interlock is None:
        door: Any = Interlock(router.middleware_stack, table).door()
        router.middleware_stack = door
    else:
        interlock.admit_for(table)


def served_by(router: Router) -> Any:
    """What `router` serves with, behind the door if it has one."""
    interlock = _of(router)
    return router.middleware_stack if interlock is None else interlock.inner


def _of(router: Router) -> Interlock | None:
    stack: Any = router.middleware_stack
    return _doors.get(stack) if isinstance(stack, FunctionType) else None


def is_guarded(router: Router) -> bool:
    """Whether what is handed to `router` comes to the door, in this version of the framework."""
    scope: Scope = {"type": _PROOF}
    attempt: Any = router(scope, _nobody, _nowhere)
    try:
        attempt.send(None)
    except StopIteration:
        pass
    except Exception:
        _log.debug("the router did not take the proof", exc_info=True)
    else:
        attempt.close()
    return bool(scope.get("held"))


async def _nobody() -> Message:
    raise RuntimeError("nobody is there")


async def _nowhere(message: Message) -> None:
    raise RuntimeError("nobody is there")
