"""Many gates in one process, each with a feed of its own: how long it takes from a revocation's request until
the last of them refuses.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import time
from statistics import quantiles
from typing import Any

import admitted
import rounds
from sealgate import Machine

_PAUSE = 1e-4
"""Seconds between two looks at every gate: looking all the time would take one processor from the others."""


def main() -> None:
    """Starts the gates, then serves rounds: each with tokens of its own."""
    given = rounds.configuration()
    with contextlib.ExitStack() as stack:
        settings: list[dict[str, str]] = given["gates"]
        # Otherwise those of one application would share a view.
        gates = [
            stack.enter_context(admitted.gate({**one, "shared_view": "off"}, ["machine"])) for one in settings
        ]
        control_plane = stack.enter_context(_Revoker(**given["revoker"]))
        tokens: list[str] = given["tokens"]
        each: int = given["each"]
        _round(gates, control_plane, tokens[:each])  # Caches fill and code warms before anything counts.
        at = each
        print(json.dumps({"ready": True}), flush=True)
        for _ in sys.stdin:
            taken = _round(gates, control_plane, tokens[at : at + each])
            at += each
            cuts = quantiles(taken, n=100)
            print(json.dumps({"median": cuts[49], "p99": cuts[98], "calls": len(taken)}), flush=True)


class _Revoker:
    """Gives tokens up (RFC 7009), on one connection that is there already."""

    def __init__(self, host: str, port: int, authorization: str) -> None:
        self._head = (
            f"POST /oauth/revoke HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: {authorization}\r\n"
        )
        self._head += "content-type: application/x-www-form-urlencoded\r\n"
        self._connection = socket.create_connection((host, port), timeout=10)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, token: str) -> None:
        """Sends the request, and waits for nothing."""
        body = f"token={token}"
        self._connection.sendall(f"{self._head}content-length: {len(body)}\r\n\r\n{body}".encode())

    def answered(self) -> None:
        """Ends the program unless the answer is that it was done."""
        answer = self._connection.recv(65536)
        if not answer.startswith(b"HTTP/1.1 200 "):
            sys.exit(f"the revocation was answered {answer[:200]!r}")

    def __enter__(self) -> _Revoker:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _round(gates: list[tuple[Any, int]], control_plane: _Revoker, tokens: list[str]) -> list[float]:
    """Revokes one after the other; the microseconds until the last gate refused each."""
    if not tokens:
        sys.exit("no token is left for a round")
    taken: list[float] = []
    for token in tokens:
        scope = admitted.scope([("host", "127.0.0.1"), ("authorization", f"Bearer {token}")])
        for core, requirement in gates:
            if type(core.admit(scope, requirement)) is not Machine:
                sys.exit("a gate refuses a token that is good")
        began = time.perf_counter_ns()
        control_plane.ask(token)
        waiting = gates
        while waiting:
            time.sleep(_PAUSE)
            waiting = [one for one in waiting if type(one[0].admit(scope, one[1])) is Machine]
        taken.append((time.perf_counter_ns() - began) / 1e3)
        denial = gates[-1][0].admit(scope, gates[-1][1])
        if denial.reason != "token_revoked":
            sys.exit(f"the gate refuses the token for another reason: {denial.reason}")
        control_plane.answered()
    return taken


main()
