"""Decisions per second into the control plane's log, on one core, each on the disk before it is answered."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from statistics import median

from kit import processors
from kit.bench import Bench
from kit.feeds import add, basic
from kit.figures import Figure, Samples
from lab import ControlPlane

_ROUNDS = 5
_SECONDS = 4
_ROWS = 1_000
_CONNECTIONS = 4
_AIM = 50_000.0

_PROGRAM = Path(__file__).parent / "programs" / "bring_decisions.py"


def measure(bench: Bench) -> Figure:
    """Over HTTP, in the batches that gates make, authenticated each. What was answered is counted in the log.

    The server has one core; who brings the batches has another, where there is one. The reference is the aim.
    """
    plane = bench.control_plane
    client = add(plane, "decisions-bench", "http://127.0.0.1:1024/auth/callback")
    processors.pin(plane.pid, processors.server_processors())
    given = {
        "url": f"{plane.issuer}/gates/decisions",
        "authorization": basic(client),
        "seconds": _SECONDS,
        "connections": _CONNECTIONS,
        "rows": _ROWS,
    }
    rates: list[float] = []
    shares: list[float] = []
    brought = 0
    with processors.started_on(processors.load_processors()):
        for _ in range(_ROUNDS):
            used = processors.seconds_used(plane.pid)
            done = subprocess.run(
                [str(bench.product.python), str(_PROGRAM)],
                input=json.dumps(given),
                capture_output=True,
                text=True,
                check=True,
            )
            told = json.loads(done.stdout)
            brought += told["decisions"]
            rates.append(told["decisions"] / told["seconds"])
            shares.append((processors.seconds_used(plane.pid) - used) / told["seconds"])
    kept = _kept(plane)
    if kept != brought:
        raise RuntimeError(f"{brought} decisions were answered, and {kept} are kept")
    per_core = [rate / max(share, 0.01) for rate, share in zip(rates, shares, strict=True)]
    return Figure.of_gains(
        "decision_log",
        Samples(tuple(rates)),
        Samples((_AIM,) * _ROUNDS),
        reference_name="the aim",
        unit="decisions/s",
        notes=(
            f"{brought} were answered, as many are kept; the server used {median(shares):.0%} of its core, "
            f"which makes {median(per_core):,.0f} for a whole one",
        ),
    )


def _kept(plane: ControlPlane) -> int:
    """How many decisions the log has, by going through all of its blocks."""
    found = plane.cli("decision", "verify")
    if any(stream["faults"] for stream in found):
        raise RuntimeError(f"the log is not as it was kept: {found}")
    return sum(stream["decisions"] for stream in found)
