"""Public documents: ours and oidc-provider's, in turn."""

from __future__ import annotations

import httpx

from kit import servers
from kit.bench import Bench
from kit.figures import Figure
from kit.load import request
from kit.turns import Contender, in_turn


def measured(bench: Bench, name: str, path: str, peer_path: str, holds: str) -> Figure:
    """The figure `name`: `path` is asked for; the answer is an object with the member `holds`."""
    with (
        servers.control_plane(bench.folder / name) as plane,
        servers.oidc_provider(bench.folder) as peer,
    ):
        contenders: dict[str, Contender] = {}
        asked = {"ours": (plane.pid, plane.issuer + path), "oidc-provider": (peer.pid, peer.url + peer_path)}
        for who, (pid, url) in asked.items():
            answer = httpx.get(url)
            if answer.status_code != 200 or holds not in answer.json():
                raise RuntimeError(f"{url} answers {answer.status_code}: {answer.text[:500]}")
            contenders[who] = Contender(pid, request("GET", url, [("accept", "application/json")]))
        turns = in_turn(contenders, rounds=7, seconds=1)
    ours, theirs = (turns.rates[who].middle for who in contenders)
    return Figure.of_gains(
        name,
        turns.core_rates["ours"],
        turns.core_rates["oidc-provider"],
        reference_name="oidc-provider",
        unit="requests/s/core",
        notes=(*turns.notes, f"by the clock {ours:,.0f} and {theirs:,.0f} requests/s"),
    )
