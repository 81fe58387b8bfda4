"""What routes say about who may call them: `Depends(gate.user)` and `gate.public("reason")`.

The ASGI layer reads these marks before it lets a request in. The dependency then only hands the actor
to the handler, and checks its own requirement once more in case the layer looked at another route.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Coroutine, Iterable, MutableMapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, overload

from fastapi.exceptions import HTTPException
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket

from sealgate import decisions
from sealgate.answers import joined
from sealgate.needs import ANY_KIND, Need, asked

if TYPE_CHECKING:
    from sealgate._core import Core, Decision

_DENIAL = "websocket.http.response"

STATE_KEY = "sealgate"
"""Where `scope["state"]` holds the actor, or `None`: on a public route, and where nobody may call too."""

JUDGED_KEY = "sealgate.judged"
"""Where it holds what the actor was found to meet already: a gate's core, and the requirement's number."""

REFUSED_KEY = "sealgate.refused"
"""Where the scope says that what is sent is a refusal of the gate's."""

SESSION_SCHEME = "Sealgate session"
"""The name of the session's security scheme in OpenAPI documents."""

_log = logging.getLogger("sealgate")

# FastAPI reads a dependency's parameters from its signature. These two names it fills in by type, so
# nothing of the request is declared, and nothing can be missing with a 422.
_SIGNATURE = inspect.Signature(
    [
        inspect.Parameter("connection", inspect.Parameter.KEYWORD_ONLY, annotation=HTTPConnection),
        inspect.Parameter("security_scopes", inspect.Parameter.KEYWORD_ONLY, annotation=SecurityScopes),
    ]
)

A_co = TypeVar("A_co", covariant=True)
B = TypeVar("B")


class Refused(HTTPException):
    """A caller who does not meet a dependency's requirement, with the gate's answer to them.

    Where no handler of the gate's is installed, in mounted applications, FastAPI makes its own answer of
    the same content.
    """

    def __init__(self, answer: Decision) -> None:
        """Takes the gate's answer."""
        self.answer = answer
        self.reason = answer.reason
        fields: dict[str, str] = {}
        for raw_name, raw_value in answer.headers:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            if name not in ("content-type", "content-length"):
                fields[name] = f"{fields[name]}, {value}" if name in fields else value
        super().__init__(answer.status, json.loads(answer.body), fields)


async def send_refusal(connection: HTTPConnection, refused: Exception) -> Any:
    """The gate's answer as it stands: the exception handler of applications with a gate. `None` where nothing
    is left to be sent.
    """
    assert isinstance(refused, Refused)
    connection.scope[REFUSED_KEY] = True
    headers = refused.answer.headers
    if isinstance(connection, WebSocket):
        if _DENIAL not in (connection.scope.get("extensions") or {}):
            # Before the handshake is accepted, servers turn this into a plain 403.
            await connection.close(1008, refused.reason)
            return None
        headers = joined(headers)
    response = Response(refused.answer.body, refused.answer.status)
    response.raw_headers = headers
    return response


class Marks:
    """What is shared by the marks of one gate: its core, and one dependency per requirement."""

    def __init__(self, core: Core) -> None:
        """Takes the core that numbers requirements."""
        self.core = core
        self._dependencies: dict[Need, ActorDependency[Any]] = {}
        self._numbers: dict[tuple[Need, str | None], int] = {}
        self._needs: dict[int, Need] = {}

    def number(self, need: Need, route: str | None = None) -> int:
        """The core's number for what is asked. Actions are asked of `route`: without one they are refused."""
        key = (need, route if need.actions else None)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = need.number(self.core, route)
            self._needs.setdefault(number, need)
        return number

    def need(self, number: int) -> Need | None:
        """The need of this number; `None` where no need has it."""
        return self._needs.get(number)

    def dependency(self, need: Need) -> ActorDependency[Any]:
        """The dependency for what is asked. Equal requirements share one, so that a request resolves it
        once.
        """
        found = self._dependencies.get(need)
        if found is None:
            found = self._dependencies[need] = ActorDependency(self, need)
        return found


