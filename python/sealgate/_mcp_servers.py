"""What an MCP server can be: one of the official SDK's, one of FastMCP's, or any ASGI application.

Neither package is imported before somebody hands over a server that is made with it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from starlette.applications import Starlette
from starlette.routing import Route

from sealgate._lifespans import Application
from sealgate.actors import Agent

if TYPE_CHECKING:
    from sealgate.actors import Actor


def maker_of(
    server: Any, path: str, server_path: str | None, *, stateless: bool, json_response: bool
) -> tuple[Callable[[], Application], str]:
    """What makes the ASGI application of `server`, and the path at which that one listens.

    Raises `TypeError` for what is no server, and `ValueError` for what contradicts itself.
    """
    if callable(getattr(server, "http_app", None)):
        options = {"path": path, "stateless_http": stateless, "json_response": json_response}
        return _anew(server.http_app, options, {"host_origin_protection": False}), path
    if callable(getattr(server, "streamable_http_app", None)):
        return _official(server, path, stateless=stateless, json_response=json_response)
    if not callable(server):
        raise TypeError(f"{server!r} is no MCP server, and no ASGI application")
    if stateless or json_response:
        raise ValueError("stateless and json_response are for servers: an application was made with its own")
    app = cast(Application, server)
    return (lambda: app), server_path or _listens_at(server, path)


def _official(
    server: Any, path: str, *, stateless: bool, json_response: bool
) -> tuple[Callable[[], Application], str]:
    make = server.streamable_http_app
    options = {"stateless_http": stateless, "json_response": json_response}
    # The gate has judged Host and Origin, by the address that clients know.
    open_to_all = _security()
    if "streamable_http_path" in inspect.signature(make).parameters:
        options["streamable_http_path"] = cast(Any, path)
        return _anew(make, options, {"transport_security": open_to_all}), path
    # Version 1 has these as settings of the server.
    settings: Any = server.settings
    for name, value in options.items():
        if value:
            setattr(settings, name, value)
    if hasattr(settings, "transport_security"):
        settings.transport_security = open_to_all
    return make, str(settings.streamable_http_path)


def _anew(make: Any, options: dict[str, Any], where_known: dict[str, Any]) -> Callable[[], Application]:
    known = inspect.signature(make).parameters
    options.update({name: value for name, value in where_known.items() if name in known})
    return lambda: cast(Application, make(**options))


def _security() -> Any:
    try:
        settings = import_module("mcp.server.transport_security").TransportSecuritySettings
    except ImportError:  # Before there were any.
        return None
    return settings(enable_dns_rebinding_protection=False)


def _listens_at(app: Any, path: str) -> str:
    if not isinstance(app, Starlette):
        return path
    paths = [route.path for route in app.routes if isinstance(route, Route)]
    if path in paths or not paths:
        return path
    if len(paths) == 1:
        return paths[0]
    raise ValueError(f"the application listens at {paths}: say which one is meant with server_path")


def sdk_user(actor: Actor, client: str, audience: str) -> tuple[Any, Any] | None:
    """The actor as the official SDK knows a user, and the variable that holds it there; nothing where the
    SDK is not in use. The token in it is empty: the server has no use for it that would be allowed.
    """
    if "mcp" not in sys.modules:
        return None
    try:
        user_class = import_module("mcp.server.auth.middleware.bearer_auth").AuthenticatedUser
        token_class = import_module("mcp.server.auth.provider").AccessToken
        variable = import_module("mcp.server.auth.middleware.auth_context").auth_context_var
    except (ImportError, AttributeError):  # The names have been these for long, but they are not ours.
        return None
    token = token_class(
        token="",
        client_id=client,
        scopes=sorted(actor.scopes),
        resource=audience,
        # The SDK tells sessions and states apart by it: each user of one client has their own.
        subject=_human(actor) or actor.id,
        claims={"iss": actor.issuer},
    )
    return user_class(token), variable


def _human(actor: Actor) -> str | None:
    """The user for whom an AI client acts."""
    return actor.user.id if isinstance(actor, Agent) and actor.user is not None else None


def sdk_request() -> Any:
    """The request that the official SDK is handling in this task, in versions that say so; else nothing."""
    module: Any = sys.modules.get("mcp.server.lowlevel.server")
    variable: Any = getattr(module, "request_ctx", None)
    context: Any = None if variable is None else variable.get(None)
    return getattr(context, "request", None)
