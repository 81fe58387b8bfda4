"""Sealgate's own gates in an application, and what they ask of whoever calls a route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.applications import Starlette

from sealgate.asgi import GateLayer
from sealgate.inventory.attributes import is_a, options, own, value
from sealgate.inventory.document import Strength
from sealgate.inventory.found import View
from sealgate.needs import USER, Need
from sealgate.routes import RouteTable
from sealgate.targets import PathTable

UNMARKED = Strength("user", frozenset({USER}))
"""What a route asks for that nobody marked. Where the settings deny it to everybody, that is more."""

_EVERYDAY_SCOPES = frozenset({"openid", "profile", "email", "address", "phone", "offline_access"})
"""The scopes of OpenID Connect Core, sections 5.4 and 11. Whoever signs in can have them, so they set nobody
apart.
"""


def installed(app: Starlette, prefix: int) -> Iterator[View]:
    """The gates that were put in front of an application with `gate.install(app)`."""
    for middleware in app.user_middleware:
        cls: object = value(middleware, "cls")
        table = options(value(middleware, "kwargs")).get("table")
        if cls is GateLayer and table is not None and is_a(table, RouteTable):
            yield View(table.marks, table.declared, prefix)


def view_of(layer: Any, prefix: int) -> View | None:
    """The gate that was put in front of any application with `gate.wrap(app)`."""
    table = own(layer).get("_table")
    if table is None:
        return None
    if is_a(table, RouteTable):
        return View(table.marks, table.declared, prefix)
    if is_a(table, PathTable):
        return View(table.marks, table.declared, prefix, table.need, understands=False)
    return None


def strength(need: Need) -> Strength:
    """What a need asks of a caller, if it does not let in everybody.

    Roles, scopes and actions of policies are privileges: only some hold them. A kind of actor,
    a tenant, or having proved who one is again are not: everybody of that kind or tenant can do that.
    """
    told = set[str]()
    if need.acr:
        told.add(f"acr={'|'.join(need.acr)}")
    if need.max_age is not None:
        told.add(f"max_age={need.max_age}")
    if need.tenant is not None:
        told.add(f"tenant={need.tenant}")
    told |= {f"tenant_from={name}" for name in need.tenants_from}
    told |= {f"action={name}" for name in need.actions}
    groups = {("scope", group) for group in need.any_scopes} | {("role", group) for group in need.any_roles}
    held = need.scopes - _EVERYDAY_SCOPES
    # Of a group with a scope that everybody has, everybody has one.
    any_held = any(group.isdisjoint(_EVERYDAY_SCOPES) for group in need.any_scopes)
    privileged = bool(need.roles or need.any_roles or held or any_held or need.actions)
    return Strength(
        "privileged" if privileged else "user",
        need.kinds,
        need.scopes,
        need.roles,
        frozenset("|".join(sorted(f"{kind}:{name}" for name in group)) for kind, group in groups),
        frozenset(told),
    )
