"""A program that makes a gate, follows the feed, and forks: each process says how the feed fares for it.

It writes a line of JSON for each order on its standard input: `look` asks all of them that run, `kill` kills
the child that leads, `stop` stops it, and `go` lets it go on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from sharing import gate, told


def child(orders: Connection[dict[str, Any], None]) -> None:
    """Answers at once, as the first thing it does."""
    while True:
        orders.send({"pid": os.getpid(), **told(gate)})
        orders.recv()


def main() -> None:
    """Forks before anything follows the feed, as servers do, or after."""
    core = gate._core  # pyright: ignore[reportPrivateUsage]
    if "started" in sys.argv:
        core.start()
        deadline = time.monotonic() + 10
        while not core.ready and time.monotonic() < deadline:
            time.sleep(0.01)
    children: dict[int, Connection[Any, Any]] = {}
    stopped: dict[int, Connection[Any, Any]] = {}
    for _ in range(2):
        ours, theirs = Pipe()
        pid = os.fork()
        if not pid:
            try:
                core.start()
                child(theirs)
            finally:
                os._exit(1)
        children[pid] = ours
        print(json.dumps(ours.recv()), flush=True)
    for order in sys.stdin:
        answers: list[dict[str, Any]] = []
        if order.strip() == "go":
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
            children |= stopped
            stopped.clear()
        for pid, pipe in list(children.items()):
            pipe.send(None)
            answers.append(pipe.recv())
            if order.strip() == "kill" and answers[-1]["leading"]:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                del children[pid]
            elif order.strip() == "stop" and answers[-1]["leading"]:
                os.kill(pid, signal.SIGSTOP)
                stopped[pid] = children.pop(pid)
        print(json.dumps([*answers, told(gate)]), flush=True)
    for pid in [*children, *stopped]:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
