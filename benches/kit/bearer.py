"""Access tokens for the gated application: minted by the control plane, each one different."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
from lab import Client, ControlPlane

from kit.bench import Bench, GatedApplication
from kit.figures import Samples
from kit.timed import Round, Timed, medians, tails

SCOPE = "reports:read"
ROUNDS = 9
EACH = 400
"""Tokens of one round: minting them takes longer than judging them."""


@dataclass(frozen=True)
class Caller:
    """A service that calls the application."""

    plane: ControlPlane
    client: Client
    audience: str

    def tokens(self, number: int) -> list[str]:
        """So many tokens, no two alike."""
        form = {"grant_type": "client_credentials", "scope": SCOPE, "resource": self.audience}
        with (
            httpx.Client(base_url=self.plane.issuer, auth=(self.client.id, self.client.secret)) as http,
            ThreadPoolExecutor(8) as pool,
        ):

            def mint(_: int) -> str:
                answer = http.post("/oauth/token", data=form)
                answer.raise_for_status()
                return str(answer.json()["access_token"])

            return list(pool.map(mint, range(number)))

    def key_of(self, token: str) -> dict[str, Any]:
        """The control plane's public key that signed `token`."""
        header = token.partition(".")[0]
        kid = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
        keys: list[dict[str, Any]] = httpx.get(f"{self.plane.issuer}/oauth/jwks").json()["keys"]
        return next(key for key in keys if key["kid"] == kid)


def caller(bench: Bench, application: GatedApplication, algorithm: str) -> Caller:
    """Registers the application as a resource, and a service with tokens of that algorithm."""
    plane, url = bench.control_plane, application.server.url
    scope = f"{SCOPE}=read the reports"
    plane.cli(
        "resource",
        "add",
        url,
        "Benchmark",
        "--client",
        application.settings["SEALGATE_CLIENT_ID"],
        "--scope",
        scope,
    )
    options = ["--resource", url, "--algorithm", algorithm]
    return Caller(plane, plane.add_service(f"Caller {algorithm}", [SCOPE], options), url)


@dataclass(frozen=True)
class FirstSeen:
    """Microseconds for one token that was not seen before, round by round."""

    gate: Samples
    floor: Samples
    peer: Samples
    notes: tuple[str, ...]


def first_seen(bench: Bench, algorithm: str) -> FirstSeen:
    """The gate, the bare signature and the peer on the same tokens, in turn."""
    return bench.once(f"first seen {algorithm}", lambda: _first_seen(bench, algorithm))


def _first_seen(bench: Bench, algorithm: str) -> FirstSeen:
    with bench.gated_application() as application:
        service = caller(bench, application, algorithm)
        # A few more: each program sees that its call does the right thing before anything counts.
        tokens = service.tokens(ROUNDS * EACH + EACH)
        given = {
            "tokens": tokens,
            "each": EACH,
            "settings": application.core_settings,
            "jwk": service.key_of(tokens[0]),
            "algorithm": algorithm,
            "audience": service.audience,
            "issuer": service.plane.issuer,
            "client": service.client.id,
        }
        with (
            Timed(bench.product, "first_seen.py", given) as gate,
            Timed(bench.peers, "oxyjwt_decode.py", given) as peer,
            Timed.native("verify", given) as floor,
        ):
            rounds: list[tuple[Round, Round, Round]] = []
            for _ in range(ROUNDS):
                rounds.append((gate.round(), floor.round(), peer.round()))
    ours, bare, theirs = ([one[place] for one in rounds] for place in range(3))
    tail = ", ".join(
        f"{name} {tails(of).middle:.1f} µs"
        for name, of in (("ours", ours), ("floor", bare), ("peer", theirs))
    )
    return FirstSeen(
        medians(ours), medians(bare), medians(theirs), (f"99th percentile of single calls: {tail}",)
    )
