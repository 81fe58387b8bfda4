"""Refuses CORS settings with which any site could read what a signed-in visitor may read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Router

from sealgate._core import SettingsError

_STRANGERS = (
    "https://nobody-chose-this.invalid",
    "http://nobody-chose-this.invalid",
    "https://nobody-chose-this-9f4c1e.com",
    "null",
)
"""Origins that are on no application's list: whoever allows one allows (nearly) all of them."""


def check_cors(app: object, route: str | None = None) -> None:
    """Raises `SettingsError` when CORS around `app` allows credentials to every origin. It names `route`,
    one that could be read.
    """
    if isinstance(app, CORSMiddleware):
        _check(app, route)
        check_cors(app.app, route)
    elif isinstance(app, Router):
        if app.middleware_stack != app.app:
            check_cors(app.middleware_stack, route)
    elif isinstance(app, Starlette):
        check_cors(app.router, route)
        for middleware in app.user_middleware:
            made = _made(middleware)
            if made is not None:
                _check(made, route)


def _made(middleware: Middleware) -> CORSMiddleware | None:
    """What a CORS middleware is made into: its own reading of its arguments."""
    cls: object = middleware.cls
    if not isinstance(cls, type) or not issubclass(cls, CORSMiddleware):
        return None
    make = cast(Callable[..., CORSMiddleware], cls)
    return make(_nothing, *middleware.args, **middleware.kwargs)


def _check(cors: CORSMiddleware, route: str | None) -> None:
    if "Access-Control-Allow-Credentials" not in cors.simple_headers:
        return
    if any(cors.is_allowed_origin(origin) for origin in _STRANGERS):
        example = f", for one at {route}" if route else ""
        raise SettingsError(
            "CORSMiddleware allows credentials to every origin, so any site could act as its visitors"
            f"{example}: name them, allow_origins=['https://web.example'], or set allow_credentials=False"
        )


async def _nothing(*_: Any) -> None:
    """Stands where the application would be."""
