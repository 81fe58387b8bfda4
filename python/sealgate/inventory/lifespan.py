"""Reading an application that was started, for those that add routes while they start."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from sealgate.inventory import Json, read

_Message = MutableMapping[str, Any]


class StartError(RuntimeError):
    """The application said that its start failed."""


def read_started(app: Any, name: str | None = None) -> Json:
    """The inventory of `app` between its start and its stop; a note tells what the start changed.

    Raises `StartError` when it does not start, and what `read` raises.
    """
    before = read(app, name)
    return asyncio.run(_started(app, name, before))


async def _started(app: Any, name: str | None, before: Json) -> Json:
    told: asyncio.Queue[_Message] = asyncio.Queue()
    said: asyncio.Queue[_Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    await told.put({"type": "lifespan.startup"})
    running = asyncio.create_task(_run(app, scope, told, said))
    try:
        answer = await _next(running, said)
        if answer is None:
            # Servers go on where an application knows nothing of its lifespan.
            note = "the application has no lifespan, so it was read without being started"
            return _noted(before, note)
        if answer["type"] != "lifespan.startup.complete":
            raise StartError(_last_line(str(answer.get("message") or "")))
        after = read(app, name)
        for words in _changes(before, after):
            after = _noted(after, words)
        await told.put({"type": "lifespan.shutdown"})
        ended = await _next(running, said)
        if ended is None or ended["type"] != "lifespan.shutdown.complete":
            after = _noted(after, "the application did not stop as it should")
        return after
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _run(app: Any, scope: Any, told: asyncio.Queue[_Message], said: asyncio.Queue[_Message]) -> None:
    await app(scope, told.get, said.put)


async def _next(running: asyncio.Task[None], said: asyncio.Queue[_Message]) -> _Message | None:
    """What the application says next; `None` if it ends before."""
    saying = asyncio.create_task(said.get())
    await asyncio.wait({running, saying}, return_when=asyncio.FIRST_COMPLETED)
    if not saying.done() and not said.empty():
        await saying
    if saying.done():
        return saying.result()
    saying.cancel()
    return None


def _changes(before: Json, after: Json) -> list[str]:
    old, new = _ways(before), _ways(after)
    told: list[str] = []
    for what, ways in (("added", new - old), ("took away", old - new)):
        if ways:
            shown = ", ".join(sorted(ways)[:5]) + (", ..." if len(ways) > 5 else "")
            told.append(f"the start of the application {what} ways in, {len(ways)} of them: {shown}")
    return told


def _ways(inventory: Json) -> set[str]:
    return {f"{','.join(route['methods']) or '*'} {route['path']}" for route in inventory["routes"]}


def _noted(inventory: Json, words: str) -> Json:
    notes = [*inventory["notes"], {"place": None, "text": words}]
    return {**inventory, "notes": sorted(notes, key=lambda note: str(note["text"]))}


def _last_line(message: str) -> str:
    lines = [line for line in message.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it does not say why"
