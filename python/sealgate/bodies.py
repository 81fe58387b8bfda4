"""Reads the body of a request where a decision is about one, and hands it on to the application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_SECONDS = 10.0
"""How long a body that the gate reads may take to arrive."""


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

    async def read(self, limit: int) -> bytes:
        """The body, with one byte beyond `limit` of a longer one; nothing if it does not arrive."""
        body = bytearray()
        try:
            async with asyncio.timeout(_SECONDS):
                while len(body) <= limit:
                    message = await self._receive()
                    self._read.append(message)
                    if message["type"] != "http.request":
                        return b""
                    body += message.get("body", b"")[: limit + 1 - len(body)]
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            return b""
        return bytes(body)

    async def receive(self) -> Message:
        """What was read, once more, then what comes."""
        return self._read.pop(0) if self._read else await self._receive()
