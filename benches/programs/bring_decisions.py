"""Brings batches of decisions to a control plane, as a gate does, as fast as it takes them.

Arguments in JSON on standard input: `url`, `authorization`, `seconds`, `connections`, `rows`. It prints how
many decisions were answered 200, how many batches, and the seconds it took.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

MEDIA_TYPE = "application/vnd.sealgate.decisions+cbor"


def head(major: int, value: int) -> bytes:
    """The head of a CBOR item."""
    for limit, info, size in ((24, value, 0), (1 << 8, 24, 1), (1 << 16, 25, 2), (1 << 32, 26, 4)):
        if value < limit:
            return bytes([major << 5 | info]) + (value.to_bytes(size, "big") if size else b"")
    return bytes([major << 5 | 27]) + value.to_bytes(8, "big")


def item(value: int | bytes | str | Any) -> bytes:
    """A CBOR item."""
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return head(3, len(text)) + text
    return head(4, len(value)) + b"".join(item(one) for one in value)  # type: ignore[arg-type]


def tail_of(rows: int, made_at: int) -> bytes:
    """What follows the sequence in a batch of refusals of fifty users at twenty routes, with a trace each."""
    texts = ["refused", "user", "bearer", "GET", "http", "203.0.113.0/24", "app", "scope_missing"]
    routes = [f"/things/{{id}}/part{number}" for number in range(20)]
    users = [f"01928e2a-7c00-7000-8000-{number:012d}" for number in range(50)]
    sessions = [f"01928e2b-7c00-7000-9000-{number:012d}" for number in range(50)]
    texts = [*texts, *routes, *users, *sessions]
    number = {text: index + 1 for index, text in enumerate(texts)}
    who = [index % 50 for index in range(rows)]
    columns: list[object] = [
        [index % 1000 for index in range(rows)],
        0,
        1,
        1,
        403,
        number["scope_missing"],
        number["user"],
        [number[users[one]] for one in who],
        0,
        number["app"],
        number["bearer"],
        [number[sessions[one]] for one in who],
        0,
        [number[routes[index % 20]] for index in range(rows)],
        number["GET"],
        number["http"],
        0,
        0,
        number["203.0.113.0/24"],
    ]
    rest: list[object] = [texts, rows, made_at - 1000, columns, os.urandom(16 * rows), [0]]
    return item("bench") + item(made_at) + b"".join(item(part) for part in rest)  # type: ignore[arg-type]


def main() -> None:
    """Brings them on several connections, each as a process of a gate of its own."""
    given: dict[str, Any] = json.load(sys.stdin)
    url = urlsplit(str(given["url"]))
    rows = int(given["rows"])
    tail = tail_of(rows, int(time.time() * 1000))
    until = time.monotonic() + float(given["seconds"])
    taken = [0] * int(given["connections"])

    def bring(index: int) -> None:
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 80)
        front = bytes([0x8C, 1, 1]) + item(os.urandom(16))
        headers = {"authorization": given["authorization"], "content-type": MEDIA_TYPE}
        sequence = 0
        while time.monotonic() < until:
            sequence += 1
            connection.request("POST", url.path, front + item(sequence) + tail, headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                sys.exit(f"{answer.status}: {body!r}")
            taken[index] += 1

    began = time.monotonic()
    threads = [threading.Thread(target=bring, args=(index,)) for index in range(len(taken))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    print(json.dumps({"batches": sum(taken), "decisions": sum(taken) * rows, "seconds": seconds}))


main()
