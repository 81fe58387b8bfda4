"""The two guises in which an application is tried: behind the gate, and as tutorials write it.

What FastAPI does to authentication shows in the second. The same test must hold in the first and fail in
the second, or it proves nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from asgi_kit import request as ask
from fastapi import Cookie, FastAPI, HTTPException, Request, Response
from sealgate import Gate
from sealgate.testing import as_user
from sessions import BASE_URL, Realm, browser, session_cookie, sign_in
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse

CONTROL = "SEALGATE_TESTS_CONTROL"
"""Set in the environment: try the tutorial's guise, in which every test must fail."""

ORIGIN = ("origin", BASE_URL)
"""What the application's own pages send with a form."""

Dependency = Callable[..., Any]


class Guise(Protocol):
    """How an application is protected, and what its author reaches for in each situation."""

    @property
    def user(self) -> Dependency:
        """Gives the signed-in user, who has an `id`."""
        ...

    @property
    def app_level(self) -> Dependency:
        """The same, on the application as a whole."""
        ...

    @property
    def from_cookie(self) -> Dependency:
        """The same, written to read one cookie."""
        ...

    @property
    def raising(self) -> Dependency:
        """The same, with an error class of its own."""
        ...

    @property
    def wrapped(self) -> Dependency:
        """The same, made by calling something."""
        ...

    @property
    def renewing(self) -> Dependency:
        """The same, renewing the session where it is due."""
        ...

    @property
    def sets_current(self) -> Dependency:
        """The same, for code that asks who the current user is."""
        ...

    def needing(self, scope: str) -> Dependency:
        """Asks for a user who has `scope`."""
        ...

    def current(self, request: Request) -> str:
        """The id of the current user, asked from inside a synchronous route."""
        ...

    def public(self, reason: str) -> Sequence[Any]:
        """What marks a route public."""
        ...

    def install(self, app: FastAPI) -> None:
        """Protects the application as a whole."""
        ...

    async def session(self) -> tuple[str, str]:
        """The header field of a user who is signed in."""
        ...

    async def log_out(self, app: FastAPI, session: tuple[str, str]) -> None:
        """Signs out, as the application offers it."""
        ...

    def pretend(self, app: FastAPI) -> Any:
        """A context in which a test pretends that a user is signed in; their id is `pretended`."""
        ...

    def checks(self) -> Any:
        """A context that counts how often the credential is judged: a list that grows."""
        ...


class Gated:
    """Behind the gate."""

    def __init__(self, realm: Realm, **change: Any) -> None:
        self._realm = realm
        self.gate: Gate = realm.gate(**{"docs": "closed", **change})
        user = self.gate.user
        self.user: Dependency = user
        self.app_level: Dependency = user
        self.from_cookie: Dependency = user
        self.raising: Dependency = user
        self.wrapped: Dependency = user(scopes=["openid"])
        self.renewing: Dependency = user
        self.sets_current: Dependency = user

    def needing(self, scope: str) -> Dependency:
        return self.gate.user(scopes=[scope])

    def current(self, request: Request) -> str:
        return str(request.state.sealgate.id)

    def public(self, reason: str) -> Sequence[Any]:
        return [self.gate.public(reason)]

    def install(self, app: FastAPI) -> None:
        self.gate.install(app)

    async def session(self) -> tuple[str, str]:
        signing_in = FastAPI()
        self.gate.install(signing_in)
        async with browser(signing_in) as client:
            await sign_in(client, self._realm)
            return session_cookie(client)

    async def log_out(self, app: FastAPI, session: tuple[str, str]) -> None:
        assert (await ask(app, "POST", "/auth/logout", [session, ORIGIN])).status == 200

    def pretend(self, app: FastAPI) -> Any:
        return as_user(app, id="pretended")

    @contextmanager
    def checks(self) -> Generator[list[str]]:
        decisions = logging.getLogger("sealgate.decisions")
        seen: list[str] = []

        class Count(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                seen.append(record.getMessage())

        count, before = Count(), decisions.level
        decisions.addHandler(count)
        decisions.setLevel(logging.DEBUG)
        try:
            yield seen
        finally:
            decisions.removeHandler(count)
            decisions.setLevel(before)


@dataclass(frozen=True)
class TutorialUser:
    """What the tutorial hands to routes."""

    id: str


class AuthError(Exception):
    """A tutorial's own error."""


_current: ContextVar[str] = ContextVar("current")


def _judged(cookies: dict[str, str]) -> TutorialUser:
    if cookies.get("session") != "good":
        raise HTTPException(401, "Not authenticated")
    return TutorialUser("ada")


@dataclass(eq=False)
class _Needing:
    """A class of dependencies, as FastAPI's guide to advanced dependencies shows it."""

    scope: str
    seen: list[str]

    async def __call__(self, connection: HTTPConnection) -> TutorialUser:
        self.seen.append(self.scope)
        return _judged(connection.cookies)


@dataclass
class Tutorial:
    """As tutorials write it: a dependency, put where somebody thought of it."""

    seen: list[str] = field(default_factory=list[str])

    async def user(self, connection: HTTPConnection) -> TutorialUser:
        return _judged(connection.cookies)

    async def app_level(self, request: Request) -> TutorialUser:
        return _judged(request.cookies)

    async def from_cookie(self, session: Annotated[str, Cookie()]) -> TutorialUser:
        return _judged({"session": session})

    async def raising(self, connection: HTTPConnection) -> TutorialUser:
        if connection.cookies.get("session") != "good":
            raise AuthError
        return TutorialUser("ada")

    def wrapped(self, connection: Any) -> Any:
        return self.user(connection)

    async def renewing(self, request: Request, response: Response) -> AsyncIterator[TutorialUser]:
        user = _judged(request.cookies)
        response.set_cookie("session", "good")
        yield user

    def sets_current(self, connection: HTTPConnection) -> TutorialUser:
        user = _judged(connection.cookies)
        _current.set(user.id)
        return user

    def needing(self, scope: str) -> Dependency:
        return _Needing(scope, self.seen)

    def current(self, request: Request) -> str:
        return _current.get()

    def public(self, reason: str) -> Sequence[Any]:
        return []

    def install(self, app: FastAPI) -> None:
        """Nothing stands in front of routes, unless a test asks for a middleware."""

    async def session(self) -> tuple[str, str]:
        return "cookie", "session=good"

    async def log_out(self, app: FastAPI, session: tuple[str, str]) -> None:
        """The tutorial clears the cookie in the browser that asks."""

    @contextmanager
    def pretend(self, app: FastAPI) -> Generator[None]:
        app.dependency_overrides[self.user] = lambda: TutorialUser("pretended")
        yield

    @contextmanager
    def checks(self) -> Generator[list[str]]:
        yield self.seen


class TutorialMiddleware(Tutorial):
    """As the other tutorials write it: a middleware that checks every request."""

    def install(self, app: FastAPI) -> None:
        @app.middleware("http")
        async def check(request: Request, call_next: RequestResponseEndpoint) -> Response:  # pyright: ignore[reportUnusedFunction]
            if request.cookies.get("session") != "good":
                return PlainTextResponse("Not authenticated", 401)
            return await call_next(request)


def is_control() -> bool:
    """Whether this run tries the tutorial's guise."""
    return bool(os.environ.get(CONTROL))
