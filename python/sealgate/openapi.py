"""What OpenAPI documents say of the gate: how to get in, and the refusals of every gated operation.

The document is the application's own, made by its `openapi()` and completed here. Nothing that the
application declared itself is replaced. Public operations stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount

from sealgate.dependencies import SESSION_SCHEME, Marks
from sealgate.needs import ANY_KIND, USER, Need
from sealgate.public_paths import PublicPaths
from sealgate.requirements import Asked, asked_by

if TYPE_CHECKING:
    from sealgate._core import Core

try:  # FastAPI 0.137.2 and later, where included routers are routes of their own.
    from fastapi.routing import iter_route_contexts
except ImportError:  # Before, including a router copied its routes: each is its own context.
    iter_route_contexts = None  # type: ignore[assignment]

SIGN_IN_SCHEME = "Sealgate sign-in"
TOKEN_SCHEME = "Sealgate token"  # noqa: S105  # It is a name.
PROBLEM = "SealgateProblem"

_SAFE = {"get", "head", "options", "trace"}
_METHODS = _SAFE | {"put", "post", "delete", "patch"}
_DEEPEST_MOUNT = 16

_UNMARKED = Need(frozenset({USER}))
"""What a route asks for that nobody marked: a user, where the settings let anybody in."""

_PROBLEM_SCHEMA = {
    "title": "Refusal",
    "description": "An answer of the gate (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "reason"],
    "properties": {
        "type": {"type": "string", "title": "Type", "default": "about:blank"},
        "title": {"type": "string", "title": "Title", "description": "One sentence for people."},
        "status": {"type": "integer", "title": "Status"},
        "reason": {"type": "string", "title": "Reason", "description": "The stable reason code."},
    },
}


class Documented:
    """An application's `openapi()` with the gate in its document."""

    def __init__(
        self, made: Callable[[], dict[str, Any]], app: FastAPI, marks: Marks, paths: Prefixed
    ) -> None:
        """Takes what makes the document, and where the application is served."""
        self._made = made
        self._app = app
        self._marks = marks
        self._paths = paths
        self._completed: dict[str, Any] | None = None

    def __call__(self) -> dict[str, Any]:
        """The document."""
        document = self._made()
        if document is not self._completed:
            self._complete(document)
            self._completed = document
        return document

    def _complete(self, document: dict[str, Any]) -> None:
        paths: dict[str, dict[str, Any]] = document.get("paths") or {}
        scopes: set[str] = set()
        gated = False
        for path, method, asked in _operations(self._app, self._marks):
            operation: Any = paths.get(path, {}).get(method)
            if operation is None or asked.public or self._paths.is_public(path, asked):
                continue
            need = asked.need or _UNMARKED
            scopes |= asked.scopes | asked.any_scopes
            gated = True
            _secure(operation, need)
            _tell_refusals(operation, need, changes=method not in _SAFE)
        if gated:
            components = document.setdefault("components", {})
            components.setdefault("schemas", {}).setdefault(PROBLEM, _PROBLEM_SCHEMA)
            schemes = components.setdefault("securitySchemes", {})
            for name, scheme in _schemes(self._marks.core, scopes).items():
                schemes.setdefault(name, scheme)


@dataclass(frozen=True, slots=True)
class Prefixed:
    """The declared public paths, as an application sees them that is mounted below `prefix`."""

    declared: PublicPaths
    prefix: str = ""

    def is_public(self, path: str, asked: Asked) -> bool:
        """Whether a route at `path` is public for its path alone: a mark asks for more."""
        return asked.need is None and self.declared.reason(self.prefix + path) is not None


class _Offer(dict[str, Any]):
    """Settings of the documentation page that were made here."""


def document(app: FastAPI, marks: Marks, declared: PublicPaths) -> None:
    """Puts the gate into the documents of `app` and of the FastAPI applications that are mounted in it.

    Doing so again is fine, and catches up with an `openapi()` that was replaced meanwhile.
    """
    for served, prefix in _served(app, "", 0):
        made: Callable[[], dict[str, Any]] = served.openapi
        if not isinstance(made, Documented):
            documented = Documented(made, served, marks, Prefixed(declared, prefix))
            served.openapi = documented  # type: ignore[method-assign]


def offer_sign_in(app: FastAPI, marks: Marks) -> None:
    """Makes "Authorize" on the documentation page sign in, with PKCE and for this application's tokens.

    An application that has settings of its own for it keeps them. The scopes are those that routes name
    by now.
    """
    core = marks.core
    client = core.docs_client_id
    present: dict[str, Any] | None = app.swagger_ui_init_oauth
    if client is None or (present and not isinstance(present, _Offer)):
        return
    asked = [asked for _, _, asked in _operations(app, marks)]
    scopes = {"openid"}.union(*(each.scopes | each.any_scopes for each in asked))
    app.swagger_ui_init_oauth = _Offer(
        clientId=client,
        usePkceWithAuthorizationCodeGrant=True,
        scopes=" ".join(sorted(scopes)),
        additionalQueryStringParams={"resource": core.audiences[0]},
    )


