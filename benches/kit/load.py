"""Load on one URL from a second process: `wrk` where it is installed, else a client of our own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from kit.processors import load_processors
from kit.timed import PROGRAMS

CONNECTIONS = 32

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Load:
    """What a span of load led to."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def generator() -> str:
    """What makes the load, in words for the notes."""
    return "wrk" if shutil.which("wrk") else "benches/programs/load.py (wrk is not installed)"


def drive(url: str, headers: Headers, seconds: int) -> Load:
    """Keeps 32 connections busy with `GET url` for so many whole seconds.

    Raises `RuntimeError` when any answer failed: a refusal is quicker than an answer and must not count.
    """
    wrk = shutil.which("wrk")
    if wrk:
        command = [wrk, "-t1", "-s", str(PROGRAMS / "report.lua")]
    else:
        command = [sys.executable, str(PROGRAMS / "load.py")]
    fields = [part for name, value in headers for part in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        [*command, f"-c{CONNECTIONS}", f"-d{seconds}", *fields, url],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, load_processors()),
    )
    if done.returncode != 0:
        raise RuntimeError(f"the load failed: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    report = json.loads(done.stdout.strip().splitlines()[-1])
    if report["failed"] or not report["requests"]:
        raise RuntimeError(f"{report['failed']} of {report['requests']} requests to {url} failed")
    return Load(report["requests"], report["seconds"])
