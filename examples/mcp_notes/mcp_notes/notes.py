"""The notes, and whose they are."""

from __future__ import annotations

from sealgate import Actor, Agent
from sealgate.mcp import actor


class Notes:
    """Notes in memory, by their owner."""

    def __init__(self) -> None:
        """Starts without any."""
        self._notes: dict[tuple[str, str], list[str]] = {}

    def list(self) -> list[str]:
        """Those of whoever calls."""
        return [*self._notes.get(_owner(actor()), ())]

    def add(self, text: str) -> int:
        """Adds one for whoever calls; how many there are then."""
        notes = self._notes.setdefault(_owner(actor()), [])
        notes.append(text)
        return len(notes)

    def delete_all(self) -> int:
        """Deletes those of whoever calls; how many there were."""
        return len(self._notes.pop(_owner(actor()), ()))


def _owner(caller: Actor) -> tuple[str, str]:
    """Whose notes a caller works with: those of the user for whom an AI client acts, or else its own."""
    if isinstance(caller, Agent) and caller.user is not None:
        return caller.user.issuer, caller.user.id
    return caller.issuer, caller.id
