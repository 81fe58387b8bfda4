"""Which faults there are, and how a whole run of them is drawn from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

ON_EVENTS = ("drop", "delay", "duplicate", "reorder", "replay", "corrupt", "drip", "truncate")
"""What is done to the messages of streams that are open."""

ON_CONNECTIONS = ("hold", "blackhole", "refuse", "reset", "errors", "cached", "old stream", "old snapshot")
"""What is done to connections and to whole answers."""

ON_TOKENS = ("tokens late", "tokens fail", "tokens lost")
"""What is done to the token endpoint alone."""

ON_PROCESSES = ("worker killed", "worker stopped", "application killed", "plane restarted", "plane killed")
"""What is done to processes. `plane killed`: after a revocation has been written, before anybody is told."""

KINDS = (*ON_EVENTS, *ON_CONNECTIONS, *ON_TOKENS, *ON_PROCESSES)

_CUTS = ("hold", "blackhole", "errors", "cached", "old stream", "old snapshot", "refuse")
"""Faults of new connections, for which those that are open may be cut at the start."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault for one application."""

    kind: str
    seed: int
    """What happens to each connection and message is drawn from this."""
    seconds: float
    strength: float
    """From 0 to 1: how much of what passes is hit, how long a delay is."""
    cuts: bool
    """Whether connections that are open are cut when it begins."""
    everything: bool
    """Whether it hits what is not the feed, too: keys, metadata and tokens. Never bytes that are changed:
    what vouches for those is TLS, which is left out here.
    """

    def told(self) -> dict[str, Any]:
        """As JSON, for the proxy."""
        return asdict(self)

    def __str__(self) -> str:
        """For people."""
        extras = [word for word, there in (("cuts", self.cuts), ("everything", self.everything)) if there]
        return " ".join([f"{self.kind} {self.seconds:.1f} s, {self.strength:.2f}", *extras])


@dataclass(frozen=True, slots=True)
class Episode:
    """A fault, and the calm before it."""

    calm: float
    fault: Fault


def _fault(random: Random, kind: str, bound: float) -> Fault:
    seconds = bound * random.uniform(0.6, 2.2)
    if kind == "worker stopped":
        seconds = bound * random.uniform(1.1, 1.6)
    elif kind in ON_PROCESSES:
        seconds = random.uniform(0.1, 1.5)
    cuts = kind == "old stream" or (kind in _CUTS and random.random() < 0.6)
    everything = kind in (*_CUTS[:4], "refuse", "reset") and random.random() < 0.5
    return Fault(kind, random.getrandbits(48), seconds, random.uniform(0.2, 1.0), cuts, everything)


def plan(
    seed: str, applications: list[str], bound: float, seconds: float, only: Sequence[str] = KINDS
) -> dict[str, list[Episode]]:
    """What happens to each application, one after the other. All of them together see every kind of `only`
    before any comes again; there is more than fits into `seconds`.
    """
    random = Random(f"{seed}/plan")
    planned: dict[str, list[Episode]] = {name: [] for name in applications}
    ample = int(seconds / bound) + 3
    kinds: list[str] = []
    while min(len(episodes) for episodes in planned.values()) < ample:
        for name in applications:
            if not kinds:
                kinds = list(only)
                random.shuffle(kinds)
            fault = _fault(random, kinds.pop(), bound)
            planned[name].append(Episode(random.uniform(0.2, 1.0), fault))
    return planned
