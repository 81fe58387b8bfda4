"""Memory of a server that has started and does nothing, against oidc-provider."""

from __future__ import annotations

import time

import httpx
from kit import servers
from kit.bench import Bench
from kit.figures import Figure, Samples
from kit.processors import memory

_ROUNDS = 3
_SECONDS = 2
"""What was only needed for the start is given back by then."""


def measure(bench: Bench) -> Figure:
    """The resident memory, files that are mapped included."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(_ROUNDS):
        with (
            servers.control_plane(bench.folder / f"idle-{number}") as plane,
            servers.oidc_provider(bench.folder) as peer,
        ):
            httpx.get(plane.issuer + "/oauth/jwks").raise_for_status()
            time.sleep(_SECONDS)
            ours.append(memory(plane.pid))
            theirs.append(memory(peer.pid))
    return Figure.of_costs(
        "idle_memory",
        Samples(tuple(ours)),
        Samples(tuple(theirs)),
        reference_name="oidc-provider",
        unit="MiB",
    )
