"""An access token that the gate sees for the first time, signed with EdDSA, against its bare signature."""

from __future__ import annotations

from kit.bearer import first_seen
from kit.bench import Bench
from kit.figures import Figure


def measure(bench: Bench) -> Figure:
    """Median microseconds, Python call included; the reference verifies the signature and nothing else."""
    seen = first_seen(bench, "EdDSA")
    return Figure.of_costs(
        "bearer_first_seen",
        seen.gate,
        seen.floor,
        reference_name="raw aws-lc verify, EdDSA",
        unit="µs",
        notes=seen.notes,
    )
