"""The one object of an application: its settings, its installation, and what routes say with it."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.routing import Route

from sealgate import onward, policies
from sealgate._core import Core, FeedStatus, SettingsError
from sealgate._lifespans import Lifespans
from sealgate._place import of_call
from sealgate._told import Teller
from sealgate.actors import Actor, Agent, Machine, User
from sealgate.asgi import Application, GateLayer
from sealgate.cors import check_cors
from sealgate.dependencies import STATE_KEY, ActorDependency, Marks, PublicMark, Refused, send_refusal
from sealgate.interlock import is_guarded
from sealgate.mcp import Asks, Mounted, mounted
from sealgate.needs import AGENT, ANY_KIND, MACHINE, USER, Need
from sealgate.openapi import document, offer_sign_in
from sealgate.policies import NOBODY_NAMED, NobodyNamed, PolicyResource, Resource
from sealgate.public_paths import PublicPaths
from sealgate.routes import RouteTable
from sealgate.stand_ins import StandIns
from sealgate.targets import PathTable
from sealgate.understood import routes_as_written

if TYPE_CHECKING:
    from sealgate._onward_auth import OnwardAuth
    from sealgate.lock import Review
    from sealgate.onward import OnBehalf

_log = logging.getLogger("sealgate")

Provider = Literal["sealgate", "openid", "workos", "auth0", "okta", "entra", "google", "keycloak"]


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
        on_stale: str | None = None,
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
        provider: Provider | None = None,
        trusted_issuers: Sequence[str] | None = None,
        shared_view: str | None = None,
        gate_name: str | None = None,
        routes: str | PathLike[str] | None = None,
        policy_file: str | PathLike[str] | None = None,
        decisions_allowed: str | None = None,
        decisions_network: Literal["full", "prefix", "none"] | None = None,
        spool: str | PathLike[str] | None = None,
        spool_limit: int | None = None,
    ) -> None:
        """Takes settings that are written out rather than read from the environment.

        `issuer` is the control plane's URL and `base_url` the one at which browsers see the application.
        `seal_keys` seal sessions: the first seals, all open. `scopes` are asked for at sign-in, `openid`
        among them. `staleness_bound`, `session_lifetime` and `idle_limit` are whole seconds. `on_stale` says
        what becomes of sessions and tokens while the revocation feed is broken: `"deny"`, `"introspect"` or
        `"allow:60"`, so many seconds beyond the bound for routes that say `stale="allow"`. `unmarked`
        says what routes without any mark ask for, and `untyped_logout` what becomes of logout tokens that
        do not state their type. `authority_file` is a PEM file with one more
        certificate authority to trust for the issuer, and `after_logout` the path where a browser lands
        after logout. `audiences` are the resources for which access tokens are taken; `allowed_origins`
        further origins whose pages may use the session. `docs` says who sees the documentation pages,
        `docs_client_id` is the public client for signing in on them, and `unknown_paths` says what
        strangers are told of paths that lead nowhere. `provider` says what kind of issuer `issuer` is, if
        it is no Sealgate; `trusted_issuers` are further ones whose access tokens are taken, each
        `"https://other.example"` or with its kind, `"keycloak=https://other.example/realms/staff"`.
        `shared_view` is `"auto"`, `"off"` or the directory where the processes of this machine share what is
        revoked; `gate_name` what the control plane calls this gate.
        `routes` is the lock file that the application's routes are held to, with `#module:app` behind it
        where it has several applications. `policy_file` declares a mapping and policies, for a gate whose
        issuer hands out none. `decisions_allowed` says which allowed requests get a record of their own at
        the control plane, `"all"`, `"1/10"` or `"none"`, and `decisions_network` how much of addresses is
        told; `spool` is the directory below which decisions are kept while it is away, and `spool_limit` how
        much that may be, in MiB. What is left out has the default of its environment variable.
        Raises `SettingsError`.
        """
        settings: dict[str, str | int | None] = {
            "issuer": issuer,
            "client_id": client_id,
            "client_secret": client_secret,
            "base_url": base_url,
            "seal_keys": seal_keys if isinstance(seal_keys, str) else ",".join(seal_keys),
            "scopes": None if scopes is None else " ".join(_checked_scopes(scopes)),
            "staleness_bound": staleness_bound,
            "on_stale": on_stale,
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
            "provider": provider,
            "trusted_issuers": None if trusted_issuers is None else " ".join(trusted_issuers),
            "shared_view": shared_view,
            "gate_name": gate_name,
            "routes": None if routes is None else fspath(routes),
            "policy_file": None if policy_file is None else fspath(policy_file),
            "decisions_allowed": decisions_allowed,
            "decisions_network": decisions_network,
            "spool": None if spool is None else fspath(spool),
            "spool_limit": spool_limit,
        }
        given = {name: str(value) for name, value in settings.items() if value is not None}
        self._set_up(Core(of_call("Gate(...)"), **given))

    @classmethod
    def from_env(cls, file: str | PathLike[str] | None = None) -> Gate:
        """Takes every setting from the environment: `SEALGATE_ISSUER` and so on.

        What is not set there is taken from `file`, if it is there: `Gate.from_env(file=".env")`, with lines
        of `NAME=VALUE`. Raises `SettingsError`, which names the setting, where it was set and the way out.
        """
        gate = cls.__new__(cls)
        gate._set_up(Core.from_env(file))
        return gate

    def _set_up(self, core: Core) -> None:
        self._core = core
        self._marks = Marks(core)
        self._public_paths = PublicPaths()
        self._serving: weakref.WeakSet[StandIns] = weakref.WeakSet()
        self._beside: weakref.WeakKeyDictionary[Starlette, Lifespans] = weakref.WeakKeyDictionary()
        self._is_installed = False

    @property
    def user(self) -> ActorDependency[User]:
        """A human: signed in, or calling by a token.

        `Depends(gate.user)` asks for any; `Depends(gate.user(scopes=["expenses:read"]))` and
        `Depends(gate.user(roles=["admin"]))` for one who has everything named. The other keywords are
        `any_scopes`, `any_roles`, `acr`, `max_age`, `tenant`, `tenant_from`, `action` and `stale`.
        """
        return self._marks.dependency(Need(frozenset({USER})))

    @property
    def machine(self) -> ActorDependency[Machine]:
        """A service, job or workload that calls for itself; keywords as for `user`."""
        return self._marks.dependency(Need(frozenset({MACHINE})))

    @property
    def agent(self) -> ActorDependency[Agent]:
        """An AI client, acting for a user or for itself; keywords as for `user`."""
        return self._marks.dependency(Need(frozenset({AGENT})))

    @property
    def actor(self) -> ActorDependency[Actor]:
        """Any of the three; keywords as for `user`. For two of them: `gate.user | gate.machine`."""
        return self._marks.dependency(Need(ANY_KIND))

    @property
    def optional(self) -> ActorDependency[Actor | None]:
        """Any of the three, or `None` where nobody is signed in; keywords as for `user`, which whoever is
        there has to meet.
        """
        return self._marks.dependency(Need(ANY_KIND, optional=True))

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

    @property
    def feed(self) -> FeedStatus:
        """How the revocation feed fares right now, as this process sees it."""
        return self._core.feed

    def openmetrics(self) -> str:
        """How the feed fares and what was decided, as OpenMetrics text for a collector.

        Its type is `application/openmetrics-text; version=1.0.0; charset=utf-8`. Each process counts for
        itself, and nothing in the text is secret.
        """
        return self._core.openmetrics()

    @overload
    def client(
        self,
        *,
        audience: str,
        scopes: Sequence[str] = (),
        on_behalf_of_user: Literal[False] = False,
        dpop: bool = False,
        places: Sequence[str] = (),
    ) -> OnwardAuth: ...
    @overload
    def client(
        self,
        *,
        audience: str,
        scopes: Sequence[str] = (),
        on_behalf_of_user: Literal[True],
        dpop: bool = False,
        places: Sequence[str] = (),
    ) -> OnBehalf: ...
    def client(
        self,
        *,
        audience: str,
        scopes: Sequence[str] = (),
        on_behalf_of_user: bool = False,
        dpop: bool = False,
        places: Sequence[str] = (),
    ) -> OnwardAuth | OnBehalf:
        """Authenticates calls to another service: an `httpx.Auth`, for sync and async clients.

        `httpx.AsyncClient(auth=gate.client(audience="https://orders.example", scopes=["orders:read"]))`
        calls as the application itself. With `on_behalf_of_user=True` it says for whom at every call:
        `http.get(url, auth=orders.on_behalf_of(user))`. `dpop=True` binds tokens to a key of this process.
        Tokens are sent to the audience's own origin, or else to those of `places` only, such as
        `http://orders.internal:8000`. Requests raise `sealgate.OnwardError` when there is no token. Needs
        httpx: `pip install 'sealgate[client]'`. Raises `ValueError` for a target that cannot be used.
        """
        return onward.client(
            self._core, audience, scopes, places, on_behalf_of_user=on_behalf_of_user, dpop=dpop
        )

    def require(
        self,
        action: str,
        resource: Resource | PolicyResource | None = None,
        *,
        actor: Actor | NobodyNamed | None = NOBODY_NAMED,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Goes on only where the policies allow `action` with `resource`.

        `resource` is a `sealgate.Resource`, or an object with a method `__sealgate_resource__` that gives
        one; left out it is the route. `actor` is whoever the request comes from, unless another one is named.
        `context` is what the action is told besides. Else it raises what becomes the gate's refusal: 403 with
        `policy_denied`, 401 where nobody is signed in. It can be called in plain and in async functions, and
        asks nobody over the network.

        Raises `PolicyQuestionError` for what does not fit what the policies declare, and `LookupError`
        where no request is being served and nobody is named.
        """
        policies.require(self._core, action, resource, actor, context)

    def permits(
        self,
        action: str,
        resource: Resource | PolicyResource | None = None,
        *,
        actor: Actor | NobodyNamed | None = NOBODY_NAMED,
        context: Mapping[str, Any] | None = None,
    ) -> bool:
        """Whether `require` would go on: for pages that show what somebody may do. Nothing is recorded."""
        return policies.permits(self._core, action, resource, actor, context)

    def csrf_token(self, request: HTTPConnection) -> str:
        """A token for the forms of the page that answers `request`, as a hidden field `csrf_token`, or for
        its scripts to send as `X-CSRF-Token`.

        It lets in browsers that do not say where a request comes from. Every call gives another one, and
        each is good as long as the session. It is empty where nobody came by a session: on public routes,
        where the gate looks at nobody, and for callers with tokens, who need none. Raises `RuntimeError`
        for a request that never passed the gate.
        """
        state: dict[str, Any] = request.scope.get("state") or {}
        if STATE_KEY not in state:
            raise RuntimeError("the request never passed the gate: call gate.install(app) on what serves it")
        actor: Actor | None = state[STATE_KEY]
        return "" if actor is None else self._core.csrf_token(actor)

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
        table.guard()
        stand_ins = StandIns(self._core.issuer)
        app.user_middleware.append(
            Middleware(
                GateLayer,
                core=self._core,
                table=table,
                on_startup=lambda: self._start(app, table, stand_ins),
                on_shutdown=lambda: self._stop(stand_ins),
                stand_ins=stand_ins,
                beside=self._beside.setdefault(app, Lifespans()),
            )
        )
        app.add_exception_handler(Refused, send_refusal)
        self._is_installed = True
        self._document(app)

    def mcp(
        self,
        app: Starlette,
        server: Any,
        path: str = "/mcp",
        *,
        scopes: Iterable[str] = (),
        tools: Mapping[str, Asks] | None = None,
        prompts: Mapping[str, Asks] | None = None,
        resources: Mapping[str, Asks] | None = None,
        default: Asks | None = None,
        requires: ActorDependency[Any] | None = None,
        origins: Iterable[str] = (),
        root: bool = False,
        body_limit: int = 4 * 1024 * 1024,
        stateless: bool = False,
        json_response: bool = False,
        resumable: bool = False,
        server_path: str | None = None,
    ) -> Mounted:
        """Mounts an MCP server in `app`, at `path`, behind this gate.

        `server` is one of the official SDK's or of FastMCP's, or an ASGI application of one. It is a resource
        of its own: tokens for `<base URL><path>` are taken there and nowhere else, and no session is.

        Everybody there needs `scopes`, and what `requires` asks for. `tools` says by name what a tool asks
        for beyond that: `{"add_note": ["notes:write"]}`, or a dependency such as
        `gate.user(roles=["admin"])`. `prompts` does so for prompts, and `resources` for URIs, or beginnings
        of them with a `*`; without these, the base is enough. What such a list does not name asks for
        `default`; without one it is refused.

        `origins` are further origins whose pages may call it. With `root=True` its metadata is found at the
        root of the host too, in place of the application's. `body_limit` is the longest message, in bytes.
        `stateless` and `json_response` are handed to the server. `resumable=True` lets clients resume streams
        by `Last-Event-ID`, for servers whose events are kept apart by session. `server_path` is where an
        application that was made already listens, if not at `path`.

        The server starts and stops with `app`. Raises `RuntimeError` when that serves already, and
        `ValueError` and `TypeError` for what cannot be.
        """
        if app.middleware_stack is not None:
            raise RuntimeError("the application already serves: mount the server before its first request")
        door, lifespan = mounted(
            self._marks,
            server,
            path,
            scopes=scopes,
            tools=tools or {},
            prompts=prompts,
            resources=resources,
            default=default,
            requires=requires,
            origins=origins,
            root=root,
            body_limit=body_limit,
            stateless=stateless,
            json_response=json_response,
            resumable=resumable,
            server_path=server_path,
        )
        self._beside.setdefault(app, Lifespans()).add(lifespan)
        app.router.routes.append(Route(path, door, include_in_schema=False))
        return door

    def wrap(self, app: Application, requires: ActorDependency[Any] | None = None) -> GateLayer:
        """The gate in front of any ASGI application: serve what this gives instead of `app`.

        Every path asks for the same: what `requires` asks for, such as `gate.machine | gate.agent`, or else
        what unmarked routes do. `public_path` opens paths. The actor is in `scope["state"]["sealgate"]`.
        Raises `TypeError` for a FastAPI or Starlette application, whose routes `install` understands. Such
        an application has no lock file of routes: a gate that is only wrapped around does not start with one.
        """
        if isinstance(app, Starlette | GateLayer):
            raise TypeError("this application has routes of its own: use gate.install(app)")
        if requires is not None and requires.need.stale_ok:
            raise ValueError('stale="allow" is for single routes: a wrapped application takes every method')
        if requires is not None and requires.need.actions:
            raise ValueError("action is for single routes: those of a wrapped application are not known")
        stand_ins = StandIns(self._core.issuer)
        number = None if requires is None else requires.number
        return GateLayer(
            app,
            core=self._core,
            table=PathTable(self._marks, self._public_paths, number),
            on_startup=lambda: self._start_wrapped(stand_ins),
            on_shutdown=lambda: self._stop(stand_ins),
            stand_ins=stand_ins,
        )

    def _start(self, app: Starlette, table: RouteTable, stand_ins: StandIns) -> None:
        if not _is_layer(app.user_middleware[-1]):
            raise SettingsError(
                "the gate must be the innermost middleware: use app.add_middleware, which adds outside"
            )
        for served in (app, *table.mounted()):
            check_cors(served, table.closed_route() if served is app else None)
        contradictions = table.contradictions()
        if contradictions:
            raise SettingsError(f"{'; '.join(contradictions)}: remove a mark")
        table.guard()  # It may have been given another router.
        if routes_as_written(app.router) and not is_guarded(app.router):
            raise SettingsError(
                "requests would go round the interlock: this version of Starlette serves in a way that is "
                "not known yet. Use another one, and please report it"
            )
        for line in table.shadowed():
            _log.warning("%s", line)
        review = None if self._core.routes is None else self._review(app, table, self._core.routes)
        self._document(app)
        self._warn_of_overrides(app)
        if not stand_ins.open and self._core.provider == "sealgate":
            teller = Teller(self._core, app, review)
            teller.tell()
            table.on_change = teller.changed
        self._begin(stand_ins)

    def _start_wrapped(self, stand_ins: StandIns) -> None:
        # Beside an application with routes, whose lock file has the wrapped one as a mount, all is well.
        if self._core.routes is not None and not self._is_installed:
            raise SettingsError(
                "SEALGATE_ROUTES names a lock file, and a wrapped application shows no routes that could be "
                "held to it: leave the setting out for this gate, or use gate.install(app)"
            )
        self._begin(stand_ins)

    def _review(self, app: Starlette, table: RouteTable, lock_file: str) -> Review:
        # Imported here: the inventory reads gates, this one among them.
        from sealgate.lock import Review

        review = Review(app, lock_file, development=self._core.development)
        review.start()
        table.hold_to(review)
        return review

    def _begin(self, stand_ins: StandIns) -> None:
        self._serving.add(stand_ins)
        if not stand_ins.open:  # In a test that puts actors there, nobody else is to be asked.
            self._core.start()

    def _document(self, app: Starlette) -> None:
        if isinstance(app, FastAPI):
            document(app, self._marks, self._public_paths)
            offer_sign_in(app, self._marks)

    def _warn_of_overrides(self, app: Starlette) -> None:
        for dependency in getattr(app, "dependency_overrides", ()):
            if isinstance(dependency, ActorDependency):
                _log.warning(
                    "dependency_overrides has %s, but requests are refused before any dependency is asked: "
                    "use `with sealgate.testing.as_user(app):`",
                    repr(cast(object, dependency)),
                )

    def _stop(self, stand_ins: StandIns) -> None:
        self._serving.discard(stand_ins)
        if not self._serving:
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
