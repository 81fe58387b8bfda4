"""Actors that no issuer vouched for: for tests, and for functions that take one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from sealgate._core import Agent, Machine, User, testing_actor

TEST_ISSUER = "urn:sealgate:test"
"""Who vouches for an actor where nobody says."""


def make_user(
    id: str = "test-user",  # noqa: A002  # As the attribute.
    *,
    issuer: str = TEST_ISSUER,
    email: str | None = None,
    name: str | None = None,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
    acr: str | None = None,
    authenticated_at: datetime | None = None,
    client_id: str | None = None,
    via: Iterable[str] = (),
) -> User:
    """A user with these fields and nothing else. `authenticated_at` is aware of its time zone; without it
    no `max_age` is met. Raises `TypeError` for a text instead of a list.
    """
    made = testing_actor(
        "user",
        id,
        issuer,
        email=email,
        name=name,
        scopes=_list("scopes", scopes),
        roles=_list("roles", roles),
        tenant=tenant,
        acr=acr,
        authenticated_at=None if authenticated_at is None else _seconds(authenticated_at),
        client_id=client_id,
        via=_list("via", via),
    )
    return cast(User, made)


def make_machine(
    id: str = "test-machine",  # noqa: A002  # As the attribute.
    *,
    issuer: str = TEST_ISSUER,
    client_id: str | None = None,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
) -> Machine:
    """A machine with these fields; its client is named as it is, unless told. Raises `TypeError` for a text
    instead of a list.
    """
    made = testing_actor(
        "machine",
        id,
        issuer,
        client_id=client_id,
        scopes=_list("scopes", scopes),
        roles=_list("roles", roles),
        tenant=tenant,
    )
    return cast(Machine, made)


def make_agent(
    id: str = "test-agent",  # noqa: A002  # As the attribute.
    *,
    issuer: str = TEST_ISSUER,
    user: User | None = None,
    scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    tenant: str | None = None,
    via: Iterable[str] = (),
) -> Agent:
    """An agent with these fields, acting for `user` (`make_user(...)`) or for itself. Raises `TypeError` for
    a text instead of a list.
    """
    made = testing_actor(
        "agent",
        id,
        issuer,
        user=user,
        scopes=_list("scopes", scopes),
        roles=_list("roles", roles),
        tenant=tenant,
        via=_list("via", via),
    )
    return cast(Agent, made)


def _list(what: str, names: Iterable[str]) -> list[str]:
    if isinstance(names, str):
        raise TypeError(f"{what} is a list of names: write {what}=[{names!r}]")
    return list(names)


def _seconds(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError("authenticated_at has no time zone: write datetime.now(UTC)")
    return int(moment.timestamp())
