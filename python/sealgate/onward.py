"""Calling other services: with tokens of the application's own, or to act for the user who called.

The caller's own credential is never passed on. For whom a call is made is always said where the call is
made: nothing is taken from what happens to be running.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

from sealgate._core import Agent, Core, OnwardClient, User

if TYPE_CHECKING:
    from sealgate._onward_auth import OnwardAuth


class OnwardError(Exception):
    """There is no token to call onward with, so the request was not sent."""

    def __init__(self, message: str, reason: str, *, temporary: bool) -> None:
        """Takes what to tell, the reason code, and whether waiting helps."""
        super().__init__(f"{message} ({reason})")
        self.reason = reason
        """The stable reason code, such as `onward_unavailable`."""
        self.temporary = temporary
        """Whether the same may go well a moment later."""


class OnBehalf:
    """Calls to one other service for users. It is no `httpx.Auth`: only `on_behalf_of` gives one, so that
    nobody can forget to say for whom.
    """

    def __init__(self, client: OnwardClient) -> None:
        """Takes the calls."""
        self._client = client

    def on_behalf_of(self, user: User | Agent) -> OnwardAuth:
        """The `httpx.Auth` for calls on behalf of the user who called, or whose agent did.

        It is for this caller alone: make it where the request is handled, and hand it to the single call
        rather than to a client that others use: `http.get(url, auth=orders.on_behalf_of(user))`. What
        arrives there ends with the caller's session. Raises `TypeError` for anything but a user or agent.
        """
        if type(user) not in (User, Agent):
            raise TypeError(f"on_behalf_of takes the user or agent of a request, not {type(user).__name__}")
        return _auth(self._client, user)

    def __repr__(self) -> str:
        """Names the audience."""
        return f"OnBehalf({self._client!r})"


@overload
def client(
    core: Core,
    audience: str,
    scopes: Sequence[str],
    places: Sequence[str],
    *,
    on_behalf_of_user: Literal[False],
    dpop: bool,
) -> OnwardAuth: ...
@overload
def client(
    core: Core,
    audience: str,
    scopes: Sequence[str],
    places: Sequence[str],
    *,
    on_behalf_of_user: Literal[True],
    dpop: bool,
) -> OnBehalf: ...
@overload
def client(
    core: Core,
    audience: str,
    scopes: Sequence[str],
    places: Sequence[str],
    *,
    on_behalf_of_user: bool,
    dpop: bool,
) -> OnwardAuth | OnBehalf: ...
def client(
    core: Core,
    audience: str,
    scopes: Sequence[str],
    places: Sequence[str],
    *,
    on_behalf_of_user: bool,
    dpop: bool,
) -> OnwardAuth | OnBehalf:
    """What `Gate.client` gives."""
    if importlib.util.find_spec("httpx") is None:
        raise ImportError("calling onward needs httpx: pip install 'sealgate[client]'", name="httpx")
    for name, values in (("scopes", scopes), ("places", places)):
        if isinstance(values, str):
            raise ValueError(f"{name} is a list: write {name}={values.split()!r}")
    calls = OnwardClient(core, audience, list(scopes), list(places), dpop)
    return OnBehalf(calls) if on_behalf_of_user else _auth(calls, None)


def _auth(calls: OnwardClient, user: User | Agent | None) -> OnwardAuth:
    # httpx is there only where somebody calls onward.
    from sealgate._onward_auth import OnwardAuth

    return OnwardAuth(calls, user)
