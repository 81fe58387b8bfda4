"""An access token that the gate sees for the first time, signed with RS256, against its bare signature."""

from __future__ import annotations

from kit.bearer import first_seen
from kit.bench import Bench
from kit.figures import Figure


def measure(bench: Bench) -> Figure:
    """Median microseconds, Python call included; the reference verifies the signature and nothing else."""
    seen = first_seen(bench, "RS256")
    return Figure.of_costs(
        "bearer_first_seen_rs256",
        seen.gate,
        seen.floor,
        reference_name="raw aws-lc verify, RS256",
        unit="µs",
        notes=seen.notes,
    )
