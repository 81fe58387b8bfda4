"""Tokens for a client itself: ours, the bare floor's and oidc-provider's, in the same rounds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from kit import servers
from kit.bench import Bench
from kit.servers import SCOPE, TokenServer
from kit.turns import Contender, Turns, in_turn


def measured(bench: Bench) -> Turns:
    """The rounds, which the benchmarks of this grant share."""
    return bench.once("client credentials", lambda: _measure(bench))


def _measure(bench: Bench) -> Turns:
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(sealgate(bench, "tokens"))
        floor = stack.enter_context(servers.floor(bench.folder / "floor"))
        peer = stack.enter_context(servers.oidc_provider(bench.folder)).checked()
        contenders = {"ours": ours, "the floor": floor, "oidc-provider": peer}
        return in_turn(
            {name: Contender(one.pid, one.client_credentials()) for name, one in contenders.items()}
        )


@contextlib.contextmanager
def sealgate(bench: Bench, name: str) -> Iterator[TokenServer]:
    """A control plane with a client that may have tokens for itself."""
    with servers.control_plane(bench.folder / name) as plane:
        client = plane.add_service("Benchmark", [SCOPE])
        yield TokenServer(plane.issuer, "/oauth/token", plane.pid, client).checked()
