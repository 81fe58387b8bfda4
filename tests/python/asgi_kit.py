"""Drives an ASGI application by hand, so that a test sees every message that passes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]
Fields = Sequence[tuple[str, str]]


@dataclass
class Answer:
    """What came back, and how often the application asked for the body."""

    messages: list[Message] = field(default_factory=list[Message])
    received: int = 0

    @property
    def status(self) -> int:
        started = [m for m in self.messages if m["type"].endswith("response.start")]
        assert len(started) == 1, self.messages
        return int(started[0]["status"])

    @property
    def headers(self) -> list[tuple[str, str]]:
        for message in self.messages:
            if message["type"].endswith(("response.start", "websocket.accept")):
                return [(name.decode(), value.decode()) for name, value in message.get("headers", [])]
        return []

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages if m["type"].endswith("response.body"))

    @property
    def reason(self) -> str:
        return str(json.loads(self.body)["reason"])

    @property
    def kinds(self) -> list[str]:
        return [str(message["type"]) for message in self.messages]


def http_scope(method: str, path: str, headers: Fields = (), query: str = "", root_path: str = "") -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": root_path,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }


async def request(
    app: App,
    method: str,
    path: str,
    headers: Fields = (),
    body: bytes = b"",
    query: str = "",
    root_path: str = "",
) -> Answer:
    """One HTTP request. The body comes in pieces of 64 KiB, for as long as it is asked for."""
    scope = http_scope(method, path, [("host", "127.0.0.1:8000"), *headers], query, root_path)
    return await drive(app, scope, body)


async def drive(app: App, scope: Scope, body: bytes = b"") -> Answer:
    answer = Answer()
    pieces = [body[at : at + 65536] for at in range(0, len(body), 65536)] or [b""]

    async def receive() -> Message:
        at = answer.received
        answer.received += 1
        if at < len(pieces):
            return {"type": "http.request", "body": pieces[at], "more_body": at + 1 < len(pieces)}
        await asyncio.Event().wait()  # The caller stays; an application that listens is cancelled.
        raise AssertionError

    async def send(message: Message) -> None:
        answer.messages.append(message)

    await app(scope, receive, send)
    return answer


async def websocket(
    app: App, path: str, headers: Fields = (), *, denial_response: bool = True, text: str = "hello"
) -> Answer:
    """One WebSocket handshake, one text message when it is accepted, then a disconnect."""
    scope = http_scope("GET", path, [("host", "127.0.0.1:8000"), *headers])
    scope["type"] = "websocket"
    scope["scheme"] = "ws"
    scope["subprotocols"] = []
    scope["extensions"] = {"websocket.http.response": {}} if denial_response else {}
    del scope["method"]
    answer = Answer()
    incoming: list[Message] = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": text},
    ]

    async def receive() -> Message:
        answer.received += 1
        return incoming.pop(0) if incoming else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Message) -> None:
        answer.messages.append(message)

    await app(scope, receive, send)
    return answer


def assert_refused(answer: Answer) -> None:
    """Asserts that the gate itself answered an anonymous request, and that nobody asked for its body."""
    assert answer.status == 401
    assert answer.reason == "credential_missing"
    assert answer.received == 0, "the body was asked for"
