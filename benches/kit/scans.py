"""Programs that read a project's source from end to end, timed from their start to their end."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

from kit.bench import Bench
from kit.figures import Samples
from kit.tree import Tree, grow

_ROUNDS = 9


@dataclass(frozen=True)
class Reading:
    """What the rounds of one program gave."""

    rates: Samples
    """Lines per second."""
    memory: Samples
    """The most memory that it had resident, in MB."""


@dataclass(frozen=True)
class Readings:
    """What the rounds gave."""

    scan: Reading
    ruff: Reading
    tree: Tree


def readings(bench: Bench) -> Readings:
    """Rounds of the scan and of Ruff on a million lines, in turn."""
    tree = grow(bench.folder / "shop")
    scan = [
        str(bench.product.path / "bin" / "sealgate"),
        "routes",
        "scan",
        str(tree.folder),
        "--format",
        "json",
    ]
    # It parses every file and resolves every name in it, on all processors.
    ruff = [str(bench.peers.path / "bin" / "ruff"), "check", "--isolated", "--no-cache", "--quiet"]
    ruff += ["--select", "F821", str(tree.folder)]
    _check(tree, scan, ruff)
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    for _ in range(_ROUNDS):
        ours.append(_once(scan))
        theirs.append(_once(ruff))
    return Readings(_reading(tree, ours), _reading(tree, theirs), tree)


def _check(tree: Tree, scan: Sequence[str], ruff: Sequence[str]) -> None:
    """The right answer comes: each route, and which of them are open."""
    done = subprocess.run(scan, stdout=subprocess.PIPE, check=False)
    routes = [route for route in json.loads(done.stdout)["routes"] if route["kind"] == "http"]
    open_routes = [route for route in routes if route["evidence"] == "OPEN"]
    gated = [route for route in routes if route["evidence"] == "GATED-STATIC"]
    if (len(routes), len(open_routes), len(gated)) != (
        tree.routes,
        tree.open_routes,
        tree.routes - tree.open_routes,
    ):
        raise RuntimeError(
            f"the scan tells {len(routes)} routes, {len(open_routes)} open, {len(gated)} gated"
        )
    subprocess.run(ruff, check=True)


def _once(command: Sequence[str]) -> tuple[float, float]:
    """Seconds, and MB."""
    with tempfile.TemporaryFile() as told:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return seconds, used.ru_maxrss * 1024 / 1e6


def _reading(tree: Tree, rounds: Sequence[tuple[float, float]]) -> Reading:
    return Reading(
        Samples(tuple(tree.lines / seconds for seconds, _ in rounds)),
        Samples(tuple(memory for _, memory in rounds)),
    )
