"""MCP servers behind the gate: what `gate.mcp` mounts, and who calls a tool.

```python
gate.mcp(app, server, path="/mcp", scopes=["notes:read"], tools={"add_note": ["notes:write"]})
```
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Union

from sealgate import decisions
from sealgate._core import Decision, McpServer
from sealgate._lifespans import Lifespan
from sealgate._mcp_servers import maker_of, sdk_request, sdk_user
from sealgate.answers import answer
from sealgate.bodies import Body, without_body
from sealgate.dependencies import JUDGED_KEY, STATE_KEY, ActorDependency
from sealgate.interlock import withhold
from sealgate.needs import ANY_KIND, Need, asked
from sealgate.targets import Target

if TYPE_CHECKING:
    from sealgate.actors import Actor
    from sealgate.dependencies import Marks

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Asks = Union["Iterable[str]", "ActorDependency[Any]"]
"""What is asked for: scopes, all of them, or what a dependency of the gate asks for."""

_log = logging.getLogger("sealgate")

_BODY_SECONDS = 30.0
"""How long a message may take to arrive."""

_HANDED_ON = (
    "type",
    "asgi",
    "http_version",
    "method",
    "scheme",
    "raw_path",
    "query_string",
    "root_path",
    "client",
    "server",
    "extensions",
)
"""What the server behind the gate is told of a request as it is."""

_KEPT_BACK = frozenset(
    {b"authorization", b"proxy-authorization", b"dpop", b"cookie", b"mcp-session-id", b"last-event-id"}
)
"""Header fields that the server behind the gate never sees as they came: credentials, and ids that are told
to it only once they are known to be the caller's.
"""

_calling: ContextVar[Actor | None] = ContextVar("sealgate_mcp_actor", default=None)


def actor() -> Actor:
    """Who calls the tool that runs: a user, a machine or an agent, as for any route.

    For an AI client that acts for a user it is an `Agent`, whose `user` says for whom. Raises `LookupError`
    where nothing of an MCP server behind the gate runs.
    """
    request = sdk_request()
    if request is not None:
        state: Mapping[str, Any] = request.scope.get("state") or {}
        found: Actor | None = state.get(STATE_KEY)
    else:
        found = _calling.get()
    if found is None:
        raise LookupError("no call of an MCP server behind the gate is running here")
    return found


class Mounted:
    """An MCP server that `gate.mcp` has mounted: an ASGI application at one path.

    It relies on the layer's decision about just this server, and answers nothing without it.
    """

    def __init__(self, marks: Marks, server: McpServer, need: Need, path: str) -> None:
        """Takes the gate's marks, the server as the core knows it, what everybody has to meet there, and its
        path.
        """
        self.marks = marks
        self.need = need
        self.path = path
        self._server = server
        self._target = Target(server.number, endpoint=self, template=path)
        self._inner: Lifespan | None = None
        self._inner_path = path
        self._resumable = False

    def serve(self, inner: Lifespan, inner_path: str, *, resumable: bool) -> None:
        """From now on `inner` answers what comes through, at the path that it listens at."""
        self._inner = inner
        self._inner_path = inner_path
        self._resumable = resumable

    @property
    def resource(self) -> str:
        """The identifier of this resource: what tokens for it have as their audience."""
        return self._server.audience

    @property
    def metadata_url(self) -> str:
        """Where clients find what it says of itself (RFC 9728)."""
        return self._server.metadata_url

    @property
    def number(self) -> int:
        """The core's number of the requirement."""
        return self._server.number

    def __repr__(self) -> str:
        """What it is, for messages."""
        return f"gate.mcp({self.path!r})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request that the layer has let in."""
        state: Mapping[str, Any] = scope.get("state") or {}
        caller: Actor | None = state.get(STATE_KEY)
        core = self.marks.core
        if caller is None or state.get(JUDGED_KEY) != (core, self.number) or self._inner is None:
            _log.error("%r was reached by a request that its gate has not let in: it is withheld", self)
            await withhold(core, scope, send, self._target, caller)
            return
        arrived = self._server.arrives(caller, scope)
        if isinstance(arrived, Decision):
            await self._refuse(arrived, scope, send)
            return
        if scope["method"] == "POST":
            body = Body(receive)
            read = await body.read(self._server.body_limit, _BODY_SECONDS)
            refused = self._server.message(caller, scope, read)
            if refused is not None:
                await self._refuse(refused, scope, send)
                return
            receive = body.receive
        else:
            # A message that nobody has judged: an application may not care how it came.
            receive = without_body(receive)
        inner, lasting = await self._inner.start()
        handed = self._handed_on(scope, caller, arrived, lasting)
        with self._known_as(caller, handed):
            await inner(handed, receive, self._naming_sessions(caller, send))

    async def _refuse(self, decision: Decision, scope: Scope, send: Send) -> None:
        decisions.refused(self.marks.core, scope, self._target, decision)
        await answer(decision, scope, send)

    def _handed_on(
        self, scope: Scope, caller: Actor, session: bytes | None, lasting: Mapping[str, Any]
    ) -> Scope:
        """The scope for the server behind: what it may know of the request, and who makes it."""
        handed: Scope = {key: scope[key] for key in _HANDED_ON if key in scope}
        kept_back = _KEPT_BACK - {b"last-event-id"} if self._resumable else _KEPT_BACK
        headers = [field for field in scope["headers"] if field[0].lower() not in kept_back]
        if session is not None:
            headers.append((b"mcp-session-id", session))
        root: str = scope.get("root_path", "")
        path: str = scope["path"]
        if self._inner_path != self.path:
            path = root + self._inner_path
            handed["raw_path"] = path.encode()
        handed["headers"] = headers
        handed["path"] = path
        handed["state"] = {**lasting, STATE_KEY: caller}
        return handed

    @contextlib.contextmanager
    def _known_as(self, caller: Actor, handed: Scope) -> Generator[None]:
        """Tells who calls to whatever runs inside, in this package's words and in the SDK's."""
        ours = _calling.set(caller)
        client = self.marks.core.record(caller)["client"] or ""
        known = sdk_user(caller, client, self.resource)
        theirs = None
        if known is not None:
            handed["user"], variable = known
            theirs = variable, variable.set(known[0])
        try:
            yield
        finally:
            if theirs is not None:
                theirs[0].reset(theirs[1])
            _calling.reset(ours)

    def _naming_sessions(self, caller: Actor, send: Send) -> Send:
        """Sends on what the server answers, with the id of a session as its caller knows it."""

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                fields = [self._field(caller, *field) for field in message.get("headers") or ()]
                message = {**message, "headers": [field for field in fields if field is not None]}
            await send(message)

        return named

    def _field(self, caller: Actor, name: bytes, value: bytes) -> tuple[bytes, bytes] | None:
        if name.lower() != b"mcp-session-id":
            return name, value
        session = self._server.session(caller, value)
        return None if session is None else (name, session)


