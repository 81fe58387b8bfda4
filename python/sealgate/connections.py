"""Connections that last: streams and WebSockets end when what their caller came with is good no more, or when
the policies do not allow any more what their route asks them for.

A request is watched from the moment its answer begins until it is complete. While there are any, one timer
per event loop asks the core about all of them in a single call. What falls is cancelled, and ended by the
layer: a WebSocket with a close frame that names the reason, a stream by an answer left incomplete. Servers
then cut the connection, so that no client takes what it has for the whole. An application that holds on is
cut off over its head, and cancelled again.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, MutableMapping
from threading import get_ident
from typing import TYPE_CHECKING, Any

from sealgate import decisions
from sealgate.interlock import drop, withhold

if TYPE_CHECKING:
    from sealgate._core import Core
    from sealgate.actors import Actor
    from sealgate.targets import Table, Target

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger("sealgate")

CLOSE_CODE = 4401
"""The WebSocket close code, of the range that is free for applications (RFC 6455, section 7.4.2)."""

_PAUSE = 0.2
"""Seconds between two looks at whose credential is good."""

_GRACE = 0.4
"""How long an application may hold on to a fallen connection, in seconds, before it is closed over its head:
so that with two pauses the end comes within a second in any case.
"""

_CLOSING_SECONDS = 5.0
"""How long a closing may take that waits for the other end."""

_PATIENCE = 5.0
"""How long an application may take to tidy up, in seconds, before it is cancelled again."""


class Connections:
    """The connections of one layer, by event loop."""

    def __init__(self, core: Core, table: Table) -> None:
        """Takes the core that knows whose credential is good, and the table that the layer asks."""
        self._core = core
        self._table = table
        self._latest: Watch | None = None
        self._watches: list[Watch] = []

    def here(self) -> tuple[Watch, asyncio.Task[Any] | None]:
        """The watch of the running event loop, and the task that runs on it."""
        latest = self._latest
        # To ask for the running loop is a system call on Python 3.11. A loop that has a task at work in this
        # very thread is the running one.
        if latest is not None and latest.thread == get_ident():
            task = asyncio.current_task(latest.loop)
            if task is not None:
                return latest, task
        latest = self._latest = self._find(asyncio.get_running_loop())
        return latest, asyncio.current_task()

    def _find(self, loop: asyncio.AbstractEventLoop) -> Watch:
        self._watches = [watch for watch in self._watches if not watch.loop.is_closed()]
        for watch in self._watches:
            if watch.loop is loop:
                watch.thread = get_ident()
                return watch
        watch = Watch(self._core, self._table, loop)
        self._watches.append(watch)
        return watch


class Watch:
    """The connections of one event loop."""

    def __init__(self, core: Core, table: Table, loop: asyncio.AbstractEventLoop) -> None:
        """Takes the core that knows whose credential is good, the table that the layer asks, and the loop on
        which all of this runs.
        """
        self.loop = loop
        self.thread = get_ident()
        """The thread in which the loop runs."""
        self.core = core
        self.table = table
        self.open: dict[Connection, None] = {}
        """Those that would be ended now."""
        self._falling: dict[Connection, None] = {}
        self._closings: set[asyncio.Task[None]] = set()
        self._context = contextvars.Context()
        self.ticking = False
        """Whether it is going to look at them."""

    def let_go(self, connection: Connection) -> None:
        """The application has let go of a connection that fell."""
        self._falling.pop(connection, None)

    def tick(self) -> None:
        """Looks once more, after the pause."""
        self.ticking = True
        # A context of its own: that of the request at hand would be kept alive by it.
        self.loop.call_later(_PAUSE, self._look, context=self._context)

    def _look(self) -> None:
        self.ticking = False
        try:
            for connection in list(self._falling):
                connection.press()
            for connection, reason in self._fallen():
                self.open.pop(connection, None)
                self._falling[connection] = None
                connection.fall(reason)
        finally:
            if self.open or self._falling:
                self.tick()

    def _fallen(self) -> list[tuple[Connection, str]]:
        if not self.open:
            return []
        connections = list(self.open)
        try:
            fallen = self.core.fallen([connection.stands_on for connection in connections])
        except Exception:
            # Without an answer nobody is known to be good any more.
            _log.exception("the standing of open connections could not be told: all of them end")
            return [(connection, "feed_stale") for connection in connections]
        return [(connections[index], reason) for index, reason in fallen]

    def run_beside(self, closing: Awaitable[None]) -> None:
        """Lets `closing` run on its own, for a while."""
        task = self.loop.create_task(patiently(closing), context=self._context)
        self._closings.add(task)
        task.add_done_callback(self._closings.discard)


async def patiently(closing: Awaitable[None]) -> None:
    """Waits for `closing`, but not for ever."""
    # Whatever the server says to this: the connection may be closed already, or half open.
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_CLOSING_SECONDS):
            await closing


async def _nothing() -> None:
    pass


class Connection(ABC):
    """One request on its way through the application, in the task that the layer runs in."""

    __slots__ = (
        "_cancels",
        "_cut",
        "_dropped",
        "_pressed_at",
        "_scope",
        "_send",
        "_target",
        "_task",
        "_watch",
        "actor",
        "reason",
        "watched",
    )

    def __init__(
        self,
        watch: Watch,
        task: asyncio.Task[Any] | None,
        actor: Actor,
        scope: Scope,
        send: Send,
        target: Target,
    ) -> None:
        """Takes the task that the layer runs in, who calls, the server's `send`, and what was decided
        about.
        """
        self.actor = actor
        self.reason: str | None = None
        """Why it ends, once it does."""
        self.watched = False
        """Whether it has begun and goes on, so that its end would be forced."""
        self._scope = scope
        self._target = target
        self._watch = watch
        self._send = send
        self._task = task

    @abstractmethod
    def send(self, message: Message) -> Awaitable[None]:
        """What the application sends with."""

    @property
    def stands_on(self) -> tuple[Actor, int]:
        """Who is let in, and the number of the requirement that they met."""
        return self.actor, self._target.number

    @property
    def withheld(self) -> bool:
        """Whether the gate has answered in place of the application."""
        return self._send is drop

    def _stands(self) -> bool:
        """Whether what was decided holds for what answers, although that is not to the letter what was
        decided about.
        """
        return self.withheld or self._watch.table.stands(self._scope, self._target, self.actor)

    def _withhold(self) -> Awaitable[None]:
        """Answers in place of the application, of which nothing gets out any more."""
        send, self._send = self._send, drop
        return withhold(self._watch.core, self._scope, send, self._target, self.actor)

    @abstractmethod
    async def _cut_off(self) -> None:
        """Ends it beside the application, which holds on to it."""

    @abstractmethod
    async def _finish(self) -> None:
        """Ends it in the layer's own frame."""

    def _begin(self) -> None:
        """From now on its end would be forced."""
        self.watched = True
        watch = self._watch
        watch.open[self] = None
        if not watch.ticking:
            watch.tick()

    def leave(self) -> None:
        """It has come to its own end."""
        self.watched = False
        self._watch.open.pop(self, None)

    def fall(self, reason: str) -> None:
        """Ends it. From here on nothing that the application sends gets out."""
        self.reason = reason
        self._cut = False
        self._cancels = 0
        self._dropped = False
        decisions.ended(self._watch.core, self._scope, self.actor, reason)
        self._cancel()

    def _drop(self) -> Awaitable[None]:
        """In place of sending. The first time nothing is waited for, so that the cancellation is felt where
        the application waits itself: a generator that it hits between two pieces runs its `finally` only when
        it is collected. Later the event loop must have its turn.
        """
        if self._dropped:
            return asyncio.sleep(0)
        self._dropped = True
        return _nothing()

    def press(self) -> None:
        """Called again and again while the application holds on to it."""
        waited = self._watch.loop.time() - self._pressed_at
        if not self._cut and waited >= _GRACE:
            self._cut = True
            self._watch.run_beside(self._cut_off())
        if waited >= _PATIENCE:
            self._cancel()

    def _cancel(self) -> None:
        self._pressed_at = self._watch.loop.time()
        if self._task is not None and self._task.cancel():
            self._cancels += 1

    async def end(self, error: BaseException | None) -> None:
        """Called in the layer's frame when the application has let go: with `error`, if it raised one."""
        self._watch.let_go(self)
        if isinstance(error, Exception):
            _log.warning("the application failed while its connection was being ended", exc_info=error)
        elif error is not None and not isinstance(error, asyncio.CancelledError):
            raise error
        await self._take_back()
        if not self._cut:
            await self._finish()

    async def _take_back(self) -> None:
        """Takes back this connection's own cancellations. Somebody else's still counts."""
        task = self._task
        if task is None or not self._cancels:
            return
        for _ in range(self._cancels):
            task.uncancel()
        if not task.cancelling():
            # One of them may still be on its way.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        if task.cancelling():
            raise asyncio.CancelledError


