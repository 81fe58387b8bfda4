"""Times one call, round by round, as the harness asks over a pipe.

The harness alternates between two such programs, so that both see the same machine. Each line on stdin
asks for one round; each round is answered with one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from statistics import quantiles
from typing import Any

ROUND_SECONDS = 0.5
_LEAST_CALLS = 200


def configuration() -> dict[str, Any]:
    """The first line on stdin: what the harness tells this program, secrets included."""
    return dict(json.loads(sys.stdin.readline()))


def serve(call: Callable[[], object]) -> None:
    """Answers rounds until stdin ends. Call it when `call` has been seen to do the right thing."""
    _round(call)  # Caches fill and code warms before anything counts.
    _say({"ready": True})
    for _ in sys.stdin:
        _say(_round(call))


def serve_each(call: Callable[[str], object], items: Sequence[str], each: int) -> None:
    """Answers rounds until stdin ends, each with the next `each` of `items`, so that every call sees its
    item for the first time.
    """
    at = 0
    _say({"ready": True})
    for _ in sys.stdin:
        batch = items[at : at + each]
        if len(batch) < each:
            sys.exit("no item is left for a round")
        at += each
        _say(_batch(call, batch))


def _batch(call: Callable[[str], object], batch: Sequence[str]) -> dict[str, float]:
    clock = time.perf_counter_ns
    taken: list[int] = []
    for item in batch:
        began = clock()
        call(item)
        taken.append(clock() - began)
    return _summary(taken)


def _round(call: Callable[[], object]) -> dict[str, float]:
    """Calls for half a second; microseconds per call, each call timed by itself."""
    clock = time.perf_counter_ns
    taken: list[int] = []
    until = clock() + int(ROUND_SECONDS * 1e9)
    while True:
        began = clock()
        call()
        ended = clock()
        taken.append(ended - began)
        if ended > until and len(taken) >= _LEAST_CALLS:
            break
    return _summary(taken)


def _summary(taken: Sequence[int]) -> dict[str, float]:
    cuts = quantiles(taken, n=100)
    return {"median": cuts[49] / 1e3, "p99": cuts[98] / 1e3, "calls": float(len(taken))}


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)
