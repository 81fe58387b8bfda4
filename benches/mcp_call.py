"""Calls of a tool per second behind the gate, against the same MCP server with nothing before it."""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import replace
from statistics import median

import httpx
from kit.bearer import SCOPE, Caller
from kit.bench import Bench
from kit.figures import Figure, Samples
from kit.load import Headers, request, run
from kit.processors import seconds_used
from lab import Application, free_port, settings

_ROUNDS = 15
_SECONDS = 1.0
_CONNECTIONS = 16
_VERSION = "2026-07-28"
_KNOWN = "io.modelcontextprotocol"
_META = {f"{_KNOWN}/protocolVersion": _VERSION, f"{_KNOWN}/clientCapabilities": {}}
_CALL = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "expenses", "arguments": {}, "_meta": _META},
    }
)


def measure(bench: Bench) -> Figure:
    """Both under uvicorn, in turn under the same load: single exchanges, answered in JSON."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    plane = bench.control_plane
    client = plane.add_client("Benchmark of MCP", url)
    named = ["--client", client.id, "--scope", f"{SCOPE}=read the reports"]
    plane.cli("resource", "add", f"{url}/mcp", "Benchmark of MCP", *named)
    service = plane.add_service("Caller of MCP", [SCOPE], ["--resource", f"{url}/mcp"])
    environment = settings(plane.issuer, client, url, secrets.token_urlsafe(32))
    with contextlib.ExitStack() as stack:
        gated = stack.enter_context(bench.application("mcp_gated", port=port, env=environment))
        bare = stack.enter_context(bench.application("mcp_bare"))
        if httpx.post(f"{gated.url}/mcp").status_code != 401:
            raise RuntimeError("the gated server answers without a token")
        # Good for five minutes, which is longer than all rounds take. Both get the same headers.
        (token,) = Caller(plane, service, f"{url}/mcp").tokens(1)
        headers = _headers(token)
        servers = {"gated": gated, "bare": bare}
        for server in servers.values():
            _check(server, headers)
            _rate(server, headers)
        rates: dict[str, list[float]] = {name: [] for name in servers}
        costs: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(_ROUNDS):
            for name, server in servers.items():
                rate, cost = _rate(server, headers)
                rates[name].append(rate)
                costs[name].append(cost)
        _check(gated, headers)
    costed = ", ".join(f"{name} {median(values):.0f} µs" for name, values in costs.items())
    return Figure.of_gains(
        "mcp_call",
        Samples(tuple(rates["gated"])),
        Samples(tuple(rates["bare"])),
        reference_name="the same server without a gate",
        unit="calls/s",
        notes=(f"the server's processor time per call, which other processes disturb less: {costed}",),
    )


def _headers(token: str) -> Headers:
    return [
        ("authorization", f"Bearer {token}"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", _VERSION),
        ("mcp-method", "tools/call"),
        ("mcp-name", "expenses"),
    ]


def _rate(server: Application, headers: Headers) -> tuple[float, float]:
    """Calls per second, and microseconds of the server's processor time for each."""
    plan = replace(
        request("POST", f"{server.url}/mcp", headers, _CALL), seconds=_SECONDS, connections=_CONNECTIONS
    )
    before = seconds_used(server.pid)
    load = run(plan)
    return load.rate, (seconds_used(server.pid) - before) / load.requests * 1e6


def _check(server: Application, headers: Headers) -> None:
    """Sees that the tool itself answers: refusals would be quick, and wrong."""
    answer = httpx.post(f"{server.url}/mcp", content=_CALL, headers=dict(headers))
    if answer.status_code != 200 or answer.json()["result"]["structuredContent"] != {"result": 3}:
        raise RuntimeError(f"{server.url} answers {answer.status_code}: {answer.text[:500]}")
