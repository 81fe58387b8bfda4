"""From a revocation's request until the last of a hundred gates refuses, against a bare server that tells a
hundred bare readers.
"""

from __future__ import annotations

import time
from statistics import median, quantiles

import httpx
from kit import feeds
from kit.bench import Bench
from kit.figures import Figure, Samples
from kit.timed import Round, Timed, medians

_ROUNDS = 5
_EACH = 100
"""Revocations of one round."""


def measure(bench: Bench) -> Figure:
    """The 99th percentile in milliseconds, round by round. Each gate is of a client of its own, for which the
    control plane signs a message of its own, and has its own connection and view; all are in one process,
    which asks them again and again until they refuse.
    """
    plane = bench.control_plane
    machine = feeds.Machine.on(plane)
    gates = [machine.gate(number) for number in range(100)]
    notes: list[str] = []
    rounds: list[Round] = []
    bare: list[float] = []
    for count in (1, 10):
        some = _gates(bench, machine, gates[:count], rounds=2)
        notes.append(_note(f"{count} gates" if count > 1 else "1 gate", some))
    with (
        feeds.bare_server(bench.folder / "broadcast") as address,
        _timed(bench, machine, gates, _ROUNDS) as ours,
        feeds.Subscribers(address, "/feed/events", ["Basic bare"]) as readers,
        feeds.caller(f"http://{address}") as http,
    ):
        readers.open(len(gates))
        for _ in range(_ROUNDS):
            rounds.append(ours.round())
            taken = [readers.revoke(http, token)[1] for token in feeds.bare_tokens(_EACH)]
            bare.append(quantiles(taken, n=100)[98])
    notes.append(_note("100 gates", rounds))
    notes.append(f"a plain round trip to the control plane: median {_round_trip(plane.issuer):.2f} ms")
    return Figure.of_costs(
        "revoke_to_denial",
        Samples(tuple(one.p99 / 1e3 for one in rounds)),
        Samples(tuple(bare)),
        reference_name="fsynced row + bare broadcast",
        unit="ms",
        notes=notes,
    )


def _note(who: str, rounds: list[Round]) -> str:
    half, tail = medians(rounds).middle / 1e3, max(one.p99 for one in rounds) / 1e3
    return (
        f"{who}, {len(rounds) * _EACH} revocations: median {half:.2f} ms, worst 99th percentile {tail:.2f} ms"
    )


def _timed(bench: Bench, machine: feeds.Machine, gates: list[dict[str, str]], rounds: int) -> Timed:
    plane = machine.plane
    host, _, port = feeds.address_of(plane).rpartition(":")
    given = {
        "gates": gates,
        "tokens": machine.tokens((rounds + 1) * _EACH),
        "each": _EACH,
        "revoker": {"host": host, "port": int(port), "authorization": machine.authorization},
    }
    return Timed(bench.product, "gates.py", given)


def _gates(bench: Bench, machine: feeds.Machine, gates: list[dict[str, str]], rounds: int) -> list[Round]:
    with _timed(bench, machine, gates, rounds) as timed:
        return [timed.round() for _ in range(rounds)]


def _round_trip(issuer: str) -> float:
    taken: list[float] = []
    with httpx.Client(base_url=issuer) as http:
        for _ in range(200):
            began = time.perf_counter()
            http.get("/health").raise_for_status()
            taken.append((time.perf_counter() - began) * 1e3)
    return median(taken)
