"""HTTP/1.1 on a pair of asyncio streams: as much of it as a proxy and a prober need."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

LIMIT = 1 << 20
"""Bytes that a line or a head may have."""


class WireError(Exception):
    """The other side ended or said what is no HTTP."""


@dataclass(slots=True)
class Head:
    """The first line of a message and its headers, names in lower case."""

    line: str
    headers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def get(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return self.headers.get(name, [""])[0]

    @property
    def status(self) -> int:
        """The status of an answer."""
        return int(self.line.split(" ")[1])

    @property
    def target(self) -> str:
        """What a request asks for."""
        return self.line.split(" ")[1]

    @property
    def path(self) -> str:
        """The same without its query."""
        return self.target.partition("?")[0]

    @property
    def is_stream(self) -> bool:
        """Whether it begins a stream of server-sent events."""
        return self.get("content-type").startswith("text/event-stream")

    def client(self) -> str:
        """The name of who authenticates by HTTP Basic, or nothing."""
        scheme, _, encoded = self.get("authorization").partition(" ")
        if scheme.lower() != "basic":
            return ""
        with contextlib.suppress(ValueError):
            return unquote_plus(b64decode(encoded).decode().partition(":")[0])
        return ""

    def written(self) -> bytes:
        """As it stands on the wire."""
        lines = [
            self.line,
            *(f"{name}: {value}" for name, values in self.headers.items() for value in values),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Reads a head. Raises `WireError` where none comes."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
        raise WireError("no head") from error
    first, *rest = raw.decode("latin-1")[:-4].split("\r\n")
    head = Head(first)
    for line in rest:
        name, _, value = line.partition(":")
        head.headers.setdefault(name.strip().lower(), []).append(value.strip())
    return head


async def read_body(reader: asyncio.StreamReader, head: Head) -> bytes:
    """Reads the body that a head announces. Raises `WireError` where it breaks off."""
    try:
        if head.get("transfer-encoding") == "chunked":
            return b"".join([chunk async for chunk in chunks(reader)])
        if length := head.get("content-length"):
            return await reader.readexactly(int(length))
    except (asyncio.IncompleteReadError, OSError, ValueError) as error:
        raise WireError("the body breaks off") from error
    return b""


async def chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The chunks of a body until its end. Raises `WireError` where it breaks off."""
    try:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError) as error:
        raise WireError("the chunks break off") from error


async def events(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The server-sent events of a chunked body, each whole and with the empty line at its end."""
    held = b""
    async for chunk in chunks(reader):
        held += chunk
        while b"\n\n" in held:
            event, _, held = held.partition(b"\n\n")
            yield event + b"\n\n"


def chunked(data: bytes) -> bytes:
    """Data as one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def answer(status: int, body: bytes, **headers: str) -> bytes:
    """A whole answer."""
    head = Head(f"HTTP/1.1 {status} Something", {"content-length": [str(len(body))]})
    head.headers |= {name.replace("_", "-"): [value] for name, value in headers.items()}
    return head.written() + body


def cut(writer: asyncio.StreamWriter, *, hard: bool) -> None:
    """Ends a connection: with a reset if `hard`."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if hard and sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
