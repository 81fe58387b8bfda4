"""Running the scan, and what it told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PATIENCE = 60
"""Seconds after which a scan has failed."""


class ScanError(Exception):
    """The scan could not run."""


@dataclass(frozen=True)
class Route:
    """A route as the scan tells it."""

    app: str
    path: str
    methods: tuple[str, ...]
    kind: str
    endpoint: str | None
    evidence: str
    reason: str | None


@dataclass(frozen=True)
class Finding:
    """A finding as the scan tells it."""

    rule: str
    file: str
    message: str
    route: str | None


@dataclass(frozen=True)
class Scan:
    """What a scan told, and what it took."""

    routes: tuple[Route, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    lines: int
    """Of all Python files that were there."""
    seconds: float
    mebibytes: float
    """The most memory that it had resident."""


def scan(program: Path, folder: Path, *options: str) -> Scan:
    """Scans a folder. Findings are what is asked for here, so they are no failure."""
    command = [str(program), "routes", "scan", str(folder), "--format", "json", *options]
    with tempfile.TemporaryFile() as told:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=told, stdin=subprocess.DEVNULL)
        patience = threading.Timer(_PATIENCE, os.kill, (process.pid, signal.SIGKILL))
        patience.start()
        _, status, used = os.wait4(process.pid, 0)
        patience.cancel()
        seconds = time.perf_counter() - began
        # It was waited for already, with what it used.
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        text = told.read().decode()
    if process.returncode not in (0, 1):
        raise ScanError(f"`{' '.join(command)}` ended with {process.returncode} after {seconds:.1f} s")
    document: dict[str, Any] = json.loads(text)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Scan(
        routes=tuple(_route(route) for route in document["routes"]),
        findings=tuple(_finding(finding) for finding in document["findings"]),
        notes=tuple(str(note["text"]) for note in document["notes"]),
        lines=lines_in(folder),
        seconds=seconds,
        mebibytes=used.ru_maxrss / unit,
    )


def lines_in(folder: Path) -> int:
    """How many lines of Python there are."""
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.py") if path.is_file())


def _route(told: dict[str, Any]) -> Route:
    return Route(
        app=told["app"],
        path=told["path"],
        methods=tuple(told["methods"]),
        kind=told["kind"],
        endpoint=told["endpoint"],
        evidence=told["evidence"],
        reason=told["reason"],
    )


def _finding(told: dict[str, Any]) -> Finding:
    place, route = told["place"], told["route"]
    return Finding(
        rule=told["rule"],
        file=place["file"] if place else "",
        message=told["message"],
        route=f"{route['methods']} {route['path']}" if route else None,
    )
