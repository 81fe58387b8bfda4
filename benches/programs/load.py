"""Load on one URL where `wrk` is missing: raw sockets, one request under way on each connection.

It takes the options of wrk that the harness uses, and prints the same last line.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import time
from typing import cast
from urllib.parse import urlsplit


def main() -> None:
    """Reads the arguments, loads, and prints the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-c", dest="connections", type=int, required=True)
    parser.add_argument("-d", dest="seconds", type=float, required=True)
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("url")
    given = parser.parse_args()
    where = urlsplit(str(given.url))
    lines = [f"GET {where.path} HTTP/1.1", f"Host: {where.netloc}", *given.headers, "", ""]
    request = "\r\n".join(lines).encode()
    address = (where.hostname or "", where.port or 80)
    requests, failed, seconds = load(address, request, given.connections, given.seconds)
    print(json.dumps({"requests": requests, "failed": failed, "seconds": seconds}))


def load(
    address: tuple[str, int], request: bytes, connections: int, seconds: float
) -> tuple[int, int, float]:
    """Sends `request` on every connection, again as soon as it is answered."""
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        connection = socket.create_connection(address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        selector.register(connection, selectors.EVENT_READ, bytearray())
    requests = failed = 0
    began = time.perf_counter()
    until = began + seconds
    while (now := time.perf_counter()) < until and selector.get_map():
        for key, _ in selector.select(until - now):
            connection, waiting = cast("socket.socket", key.fileobj), cast("bytearray", key.data)
            piece = connection.recv(65536)
            waiting += piece
            whole = is_whole(waiting)
            if whole or not piece:
                requests += 1
                failed += not waiting.startswith(b"HTTP/1.1 200 ")
                waiting.clear()
            if not piece:
                selector.unregister(connection)
                connection.close()
            elif whole:
                connection.sendall(request)
    return requests, failed, time.perf_counter() - began


def is_whole(answer: bytearray) -> bool:
    """Whether the answer is there to the end. The application sends its length with each."""
    head, gap, body = answer.partition(b"\r\n\r\n")
    if not gap:
        return False
    length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
    return len(body) >= int(length or 0)


if __name__ == "__main__":
    main()
