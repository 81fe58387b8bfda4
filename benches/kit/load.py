"""Load on one address from a process of its own, on another processor than the server's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from kit import environments
from kit.processors import load_processors

CONNECTIONS = 64

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Load:
    """What a span of load led to."""

    requests: int
    seconds: float
    p50: float
    """Milliseconds until half of the answers were there."""
    p99: float
    """Milliseconds until 99 of 100 were."""
    tokens: Sequence[str] = ()
    """What each connection holds now, where each answer's token is spent with the next request."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Plan:
    """What is sent: benches/native/src/load/plan.rs says what each field means."""

    address: str
    head: str
    body: str = ""
    connections: int = CONNECTIONS
    seconds: float = 1.0
    expect: Sequence[int] = (200,)
    tokens: Sequence[str] = field(default=(), repr=False)
    chain: str = ""
    cycle: Sequence[str] = field(default=(), repr=False)
    rate: float | None = None
    come_back_after: float | None = None


def request(method: str, url: str, headers: Headers, body: str = "") -> Plan:
    """A plan that sends one request over and over."""
    where = urlsplit(url)
    lines = [f"{method} {where.path} HTTP/1.1", f"host: {where.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return Plan(where.netloc, "".join(f"{line}\r\n" for line in lines), body)


def drive(url: str, headers: Headers, seconds: float, connections: int = CONNECTIONS) -> Load:
    """Keeps the connections busy with `GET url` for so many seconds."""
    plan = request("GET", url, headers)
    return run(Plan(plan.address, plan.head, seconds=seconds, connections=connections))


def run(plan: Plan) -> Load:
    """Carries the plan out.

    Raises `RuntimeError` when any answer failed: a refusal is quicker than an answer and must not count.
    """
    with begin(plan) as process:
        output, errors = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the load failed: {errors[-2000:]}")
    report = json.loads(output)
    if report["failed"] or not report["requests"]:
        what = f"{report['failed']} of {report['requests']} requests to {plan.address} failed"
        raise RuntimeError(f"{what}: {report['failure']}")
    p50, p99 = report["p50"] / 1e3, report["p99"] / 1e3
    return Load(report["requests"], report["seconds"], p50, p99, report["tokens"])


def begin(plan: Plan) -> subprocess.Popen[str]:
    """Starts carrying the plan out; the report comes on stdout."""
    process = subprocess.Popen(
        [str(environments.native() / "load")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, load_processors()),
    )
    if process.stdin is not None:
        process.stdin.write(json.dumps(asdict(plan)))
        process.stdin.close()
        process.stdin = None  # So that `communicate` does not write to it.
    return process