class Stream(Connection):
    """An HTTP request. It is watched while its answer has begun and goes on."""

    __slots__ = ()

    def send(self, message: Message) -> Awaitable[None]:
        """Passes `message` on, unless the connection has fallen."""
        if self.reason is not None:
            return self._drop()
        kind = message["type"]
        if kind == "http.response.body":
            if not message.get("more_body", False):
                self.watched = False  # As `leave` does, without a call.
                self._watch.open.pop(self, None)
        elif not self.watched:
            scope, target = self._scope, self._target
            to_the_letter = scope.get("endpoint") is target.endpoint and scope.get("route") is target.route
            if not to_the_letter and not self._stands():
                return self._withhold()
            if kind == "http.response.start":
                self.watched = True  # As `_begin` does, without a call.
                watch = self._watch
                watch.open[self] = None
                if not watch.ticking:
                    watch.tick()
        return self._send(message)

    async def _cut_off(self) -> None:
        # ASGI knows no other end than this one for anybody but the application itself.
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _finish(self) -> None:
        pass  # The layer returns, with the answer incomplete.


class Socket(Connection):
    """A WebSocket. It is watched from its acceptance on."""

    __slots__ = ()

    def send(self, message: Message) -> Awaitable[None]:
        """Passes `message` on, unless the connection has fallen."""
        if self.reason is not None:
            return self._drop()
        kind = message["type"]
        if kind == "websocket.close":
            self.leave()
        elif not self.watched:
            scope, target = self._scope, self._target
            to_the_letter = scope.get("endpoint") is target.endpoint and scope.get("route") is target.route
            if not to_the_letter and not self._stands():
                return self._withhold()
            if kind == "websocket.accept":
                self._begin()
        return self._send(message)

    def receiver(self, receive: Receive) -> Receive:
        """What the application receives with: the disconnect once the connection has fallen, whatever else
        came.
        """

        async def wrapped() -> Message:
            if self.reason is None:
                message = await receive()
                if self.reason is None:
                    if message["type"] == "websocket.disconnect":
                        self.leave()
                    return message
            return {"type": "websocket.disconnect", "code": CLOSE_CODE, "reason": self.reason}

        return wrapped

    async def _cut_off(self) -> None:
        await self._send({"type": "websocket.close", "code": CLOSE_CODE, "reason": self.reason or ""})

    async def _finish(self) -> None:
        await patiently(self._cut_off())
