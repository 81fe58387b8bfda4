"""Which routes stand behind a gate, told to the control plane. Nothing is decided by it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from sealgate._core import Core

if TYPE_CHECKING:
    from sealgate.lock import Review

_log = logging.getLogger("sealgate")

_SETTLED = 1.0
"""How long after a change all of it is there, in seconds: several routes are added one after another."""


class Teller:
    """Tells of one application's routes, at the start and whenever they change."""

    def __init__(self, core: Core, app: Starlette, review: Review | None) -> None:
        """Takes whoever has compared the routes with the lock file, if there is one."""
        self._core = core
        self._app = app
        self._review = review
        self._is_due = False

    def tell(self) -> None:
        """Tells of the routes as they are now. What cannot be read is left out, and said in the log."""
        self._is_due = False
        try:
            if self._review is None:
                # Imported here: the inventory reads gates.
                from sealgate.lock import live

                self._core.routes_are(json.dumps(live(self._app)))
            else:
                inventory, differing = self._review.told()
                self._core.routes_are(json.dumps(inventory), self._review.digest, differing)
        except Exception:
            _log.info("the control plane is not told of the routes: they cannot be read", exc_info=True)

    def changed(self) -> None:
        """The routes may be others now: they are told of in a moment, and not while a request waits."""
        if self._is_due:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # The next change or the next start tells it.
        self._is_due = True
        loop.call_later(_SETTLED, self.tell)
