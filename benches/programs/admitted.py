"""What the programs that time the gate share: a gate that follows its feed, and requests as ASGI has them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sealgate._core import Core

_READY_SECONDS = 10.0


@contextmanager
def gate(settings: Mapping[str, str], kinds: Sequence[str]) -> Generator[tuple[Core, int]]:
    """A gate with a fresh revocation view, and the number of "any actor of these kinds"."""
    # With a view that others keep fresh it would be ready before it has had the issuer's keys.
    core = Core(**{**settings, "shared_view": "off"})
    core.start()
    ready = threading.Event()
    core.wait_ready(_READY_SECONDS, lambda _: ready.set())
    ready.wait(_READY_SECONDS + 1)
    if not core.ready:
        sys.exit("the gate has no fresh revocation view")
    try:
        yield core, core.require(list(kinds))
    finally:
        core.stop()


def scope(headers: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A request for the route."""
    return {
        "type": "http",
        "method": "GET",
        "path": "/expenses",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
