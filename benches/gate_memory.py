"""What the gate adds to a worker's memory, against what the WorkOS SDK adds."""

from __future__ import annotations

import httpx
from kit.bench import Bench
from kit.figures import Figure, Samples
from kit.load import drive
from kit.processors import memory
from kit.routes import ROUTE
from kit.timed import Timed

_ROUNDS = 3


def measure(bench: Bench) -> Figure:
    """MiB more than the same worker without it: both have answered some thousand requests."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(_ROUNDS):
        with bench.application("bare") as bare, bench.gated_application() as gated:
            headers = gated.signed_in_headers()
            for server in (bare, gated.server):
                if httpx.get(server.url + ROUTE, headers=dict(headers)).status_code != 200:
                    raise RuntimeError(f"{server.url} does not answer")
                drive(server.url + ROUTE, headers, 2)
            without = memory(bare.pid)
            ours.append(memory(gated.server.pid) - without)
        with (
            Timed(bench.peers, "nothing.py", {}) as empty,
            Timed(bench.peers, "workos_session.py", {}) as workos,
        ):
            workos.round()
            theirs.append(memory(workos.pid) - memory(empty.pid))
    return Figure.of_costs(
        "gate_memory",
        Samples(tuple(ours)),
        Samples(tuple(theirs)),
        reference_name="the WorkOS SDK, imported and used once",
        unit="MiB",
    )
