"""What the layer itself sends: refusals, and fields added to the application's answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealgate._core import Decision

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Field = tuple[bytes, bytes]

_POLICY_VIOLATION = 1008
_CACHE_FIELDS = (b"cache-control", b"surrogate-control")
_STARTS = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


async def answer(decision: Decision | None, scope: Scope, send: Send) -> None:
    """Sends the gate's own answer."""
    if decision is None:
        await send_answer(scope, send, 503, [(b"retry-after", b"1")], b"", "gate_stopped")
    else:
        await send_answer(scope, send, decision.status, decision.headers, decision.body, decision.reason)


async def redirect(location: str, scope: Scope, send: Send) -> None:
    """Sends a browser, or a program, to repeat its request elsewhere in the application."""
    await send_answer(scope, send, 307, [(b"location", location.encode())], b"", "")


async def send_answer(
    scope: Scope, send: Send, status: int, headers: list[Field], body: bytes, reason: str
) -> None:
    """Sends an answer of the gate's as it has to be on this kind of connection."""
    if not any(name == b"content-length" for name, _ in headers):
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    prefix = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            # Before the handshake is accepted, servers turn this into a plain 403.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason})
            return
        prefix, headers = "websocket.http.response", joined(headers)
    elif scope["method"] == "HEAD":
        body = b""
    await send({"type": f"{prefix}.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": body})


def joined(headers: list[Field]) -> list[Field]:
    """Each name once, with its values in one list (RFC 9110, section 5.3): Granian 2.8 dies of a refused
    handshake with two fields of one name, such as two challenges. Cookies cannot be joined.
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    cookies = [(b"set-cookie", value) for value in values.pop(b"set-cookie", [])]
    return [*((name, b", ".join(those)) for name, those in values.items()), *cookies]


def with_fields(send: Send, fields: list[Field]) -> Send:
    """Adds `fields` (cookies, nonces) to whatever answer starts: streams and exceptions keep them too. No
    cache that others share may keep such an answer.
    """

    def wrapped(message: Message) -> Awaitable[None]:
        if message["type"] in _STARTS:
            headers: list[Field] = list(message.get("headers") or ())
            if message["type"] != "websocket.accept":
                headers = _unshared(headers)
            message = {**message, "headers": [*headers, *fields]}
        return send(message)

    return wrapped


def _unshared(headers: list[Field]) -> list[Field]:
    """The fields with `Cache-Control: no-store`, unless they keep shared caches off already (RFC 9111,
    section 5.2.2). Fields meant for one kind of cache only (RFC 9213) would overrule it, and go.
    """
    kept = [field for field in headers if not field[0].lower().endswith(_CACHE_FIELDS)]
    values = [value for name, value in headers if name.lower() == b"cache-control"]
    said = {directive.strip().lower() for value in values for directive in value.split(b",")}
    if b"no-store" in said or (b"private" in said and b"public" not in said):
        return [*kept, *((b"cache-control", value) for value in values)]
    return [*kept, (b"cache-control", b"no-store")]
