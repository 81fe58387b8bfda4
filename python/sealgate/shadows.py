"""Gated routes that no request reaches, because a public route before them takes their paths.

It is a mistake of order: `/u/{name}` before `/u/admin`. Nothing is open that was meant to be closed, but
what the author gated is answered by another handler, to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any, Protocol

from starlette.routing import Match

from sealgate.targets import Target

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PARAMETER = re.compile(r"\{[^}]*\}")
_SAMPLE = "1"
"""It is text, a number and a path. Parameters of other kinds cannot be tried, and nothing is said."""


class Entry(Protocol):
    """A way in, as the route table reads it."""

    @property
    def target(self) -> Target:
        """What is reached by it."""
        ...

    def matches(self, scope: MutableMapping[str, Any], /) -> tuple[Match, MutableMapping[str, Any]]:
        """Whether it takes a request."""
        ...


def shadowed(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Each gated way in of one router that is hidden, and the public one that hides it."""
    for place, entry in enumerate(entries):
        path = entry.target.template
        if path is None or entry.target.public:
            continue
        sample = _PARAMETER.sub(_SAMPLE, path)
        for method in _METHODS:
            scope = _scope(method, sample)
            if entry.matches(scope)[0] is not Match.FULL:
                continue
            first = next(one for one in entries if one.matches(scope)[0] is Match.FULL)
            if first.target.public and first in entries[:place]:
                yield entry, first
                break


def _scope(method: str, path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
