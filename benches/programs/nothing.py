"""A program that times nothing: what an interpreter and the protocol of rounds take by themselves."""

from __future__ import annotations

import rounds


def main() -> None:
    """Serves rounds of an empty call."""
    rounds.configuration()
    rounds.serve(lambda: None)


main()
