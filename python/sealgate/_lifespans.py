"""The lifespans of applications that stand behind a route: FastAPI runs none but its own.

Each runs in a task of its own, from beginning to end: what an application enters there it has to leave in the
same task.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("sealgate")

_STOPPING_SECONDS = 10.0
"""How long an application may take to stop, before it is cancelled."""


class _Run:
    """One start of one application, on one event loop."""

    def __init__(self, app: Application) -> None:
        """Takes the application, and begins."""
        self.app = app
        self.state: dict[str, Any] = {}
        self.loop = asyncio.get_running_loop()
        self._told: asyncio.Future[str] = self.loop.create_future()
        self._stop = asyncio.Event()
        self._asked = 0
        self._task = self.loop.create_task(self._live())

    async def started(self) -> None:
        """Waits until it has started. Raises `RuntimeError` when it cannot."""
        failure = await asyncio.shield(self._told)
        if failure:
            raise RuntimeError(f"an application behind the gate could not start: {failure}")

    async def stopped(self) -> None:
        """Stops it, and waits until it has stopped."""
        self._stop.set()
        _, late = await asyncio.wait({self._task}, timeout=_STOPPING_SECONDS)
        if late:
            _log.warning("an application behind the gate does not stop: it is cancelled")
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_STOPPING_SECONDS)

    async def _live(self) -> None:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self.app(scope, self._receive, self._send)
        except Exception as error:
            if self._told.done():
                if not self._told.result():
                    _log.exception("an application behind the gate failed while it stopped")
                return
            if self._asked:
                self._told.set_result(repr(error))
                return
            # It does not know lifespans, and says so in the way that is usual (ASGI, Lifespan).
            _log.debug("an application behind the gate takes no lifespan", exc_info=True)
        except BaseException:
            if not self._told.done():
                # Whoever waits for it would wait for ever.
                self._told.set_result("it was cancelled while it started")
            raise
        if not self._told.done():
            self._told.set_result("")

    async def _receive(self) -> Message:
        self._asked += 1
        if self._asked == 1:
            return {"type": "lifespan.startup"}
        await self._stop.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        if self._told.done():
            return
        if message["type"] == "lifespan.startup.complete":
            self._told.set_result("")
        elif message["type"] == "lifespan.startup.failed":
            self._told.set_result(message.get("message") or "it does not say why")


class Lifespan:
    """An application that has to be started before it serves."""

    def __init__(self, make: Callable[[], Application]) -> None:
        """Takes what makes the application: anew for each start, where it can be."""
        self._make = make
        self._run: _Run | None = None

    async def start(self) -> tuple[Application, dict[str, Any]]:
        """The application once it has started, and the state of its lifespan. It is started on the first
        request where no server has done so before. Raises `RuntimeError` when it cannot start.
        """
        run = self._run
        if run is None or run.loop is not asyncio.get_running_loop():
            run = self._run = _Run(self._make())
        await run.started()
        return run.app, run.state

    async def stop(self) -> None:
        """Stops it, if it runs on this event loop."""
        run, self._run = self._run, None
        if run is not None and run.loop is asyncio.get_running_loop():
            await run.stopped()


class Lifespans:
    """Those of one application that the gate is installed on."""

    def __init__(self) -> None:
        """Starts with none."""
        self._all: list[Lifespan] = []

    def add(self, lifespan: Lifespan) -> None:
        """From now on it starts and stops with the application."""
        self._all.append(lifespan)

    async def start(self) -> None:
        """Starts all of them. Raises `RuntimeError` when one cannot start."""
        for lifespan in self._all:
            await lifespan.start()

    async def stop(self) -> None:
        """Stops all of them, the last one first."""
        for lifespan in reversed(self._all):
            await lifespan.stop()
