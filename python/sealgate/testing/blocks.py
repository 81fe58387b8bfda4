"""`with as_user(app):` and its kin: who calls, for as long as the block lasts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Any, Generic, TypeVar

from starlette.applications import Starlette

from sealgate._core import Agent, Core, Machine, User, testing_policies
from sealgate.actors import Actor
from sealgate.asgi import GateLayer
from sealgate.stand_ins import StandIn, StandIns
from sealgate.testing.made import make_agent, make_machine, make_user

_MOST_WRAPPERS = 32

A_co = TypeVar("A_co", bound=Actor | None, covariant=True)


class Block(Generic[A_co]):
    """A `with` block in which requests to an application come from one actor, or from nobody."""

    def __init__(self, app: Any, actor: A_co) -> None:
        """Takes the application that has the gate. Raises `RuntimeError` when it has none."""
        self.actor = actor
        self._stand_ins = stand_ins_of(app)
        self._entered: list[StandIn] = []

    def __enter__(self) -> A_co:
        """From here on requests come from the actor, which it gives."""
        self._entered.append(self._stand_ins.enter(self.actor))
        return self.actor

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """From here on they come from whoever it was before."""
        self._stand_ins.leave(self._entered.pop())


def as_user(
    app: Any,
    *,
    id: str = "test-user",  # noqa: A002  # As the attribute.
    issuer: str | None = None,
    email: str | None = None,
    name: str | None = None,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
    acr: str | None = None,
    authenticated_at: datetime | None = None,
    client_id: str | None = None,
    via: Iterable[str] = (),
) -> Block[User]:
    """Requests to `app` come from a user with these fields. `with` gives the user.

    `app` is the application on which the gate is installed, whose issuer vouches for the user unless
    another is named. Requirements are judged: who lacks a scope is
    refused. Cookies, tokens, and what browsers say of where a request comes from, are not looked at. Blocks
    nest, the innermost counts; blocks in different tasks do not disturb each other. Raises `RuntimeError`
    when the application has no gate.
    """
    actor = make_user(
        id,
        issuer=issuer or stand_ins_of(app).issuer,
        email=email,
        name=name,
        scopes=scopes,
        roles=roles,
        tenant=tenant,
        acr=acr,
        authenticated_at=authenticated_at,
        client_id=client_id,
        via=via,
    )
    return Block(app, actor)


def as_machine(
    app: Any,
    *,
    id: str = "test-machine",  # noqa: A002  # As the attribute.
    issuer: str | None = None,
    client_id: str | None = None,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
) -> Block[Machine]:
    """Requests to `app` come from a machine with these fields; otherwise as `as_user`."""
    actor = make_machine(
        id,
        issuer=issuer or stand_ins_of(app).issuer,
        client_id=client_id,
        scopes=scopes,
        roles=roles,
        tenant=tenant,
    )
    return Block(app, actor)


def as_agent(
    app: Any,
    *,
    id: str = "test-agent",  # noqa: A002  # As the attribute.
    issuer: str | None = None,
    user: User | None = None,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
    via: Iterable[str] = (),
) -> Block[Agent]:
    """Requests to `app` come from an agent that acts for `user`, or for itself; otherwise as `as_user`."""
    actor = make_agent(
        id,
        issuer=issuer or stand_ins_of(app).issuer,
        user=user,
        scopes=scopes,
        roles=roles,
        tenant=tenant,
        via=via,
    )
    return Block(app, actor)


def as_nobody(app: Any) -> Block[None]:
    """Requests to `app` come from nobody, whatever cookies or tokens they bring.

    Around the start of an application it also keeps the gate from waiting for the control plane.
    """
    return Block(app, None)


class PolicyBlock:
    """A `with` block in which the policies of one file decide about the actors of other blocks."""

    def __init__(self, app: Any, file: str | PathLike[str]) -> None:
        """Takes the application that has the gate. Raises `RuntimeError` when it has none."""
        self._core = _gate_of(app)[1]
        self._file = file

    def __enter__(self) -> None:
        """From here on these policies decide. Raises `SettingsError` for a file that is none."""
        testing_policies(self._core, self._file)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """From here on those decide that the gate has."""
        testing_policies(self._core, None)


def with_policies(app: Any, file: str | PathLike[str]) -> PolicyBlock:
    """What `file` declares decides about `as_user(...)` and its kin, in place of what the gate has loaded:
    a `sealgate.toml` with `[policy]`, or another file that declares the same.

    `app` is the application on which the gate is installed. Blocks do not nest, and count for all tasks of
    this process. Raises `RuntimeError` when the application has no gate.
    """
    return PolicyBlock(app, file)


def stand_ins_of(app: Any) -> StandIns:
    """Those of the gate in front of `app`, also behind middleware that was wrapped around it."""
    return _gate_of(app)[0]


def _gate_of(app: Any) -> tuple[StandIns, Core]:
    for _ in range(_MOST_WRAPPERS):
        if isinstance(app, GateLayer):
            return app.stand_ins, app.core
        if isinstance(app, Starlette):
            for middleware in app.user_middleware:
                cls: object = middleware.cls
                stand_ins = middleware.kwargs.get("stand_ins")
                core = middleware.kwargs.get("core")
                if cls is GateLayer and isinstance(stand_ins, StandIns) and isinstance(core, Core):
                    return stand_ins, core
            break
        app = getattr(app, "app", None)
    raise RuntimeError(
        "the application has no gate: call gate.install(app), and name here the application it was called "
        "with, not one that is mounted in it"
    )
