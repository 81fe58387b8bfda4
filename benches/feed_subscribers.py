"""A thousand subscribers of one control plane, against a bare server that tells a thousand bare readers."""

from __future__ import annotations

import resource
import time

from kit import feeds
from kit.bench import Bench
from kit.figures import Figure, Samples
from kit.processors import memory, seconds_used
from kit.servers import control_plane

_CLIENTS = 10
_FEW, _MANY = 100, 1_000
_ROUNDS, _EACH = 5, 20
_PAUSE = 0.6
"""Seconds between two revocations, so that they come over a minute."""

_WARMING = 50
"""Revocations before anything counts: what is kept for use again is there by then."""

_GROWTH = 1.1
"""More memory than this after the minute, compared with before it, is not steady."""


def measure(bench: Bench) -> Figure:
    """Milliseconds until all of them have a revocation: the slowest of twenty, round by round."""
    _allow_descriptors(2 * _MANY + 256)
    notes: list[str] = []
    ours: list[float] = []
    theirs: list[float] = []
    with control_plane(bench.folder / "subscribed") as plane:
        machine = feeds.Machine.on(plane)
        clients = [
            feeds.add(plane, f"subscriber-{number}", "https://app.example/callback")
            for number in range(_CLIENTS)
        ]
        headers = [feeds.basic(client) for client in clients]
        target = feeds.place(plane, clients[0])
        with (
            feeds.Subscribers(feeds.address_of(plane), target, headers) as readers,
            feeds.caller(plane.issuer, machine.authorization) as http,
        ):
            warming, tokens = machine.tokens(_WARMING), machine.tokens(_ROUNDS * _EACH)
            alone = memory(plane.pid)
            readers.open(_FEW)
            time.sleep(2)
            few = memory(plane.pid)
            readers.open(_MANY - _FEW)
            for token in warming:
                readers.revoke(http, token)
                time.sleep(_PAUSE)
            used, began = seconds_used(plane.pid), time.monotonic()
            time.sleep(10)
            beating = (seconds_used(plane.pid) - used) / (time.monotonic() - began)
            many, began = memory(plane.pid), time.monotonic()
            at = [many]
            for number in range(_ROUNDS):
                worst = 0.0
                for token in tokens[number * _EACH : (number + 1) * _EACH]:
                    worst = max(worst, readers.revoke(http, token)[1])
                    time.sleep(_PAUSE)
                ours.append(worst)
                at.append(memory(plane.pid))
            minutes = (time.monotonic() - began) / 60
    if at[-1] > _GROWTH * many:
        raise RuntimeError(f"the memory of the control plane is not steady: MiB {at}")
    with (
        feeds.bare_server(bench.folder / "bare") as address,
        feeds.Subscribers(address, "/feed/events", ["Basic bare"]) as readers,
        feeds.caller(f"http://{address}") as http,
    ):
        readers.open(_MANY)
        for _ in range(_ROUNDS):
            theirs.append(max(readers.revoke(http, token)[1] for token in feeds.bare_tokens(_EACH)))
    each = (many - few) * 1024 / (_MANY - _FEW)
    slope = (at[-1] - at[0]) / minutes
    notes.append(
        f"resident memory of the control plane: {alone:.1f} MiB alone, {few:.1f} with {_FEW} subscribers, "
        f"{many:.1f} with {_MANY:,} ({each:.1f} KiB each), {at[-1]:.1f} after {minutes:.1f} minutes and "
        f"{_ROUNDS * _EACH} revocations: {slope:+.2f} MiB a minute"
    )
    notes.append(f"heartbeats to {_MANY:,} subscribers take {beating:.1%} of one processor")
    return Figure.of_costs(
        "feed_subscribers",
        Samples(tuple(ours)),
        Samples(tuple(theirs)),
        reference_name="fsynced row + bare broadcast",
        unit="ms",
        notes=notes,
    )


def _allow_descriptors(number: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        raise RuntimeError(f"{number} descriptors are needed, and this machine allows {hard}")
    if soft != resource.RLIM_INFINITY and soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
