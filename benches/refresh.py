"""Refresh token rotations per second, against oidc-provider in memory."""

from __future__ import annotations

from dataclasses import replace

from kit import servers, sessions
from kit.bench import Bench
from kit.figures import Figure
from kit.load import CONNECTIONS
from kit.servers import TokenServer
from kit.turns import Contender, in_turn


def measure(bench: Bench) -> Figure:
    """Each connection renews a session of its own: every token is spent once, for its successor."""
    with (
        servers.control_plane(bench.folder / "refresh") as plane,
        servers.oidc_provider(bench.folder, CONNECTIONS) as peer,
    ):
        client = plane.add_client("Benchmark", sessions.APPLICATION)
        tokens = sessions.begin(plane, client, CONNECTIONS)
        ours = TokenServer(plane.issuer, "/oauth/token", plane.pid, client, tokens)
        turns = in_turn({"ours": _renewing(ours), "oidc-provider": _renewing(peer)})
    return Figure.of_gains(
        "refresh",
        turns.rates["ours"],
        turns.rates["oidc-provider"],
        reference_name="oidc-provider in memory",
        unit="rotations/s",
        notes=(*turns.notes, "each gives an access and an ID token; ours is on the disk before it answers"),
    )


def _renewing(server: TokenServer) -> Contender:
    parameters = {"grant_type": "refresh_token", "refresh_token": "{token}"}
    plan = server.post(**parameters)
    return Contender(server.pid, replace(plan, tokens=server.tokens, chain="refresh_token"))
