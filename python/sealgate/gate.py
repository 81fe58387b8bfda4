"""The one object of an application: its settings, its installation, and what routes say with it."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Literal

from fastapi import Depends
from starlette.applications import Starlette
from starlette.middleware import Middleware

from sealgate._core import Core, SettingsError
from sealgate.asgi import GateLayer
from sealgate.cors import check_cors
from sealgate.dependencies import Marks, PublicMark, UserDependency
from sealgate.public_paths import PublicPaths
from sealgate.routes import RouteTable

_log = logging.getLogger("sealgate")


class Gate:
    """The gate in front of an application.

    Every route is closed until it says otherwise: a request reaches a handler when its route was marked
    public, or when its caller came with a valid session.

    ```python
    gate = Gate.from_env()
    CurrentUser = Annotated[User, Depends(gate.user)]
    app = FastAPI()
    gate.install(app)
    ```
    """

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        base_url: str,
        seal_keys: str | Sequence[str],
        scopes: Sequence[str] | None = None,
        staleness_bound: int | None = None,
        session_lifetime: int | None = None,
        idle_limit: int | None = None,
        unmarked: Literal["user", "deny"] | None = None,
        untyped_logout: Literal["refuse", "accept"] | None = None,
        authority_file: str | None = None,
        after_logout: str | None = None,
        audiences: Sequence[str] | None = None,
        allowed_origins: Sequence[str] | None = None,
        docs: Literal["open", "closed"] | None = None,
        docs_client_id: str | None = None,
        unknown_paths: Literal["show", "hide"] | None = None,
    ) -> None:
        """Takes settings that are written out rather than read from the environment.

        `issuer` is the control plane's URL and `base_url` the one at which browsers see the application.
        `seal_keys` seal sessions: the first seals, all open. `scopes` are asked for at sign-in, `openid`
        among them. `staleness_bound`, `session_lifetime` and `idle_limit` are whole seconds. `unmarked`
        says what routes without any mark ask for, and `untyped_logout` what becomes of logout tokens that
        do not state their type. `authority_file` is a PEM file with one more
        certificate authority to trust for the issuer, and `after_logout` the path where a browser lands
        after logout. `audiences` are the resources for which access tokens are taken; `allowed_origins`
        further origins whose pages may use the session. `docs` says who sees the documentation pages,
        `docs_client_id` is the public client for signing in on them, and `unknown_paths` says what
        strangers are told of paths that lead nowhere. What is left out has the default of its environment variable. Raises
        `SettingsError`.
        """
        settings: dict[str, str | int | None] = {
            "issuer": issuer,
            "client_id": client_id,
            "client_secret": client_secret,
            "base_url": base_url,
            "seal_keys": seal_keys if isinstance(seal_keys, str) else ",".join(seal_keys),
            "scopes": None if scopes is None else " ".join(_checked_scopes(scopes)),
            "staleness_bound": staleness_bound,
            "session_lifetime": session_lifetime,
            "idle_limit": idle_limit,
            "unmarked": unmarked,
            "untyped_logout": untyped_logout,
            "authority_file": authority_file,
            "after_logout": after_logout,
            "audiences": None if audiences is None else " ".join(audiences),
            "allowed_origins": None if allowed_origins is None else " ".join(allowed_origins),
            "docs": docs,
            "docs_client_id": docs_client_id,
            "unknown_paths": unknown_paths,
        }
        given = {name: str(value) for name, value in settings.items() if value is not None}
        self._set_up(Core(**given))

    @classmethod
    def from_env(cls) -> Gate:
        """Takes every setting from the environment: `SEALGATE_ISSUER` and so on.

        Raises `SettingsError`, which names the setting and the way out.
        """
        gate = cls.__new__(cls)
        gate._set_up(Core.from_env())
        return gate

    def _set_up(self, core: Core) -> None:
        self._core = core
        self._marks = Marks(core)
        self._public_paths = PublicPaths()
        self._installed: weakref.WeakSet[Starlette] = weakref.WeakSet()
        self._user = self._marks.dependency((), ())

    @property
    def user(self) -> UserDependency:
        """The signed-in user.

        `Depends(gate.user)` asks for any; `Depends(gate.user(scopes=["expenses:read"]))` and
        `Depends(gate.user(roles=["admin"]))` for one who has everything named.
        """
        return self._user

    def public(self, reason: str) -> Any:
        """Marks routes open to everybody: `dependencies=[gate.public("load balancers ask")]`.

        It goes on a route, or on a router for all of its routes. Raises `ValueError` without a reason.
        A route that is marked public and also asks for a user is an error when the application starts.
        """
        return Depends(PublicMark(self._marks, reason))

    def public_path(self, path: str, reason: str) -> None:
        """Opens a path that cannot carry a mark: a mount, static files, a raw route, `/docs`.

        `path` is exact, or a subtree with a trailing `/*`: `gate.public_path("/static/*", "assets")`. A
        route below it that asks for a user still does. Raises `ValueError` for a path that is not plain
        or a missing reason.
        """
        self._public_paths.add(path, reason)

    def install(self, app: Starlette) -> None:
        """Puts the gate in front of a FastAPI or Starlette application.

        Adds the ASGI layer, innermost of the middleware, and with it `/auth/login`, `/auth/callback`,
        `/auth/logout` and `/auth/backchannel-logout`. Middleware added before or after stays outside.
        Raises `RuntimeError` when the application already serves, or has a gate.
        """
        if app.middleware_stack is not None:
            raise RuntimeError("the application already serves: install the gate before its first request")
        if any(_is_layer(middleware) for middleware in app.user_middleware):
            raise RuntimeError("the application already has a gate")
        table = RouteTable(app, self._marks, self._public_paths)
        app.user_middleware.append(
            Middleware(
                GateLayer,
                core=self._core,
                table=table,
                on_startup=lambda: self._start(app, table),
                on_shutdown=lambda: self._stop(app),
            )
        )

    def _start(self, app: Starlette, table: RouteTable) -> None:
        if not _is_layer(app.user_middleware[-1]):
            raise SettingsError(
                "the gate must be the innermost middleware: use app.add_middleware, which adds outside"
            )
        for served in (app, *table.mounted()):
            check_cors(served)
        contradictions = table.contradictions()
        if contradictions:
            raise SettingsError(
                f"marked public and also asking for a user: {', '.join(contradictions)}; remove one mark"
            )
        self._installed.add(app)
        self._core.start()

    def _stop(self, app: Starlette) -> None:
        self._installed.discard(app)
        if not self._installed:
            self._core.stop()


def _checked_scopes(scopes: Sequence[str]) -> Sequence[str]:
    if isinstance(scopes, str):
        raise SettingsError(f"scopes is a list of names: write scopes={scopes.split()!r}")
    if not scopes:
        raise SettingsError("scopes is empty: leave it out for the default, or write scopes=['openid']")
    for scope in scopes:
        if not scope or scope.split() != [scope]:
            raise SettingsError(f"scopes holds {scope!r}, which is not the name of one scope")
    return scopes


def _is_layer(middleware: Middleware) -> bool:
    layer: Callable[..., Any] = middleware.cls
    return layer is GateLayer
