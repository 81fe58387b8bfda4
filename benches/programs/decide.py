"""The gate's decision about a request with a real sealed session, as its ASGI layer asks for it."""

from __future__ import annotations

import sys
import threading

import rounds
from sealgate._core import Core

_READY_SECONDS = 10.0


def main() -> None:
    """Follows the control plane's feed, checks the decision, then serves rounds."""
    given = rounds.configuration()
    core = Core(**given["settings"])
    core.start()
    ready = threading.Event()
    core.wait_ready(_READY_SECONDS, lambda _: ready.set())
    ready.wait(_READY_SECONDS + 1)
    if not core.ready:
        sys.exit("the gate has no fresh revocation view")

    requirement = core.require(["user"])
    headers = [(name.encode(), value.encode()) for name, value in given["headers"]]

    # What the layer reads of every decision belongs to the call.
    def decide() -> object:
        decision = core.decide("http", "GET", "/expenses", b"", headers, requirement)
        if decision.outcome != 0 or decision.set_cookies:
            sys.exit(f"the session was not let in: {decision!r}")
        return decision.actor

    actor = decide()
    if getattr(actor, "email", None) != given["email"]:
        sys.exit("the decision names another user")
    rounds.serve(decide)
    core.stop()


main()
