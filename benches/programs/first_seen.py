"""The gate's decision about access tokens that it has not seen before, as its ASGI layer asks for it."""

from __future__ import annotations

import sys

import admitted
import rounds
from sealgate import Machine


def main() -> None:
    """Checks the decision on a token, then serves rounds of fresh ones."""
    given = rounds.configuration()
    with admitted.gate(given["settings"], ["machine"]) as (core, requirement):

        def decide(token: str) -> object:
            actor = core.admit(admitted.scope([("authorization", f"Bearer {token}")]), requirement)
            if type(actor) is not Machine:
                sys.exit(f"the token was not let in: {actor!r}")
            return actor

        first, *tokens = given["tokens"]
        if getattr(decide(first), "id", None) != given["client"]:
            sys.exit("the decision names another machine")
        for token in tokens[: given["each"] - 1]:
            decide(token)  # Caches fill and code warms before anything counts.
        rounds.serve_each(decide, tokens[given["each"] - 1 :], given["each"])


main()