def _served(app: FastAPI, prefix: str, depth: int) -> Iterator[tuple[FastAPI, str]]:
    yield app, prefix
    if depth < _DEEPEST_MOUNT:
        for effective in _effective(app):
            mount = getattr(effective, "original_route", effective)
            if isinstance(mount, Mount) and isinstance(mount.app, FastAPI):
                yield from _served(mount.app, f"{prefix}{effective.path or ''}", depth + 1)


def _effective(app: FastAPI) -> Iterator[Any]:
    """The routes with the prefix and the dependencies of what includes them."""
    yield from app.routes if iter_route_contexts is None else iter_route_contexts(app.routes)


def _operations(app: FastAPI, marks: Marks) -> Iterator[tuple[str, str, Asked]]:
    """Every operation that a document may have: path, method in lower case, what its marks ask for."""
    for effective in _effective(app):
        if isinstance(getattr(effective, "original_route", effective), APIRoute):
            asked = asked_by(getattr(effective, "dependant", None), marks)
            for method in effective.methods or ():
                yield effective.path_format, method.lower(), asked


def _secure(operation: dict[str, Any], need: Need) -> None:
    """Names the ways in, each of which is enough. What FastAPI wrote for the gate's dependencies goes."""
    own = {SESSION_SCHEME, SIGN_IN_SCHEME, TOKEN_SCHEME}
    ways: list[dict[str, list[str]]] = [way for way in operation.get("security", ()) if own.isdisjoint(way)]
    if USER in need.kinds:
        ways.append({SESSION_SCHEME: []})
        every = sorted(need.scopes)
        alternatives = sorted(min(need.any_scopes, key=sorted, default=frozenset[str]()))
        ways += [{SIGN_IN_SCHEME: [*every, scope]} for scope in alternatives] or [{SIGN_IN_SCHEME: every}]
    ways.append({TOKEN_SCHEME: []})
    if need.optional:
        ways.append({})
    operation["security"] = ways


def _tell_refusals(operation: dict[str, Any], need: Need, *, changes: bool) -> None:
    responses: dict[str, Any] = operation.setdefault("responses", {})
    unknown = "Nobody is signed in, or what was presented is not good any more."
    if need.acr or need.max_age is not None:
        unknown += " Or the user has to sign in again, as the challenge says (RFC 9470)."
    challenge = {"description": "How to get in.", "schema": {"type": "string"}}
    refused = _refused(unknown)
    refused["headers"] = {"WWW-Authenticate": challenge}
    responses.setdefault("401", refused)
    reasons = _reasons(need, changes=changes)
    if reasons:
        responses.setdefault("403", _refused(f"Not for this caller: {', '.join(reasons)}."))
    wait = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    unavailable = _refused("It cannot be told right now whether the caller may pass.")
    unavailable["headers"] = {"Retry-After": wait}
    responses.setdefault("503", unavailable)


def _reasons(need: Need, *, changes: bool) -> list[str]:
    """The reason codes of 403 that an operation may answer with."""
    told = {
        "actor_wrong": need.kinds != ANY_KIND or bool(need.acr) or need.max_age is not None,
        "scope_missing": bool(need.scopes or need.any_scopes),
        "role_missing": bool(need.roles or need.any_roles),
        "tenant_wrong": bool(need.tenant or need.tenants_from),
        "cross_origin": changes and USER in need.kinds,
    }
    return [f"`{reason}`" for reason, possible in told.items() if possible]


def _refused(description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{PROBLEM}"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def _schemes(core: Core, scopes: set[str]) -> dict[str, Any]:
    return {
        SESSION_SCHEME: {
            "type": "apiKey",
            "in": "cookie",
            "name": core.cookie_name,
            "description": "The sealed session, set by signing in at /auth/login.",
        },
        SIGN_IN_SCHEME: _sign_in(core, scopes),
        TOKEN_SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token for this application, for machines and agents too.",
        },
    }


def _sign_in(core: Core, scopes: set[str]) -> dict[str, Any]:
    """Where people sign in. The endpoints of other providers are in their metadata, which is not fetched
    for this: whoever reads the document can.
    """
    description = "Access tokens for users, by signing in."
    if core.provider != "sealgate":
        url = f"{core.issuer.rstrip('/')}/.well-known/openid-configuration"
        return {"type": "openIdConnect", "openIdConnectUrl": url, "description": description}
    flow = {
        "authorizationUrl": f"{core.issuer}/oauth/authorize",
        "tokenUrl": f"{core.issuer}/oauth/token",
        "scopes": {"openid": "", **dict.fromkeys(sorted(scopes), "")},
    }
    return {"type": "oauth2", "flows": {"authorizationCode": flow}, "description": description}
