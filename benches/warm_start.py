"""From the start of the process to its first answer, against oidc-provider."""

from __future__ import annotations

import time

from kit import environments, servers
from kit.bench import Bench
from kit.figures import Figure, Samples
from kit.processors import server_processors, started_on
from lab import ControlPlane, Process, free_port

_ROUNDS = 9


def measure(bench: Bench) -> Figure:
    """Ours has data, keys and a user from before; oidc-provider has nothing to load."""
    folder = bench.folder / "warm"
    with ControlPlane(folder) as plane:
        plane.add_user("ada@example.com", "Ada Lovelace", ["admin"])
    peer = environments.oidc_provider()
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(_ROUNDS + 1):
        port = free_port()
        taken = [
            _first_answer(servers.serve_command(plane.data_dir, port), port, "/oauth/jwks", bench),
            _first_answer([str(peer.node), str(peer.program), str(port), "0"], port, "/jwks", bench),
        ]
        if number > 0:  # The first reads the programs from the disk.
            ours.append(taken[0])
            theirs.append(taken[1])
    return Figure.of_costs(
        "warm_start",
        Samples(tuple(ours)),
        Samples(tuple(theirs)),
        reference_name="oidc-provider",
        unit="ms",
    )


def _first_answer(command: list[str], port: int, path: str, bench: Bench) -> float:
    log = bench.folder / f"started-on-{port}.log"
    began = time.perf_counter()
    with started_on(server_processors()):
        process = Process(command[0], command, log=log, env={"NODE_ENV": "production"})
    with process:
        servers.until_answer(f"http://127.0.0.1:{port}{path}", process)
        return (time.perf_counter() - began) * 1e3