def mounted(
    marks: Marks,
    server: Any,
    path: str,
    *,
    scopes: Iterable[str],
    tools: Mapping[str, Asks],
    prompts: Mapping[str, Asks] | None,
    resources: Mapping[str, Asks] | None,
    default: Asks | None,
    requires: ActorDependency[Any] | None,
    origins: Iterable[str],
    root: bool,
    body_limit: int,
    stateless: bool,
    json_response: bool,
    resumable: bool,
    server_path: str | None,
) -> tuple[Mounted, Lifespan]:
    """The server behind its door, and its lifespan. Raises `TypeError` and `ValueError`."""
    everybody = asked(ANY_KIND, scopes=scopes)
    base = everybody if requires is None else _checked("requires", requires).and_(everybody)

    # What policies and lock files call the way in.
    route = f"* {path}"

    def numbered(what: str, asks: Asks) -> int:
        need = _checked(what, asks) if isinstance(asks, ActorDependency) else asked(ANY_KIND, scopes=asks)
        return marks.number(need, route)

    def numbers(what: str, asked_for: Mapping[str, Asks]) -> list[tuple[str, int]]:
        return [(name, numbered(f"{what}[{name!r}]", asks)) for name, asks in asked_for.items()]

    make, inner_path = maker_of(server, path, server_path, stateless=stateless, json_response=json_response)
    core = McpServer(
        marks.core,
        path,
        marks.number(base, route),
        numbers("tools", tools),
        prompts=None if prompts is None else numbers("prompts", prompts),
        resources=None if resources is None else numbers("resources", resources),
        default=None if default is None else numbered("default", default),
        origins=list(origins),
        root=root,
        body_limit=body_limit,
    )
    inner = Lifespan(make)
    door = Mounted(marks, core, base, path)
    door.serve(inner, inner_path, resumable=resumable)
    return door, inner


def _checked(what: str, dependency: ActorDependency[Any]) -> Need:
    need: Need = dependency.need
    if need.optional:
        raise ValueError(f"{what} takes nobody too: an MCP server is never open")
    if need.tenants_from:
        raise ValueError(f"{what} names a tenant by the path, which has no parameters here")
    if need.stale_ok:
        raise ValueError(f'{what} says stale="allow": an MCP server takes messages that may change something')
    if len(need.any_scopes) > 1 or len(need.any_roles) > 1:
        raise ValueError(f"{what} has several groups of alternatives: name one")
    return replace(need)
