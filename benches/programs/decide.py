"""The gate's decision about one request over and over, as its ASGI layer asks for it."""

from __future__ import annotations

import sys

import admitted
import rounds
from sealgate import Machine, User


def main() -> None:
    """Follows the control plane's feed, checks the decision, then serves rounds."""
    given = rounds.configuration()
    with admitted.gate(given["settings"], [given["kind"]]) as (core, requirement):
        scope = admitted.scope(given["headers"])
        expected = {"user": User, "machine": Machine}[given["kind"]]

        # What the layer reads of every decision belongs to the call.
        def decide() -> object:
            actor = core.admit(scope, requirement)
            if type(actor) is not expected:
                sys.exit(f"the request was not let in: {actor!r}")
            return actor

        actor = decide()
        if given["who"] not in (getattr(actor, "email", None), getattr(actor, "id", None)):
            sys.exit("the decision names another actor")
        rounds.serve(decide)


main()
