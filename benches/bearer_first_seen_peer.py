"""An access token that the gate sees for the first time, against PyPI's fastest library with a Rust core."""

from __future__ import annotations

from kit.bearer import first_seen
from kit.bench import Bench
from kit.figures import Figure


def measure(bench: Bench) -> Figure:
    """Median microseconds. The library checks signature, issuer, audience and times, the gate more."""
    seen = first_seen(bench, "EdDSA")
    return Figure.of_costs(
        "bearer_first_seen_peer",
        seen.gate,
        seen.peer,
        reference_name="oxyjwt.decode()",
        unit="µs",
        notes=seen.notes,
    )
