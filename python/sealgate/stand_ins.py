"""Actors that a test puts in front of an application, in place of credentials.

Only `sealgate.testing` puts them there. No setting and no request does.
"""

from __future__ import annotations

import threading
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from sealgate._core import testing_decide

if TYPE_CHECKING:
    from sealgate._core import Core, Decision
    from sealgate.actors import Actor


class StandIn:
    """One actor, or nobody, for as long as a test's block is open."""

    __slots__ = ("actor", "open", "outer", "owner")

    def __init__(self, owner: StandIns, actor: Actor | None, outer: StandIn | None) -> None:
        """Takes the block around it in the same task, if there is one."""
        self.owner = owner
        self.actor = actor
        self.outer = outer
        self.open = True


_innermost: ContextVar[StandIn | None] = ContextVar("sealgate_stand_in", default=None)
"""The block in which this task, or the thread that asked for it, stands."""


class StandIns:
    """Those of one application."""

    def __init__(self, issuer: str = "") -> None:
        """Starts with none, as an application in production stays; `issuer` is that of its gate."""
        self.issuer = issuer
        self.open: list[StandIn] = []
        self._lock = threading.Lock()

    def enter(self, actor: Actor | None) -> StandIn:
        """From now on requests come from `actor`, or from nobody."""
        stand_in = StandIn(self, actor, _innermost.get())
        with self._lock:
            self.open = [*self.open, stand_in]
        _innermost.set(stand_in)
        return stand_in

    def leave(self, stand_in: StandIn) -> None:
        """Takes it away again, in whichever order blocks end."""
        stand_in.open = False
        with self._lock:
            self.open = [other for other in self.open if other is not stand_in]
        if _innermost.get() is stand_in:
            _innermost.set(stand_in.outer)

    def decide(self, core: Core, scope: MutableMapping[str, Any], requirement: int) -> Decision:
        """What the core decides about a request from the actor that stands in."""
        opened = self.open
        # A test client's thread takes over the context of its caller. Where a server in a thread of its
        # own does not, the block that was opened last counts.
        stand_in = _innermost.get()
        while stand_in is not None and not (stand_in.open and stand_in.owner is self):
            stand_in = stand_in.outer
        if stand_in is None and opened:
            stand_in = opened[-1]
        return testing_decide(core, stand_in.actor if stand_in else None, scope, requirement)
