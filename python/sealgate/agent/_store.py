"""Where sessions rest."""

from __future__ import annotations

from typing import Protocol


class TokenStore(Protocol):
    """Keeps sessions between runs. A value holds tokens and keys: it must rest where nobody else reads it.

    The methods are called on threads of their own, one after the other for one agent. What they raise ends
    the request with `agent_store_failed`.
    """

    def load(self, name: str, /) -> str | None:
        """What was kept under `name`, the resource's URL; `None` if nothing was."""
        ...

    def save(self, name: str, value: str, /) -> None:
        """Keeps `value` under `name`, in place of what was there."""
        ...

    def forget(self, name: str, /) -> None:
        """Forgets what was kept under `name`."""
        ...


class MemoryStore:
    """Keeps sessions as long as the process runs, for several agents of one resource."""

    def __init__(self) -> None:
        """An empty store."""
        self._kept: dict[str, str] = {}

    def load(self, name: str, /) -> str | None:
        """What was kept under `name`."""
        return self._kept.get(name)

    def save(self, name: str, value: str, /) -> None:
        """Keeps `value` under `name`."""
        self._kept[name] = value

    def forget(self, name: str, /) -> None:
        """Forgets what was kept under `name`."""
        self._kept.pop(name, None)

    def __repr__(self) -> str:
        """Says how many, and nothing of what they are."""
        return f"MemoryStore({len(self._kept)} kept)"
