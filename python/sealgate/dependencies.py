"""What routes say about who may call them: `Depends(gate.user)` and `gate.public("reason")`.

The ASGI layer reads these marks before it lets a request in. The dependency then only hands the actor
to the handler, and checks its own requirement once more in case the layer looked at another route.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, overload

from fastapi.exceptions import HTTPException
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

if TYPE_CHECKING:
    from sealgate._core import Core, User

STATE_KEY = "sealgate"
"""Where `scope["state"]` holds the actor: a `User`, or `None` on a public route."""

_log = logging.getLogger("sealgate")

# FastAPI reads a dependency's parameters from its signature. These two names it fills in by type, so
# nothing of the request is declared, and nothing can be missing with a 422.
_SIGNATURE = inspect.Signature(
    [
        inspect.Parameter("connection", inspect.Parameter.KEYWORD_ONLY, annotation=HTTPConnection),
        inspect.Parameter("security_scopes", inspect.Parameter.KEYWORD_ONLY, annotation=SecurityScopes),
    ]
)

_STATUS = {"credential_missing": 401, "scope_missing": 403, "role_missing": 403}
_TITLES = {
    "credential_missing": "Sign in to use this.",
    "scope_missing": "The session lacks a scope that this needs.",
    "role_missing": "This needs a role that you do not have.",
}


class Refused(HTTPException):
    """A caller who does not meet a dependency's requirement: 401 or 403, with its reason code."""

    def __init__(self, reason: str) -> None:
        """Takes the stable reason code."""
        self.reason = reason
        super().__init__(
            _STATUS.get(reason, 403),
            {"reason": reason, "title": _TITLES.get(reason, "This is not allowed.")},
            {"cache-control": "no-store"},
        )


class Marks:
    """What is shared by the marks of one gate: its core, and one dependency per requirement."""

    def __init__(self, core: Core) -> None:
        """Takes the core that numbers requirements."""
        self.core = core
        self._dependencies: dict[tuple[tuple[str, ...], tuple[str, ...]], UserDependency] = {}
        self._numbers: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}

    def number(self, scopes: Iterable[str], roles: Iterable[str]) -> int:
        """The core's number for "a user with all of these"."""
        key = (tuple(sorted(set(scopes))), tuple(sorted(set(roles))))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self.core.require(
                ["user"], scopes=list(key[0]), roles=list(key[1])
            )
        return number

    def dependency(self, scopes: Iterable[str], roles: Iterable[str]) -> UserDependency:
        """The dependency for "a user with all of these". Equal requirements share one, so that a
        request resolves it once.
        """
        key = (_names("scopes", scopes), _names("roles", roles))
        found = self._dependencies.get(key)
        if found is None:
            found = self._dependencies[key] = UserDependency(self, key[0], key[1])
        return found


class UserDependency(SecurityBase):
    """A signed-in user, as a FastAPI dependency and as a maker of stricter ones.

    `Depends(gate.user)` asks for any signed-in user; `Depends(gate.user(scopes=[...], roles=[...]))`
    for one who has every scope and every role named. `Security(gate.user, scopes=[...])` works too.
    """

    def __init__(self, marks: Marks, scopes: tuple[str, ...], roles: tuple[str, ...]) -> None:
        """Takes what the user must have: every one of `scopes` and of `roles`."""
        self.marks = marks
        self.scopes = scopes
        self.roles = roles
        self.number = marks.number(scopes, roles)
        self.scheme_name = "Sealgate session"
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
        self, *, connection: HTTPConnection, security_scopes: SecurityScopes
    ) -> Coroutine[Any, Any, User]: ...
    @overload
    def __call__(self, *, scopes: Iterable[str] = (), roles: Iterable[str] = ()) -> UserDependency: ...
    def __call__(
        self,
        *,
        connection: HTTPConnection | None = None,
        security_scopes: SecurityScopes | None = None,
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
    ) -> Coroutine[Any, Any, User] | UserDependency:
        """With `scopes` and `roles`: a dependency that asks for those besides what this one asks."""
        if connection is not None:
            return self._resolve(connection=connection, security_scopes=security_scopes)
        return self.marks.dependency(
            (*self.scopes, *_names("scopes", scopes)), (*self.roles, *_names("roles", roles))
        )

    async def _resolve(
        self, *, connection: HTTPConnection, security_scopes: SecurityScopes | None = None
    ) -> User:
        state: dict[str, Any] = connection.scope.get("state") or {}
        actor: User | None = state.get(STATE_KEY)
        if actor is None:
            if STATE_KEY not in state:
                _log.error(
                    "gate.user was asked about a request that never passed the gate: "
                    "call gate.install(app) on the application that serves it"
                )
            raise Refused("credential_missing")
        number = self.number
        if security_scopes is not None and security_scopes.scopes:
            number = self.marks.number((*self.scopes, *security_scopes.scopes), self.roles)
        reason = self.marks.core.check(actor, number)
        if reason is not None:
            raise Refused(reason)
        return actor

    def __repr__(self) -> str:
        """Shows what is asked for."""
        return f"gate.user(scopes={list(self.scopes)}, roles={list(self.roles)})"


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


def _names(what: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise TypeError(f"{what} is a list of names: write {what}=[{names!r}]")
    return tuple(sorted(set(names)))
