"""A million revoked sessions, in the gate's view and in a plain set: time and memory, in the same rounds."""

from __future__ import annotations

from dataclasses import dataclass

from kit.figures import Samples
from kit.processors import memory
from kit.timed import Timed

_ENTRIES = 1_000_000
_ROUNDS = 21
_STARTS = 3


@dataclass(frozen=True)
class Known:
    """What knowing so many costs."""

    misses: Samples
    """Nanoseconds to find that a session is not revoked."""
    hits: Samples
    """Nanoseconds to find that one is."""
    memory: Samples
    """Megabytes."""


@dataclass(frozen=True)
class Lookups:
    """Both sides."""

    view: Known
    set: Known


def lookups() -> Lookups:
    """Measures all of it, in turns."""
    with (
        _knowing("view", "miss") as view_misses,
        _knowing("set", "miss") as set_misses,
        _knowing("view", "hit") as view_hits,
        _knowing("set", "hit") as set_hits,
    ):
        programs = (view_misses, set_misses, view_hits, set_hits)
        rounds = [tuple(program.round().median * 1_000 for program in programs) for _ in range(_ROUNDS)]
    times = [Samples(tuple(one[place] for one in rounds)) for place in range(len(programs))]
    sizes = [(_size("view"), _size("set")) for _ in range(_STARTS)]
    return Lookups(
        view=Known(times[0], times[2], Samples(tuple(size[0] for size in sizes))),
        set=Known(times[1], times[3], Samples(tuple(size[1] for size in sizes))),
    )


def _knowing(of: str, ask: str, entries: int = _ENTRIES) -> Timed:
    return Timed.native("view", {"of": of, "ask": ask, "entries": entries})


def _size(of: str) -> float:
    with _knowing(of, "miss") as full, _knowing(of, "miss", entries=0) as empty:
        return (memory(full.pid) - memory(empty.pid)) * 1.048576
