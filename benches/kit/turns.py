"""The same work for several servers, each alone on one processor, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median

from kit.figures import Samples
from kit.load import Load, Plan, run
from kit.processors import seconds_used


@dataclass
class Contender:
    """A server, and what is asked of it."""

    pid: int
    plan: Plan

    def loaded(self, seconds: float) -> Load:
        """The plan for so long. Tokens that were spent are replaced by their successors."""
        load = run(replace(self.plan, seconds=seconds))
        if load.tokens:
            self.plan = replace(self.plan, tokens=load.tokens)
        return load


@dataclass(frozen=True)
class Turns:
    """What the rounds gave, by contender."""

    rates: Mapping[str, Samples]
    """Requests per second."""
    core_rates: Mapping[str, Samples]
    """Requests per second of the server's own processor time, which other work on the machine disturbs
    less. Where a server waits for nothing but requests, it is what one processor gives."""
    notes: tuple[str, ...]


def in_turn(contenders: Mapping[str, Contender], *, rounds: int = 9, seconds: float = 2.0) -> Turns:
    """Rounds of all of them, one after the other, so that each sees the same machine."""
    loads: dict[str, list[Load]] = {name: [] for name in contenders}
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender.loaded(seconds / 2)  # Caches fill and code warms before anything counts.
    for _ in range(rounds):
        for name, contender in contenders.items():
            before = seconds_used(contender.pid)
            load = contender.loaded(seconds)
            loads[name].append(load)
            spent[name].append((seconds_used(contender.pid) - before) / load.requests)
    told = "; ".join(
        f"{name} {median(spent[name]) * 1e6:.1f} µs of its processor, "
        f"p50 {median(load.p50 for load in loads[name]):.1f} ms, "
        f"p99 {median(load.p99 for load in loads[name]):.1f} ms"
        for name in contenders
    )
    connections = next(iter(contenders.values())).plan.connections
    return Turns(
        {name: Samples(tuple(load.rate for load in loads[name])) for name in contenders},
        {name: Samples(tuple(1 / seconds for seconds in spent[name])) for name in contenders},
        (
            f"a request takes: {told}",
            f"{connections} connections; each server has one processor to itself, the load another",
        ),
    )
