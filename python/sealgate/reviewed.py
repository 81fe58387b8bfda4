"""Ways in that nobody reviewed as they are, and what is closed for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Way:
    """A way in: its methods as the lock file has them, and its whole path."""

    methods: frozenset[str]
    path: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The ways in that are closed."""

    ways: frozenset[Way] = frozenset()
    frontends: bool = False
    """Whether a frontend is among them: which one serves a request is not told."""
    everything: bool = False
    """Whether it cannot be told which ones they are."""

    def has(self, way: Way) -> bool:
        """Whether this very one is among them."""
        return self.everything or way in self.ways

    def reaches(self, path: str) -> bool:
        """Whether one of them is at `path` or below it."""
        below = f"{path.rstrip('/')}/"
        return self.everything or any(way.path == path or way.path.startswith(below) for way in self.ways)


class Reviewed(Protocol):
    """Whoever knows what was reviewed."""

    def look(self) -> Closed:
        """What is closed, as the routes are now."""
        ...

    def methods(self, effective: Any, original: Any) -> frozenset[str]:
        """The methods of a route as the lock file has them."""
        ...
