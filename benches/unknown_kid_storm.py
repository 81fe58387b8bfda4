"""Good traffic while strangers present tokens with key ids of their own invention, against the same number
of requests with good tokens.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import replace

import httpx
from kit.bearer import caller
from kit.bench import Bench
from kit.figures import Figure, Samples
from kit.load import Plan, begin, request, run

_ROUNDS = 9
_SECONDS = 3.0
_GOOD = 300
"""Good requests per second: with the others, a busy worker and not one that is at its end."""
_OTHERS = 1_000
_LEAST_INTERVAL = 10
"""Seconds between two fetches of keys because of what strangers send, as docs/reference/limits.md says."""


def measure(bench: Bench) -> Figure:
    """The 99th percentile of the good traffic in milliseconds."""
    with bench.gated_application(("--http", "httptools", "--loop", "uvloop")) as application:
        service = caller(bench, application, "EdDSA")
        url = application.server.url + "/who"
        (token,) = service.tokens(1)
        authorization = [("authorization", f"Bearer {token}")]
        if httpx.get(url, headers=dict(authorization)).json() != {"kind": "Machine"}:
            raise RuntimeError("the good token is not let in")
        good = replace(request("GET", url, authorization), rate=_GOOD, connections=16, seconds=_SECONDS)
        quiet_others = replace(good, rate=_OTHERS, connections=32, seconds=60.0)
        storm = replace(
            request("GET", url, [("authorization", "Bearer {next}")]),
            cycle=[_stranger(token) for _ in range(20_000)],
            rate=_OTHERS,
            connections=32,
            seconds=60.0,
            # 401 once a key id was looked for, 503 while it may not be.
            expect=(401, 503),
        )
        run(replace(good, seconds=1))
        began, before = time.perf_counter(), _fetches(bench)
        quiet: list[float] = []
        stormy: list[float] = []
        for _ in range(_ROUNDS):
            quiet.append(_beside(quiet_others, good))
            stormy.append(_beside(storm, good))
        seconds, fetches = time.perf_counter() - began, _fetches(bench) - before
    allowed = seconds / _LEAST_INTERVAL + 2  # One at the start, and one that was due anyway.
    if fetches > allowed:
        raise RuntimeError(f"{fetches} fetches of keys in {seconds:.0f} s: more than {allowed:.0f}")
    return Figure.of_costs(
        "unknown_kid_storm",
        Samples(tuple(stormy)),
        Samples(tuple(quiet)),
        reference_name="as many requests with good tokens",
        unit="ms",
        notes=(
            f"99th percentile of {_GOOD} good requests/s beside {_OTHERS:,} others; "
            f"{fetches} fetches of keys in {seconds:.0f} s",
        ),
    )


def _beside(others: Plan, good: Plan) -> float:
    with begin(others) as process:
        time.sleep(0.5)
        p99 = run(good).p99
        if process.poll() is not None:
            raise RuntimeError("the other traffic ended early")
        process.kill()
    return p99


def _stranger(token: str) -> str:
    """The token under a key id that nobody has."""
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": secrets.token_urlsafe(12)}
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return encoded + token[token.index(".") :]


def _fetches(bench: Bench) -> int:
    """How often the control plane's keys were fetched, as it counts them itself."""
    door = httpx.HTTPTransport(uds=str(bench.control_plane.data_dir / "admin.sock"))
    with httpx.Client(transport=door, base_url="http://admin") as http:
        lines = http.get("/metrics").text.splitlines()
    counted = [
        line for line in lines if line.startswith("sealgate_http_requests_total{") and "/oauth/jwks" in line
    ]
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in counted)
