"""The lock file of routes at run time: what was reviewed, and which routes are not like that.

In production an application does not start with such a route, and one that comes later is closed. Under
development it is said, and nothing is closed.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from sealgate._core import RouteLock, SettingsError
from sealgate.inventory import Json, endpoints, frameworks, name_of
from sealgate.inventory.document import App, inventory
from sealgate.inventory.judging import judged
from sealgate.inventory.names import Names
from sealgate.inventory.walk import Walk
from sealgate.reviewed import Closed, Way

_log = logging.getLogger("sealgate")

_MOST_BYTES = 16 * 1024 * 1024

_WAY_OUT = "review them and run `sealgate routes lock`"


class Review:
    """What was reviewed of one application."""

    def __init__(self, app: Starlette, setting: str, *, development: bool) -> None:
        """Reads the lock file that `setting` names, as `FILE` or `FILE#module:app`.

        Raises `SettingsError` for a file that is not there or cannot be read, and where the application
        cannot be told among those in it.
        """
        self.development = development
        self._app = app
        self._file, _, named = setting.partition("#")
        self._lock = self._read()
        self._name = self._choose(named)
        self._told: set[str] = set()
        self._frontends: set[str] = set()
        self._live: Json | None = None
        self._differing: int | None = None
        self._first: list[tuple[Way, str]] | None = None
        """What the start has found, for the first look."""

    @property
    def digest(self) -> str:
        """The digest of the lock file."""
        return self._lock.digest

    def told(self) -> tuple[Json, int | None]:
        """The inventory that was compared last, and how many routes were not as they were reviewed; none
        where that could not be told.
        """
        inventory = self._live if self._live is not None else live(self._app)
        return inventory, self._differing

    def start(self) -> None:
        """Raises `SettingsError` in production when a route is not as it was reviewed."""
        try:
            found = self._unreviewed()
        except Exception as error:
            raise SettingsError(f"the routes cannot be compared with {self._file}: {error}") from error
        if not found or self.development:
            self._first = found
            return
        told = "".join(f"\n  {message}" for _, message in found)
        raise SettingsError(f"routes are not as they were reviewed: {_WAY_OUT}{told}")

    def look(self) -> Closed:
        """The routes that are not as they were reviewed, and are closed for it. Each is said once."""
        try:
            found, self._first = self._first, None
            if found is None:
                found = self._unreviewed()
        except Exception:
            _log.exception("the routes cannot be compared with %s", self._file)
            return Closed(everything=not self.development)
        for _, message in found:
            if message not in self._told:
                self._told.add(message)
                self._tell(message)
        if self.development:
            return Closed()
        ways = frozenset(way for way, _ in found)
        return Closed(ways, any(way.path in self._frontends for way in ways))

    def methods(self, effective: Any, original: Any) -> frozenset[str]:
        """The methods of a route as the lock file has them: `HEAD` is not told beside `GET`."""
        if isinstance(original, WebSocketRoute):
            return frozenset({"WEBSOCKET"})
        told = frozenset(endpoints.methods(effective, getattr(original, "endpoint", None)) or ("*",))
        return told - {"HEAD"} if "GET" in told else told

    def _tell(self, message: str) -> None:
        if self.development:
            _log.warning("%s. It would not start in production: %s", message, _WAY_OUT)
        else:
            _log.error("%s. The route is closed: %s", message, _WAY_OUT)

    def _unreviewed(self) -> list[tuple[Way, str]]:
        self._live, self._differing = None, None
        now = self._live = _inventory(self._app, self._name)
        self._frontends = {route["path"] for route in now["routes"] if route["kind"] == "frontend"}
        found = self._lock.unreviewed(self._name, json.dumps(now))
        self._differing = len(found)
        return [(Way(frozenset(methods), path), message) for methods, path, _, message in found]

    def _read(self) -> RouteLock:
        try:
            with Path(self._file).open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
            if len(content) > _MOST_BYTES:
                raise ValueError(f"it has more than {_MOST_BYTES} bytes")
            return RouteLock(content.decode("utf-8"), self._file)
        except FileNotFoundError:
            raise SettingsError(
                f"SEALGATE_ROUTES names {self._file}, which is not there: run `sealgate routes lock`"
            ) from None
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"SEALGATE_ROUTES names {self._file}, which cannot be read: {error}"
            ) from error

    def _choose(self, named: str) -> str:
        """What the lock file calls the application."""
        apps = self._lock.apps
        if named:
            wanted = named
        elif len(apps) == 1:
            wanted = apps[0]
        else:
            wanted = name_of(self._app)
        if wanted in apps or (not apps and not named):
            return wanted
        known = ", ".join(apps) or "none"
        raise SettingsError(
            f"{self._file} has no application {wanted}, but {known}: name it, as in "
            f"{self._file}#{apps[0] if apps else 'main:app'}"
        )


def live(app: Starlette) -> Json:
    """The inventory of a running application, as far as it is told of."""
    return _inventory(app, "app")


def _inventory(app: Starlette, name: str) -> Json:
    """The inventory of a running application, as far as it is compared: without its OpenAPI document, which
    an application may have been asked for too early then.
    """
    frameworks.check()
    walk = Walk(_Nameless())
    walk.run(app)
    paths = frozenset(found.path for found in walk.found)
    around = bool(walk.middleware)
    routes = [judged(found, name, around=around, paths=paths) for found in walk.found]
    return inventory(name, App(name, None, tuple(walk.middleware), None), routes, ())


class _Nameless(Names):
    """Names without places: nobody is told of them here, and files would be read for them."""

    def place(self, thing: Any) -> None:
        """Nowhere."""