class ActorDependency(SecurityBase, Generic[A_co]):
    """An actor, as a FastAPI dependency and as a maker of stricter ones.

    `Depends(gate.user)` asks for any user; `Depends(gate.user(scopes=[...], roles=[...]))` for one who has
    every scope and every role named. `Security(gate.user, scopes=[...])` works too. Where one of several
    kinds may call: `gate.user | gate.machine`.
    """

    def __init__(self, marks: Marks, need: Need) -> None:
        """Takes what is asked of the actor."""
        self.marks = marks
        self.need = need
        self.number = marks.number(need)
        self.scheme_name = SESSION_SCHEME
        self.model = APIKey.model_validate(
            {
                "in": APIKeyIn.cookie,
                "name": marks.core.cookie_name,
                "description": "The sealed session, set by signing in at /auth/login.",
            }
        )
        # FastAPI decides by `getattr(dependency, "__call__")` whether to await it, while Python calls
        # what the class defines. So the instance shows the coroutine function, and the class may
        # answer a developer's call with a stricter dependency.
        self.__dict__["__call__"] = self._resolve
        self.__signature__ = _SIGNATURE

    @overload
    def __call__(
        self, *, connection: HTTPConnection, security_scopes: SecurityScopes | None = None
    ) -> Coroutine[Any, Any, A_co]: ...
    @overload
    def __call__(
        self,
        *,
        scopes: Iterable[str] = (),
        any_scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        any_roles: Iterable[str] = (),
        acr: Iterable[str] = (),
        max_age: int | None = None,
        tenant: str | None = None,
        tenant_from: str | None = None,
        action: str | None = None,
        stale: Literal["allow"] | None = None,
    ) -> ActorDependency[A_co]: ...
    def __call__(
        self,
        *,
        connection: HTTPConnection | None = None,
        security_scopes: SecurityScopes | None = None,
        scopes: Iterable[str] = (),
        any_scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        any_roles: Iterable[str] = (),
        acr: Iterable[str] = (),
        max_age: int | None = None,
        tenant: str | None = None,
        tenant_from: str | None = None,
        action: str | None = None,
        stale: Literal["allow"] | None = None,
    ) -> Coroutine[Any, Any, A_co] | ActorDependency[A_co]:
        """A dependency that asks for this besides what this one asks.

        `scopes` and `roles`: all of them; `any_scopes` and `any_roles`: one of them at least. `acr`: the
        user proved who they are in one of these ways, `max_age`: at most so many seconds ago. `tenant`: the
        actor belongs to it; `tenant_from`: to the one that this path parameter names. `action`: the policies
        allow it with the route, `Route::"GET /expenses/{id}"`. `stale="allow"`: while
        the revocation feed is broken the route goes on for as long as `SEALGATE_ON_STALE` allows. Raises
        `TypeError` for a text instead of a list, and `ValueError` for what nobody can meet.
        """
        if connection is not None:
            return self._resolve(connection=connection, security_scopes=security_scopes)
        more = asked(
            self.need.kinds,
            scopes=scopes,
            any_scopes=any_scopes,
            roles=roles,
            any_roles=any_roles,
            acr=acr,
            max_age=max_age,
            tenant=tenant,
            tenant_from=tenant_from,
            action=action,
            stale=stale,
        )
        need = self.need.and_(replace(more, optional=True))
        for name, several in (
            ("any_scopes", need.any_scopes),
            ("any_roles", need.any_roles),
            ("tenant_from", need.tenants_from),
        ):
            if len(several) > 1:
                raise ValueError(f"{name} is asked for twice: put a mark of its own on the route for each")
        return self.marks.dependency(need)

    def __or__(self, other: ActorDependency[B]) -> ActorDependency[A_co | B]:
        """Takes the kinds of actor of both. What else is asked has to be the same: ask for it afterwards,
        `(gate.user | gate.machine)(scopes=[...])`. Raises `ValueError`.
        """
        if self.marks is not other.marks:
            raise ValueError("these are dependencies of two gates")
        if replace(self.need, kinds=other.need.kinds) != other.need:
            raise ValueError(
                "they ask for different things: combine the kinds first, (gate.user | gate.machine)(...)"
            )
        return self.marks.dependency(replace(self.need, kinds=self.need.kinds | other.need.kinds))

    async def _resolve(
        self, *, connection: HTTPConnection, security_scopes: SecurityScopes | None = None
    ) -> A_co:
        state: dict[str, Any] = connection.scope.get("state") or {}
        actor = state.get(STATE_KEY)
        core = self.marks.core
        number = self.number
        if security_scopes is not None and security_scopes.scopes:
            number = self.marks.number(self.need.with_scopes(security_scopes.scopes))
        if self.need.actions:
            number = self._without_actions(number, state.get(JUDGED_KEY), connection.scope)
        if actor is None:
            if STATE_KEY not in state:
                _log.error(
                    "%r was asked about a request that never passed the gate: "
                    "call gate.install(app) on the application that serves it",
                    self,
                )
            refused = core.refusal(None, number)
        elif self.need.tenants_from:
            refused = core.refusal(actor, number, self._tenant(connection))
        elif state.get(JUDGED_KEY) == (core, number) or core.check(actor, number) is None:
            return cast(A_co, actor)
        else:
            refused = core.refusal(actor, number)
        if refused is not None:
            decisions.refused_inside(core, connection.scope, actor, refused)
            raise Refused(refused)
        return cast(A_co, actor)

    def _without_actions(
        self, number: int, judged: tuple[Core, int] | None, scope: MutableMapping[str, Any]
    ) -> int:
        """The number of what is left to be asked where the layer has asked the policies for the actions, with
        the route that serves the request. Where it has not, the number stays, and with it the refusal: here
        nobody can tell the route.
        """
        # Imported here: that module raises what is refused here.
        from sealgate.policies import here

        marks, need = self.marks, self.marks.need(number)
        if judged is None or judged[0] is not marks.core or need is None:
            return number
        met = marks.need(judged[1])
        if met is None or not need.actions <= met.actions or judged[1] == marks.number(met):
            return number
        request = here.get()
        if request is None or request.core is not marks.core or not request.target.came_true(scope):
            return number  # Another route was judged: what is allowed with that one is not with this one.
        return marks.number(replace(need, actions=frozenset()))

    def _tenant(self, connection: HTTPConnection) -> str:
        """The tenant that the path names; the name of none if it names none."""
        for name in self.need.tenants_from:
            named = connection.path_params.get(name)
            if named is not None:
                return str(named)
            _log.error("%r is on a route whose path has no {%s}, so it refuses everybody", self, name)
        return "\0"

    def __repr__(self) -> str:
        """Shows what is asked for."""
        if self.need.kinds == ANY_KIND:
            name = "gate.optional" if self.need.optional else "gate.actor"
        else:
            name = " | ".join(f"gate.{kind}" for kind in sorted(self.need.kinds, reverse=True))
        asking = str(self.need)
        if not asking:
            return name
        return f"({name})({asking})" if len(self.need.kinds) == 2 else f"{name}({asking})"


class PublicMark:
    """Marks a route as open to everybody. As a dependency it does nothing."""

    def __init__(self, marks: Marks, reason: str) -> None:
        """Takes the reason, in words for a reviewer."""
        self.marks = marks
        self.reason = checked_reason(reason)

    async def __call__(self) -> None:
        """Does nothing: the layer reads the mark."""

    def __repr__(self) -> str:
        """Shows the reason."""
        return f"gate.public({self.reason!r})"


def checked_reason(reason: str) -> str:
    """The reason why something is public, without space around it. Raises `ValueError` when empty."""
    text = reason.strip()
    if not text:
        raise ValueError("say why it is public: a reviewer will read the reason")
    return text
