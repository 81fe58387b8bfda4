"""The three guises of one route under the same load, in turn: gated, with an idle dependency, bare."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import httpx
from lab import Application

from kit.bench import Bench
from kit.figures import Samples, in_pairs
from kit.load import Headers, drive
from kit.processors import seconds_used

ROUTE = "/expenses"
_SECONDS = 1
_CONNECTIONS = 32
_LEAST_ROUNDS = 11
_MOST_ROUNDS = 40
"""So that all of it fits the five minutes for which the session needs no renewal."""
_UNCERTAINTY = 0.01


@dataclass(frozen=True)
class Routes:
    """Requests per second of each guise, round by round."""

    gated: Samples
    idle: Samples
    bare: Samples
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Engine:
    """How uvicorn runs."""

    name: str
    options: tuple[str, ...]


PLAIN = Engine("h11 and asyncio, as plain uvicorn brings them", ("--http", "h11", "--loop", "asyncio"))
STANDARD = Engine(
    "httptools and uvloop, as uvicorn[standard] brings them", ("--http", "httptools", "--loop", "uvloop")
)


def measured(bench: Bench, engine: Engine) -> Routes:
    """The rounds on one engine, which the benchmarks of that engine share."""
    return bench.once(f"routes on {engine.name}", lambda: _measure(bench, engine))


def _measure(bench: Bench, engine: Engine) -> Routes:
    with contextlib.ExitStack() as stack:
        application = stack.enter_context(bench.gated_application(engine.options))
        servers = {
            "gated": application.server,
            "idle": stack.enter_context(bench.application("idle", options=engine.options)),
            "bare": stack.enter_context(bench.application("bare", options=engine.options)),
        }
        if httpx.get(servers["gated"].url + ROUTE).status_code != 401:
            raise RuntimeError("the gated route answers without a session")
        # All three get the same headers: reading them is no cost of the gate's.
        headers = application.signed_in_headers()
        for server in servers.values():
            _check(server, headers)
            drive(server.url + ROUTE, headers, _SECONDS, _CONNECTIONS)
        rates: dict[str, list[float]] = {guise: [] for guise in servers}
        costs: dict[str, list[float]] = {guise: [] for guise in servers}
        while not _settled(rates):
            for guise, server in servers.items():
                before = seconds_used(server.pid)
                load = drive(server.url + ROUTE, headers, _SECONDS, _CONNECTIONS)
                rates[guise].append(load.rate)
                costs[guise].append((seconds_used(server.pid) - before) / load.requests * 1e6)
        _check(servers["gated"], headers)
    samples = _samples(rates)
    return Routes(samples["gated"], samples["idle"], samples["bare"], _notes(engine, costs))


def _samples(rates: Mapping[str, list[float]]) -> dict[str, Samples]:
    return {guise: Samples(tuple(values)) for guise, values in rates.items()}


def _settled(rates: Mapping[str, list[float]]) -> bool:
    """Whether further rounds would hardly move the ratios. On a quiet machine that is soon."""
    count = len(rates["gated"])
    if count < _LEAST_ROUNDS or count >= _MOST_ROUNDS:
        return count >= _MOST_ROUNDS
    samples = _samples(rates)
    ratios = [in_pairs(samples["gated"], samples[guise]) for guise in ("idle", "bare")]
    return all(ratio.uncertainty <= _UNCERTAINTY for ratio in ratios)


def _check(server: Application, headers: Headers) -> None:
    """Sees that the handler itself answers: refusals and redirects would be quick, and wrong."""
    answer = httpx.get(server.url + ROUTE, headers=dict(headers))
    if answer.status_code != 200 or answer.json() != {"expenses": 3}:
        raise RuntimeError(f"{server.url} answers {answer.status_code}: {answer.text[:500]}")


def _notes(engine: Engine, costs: Mapping[str, list[float]]) -> tuple[str, ...]:
    costed = ", ".join(f"{guise} {median(values):.0f} µs" for guise, values in costs.items())
    return (
        f"the server's processor time per request, which other processes disturb less: {costed}",
        f"uvicorn on {engine.name}, one worker; load by benches/native; where there are two processors, "
        "the server has one and the load the other",
    )
