"""Times one call, round by round, as the harness asks over a pipe.

The harness alternates between two such programs, so that both see the same machine. Each line on stdin
asks for one round; each round is answered with one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
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
    cuts = quantiles(taken, n=100)
    return {"median": cuts[49] / 1e3, "p99": cuts[98] / 1e3, "calls": float(len(taken))}


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)
