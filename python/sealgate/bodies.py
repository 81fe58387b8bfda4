"""Reads the body of a request where a decision is about one, and hands it on to the application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_SECONDS = 10.0
"""How long a body that the gate reads may take to arrive."""


def without_body(receive: Receive) -> Receive:
    """The server's `receive` for a request whose body is not handed on: it tells of its end only."""
    told = False

    async def received() -> Message:
        nonlocal told
        if not told:
            told = True
            return {"type": "http.request", "body": b"", "more_body": False}
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return message

    return received


class Body:
    """A body that was read as far as the decision needs it."""

    def __init__(self, receive: Receive) -> None:
        """Takes the server's `receive`."""
        self._receive = receive
        self._read: list[Message] = []

    @property
    def was_read(self) -> bool:
        """Whether some of it has to be handed on."""
        return bool(self._read)

    async def read(self, limit: int, seconds: float = _SECONDS) -> bytes:
        """The body, with one byte beyond `limit` of a longer one; nothing if it does not arrive in time."""
        read, more = bytearray(), True
        try:
            async with asyncio.timeout(seconds):
                while more and len(read) <= limit:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        self._read.append(message)
                        return b""
                    read += message.get("body", b"")
                    more = message.get("more_body", False)
        except TimeoutError:
            return b""
        body = bytes(read)
        # As one message: whoever sends it byte by byte costs no more than others.
        self._read.append({"type": "http.request", "body": body, "more_body": more})
        return body[: limit + 1]

    async def receive(self) -> Message:
        """What was read, once more, then what comes."""
        return self._read.pop(0) if self._read else await self._receive()
